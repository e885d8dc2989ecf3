//! The values behind a figure as CSV: one row a point, a bar or a state.

use super::page::{Bars, Heat, Length, Page, Panel, Plot, Scatter, SmallPlots, Strips};

const HEADER: [&str; 7] = ["panel", "series", "x", "y", "low", "high", "text"];

/// Panel, series, x, y, ends of the interval, and the value in words; empty where there is none.
pub fn csv(page: &Page) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut rows: Vec<[String; 7]> = vec![HEADER.map(str::to_owned)];
    for panel in &page.panels {
        match panel {
            Panel::Plot(plot) => self::plot(plot, &mut rows),
            Panel::Strips(strips) => self::strips(strips, &mut rows),
            Panel::Bars(bars) => self::bars(bars, &mut rows),
            Panel::Small(small) => self::small(small, &mut rows),
            Panel::Heat(heat) => self::heat(heat, &mut rows),
            Panel::Scatter(scatter) => self::scatter(scatter, &mut rows),
        }
    }
    for row in rows {
        writer.write_record(row).expect("rows are as long as the header");
    }
    writer.into_inner().expect("what is written into memory is written")
}

fn number(value: f64) -> String {
    crate::record::significant(value).to_string()
}

fn plot(plot: &Plot, rows: &mut Vec<[String; 7]>) {
    let panel = &plot.heading;
    let none = String::new;
    for line in &plot.lines {
        let interval = plot.areas.iter().find(|area| area.faint && area.name == line.name);
        for (x, y) in line.pieces.iter().flatten() {
            let around = interval.and_then(|area| area.points.iter().find(|point| point.0 == *x));
            let [low, high] = around.map_or([none(), none()], |p| [number(p.1), number(p.2)]);
            rows.push([
                panel.clone(),
                line.name.clone(),
                number(*x),
                number(*y),
                low,
                high,
                none(),
            ]);
        }
    }
    for area in plot.areas.iter().filter(|area| !area.faint) {
        for (x, low, high) in &area.points {
            let (name, height) = (area.name.clone(), number(high - low));
            rows.push([
                panel.clone(),
                name,
                number(*x),
                height,
                number(*low),
                number(*high),
                none(),
            ]);
        }
    }
    for (left, right, height) in &plot.boxes {
        let (name, x) = ("box".to_owned(), number((left + right) / 2.0));
        rows.push([panel.clone(), name, x, number(*height), number(*left), number(*right), none()]);
    }
}

fn strips(strips: &Strips, rows: &mut Vec<[String; 7]>) {
    for strip in &strips.rows {
        for piece in &strip.pieces {
            let parts = [
                ("failed", piece.failed),
                ("degraded", piece.degraded),
                ("recovering", piece.recovering),
            ];
            for (state, part) in parts.into_iter().filter(|(_, part)| *part > 0.0) {
                let [from, to] = [number(piece.from), number(piece.to)];
                let (panel, name) = (strips.heading.clone(), strip.name.clone());
                rows.push([panel, name, from.clone(), number(part), from, to, state.to_owned()]);
            }
        }
    }
}

fn bars(bars: &Bars, rows: &mut Vec<[String; 7]>) {
    for bar in &bars.rows {
        let length = match bar.length {
            Length::Known(length) | Length::Open(length) => number(length),
            Length::None => String::new(),
        };
        let ends = bar.interval.map(|(low, high)| [number(low), number(high)]);
        let [low, high] = ends.unwrap_or_default();
        let (panel, name) = (bars.heading.clone(), bar.name.clone());
        rows.push([panel, name, String::new(), length, low, high, bar.text.clone()]);
    }
}

fn small(small: &SmallPlots, rows: &mut Vec<[String; 7]>) {
    let none = String::new;
    for plot in &small.plots {
        for (x, y) in plot.line.pieces.iter().flatten() {
            let (panel, name) = (small.heading.clone(), plot.name.clone());
            rows.push([panel, name, number(*x), number(*y), none(), none(), none()]);
        }
    }
}

fn heat(heat: &Heat, rows: &mut Vec<[String; 7]>) {
    let none = String::new;
    for (y, cells) in heat.rows.iter().zip(&heat.cells) {
        for (x, cell) in heat.columns.iter().zip(cells) {
            let text = cell.as_ref().map_or_else(none, |(_, text)| text.clone());
            rows.push([heat.heading.clone(), none(), x.clone(), y.clone(), none(), none(), text]);
        }
    }
}

fn scatter(scatter: &Scatter, rows: &mut Vec<[String; 7]>) {
    let none = String::new;
    for mark in &scatter.marks {
        let (panel, [x, y]) = (scatter.heading.clone(), [number(mark.at.0), number(mark.at.1)]);
        rows.push([panel, mark.label.clone(), x, y, none(), none(), mark.name.clone()]);
    }
}
