//! Text as HTML: escaped, with `code` between backticks.

/// Escaped for an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Escaped, what stands between backticks as code. A backtick without its fellow is a backtick.
pub(super) fn inline(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, behind)) = after.split_once('`') else { break };
        html.push_str(&escape(before));
        html.push_str(&format!("<code>{}</code>", escape(code)));
        rest = behind;
    }
    html.push_str(&escape(rest));
    html
}

/// A number as an attribute takes it: at most `digits` behind the point, none where they say nothing.
pub(super) fn plain(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let short = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_markup_is_escaped() {
        assert_eq!(
            inline("a < b & `x > \"y\"`"),
            "a &lt; b &amp; <code>x &gt; &quot;y&quot;</code>"
        );
        assert_eq!(inline("one ` alone"), "one ` alone");
    }

    #[test]
    fn numbers_have_no_needless_digits() {
        assert_eq!(
            [plain(10.0, 2), plain(0.5, 2), plain(-0.001, 2), plain(100.0, 0)],
            ["10", "0.5", "0", "100"]
        );
    }
}
