//! Weights: which models are asked for, and which topics prompts have.

use super::at::At;
use super::error::Problem;
use super::names;
use super::ordered::Ordered;
use super::unit::Number;

/// Indices of models and topics are 16 bits wide.
const NAMES_MAX: usize = 10_000;

/// The mix of models as (index, share), adding names not seen before to `known`. Default: all "chat".
pub(crate) fn models(
    given: Option<&Ordered<Number>>,
    at: &At,
    known: &mut Vec<String>,
) -> Result<Vec<(u16, f64)>, Problem> {
    let chat = Ordered(vec![("chat".to_owned(), Number(1.0))]);
    let Ordered(mix) = given.unwrap_or(&chat);
    for (name, weight) in mix {
        let at = at.key(name);
        names::check(name, &at, "model")?;
        if weight.0 <= 0.0 {
            return Err(Problem::new(at.clone(), format!("`{at}` cannot be {}", weight.0))
                .expected("expected a weight above 0, such as 80"));
        }
    }
    if mix.is_empty() {
        return Err(Problem::new(at.clone(), format!("`{at}` is empty"))
            .expected("expected models with weights, such as { chat = 80, small = 20 }"));
    }
    let sum: f64 = mix.iter().map(|(_, weight)| weight.0).sum();
    let mut shares = Vec::with_capacity(mix.len());
    for (name, weight) in mix {
        let index = known.iter().position(|other| other == name).unwrap_or_else(|| {
            known.push(name.clone());
            known.len() - 1
        });
        if index >= NAMES_MAX {
            return Err(Problem::new(at.clone(), "more than 10,000 models"));
        }
        shares.push((index as u16, weight.0 / sum));
    }
    Ok(shares)
}

/// Topics as (number, share); none where the file names none.
pub(crate) fn topics(given: Option<&[Number]>, at: &At) -> Result<Vec<(u16, f64)>, Problem> {
    let Some(weights) = given else { return Ok(Vec::new()) };
    let sum: f64 = weights.iter().map(|weight| weight.0).sum();
    let is_wrong = weights.iter().any(|weight| weight.0 < 0.0) || sum <= 0.0;
    if is_wrong || weights.len() > NAMES_MAX {
        return Err(Problem::new(at.clone(), format!("`{at}` are not weights")).expected(
            "expected up to 10,000 weights that sum to something, such as [60, 30, 10]",
        ));
    }
    let share = |(index, weight): (usize, &Number)| (index as u16, weight.0 / sum);
    Ok(weights.iter().enumerate().map(share).collect())
}
