//! Colours: the set of Okabe and Ito (2008), which people with any colour vision can tell apart.

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// Text and axes.
pub const INK: Colour = Colour(34, 34, 34);
/// Less important text, and quantities that stand in the background.
pub const GREY: Colour = Colour(110, 110, 110);
/// Grid lines.
pub const GRID: Colour = Colour(226, 226, 226);
/// Time within a fault.
pub const SHADE: Colour = Colour(238, 236, 230);
/// The page.
pub const PAPER: Colour = Colour(255, 255, 255);

/// Blue.
pub const BLUE: Colour = Colour(0, 114, 178);
/// Orange.
pub const ORANGE: Colour = Colour(230, 159, 0);
/// Bluish green.
pub const GREEN: Colour = Colour(0, 158, 115);
/// Vermillion.
pub const VERMILLION: Colour = Colour(213, 94, 0);
/// Reddish purple.
pub const PURPLE: Colour = Colour(204, 121, 167);
/// Sky blue.
pub const SKY: Colour = Colour(86, 180, 233);

/// Colours for things of one kind, in order; yellow is left out, it is lost on white.
pub const SERIES: [Colour; 7] = [VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY, INK];

impl Colour {
    /// Mixed with white: 0 is the colour itself, 1 is white.
    pub fn lighter(self, part: f64) -> Self {
        let mix = |channel: u8| (f64::from(channel) + (255.0 - f64::from(channel)) * part) as u8;
        Self(mix(self.0), mix(self.1), mix(self.2))
    }

    /// Mixed with black: 0 is the colour itself, 1 is black.
    pub fn darker(self, part: f64) -> Self {
        let mix = |channel: u8| (f64::from(channel) * (1.0 - part)) as u8;
        Self(mix(self.0), mix(self.1), mix(self.2))
    }

    /// The same on dark paper: mixed with white, dark colours more than light ones, so that each stands out
    /// and their order by brightness stays.
    pub fn on_dark(self) -> Self {
        let bright =
            (0.2126 * f64::from(self.0) + 0.7152 * f64::from(self.1)) + 0.0722 * f64::from(self.2);
        self.lighter(((70.0 - 0.25 * bright) / (255.0 - bright).max(1.0)).clamp(0.0, 1.0))
    }

    /// Blue from hardly any to as dark as ink on it can be read, `part` from 0 to 1.
    pub fn heat(part: f64) -> Self {
        BLUE.lighter(1.0 - 0.62 * part.clamp(0.0, 1.0))
    }

    /// Shade `index` of `count` of this colour, from dark to light.
    pub fn shade(self, index: usize, count: usize) -> Self {
        let at = if count < 2 { 0.4 } else { index as f64 / (count as f64 - 1.0) };
        if at < 0.4 { self.darker((0.4 - at) * 1.1) } else { self.lighter((at - 0.4) * 0.85) }
    }
}
