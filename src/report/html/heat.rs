//! A table of numbers, the greater the darker.

use super::text::{escape, plain};
use crate::report::page::Heat;

/// The table; its numbers are text, so that the colour says nothing that they do not.
pub(super) fn html(heat: &Heat) -> String {
    let mut html = format!(
        "<div class=\"panel\"><h4>{}</h4><div class=\"scroll\"><table class=\"heat\"><caption>{} upwards, {} to \
         the right</caption><tbody>",
        escape(&heat.heading),
        escape(&heat.y),
        escape(&heat.x)
    );
    for (row, cells) in heat.rows.iter().zip(&heat.cells).rev() {
        html.push_str(&format!("<tr><th scope=\"row\">{}</th>", escape(row)));
        for cell in cells {
            match cell {
                Some((part, text)) => html.push_str(&format!(
                    "<td style=\"--v:{}%\">{}</td>",
                    plain(part * 62.0, 1),
                    escape(text)
                )),
                None => html.push_str("<td>–</td>"),
            }
        }
        html.push_str("</tr>");
    }
    html.push_str("<tr><th></th>");
    for column in &heat.columns {
        html.push_str(&format!("<th scope=\"col\">{}</th>", escape(column)));
    }
    html.push_str(&format!(
        "</tr></tbody></table></div><div class=\"hl\" aria-hidden=\"true\">{} upwards, {} to the right</div></div>",
        escape(&heat.y),
        escape(&heat.x)
    ));
    html
}
