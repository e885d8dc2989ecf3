//! Names that an author gives: they become parts of route names and selectors, so a few signs are
//! taken.

use super::at::At;
use super::error::Problem;

/// Signs that separate the parts of a route's name (`azure:chat/key-1@eastus`) and of lists.
const TAKEN: [char; 6] = [':', '/', '@', '*', ',', '#'];

/// Checks a name of a provider, model, key, region or pool.
pub(crate) fn check(name: &str, at: &At, what: &str) -> Result<(), Problem> {
    let fine = |c: char| !c.is_whitespace() && !c.is_control() && !TAKEN.contains(&c);
    if !name.is_empty() && name.len() <= 100 && name.chars().all(fine) {
        return Ok(());
    }
    Err(Problem::new(at.clone(), format!("`{name}` cannot be the name of a {what}"))
        .expected("expected a name without spaces and without any of : / @ * , #"))
}
