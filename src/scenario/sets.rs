//! `--set path=value`: any key of a scenario from the command line, before anything is checked.
//!
//! The result is TOML text again, comments kept, so that a stored scenario says what was really run
//! and an error in an override is shown like any other.

use toml_edit::{DocumentMut, InlineTable, Item, Key, Value};

use super::error::{Problem, ScenarioError};
use super::suggest;

/// Applies overrides, in order, to the text of a scenario that parses.
///
/// # Errors
/// A `set` that is not `path=value`, or a path into nothing.
pub(crate) fn apply(mut document: DocumentMut, sets: &[String]) -> Result<String, ScenarioError> {
    for set in sets {
        let (path, value) = split(set)?;
        let keys: Vec<&str> = path.iter().map(Key::get).collect();
        is_known(&document, &keys)
            .and_then(|()| place(document.as_item_mut(), &keys, value))
            .map_err(|Refused { what, help }| {
                ScenarioError::bare(format!("--set {set}: {what}"), Some(help))
            })?;
    }
    Ok(document.to_string())
}

/// Says so if a problem lies in what an override wrote: the file on disk has no such line.
pub(crate) fn blame(problem: Problem, sets: &[String]) -> Problem {
    let at = problem.at().to_string();
    let wrote = |set: &&String| {
        let path = set.split('=').next().unwrap_or_default().trim();
        at == path || at.starts_with(&format!("{path}."))
    };
    match sets.iter().rev().find(wrote) {
        Some(set) => problem.also(&format!("this comes from --set {set}")),
        None => problem,
    }
}

/// Why an override was not accepted.
struct Refused {
    what: String,
    help: String,
}

fn split(set: &str) -> Result<(Vec<Key>, Value), ScenarioError> {
    let parts = set.split_once('=').and_then(|(path, value)| {
        let keys = Key::parse(path).ok().filter(|keys| !keys.is_empty())?;
        Some((keys, value_of(value.trim())))
    });
    parts.ok_or_else(|| {
        ScenarioError::bare(
            format!("--set {set}: not of the form path=value"),
            Some("for example --set rps=8000 or --set provider.azure.tpm=110%".to_owned()),
        )
    })
}

/// A TOML value, or else text: `tpm=110%` and `policy=bifrost-published` need no quotes. Nothing in a
/// scenario is a bare date, so one is text too.
fn value_of(text: &str) -> Value {
    match text.parse() {
        Ok(Value::Datetime(_)) | Err(_) => Value::from(text),
        Ok(value) => value,
    }
}

fn place(item: &mut Item, keys: &[&str], value: Value) -> Result<(), Refused> {
    let (key, rest) = keys.split_first().expect("split gives at least one key");
    if let Some(next) = element(item, key)? {
        return place_in(next, rest, value);
    }
    name_becomes_table(item, key);
    let Some(table) = item.as_table_like_mut() else {
        let what = format!("there is nothing inside `{}`", item.to_string().trim());
        return Err(Refused { what, help: "the path ends one key earlier".to_owned() });
    };
    let next = table.entry(key).or_insert(Item::None);
    if next.is_none() && !rest.is_empty() {
        *next = Item::Value(Value::InlineTable(InlineTable::new()));
    }
    place_in(next, rest, value)
}

fn place_in(item: &mut Item, rest: &[&str], value: Value) -> Result<(), Refused> {
    if rest.is_empty() {
        replace(item, value);
        return Ok(());
    }
    place(item, rest, value)
}

/// The numbered element, if `item` is a list.
fn element<'a>(item: &'a mut Item, key: &str) -> Result<Option<&'a mut Item>, Refused> {
    let length = match item {
        Item::ArrayOfTables(tables) => tables.len(),
        Item::Value(Value::Array(values)) => values.len(),
        Item::Value(_) | Item::Table(_) | Item::None => return Ok(None),
    };
    let wrong = || Refused {
        what: format!("there is no element `{key}` in a list of {length}"),
        help: "elements are numbered from 0, as in --set fault.0.lasts=30s".to_owned(),
    };
    let index = key.parse::<usize>().map_err(|_| wrong())?;
    item.get_mut(index).map(Some).ok_or_else(wrong)
}

/// `policy = "name"` is short for `policy = { name = "name" }`, so a key inside it has a place.
fn name_becomes_table(item: &mut Item, key: &str) {
    let name = item.as_str().filter(|_| key != "name").map(str::to_owned);
    if let Some(name) = name {
        let mut table = InlineTable::new();
        table.insert("name", name.into());
        *item = Item::Value(Value::InlineTable(table));
    }
}

/// Providers are named by the author, so a wrong name would silently add one.
fn is_known(document: &DocumentMut, keys: &[&str]) -> Result<(), Refused> {
    let (["provider", name, ..], Some(providers)) =
        (keys, document.get("provider").and_then(Item::as_table_like))
    else {
        return Ok(());
    };
    if providers.contains_key(name) {
        return Ok(());
    }
    let known: Vec<_> = providers.iter().map(|(name, _)| name).collect();
    Err(Refused {
        what: format!("there is no provider `{name}`"),
        help: suggest::help(name, &known),
    })
}

/// Puts the value in, keeping the comment behind the old one.
fn replace(item: &mut Item, mut value: Value) {
    if let Some(old) = item.as_value() {
        *value.decor_mut() = old.decor().clone();
    }
    *item = Item::Value(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, sets: &[&str]) -> Result<String, ScenarioError> {
        let sets: Vec<_> = sets.iter().map(|&set| set.to_owned()).collect();
        apply(text.parse().unwrap(), &sets)
    }

    #[test]
    fn a_value_changes_and_comments_stay() {
        let text = "# why\nrps = 5_000 # five thousand\n[[fault]]\nlasts = \"60s\"\n";
        let set = set(text, &["rps=8000", "fault.0.lasts=30s"]).unwrap();
        assert_eq!(set, "# why\nrps = 8000 # five thousand\n[[fault]]\nlasts = \"30s\"\n");
    }

    #[test]
    fn a_policy_given_by_name_takes_parameters() {
        let text = set("policy = \"p\"\n", &["policy.error.weight=0.4"]).unwrap();
        assert_eq!(text.trim(), r#"policy = { name = "p", error = { weight = 0.4 } }"#);
    }

    #[test]
    fn values_need_no_quotes_and_keys_with_points_may_have_them() {
        let text = set("", &["start.epoch=2025-06-02T12:00:00Z", "fault=[]"]).unwrap();
        assert_eq!(text, "start = { epoch = \"2025-06-02T12:00:00Z\" }\nfault = []\n");
        let text = set("[models]\n\"gpt-4.1\" = 1\n", &["models.\"gpt-4.1\"=2"]).unwrap();
        assert_eq!(text, "[models]\n\"gpt-4.1\" = 2\n");
    }

    #[test]
    fn a_path_into_nothing_is_refused_with_what_is_there() {
        let text = "[provider]\nazure = { profile = \"plain\" }\n[[fault]]\n";
        let error = set(text, &["provider.azrue.tpm=110%"]).unwrap_err();
        assert!(error.help().unwrap().contains("did you mean `azure`"), "{error:?}");
        let error = set(text, &["fault.1.lasts=3s"]).unwrap_err();
        assert!(error.message().contains("no element `1` in a list of 1"), "{error:?}");
        assert!(set(text, &["rps"]).unwrap_err().message().contains("path=value"));
    }
}
