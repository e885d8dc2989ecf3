//! Why a decision fell as it did: everything it hung on as plain data, and what would have flipped it.
//!
//! [`Inputs`] are noted from the engine without changing it; choosing from them walks the path of
//! [`Engine::decide`](super::Engine::decide) itself, so that what is printed gives the same choice again.
//! Allocates and takes the control lock: for people and incidents, not for the path of requests.

mod flip;
mod inputs;

pub use flip::{Flip, Lever};
pub use inputs::{Inputs, ProviderInput, RouteInput, Windowed};

use super::balancer::Engine;
use super::choice::{Choice, How, SCAN, choose};
use super::identity::{Need, NoRoute};
use super::luck::{mix, unit};
use super::select::Table;
use super::time::Time;

/// A decision explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Everything it hung on.
    pub inputs: Inputs,
    /// What was chosen.
    pub choice: Result<Chosen, NoRoute>,
    /// Every draw, in order; the last of them is the one that counted.
    pub drawings: Vec<Drawing>,
    /// The probability of each route of [`Inputs::routes`] for this need, as published.
    pub published: Vec<f64>,
    /// The same renormalised over what could take the request.
    pub usable: Vec<f64>,
}

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Index into [`Inputs::routes`].
    pub route: usize,
    /// How the decision came to it.
    pub how: How,
    /// Whether it was drawn to learn about it.
    pub explores: bool,
}

/// One draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawing {
    /// The column of the alias table, and how many there are; 0 of 0 for the exact scan.
    pub column: u32,
    /// How many columns there are.
    pub columns: u32,
    /// The height in the column (or the point on the line of the exact scan), in [0, 1).
    pub height: f64,
    /// Below it the column gives its own route, else the other; 1 for the exact scan.
    pub keep: f64,
    /// Index of the route drawn.
    pub route: usize,
    /// What came of it.
    pub fate: Fate,
}

/// What came of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was taken.
    Taken,
    /// The request had tried that route.
    Tried,
    /// The route was excluded meanwhile.
    Excluded,
    /// Its key was held meanwhile.
    Held,
}

impl Fate {
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Tried => "tried already",
            Self::Excluded => "excluded",
            Self::Held => "key held",
        }
    }
}

impl How {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "check of a held key",
            Self::Drawn { redraws: 0 } => "drawn",
            Self::Drawn { .. } => "drawn again",
            Self::Scanned => "exact draw over what was left",
            Self::FailedOpen => "all excluded: the first to come back",
        }
    }
}

impl Engine {
    /// Explains what [`decide`](Self::decide) gives for these arguments at this moment; decides nothing. A
    /// model without any route gives an explanation without candidates.
    pub fn explain(&self, now: Time, need: &Need<'_>, luck: u64) -> Explanation {
        Inputs::note(self, now, need, luck).explain()
    }
}

impl Inputs {
    /// Chooses from what was noted: the same function of the same inputs, whoever holds them.
    ///
    /// # Errors
    /// [`NoRoute`], as the engine.
    pub fn choose(&self) -> Result<Chosen, NoRoute> {
        let (table, _) = self.tables();
        self.choose_from(&table).map(|choice| self.named(choice))
    }

    /// The whole explanation.
    pub fn explain(self) -> Explanation {
        let (table, published) = self.tables();
        let choice = self.choose_from(&table);
        let drawings = self.drawings(&table, choice.as_ref().ok());
        let open: Vec<bool> =
            self.routes.iter().map(|route| !route.tried && self.admits(route)).collect();
        let total: f64 =
            published.iter().zip(&open).filter(|(_, open)| **open).map(|(p, _)| p).sum();
        let usable = published
            .iter()
            .zip(&open)
            .map(|(p, open)| if *open && total > 0.0 { p / total } else { 0.0 })
            .collect();
        let choice = choice.map(|choice| self.named(choice));
        Explanation { choice, drawings, published, usable, inputs: self }
    }

    fn named(&self, choice: Choice) -> Chosen {
        Chosen { route: choice.slot as usize, how: choice.how, explores: choice.flag != 0 }
    }

    fn choose_from(&self, table: &Table) -> Result<Choice, NoRoute> {
        let checks = self.checks();
        choose(self, self.field(table, &checks), self.at, self.luck, |_, _| {})
    }

    fn drawings(&self, table: &Table, choice: Option<&Choice>) -> Vec<Drawing> {
        let checks = self.checks();
        let mut drawings = Vec::new();
        let _ = choose(self, self.field(table, &checks), self.at, self.luck, |redraw, drawn| {
            let look = table.look(mix(self.luck, redraw)).expect("it was drawn from");
            let route = drawn.slot() as usize;
            let noted = &self.routes[route];
            let fate = match (self.admits(noted), noted.tried) {
                (true, false) => Fate::Taken,
                (true, true) => Fate::Tried,
                (false, _) if noted.refused => Fate::Held,
                (false, _) => Fate::Excluded,
            };
            let (column, columns) = (look.column, look.columns);
            drawings.push(Drawing {
                column,
                columns,
                height: look.height,
                keep: look.keep,
                route,
                fate,
            });
        });
        if let Some(Choice { slot, how: How::Scanned, .. }) = choice {
            drawings.push(Drawing {
                column: 0,
                columns: 0,
                height: unit(mix(self.luck, SCAN)),
                keep: 1.0,
                route: *slot as usize,
                fate: Fate::Taken,
            });
        }
        drawings
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
