//! A figure: number, title, panels, what to see in it, and where to go from it.

use super::text::{escape, inline};
use super::{bars, heat, plot, scatter, small, strips};
use crate::report::document::Figure;
use crate::report::page::Panel;

/// The figure, called so in its page.
pub(super) fn html(figure: &Figure, number: &str) -> String {
    let id = escape(&figure.id);
    let mut html = format!(
        "<figure id=\"{id}\" aria-labelledby=\"{id}-title\"><header><h3 id=\"{id}-title\"><a \
         href=\"#{id}\">{number}</a> {}</h3><p>{}</p></header>",
        escape(&figure.page.title),
        inline(&figure.page.subtitle)
    );
    for panel in &figure.page.panels {
        html.push_str(&match panel {
            Panel::Plot(plot) => plot::html(plot),
            Panel::Strips(strips) => strips::html(strips),
            Panel::Bars(bars) => bars::html(bars),
            Panel::Small(small) => small::html(small),
            Panel::Heat(heat) => heat::html(heat),
            Panel::Scatter(scatter) => scatter::html(scatter),
        });
    }
    html.push_str("<figcaption>");
    if !figure.caption.is_empty() {
        html.push_str(&format!("<p>{}</p>", inline(&figure.caption)));
    }
    if !figure.commands.is_empty() {
        html.push_str("<details><summary>Make this again</summary>");
        for (what, command) in &figure.commands {
            html.push_str(&format!(
                "<p class=\"command\"><span>{}</span><code>{}</code></p>",
                escape(what),
                escape(command)
            ));
        }
        html.push_str("</details>");
    }
    html.push_str("</figcaption></figure>");
    html
}
