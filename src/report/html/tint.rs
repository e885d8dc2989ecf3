//! Colours as the page names them: each is a variable with a value for light paper and one for dark.

use std::collections::BTreeMap;

use crate::report::document::{Block, Document};
use crate::report::page::{Page, Panel};
use crate::report::palette::{BLUE, Colour, GREY, INK, ORANGE, SKY, VERMILLION};

/// The variable of a colour, as a style refers to it.
pub(super) fn var(colour: Colour) -> String {
    match colour {
        INK => "var(--ink)".to_owned(),
        GREY => "var(--grey)".to_owned(),
        _ => format!("var({})", name(colour)),
    }
}

fn name(Colour(red, green, blue): Colour) -> String {
    format!("--c{red:02x}{green:02x}{blue:02x}")
}

/// The declarations of all colours of a document, for light paper and for dark.
pub(super) fn declarations(document: &Document) -> [String; 2] {
    let mut all = BTreeMap::new();
    let mut add = |colour: Colour| {
        all.insert(name(colour), colour);
    };
    // What textures are made of.
    [VERMILLION, ORANGE, SKY].into_iter().for_each(&mut add);
    for block in document.sections.iter().flat_map(|section| section.blocks()) {
        if let Block::Figure(figure) = block {
            of_page(&figure.page, &mut add);
        }
    }
    let write = |show: fn(Colour) -> Colour| {
        let one = |(name, colour): (&String, &Colour)| {
            let Colour(red, green, blue) = show(*colour);
            format!("{name}:#{red:02x}{green:02x}{blue:02x};")
        };
        all.iter().map(one).collect::<String>()
    };
    [write(|colour| colour), write(Colour::on_dark)]
}

fn of_page(page: &Page, add: &mut impl FnMut(Colour)) {
    for panel in &page.panels {
        match panel {
            Panel::Plot(plot) => {
                plot.areas.iter().for_each(|area| add(area.colour));
                plot.lines.iter().for_each(|line| add(line.stroke.colour));
                plot.legend.iter().filter_map(|entry| entry.stroke).for_each(|s| add(s.colour));
                if !plot.boxes.is_empty() {
                    add(BLUE);
                }
            }
            Panel::Strips(_) => {}
            Panel::Heat(_) => add(BLUE),
            Panel::Scatter(scatter) => {
                [BLUE, VERMILLION].into_iter().for_each(&mut *add);
                scatter.line.iter().for_each(|line| add(line.stroke.colour));
            }
            Panel::Bars(bars) => bars.rows.iter().for_each(|row| add(row.colour)),
            Panel::Small(small) => {
                small.behind.iter().for_each(|line| add(line.stroke.colour));
                small.plots.iter().for_each(|plot| add(plot.line.stroke.colour));
            }
        }
    }
}
