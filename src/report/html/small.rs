//! Small plots that share their axes, as many beside each other as there is room for.

use super::plot::{Frame, frame, stroke};
use super::text::escape;
use crate::report::page::SmallPlots;

/// The plots.
pub(super) fn html(small: &SmallPlots) -> String {
    let mut html =
        format!("<div class=\"panel\"><h4>{}</h4><div class=\"small\">", escape(&small.heading));
    for plot in &small.plots {
        let name = escape(&plot.name);
        let lines = small.behind.iter().chain([&plot.line]);
        let marks: String = lines.map(|line| stroke(line, &small.x, &small.y)).collect();
        let mut x = small.x.clone();
        x.label = String::new();
        let around = Frame {
            x: &x,
            y: &small.y,
            shades: &small.shades,
            height: 74.0,
            label: &format!("{}: {}", plot.name, small.heading),
        };
        html.push_str(&format!(
            "<div class=\"one\" data-policy=\"{name}\"><h5>{name}</h5>{}</div>",
            frame(&around, &marks, "")
        ));
    }
    html.push_str(&format!("</div><div class=\"xl\">{}</div></div>", escape(&small.x.label)));
    html
}
