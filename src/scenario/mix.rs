//! Weights: which models are asked for, and which topics prompts have.

use super::at::At;
use super::error::Problem;
use super::names;
use super::ordered::Ordered;
use super::provider::Draft;
use super::unit::Number;
use crate::sim::spec::Class;

/// Indices of models and topics are 16 bits wide.
const NAMES_MAX: usize = 10_000;
/// Longest embedding.
const EMBEDDING_MAX: usize = 4_096;

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

/// The embedding of each topic: as given, or unit vectors that have nothing in common (none where all prompts
/// have one topic).
pub(crate) fn embeddings(
    given: Option<&[Vec<Number>]>,
    classes: &[Class],
) -> Result<Vec<Vec<f64>>, Problem> {
    let last = classes.iter().flat_map(|class| &class.topics).map(|(topic, _)| *topic).max();
    let used = last.map_or(0, |last| usize::from(last) + 1);
    let Some(given) = given else {
        let unit = |topic: usize| (0..used).map(|i| f64::from(u8::from(i == topic))).collect();
        // Far apart in as many dimensions as there are topics; a dimension each is plenty up to a hundred.
        return Ok(if used <= 100 { (0..used).map(unit).collect() } else { Vec::new() });
    };
    let at = At::top().key("topics");
    let given: Vec<Vec<f64>> =
        given.iter().map(|vector| vector.iter().map(|x| x.0).collect()).collect();
    let length = given.first().map_or(0, Vec::len);
    for (index, vector) in given.iter().enumerate() {
        check(vector, length, &at.item(index))?;
    }
    if given.len() < used {
        return Err(Problem::new(
            at,
            format!("`topics` has {} embeddings, but prompts have {used} topics", given.len()),
        )
        .expected("expected one embedding a topic, such as [[1, 0], [0.6, 0.8]]"));
    }
    Ok(given)
}

/// What providers say of their models has the length of the topics' embeddings.
pub(crate) fn check_abouts(drafts: &[Draft], topics: &[Vec<f64>]) -> Result<(), Problem> {
    for draft in drafts.iter().filter(|draft| !draft.about.is_empty()) {
        check(&draft.about, topics.first().map_or(0, Vec::len), &draft.at.key("about"))?;
    }
    Ok(())
}

/// An embedding has this length, and is not all zero.
fn check(vector: &[f64], length: usize, at: &At) -> Result<(), Problem> {
    let zero = vector.iter().all(|x| *x == 0.0);
    if vector.len() == length && !zero && length <= EMBEDDING_MAX {
        return Ok(());
    }
    Err(Problem::new(at.clone(), format!("`{at}` has {} numbers", vector.len())).expected(format!(
        "expected an embedding of {} numbers that are not all 0, such as [0.6, 0.8]",
        length.max(1)
    )))
}
