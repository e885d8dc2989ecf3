//! Did you mean: the nearest of the names that exist.

/// Help for a name that does not exist: the nearest that does, or all of them.
pub(crate) fn help(wrong: &str, known: &[&str]) -> String {
    match nearest(wrong, known) {
        Some(name) => format!("did you mean `{name}`? ({})", list(known)),
        None => list(known),
    }
}

/// The name most like `wrong`, if one is like it at all.
pub(crate) fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let likeness = |name: &&'a str| {
        let name_lower = name.to_lowercase();
        let is_one_slip = wrong.len() > 2 && strsim::damerau_levenshtein(&wrong, &name_lower) == 1;
        let likeness = strsim::jaro_winkler(&wrong, &name_lower);
        (if is_one_slip { likeness + 1.0 } else { likeness }, *name)
    };
    known
        .iter()
        .map(likeness)
        .filter(|(likeness, _)| *likeness > LIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Jaro-Winkler likeness above which a name is worth suggesting; lower offers nonsense (our
/// choice). It is weak on short words, so one letter wrong, missing or swapped counts more.
const LIKE: f64 = 0.75;

/// So many names fit on a line; more would hide the rest of the message.
const SHOWN: usize = 24;

fn list(known: &[&str]) -> String {
    match known {
        [] => "there are none".to_owned(),
        [only] => format!("there is only `{only}`"),
        _ => {
            let names: Vec<_> = known.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            let more = if known.len() > SHOWN { ", …" } else { "" };
            format!("there are {}{more}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_nonsense_is_not() {
        let known = ["azure", "openai", "bedrock"];
        assert_eq!(nearest("azrue", &known), Some("azure"));
        assert_eq!(nearest("OpenAI", &known), Some("openai"));
        assert_eq!(nearest("rsp", &["rps", "trace"]), Some("rps"));
        assert_eq!(nearest("x", &known), None);
    }
}
