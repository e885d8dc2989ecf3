//! Named values as bars, one row each: name, bar with its interval, value in words.

use super::text::{escape, plain};
use super::tint::var;
use crate::report::page::{Bar, Bars, Length};

/// The rows over their axis.
pub(super) fn html(bars: &Bars) -> String {
    let mut html = String::from("<div class=\"panel\">");
    if !bars.heading.is_empty() {
        html.push_str(&format!("<h4>{}</h4>", escape(&bars.heading)));
    }
    html.push_str("<div class=\"bars\">");
    bars.rows.iter().for_each(|row| html.push_str(&self::row(bars, row)));
    html.push_str("<div class=\"bar axis\" aria-hidden=\"true\"><span></span><span class=\"xt\">");
    for (at, text) in &bars.x.ticks {
        let left = plain(bars.x.place(*at) * 100.0, 2);
        html.push_str(&format!("<span style=\"left:{left}%\">{}</span>", escape(text)));
    }
    html.push_str("</span><span></span></div>");
    if !bars.x.label.is_empty() {
        html.push_str(&format!(
            "<div class=\"bar\" aria-hidden=\"true\"><span></span><span class=\"xl\">{}</span></div>",
            escape(&bars.x.label)
        ));
    }
    html.push_str("</div></div>");
    html
}

fn row(bars: &Bars, bar: &Bar) -> String {
    let at = |value: f64| plain(bars.x.place(value) * 100.0, 2);
    let mut marks = String::new();
    for (tick, _) in &bars.x.ticks {
        let x = at(*tick);
        marks.push_str(&format!("<line class=\"grid\" x1=\"{x}%\" x2=\"{x}%\" y2=\"100%\"/>"));
    }
    let fill = |class: &str, length: f64| {
        format!("<rect class=\"{class}\" y=\"22%\" width=\"{}%\" height=\"56%\"/>", at(length))
    };
    match bar.length {
        Length::Known(length) => marks.push_str(&fill("solid", length)),
        Length::Open(length) => {
            marks.push_str(&fill("open", length));
            // An arrow head where the bar would go on.
            marks.push_str(&format!(
                "<svg x=\"{}%\" y=\"50%\" overflow=\"visible\"><path class=\"arrow\" d=\"M0 0h12m-5-4 5 4-5 \
                 4\"/></svg>",
                at(length)
            ));
        }
        Length::None => {}
    }
    if let Some((low, high)) = bar.interval {
        let (low, high) = (at(low), at(high));
        marks.push_str(&format!(
            "<line class=\"whisker\" x1=\"{low}%\" x2=\"{high}%\" y1=\"50%\" y2=\"50%\"/>"
        ));
        for end in [low, high] {
            marks.push_str(&format!(
                "<line class=\"whisker\" x1=\"{end}%\" x2=\"{end}%\" y1=\"32%\" y2=\"68%\"/>"
            ));
        }
    }
    let name = escape(&bar.name);
    format!(
        "<div class=\"bar\" data-policy=\"{name}\" style=\"--c:{}\"><span class=\"name\">{name}</span><svg \
         aria-hidden=\"true\">{marks}</svg><span class=\"value\">{}</span></div>",
        var(bar.colour),
        escape(&bar.text)
    )
}
