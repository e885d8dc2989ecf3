//! Health states over time. Each state has a colour and a texture.

use super::text::{escape, plain};
use crate::report::page::Strips;

/// The textures, once a page: `url(#failed)` and its fellows.
pub(super) const TEXTURES: &str = "<svg class=\"textures\" aria-hidden=\"true\"><defs>\
<pattern id=\"degraded\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">\
<rect class=\"pale\" width=\"4\" height=\"4\"/><path d=\"M1 0v4\"/></pattern>\
<pattern id=\"recovering\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">\
<rect class=\"pale\" width=\"4\" height=\"4\"/><path d=\"M0 1h4\"/></pattern></defs></svg>";

/// Rows of states over their axis.
pub(super) fn html(strips: &Strips) -> String {
    let x = |value: f64| strips.x.place(value) * 100.0;
    let mut html = format!(
        "<div class=\"panel\"><h4>{}</h4><ul class=\"legend\"><li><i class=\"failed\"></i>failed</li><li><i \
         class=\"degraded\"></i>degraded</li><li><i class=\"recovering\"></i>recovering</li></ul><div \
         class=\"strips\">",
        escape(&strips.heading)
    );
    let shade = |shade: &crate::report::page::Shade| {
        let (from, to) = (x(shade.from), x(shade.to));
        format!(
            "<rect class=\"shade\" x=\"{}%\" width=\"{}%\" height=\"100%\"/>",
            plain(from, 2),
            plain(to - from, 2)
        )
    };
    let shades: String = strips.shades.iter().map(shade).collect();
    for row in &strips.rows {
        let mut marks = shades.clone();
        for piece in &row.pieces {
            let mut bottom = 100.0;
            let parts = [
                ("failed", piece.failed),
                ("degraded", piece.degraded),
                ("recovering", piece.recovering),
            ];
            for (state, part) in parts.into_iter().filter(|(_, part)| *part > 0.0) {
                bottom -= part * 100.0;
                marks.push_str(&format!(
                    "<rect class=\"{state}\" x=\"{}%\" y=\"{}%\" width=\"{}%\" height=\"{}%\"/>",
                    plain(x(piece.from), 2),
                    plain(bottom, 1),
                    plain(x(piece.to) - x(piece.from), 2),
                    plain(part * 100.0, 1)
                ));
            }
        }
        let name = escape(&row.name);
        let says = escape(&said(strips, row));
        html.push_str(&format!(
            "<div class=\"strip\"><svg role=\"img\" aria-label=\"{name}: {says}\">{marks}</svg><span \
             class=\"name\">{name}</span></div>"
        ));
    }
    html.push_str("<div class=\"strip axis\" aria-hidden=\"true\"><span class=\"xt\">");
    for (at, text) in &strips.x.ticks {
        html.push_str(&format!(
            "<span style=\"left:{}%\">{}</span>",
            plain(x(*at), 2),
            escape(text)
        ));
    }
    html.push_str("</span></div>");
    if !strips.x.label.is_empty() {
        html.push_str(&format!("<div class=\"xl\">{}</div>", escape(&strips.x.label)));
    }
    html.push_str("</div></div>");
    html
}

/// The row in words: how long in which state.
fn said(strips: &Strips, row: &crate::report::page::Strip) -> String {
    let whole = strips.x.high - strips.x.low;
    let sum = |of: fn(&crate::report::page::StatePiece) -> f64| {
        let time: f64 = row.pieces.iter().map(|piece| of(piece) * (piece.to - piece.from)).sum();
        plain(time / whole * 100.0, 1)
    };
    format!(
        "failed {} % of the time, degraded {} %, recovering {} %",
        sum(|piece| piece.failed),
        sum(|piece| piece.degraded),
        sum(|piece| piece.recovering)
    )
}
