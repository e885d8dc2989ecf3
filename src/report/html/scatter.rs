//! Points over two axes.

use super::plot::{Frame, frame, stroke};
use super::text::{escape, plain};
use crate::report::page::{MarkKind, Scatter};

/// The points. Each is a mark of its own over the drawing, so that it stays round at any width.
pub(super) fn html(scatter: &Scatter) -> String {
    let lines = scatter.line.iter();
    let line: String = lines.map(|line| stroke(line, &scatter.x, &scatter.y)).collect();
    let mut marks = String::from("<div class=\"marks\">");
    for mark in &scatter.marks {
        let kind = match mark.kind {
            MarkKind::Faint => "faint",
            MarkKind::Full => "full",
            MarkKind::Ring => "ring",
            MarkKind::Chosen => "chosen",
        };
        marks.push_str(&format!(
            "<i class=\"{kind}\" title=\"{}\" style=\"left:{}%;bottom:{}%\">{}</i>",
            escape(&mark.name),
            plain(scatter.x.place(mark.at.0) * 100.0, 2),
            plain(scatter.y.place(mark.at.1) * 100.0, 2),
            match mark.label.is_empty() {
                true => String::new(),
                false => format!("<b>{}</b>", escape(&mark.label)),
            }
        ));
    }
    marks.push_str("</div>");
    let around = Frame {
        x: &scatter.x,
        y: &scatter.y,
        shades: &[],
        height: scatter.height,
        label: &scatter.heading,
    };
    let drawn = frame(&around, &line, "");
    // The marks lie over the drawing, in the same box.
    let drawn = drawn.replacen("</svg>", &format!("</svg>{marks}"), 1);
    format!("<div class=\"panel scatter\"><h4>{}</h4>{drawn}</div>", escape(&scatter.heading))
}
