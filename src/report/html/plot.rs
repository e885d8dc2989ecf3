//! Lines, areas and boxes over two axes.

use super::text::{escape, plain};
use super::tint::var;
use crate::report::page::{Area, Axis, Entry, Line, Plot, Shade};
use crate::report::palette::BLUE;

/// Width and height of the drawing in its own units: finer than any screen, so that values can be read back.
pub(super) const FINE: f64 = 10_000.0;
/// Names at the ends of lines stand at least so many pixels apart.
const LABEL: f64 = 15.0;
/// Up to so many lines have their names at their ends.
const LABELLED_MOST: usize = 6;
/// Names of faults above a plot: up to so many.
const NAMED_MOST: usize = 4;

/// The plot with heading and legend.
pub(super) fn html(plot: &Plot) -> String {
    let mut html = format!("<div class=\"panel\"><h4>{}</h4>", escape(&plot.heading));
    html.push_str(&legend(&plot.legend));
    html.push_str(&frame(
        &Frame {
            x: &plot.x,
            y: &plot.y,
            shades: &plot.shades,
            height: plot.height,
            label: &plot.heading,
        },
        &marks(plot),
        &ends(plot),
    ));
    html.push_str("</div>");
    html
}

/// What surrounds marks.
pub(super) struct Frame<'a> {
    pub(super) x: &'a Axis,
    pub(super) y: &'a Axis,
    pub(super) shades: &'a [Shade],
    pub(super) height: f64,
    pub(super) label: &'a str,
}

