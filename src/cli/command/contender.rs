//! Policies on the command line: a name, and perhaps parameters in braces.

use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::experiment::compare::Contender;

/// The words of a list, separated by commas outside braces.
pub(super) fn words(list: &str) -> Vec<&str> {
    let mut depth = 0;
    let split = list.split(move |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    split.map(str::trim).filter(|word| !word.is_empty()).collect()
}

/// `name`, or `name{parameter=value,…}`.
pub(super) fn contender(word: &str) -> Result<Contender, Failure> {
    let Some((name, rest)) = word.split_once('{') else {
        return Ok(Contender::of(super::policy(word)?));
    };
    let mut contender = Contender::of(super::policy(name.trim())?);
    let wrong = |what: String| Failure::new(Exit::Usage, format!("`{word}`: {what}"));
    let inside = rest.strip_suffix('}').ok_or_else(|| wrong("a `}` is missing".to_owned()))?;
    for pair in inside.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (id, text) = pair
            .split_once('=')
            .ok_or_else(|| wrong(format!("expected parameter=value, not `{pair}`")))?;
        let param = contender.settings.param(id.trim()).ok_or_else(|| {
            wrong(format!(
                "no parameter `{id}`; `windtunnel list parameters --policy {}` lists them",
                contender.spec.name
            ))
        })?;
        let value = param.parse(text).map_err(|error| wrong(error.to_string()))?;
        contender.settings.set(param.id, value).map_err(|error| wrong(error.to_string()))?;
    }
    contender.label = format!("{}{}", contender.spec.name, contender.changed().replace(' ', ""));
    Ok(contender)
}
