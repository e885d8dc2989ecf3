//! Scenarios by family, and which families the search never sees.

use std::collections::BTreeMap;

use toml_edit::{DocumentMut, Item};

use crate::engine::luck::{mix, name};
use crate::scenario::{Scenario, suggest};

/// Scenarios for the search and for the proof.
#[derive(Clone, Debug)]
pub struct Split {
    /// Indices of those of the search.
    pub search: Vec<usize>,
    /// Indices of those held out; those of the search where only seeds are held out.
    pub held_out: Vec<usize>,
    /// Families held out; empty where only seeds are.
    pub families: Vec<String>,
}

/// The kinds of fault of a scenario, or `no fault`.
fn family(scenario: &Scenario) -> String {
    let document: DocumentMut = scenario.source.parse().unwrap_or_default();
    let faults = document.get("fault").and_then(Item::as_array_of_tables);
    let kinds = faults.into_iter().flatten().filter_map(|fault| fault.get("kind")?.as_str());
    let mut kinds: Vec<&str> = kinds.collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() { "no fault".to_owned() } else { kinds.join("+") }
}

/// Holds out the named families, or else about a third of them by a draw of the seed. With a single family only
/// seeds are held out.
///
/// # Errors
/// A sentence, for a family that does not exist or if none is left to search.
pub fn split(scenarios: &[Scenario], named: &[String], seed: u64) -> Result<Split, String> {
    let mut families: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        families.entry(family(scenario)).or_default().push(index);
    }
    let known: Vec<&str> = families.keys().map(String::as_str).collect();
    for name in named {
        if !families.contains_key(name) {
            return Err(format!(
                "no scenario is of family `{name}`: {}",
                suggest::help(name, &known)
            ));
        }
    }
    let mut drawn: Vec<&str> = known.clone();
    drawn.sort_by_key(|family| mix(mix(seed, name("held out")), name(family)));
    let third = known.len() / 3 + usize::from(known.len() == 2);
    let held: Vec<String> = if named.is_empty() {
        drawn[..third].iter().map(|family| (*family).to_owned()).collect()
    } else {
        named.to_vec()
    };
    if !named.is_empty() && held.len() >= known.len() {
        return Err("every family is held out: nothing is left to search on".to_owned());
    }
    let (mut search, mut held_out) = (Vec::new(), Vec::new());
    for (family, indices) in &families {
        if held.contains(family) { &mut held_out } else { &mut search }.extend(indices);
    }
    search.sort_unstable();
    held_out.sort_unstable();
    let mut families = held;
    families.sort_unstable();
    families.dedup();
    if held_out.is_empty() {
        held_out.clone_from(&search);
    }
    Ok(Split { search, held_out, families })
}