/// Axes, grid and shades around marks, with `ends` at the right.
pub(super) fn frame(frame: &Frame<'_>, marks: &str, ends: &str) -> String {
    let Frame { x, y, shades, height, label } = frame;
    let axis = |axis: &Axis, of: char| {
        let (low, high) = (plain(axis.low, 9), plain(axis.high, 9));
        let log = if axis.log { format!(" data-{of}log") } else { String::new() };
        let unit = escape(axis.unit);
        format!(" data-{of}0=\"{low}\" data-{of}1=\"{high}\" data-{of}u=\"{unit}\"{log}")
    };
    let mut html = format!("<div class=\"frame\" style=\"--h:{}px\">", plain(*height, 0));
    html.push_str("<div class=\"yt\" aria-hidden=\"true\">");
    for (at, text) in &y.ticks {
        let bottom = plain(y.place(*at) * 100.0, 2);
        html.push_str(&format!("<span style=\"bottom:{bottom}%\">{}</span>", escape(text)));
    }
    html.push_str(&format!(
        "</div><div class=\"plot\" role=\"img\" aria-label=\"{}\"{}{}>",
        escape(label),
        axis(x, 'x'),
        axis(y, 'y')
    ));
    html.push_str(&format!(
        "<svg viewBox=\"0 0 {FINE} {FINE}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    ));
    for shade in *shades {
        let (from, to) = (across(x, shade.from), across(x, shade.to));
        html.push_str(&format!(
            "<rect class=\"shade\" x=\"{from}\" width=\"{}\" height=\"{FINE}\"/>",
            to - from
        ));
    }
    let levels: String =
        y.ticks.iter().map(|(at, _)| format!("M0 {}h{FINE}", down(y, *at))).collect();
    html.push_str(&format!("<path class=\"grid\" d=\"{levels}\"/>{marks}</svg>"));
    for shade in shades.iter().filter(|shade| !shade.name.is_empty()).take(NAMED_MOST) {
        let left = plain(x.place(shade.from) * 100.0, 2);
        let name = escape(&shade.name);
        html.push_str(&format!("<span class=\"fault\" style=\"left:{left}%\">{name}</span>"));
    }
    html.push_str(&format!("</div>{ends}<div class=\"xt\" aria-hidden=\"true\">"));
    for (at, text) in &x.ticks {
        let left = plain(x.place(*at) * 100.0, 2);
        html.push_str(&format!("<span style=\"left:{left}%\">{}</span>", escape(text)));
    }
    html.push_str("</div>");
    if !x.label.is_empty() {
        html.push_str(&format!("<div class=\"xl\">{}</div>", escape(&x.label)));
    }
    html.push_str("</div>");
    html
}

/// One button an entry; a remark is plain text.
fn legend(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut html = String::from("<ul class=\"legend\">");
    for entry in entries {
        let text = escape(&entry.text);
        match entry.stroke {
            Some(stroke) => {
                let dashed = if stroke.dashed { " class=\"dashed\"" } else { "" };
                html.push_str(&format!(
                    "<li><button type=\"button\" data-entry=\"{text}\" aria-pressed=\"true\"><i{dashed} \
                     style=\"--c:{}\"></i>{text}</button></li>",
                    var(stroke.colour)
                ));
            }
            None => html.push_str(&format!("<li>{text}</li>")),
        }
    }
    html.push_str("</ul>");
    html
}

fn marks(plot: &Plot) -> String {
    let mut html: String = plot.areas.iter().map(|area| self::area(plot, area)).collect();
    if !plot.boxes.is_empty() {
        html.push_str(&format!("<path class=\"fill\" style=\"--c:{}\" d=\"", var(BLUE)));
        for (left, right, height) in &plot.boxes {
            let (left, right) = (across(&plot.x, *left), across(&plot.x, *right));
            let (top, width) = (down(&plot.y, *height), (right - left).max(1));
            html.push_str(&format!("M{left} {FINE}V{top}h{width}V{FINE}z"));
        }
        html.push_str("\"/>");
    }
    for line in &plot.lines {
        html.push_str(&stroke(line, &plot.x, &plot.y));
    }
    html
}

fn area(plot: &Plot, area: &Area) -> String {
    let corner = |(at, value): (f64, f64)| (across(&plot.x, at), down(&plot.y, value));
    let upper = area.points.iter().map(|(at, _, high)| corner((*at, *high)));
    let lower = area.points.iter().rev().map(|(at, low, _)| corner((*at, *low)));
    let name = escape(&area.name);
    let faint = if area.faint { " faint" } else { "" };
    format!(
        "<path class=\"fill{faint}\" data-name=\"{name}\" style=\"--c:{}\" d=\"{}z\"/>",
        var(area.colour),
        path(upper.chain(lower))
    )
}

/// A line as a path that says its name.
pub(super) fn stroke(line: &Line, x: &Axis, y: &Axis) -> String {
    let piece = |points: &Vec<(f64, f64)>| {
        path(points.iter().map(|(at, value)| (across(x, *at), down(y, *value))))
    };
    let d: String = line.pieces.iter().map(piece).collect();
    let dashed = if line.stroke.dashed { " dashed" } else { "" };
    format!(
        "<path class=\"line{dashed}\" data-name=\"{}\" style=\"--c:{};--w:{}\" d=\"{d}\"/>",
        escape(&line.name),
        var(line.stroke.colour),
        plain(line.stroke.width, 2)
    )
}

/// Points as a path: the first where it is, the others as steps from the one before, which is shorter.
fn path(points: impl Iterator<Item = (i64, i64)>) -> String {
    let mut d = String::new();
    let mut last: Option<(i64, i64)> = None;
    for (x, y) in points {
        match last {
            None => d.push_str(&format!("M{x} {y}l")),
            Some(last) if last == (x, y) => continue,
            Some((x0, y0)) => {
                let separator = if d.ends_with('l') || x < x0 { "" } else { " " };
                let between = if y < y0 { "" } else { " " };
                d.push_str(&format!("{separator}{}{between}{}", x - x0, y - y0));
            }
        }
        last = Some((x, y));
    }
    if d.ends_with('l') {
        d.push_str("0 0");
    }
    d
}

fn across(axis: &Axis, value: f64) -> i64 {
    (axis.place(value) * FINE).round() as i64
}

fn down(axis: &Axis, value: f64) -> i64 {
    ((1.0 - axis.place(value)) * FINE).round() as i64
}

/// The names of few lines at their ends, moved apart where they would overlap.
fn ends(plot: &Plot) -> String {
    let named = |line: &&Line| plot.legend.iter().any(|entry| entry.text == line.name);
    let mut ends: Vec<(f64, &Line)> = plot
        .lines
        .iter()
        .filter(named)
        .filter_map(|line| {
            let (x, y) = *line.pieces.last()?.last()?;
            let place = plot.y.place(y) * plot.height;
            // What ends early has no end at the right.
            (plot.x.place(x) > 0.9).then_some((place, line))
        })
        .collect();
    if ends.len() > LABELLED_MOST || ends.len() as f64 * LABEL > plot.height || ends.is_empty() {
        return "<div class=\"ends\"></div>".to_owned();
    }
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    apart(&mut ends, plot.height);
    let mut html = String::from("<div class=\"ends\" aria-hidden=\"true\">");
    for (at, line) in ends {
        html.push_str(&format!(
            "<span data-name=\"{name}\" style=\"bottom:{}%;--c:{}\">{name}</span>",
            plain(at / plot.height * 100.0, 1),
            var(line.stroke.colour),
            name = escape(&line.name),
        ));
    }
    html.push_str("</div>");
    html
}

/// Upwards where the one below is too near, then down again from the top.
fn apart(ends: &mut [(f64, &Line)], height: f64) {
    for i in 1..ends.len() {
        ends[i].0 = ends[i].0.max(ends[i - 1].0 + LABEL);
    }
    let mut above = height + LABEL;
    for end in ends.iter_mut().rev() {
        end.0 = end.0.min(above - LABEL);
        above = end.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_steps_from_point_to_point() {
        let points = [(0, 5), (10, 5), (10, 5), (20, 2), (30, 12)];
        assert_eq!(path(points.into_iter()), "M0 5l10 0 10-3 10 10");
        assert_eq!(path([(1, 1)].into_iter()), "M1 1l0 0");
    }
}
