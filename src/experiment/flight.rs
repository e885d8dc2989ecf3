//! Flight records of production hosts: replayed, and explained.

use thiserror::Error;

use crate::engine::{
    Change, Damage, PARAMS, ParamError, Params, Replay, Replayed as Call, RouteKey, Ticket,
};
use crate::record::decision::Decision;
use crate::record::explained::{
    ChangeRow, Differs, EXPLAINED_VERSION, Explained, OutcomeRow, Replayed, RequestRow, Step,
};
use crate::scenario::suggest;

use super::explain::in_words;

/// Why a record could not be replayed.
#[derive(Debug, Error)]
pub enum FlightError {
    /// The record.
    #[error("{0}")]
    Damage(Damage),
    /// A threshold.
    #[error("{0}")]
    Threshold(String),
    /// There are fewer decisions.
    #[error("decision {number} does not exist: the record has {decisions}")]
    Number {
        /// What was asked for.
        number: u64,
        /// How many there are.
        decisions: u64,
    },
}

impl From<Damage> for FlightError {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

/// Thresholds to apply instead of those in force: (parameter, value).
pub type Thresholds = Vec<(&'static str, f64)>;

/// Reads thresholds of the form `state.failed=3%`.
///
/// # Errors
/// [`FlightError::Threshold`].
pub fn thresholds(sets: &[String]) -> Result<Thresholds, FlightError> {
    let wrong = |what: String| FlightError::Threshold(what);
    sets.iter()
        .map(|set| {
            let (id, text) = set.split_once('=').ok_or_else(|| {
                wrong(format!("`{set}`: expected PARAMETER=VALUE, such as state.failed=3%"))
            })?;
            let id = id.trim().trim_start_matches("policy.");
            let param = PARAMS.iter().find(|param| param.id == id).ok_or_else(|| {
                let names: Vec<&str> = PARAMS.iter().map(|param| param.id).collect();
                let help = suggest::help(id, &names);
                wrong(format!("the engine has no parameter `{id}`: {help}"))
            })?;
            let value = param.parse(text).map_err(|error: ParamError| wrong(error.to_string()))?;
            Ok((param.id, value))
        })
        .collect()
}

/// Replays a record; with `thresholds` it is asked what those would have chosen.
///
/// # Errors
/// [`FlightError`].
pub fn replay(bytes: &[u8], thresholds: &Thresholds) -> Result<Replayed, FlightError> {
    let adjust = adjusting(thresholds);
    let mut replay = Replay::new(bytes, (!thresholds.is_empty()).then_some(&adjust))?;
    let begun = replay.now();
    let mut told = Replayed {
        schema_version: EXPLAINED_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        counterfactual: !thresholds.is_empty(),
        thresholds: written(thresholds),
        seconds: 0.0,
        decisions: 0,
        differ: 0,
        first: None,
        changes: Vec::new(),
        cut_off: false,
    };
    loop {
        match replay.step() {
            Ok(None) => break,
            Ok(Some(Call::Decided(decided))) => {
                told.decisions += 1;
                if !decided.is_same() {
                    told.differ += 1;
                    let recorded = decided.recorded.ok().map(Ticket::route);
                    told.first = told.first.take().or_else(|| {
                        Some(Differs {
                            number: decided.number,
                            at_s: decided.at.as_secs_f64(),
                            recorded: name_of(&replay, recorded),
                            now: name_of(&replay, decided.route.ok()),
                        })
                    });
                }
            }
            Ok(Some(Call::Ticked(changes))) => {
                told.changes.extend(changes.iter().map(|change| row(&replay, change)));
            }
            Ok(Some(Call::Ended { .. } | Call::Other)) => {}
            Err(Damage::CutOff(_)) => {
                told.cut_off = true;
                break;
            }
            Err(damage) => return Err(damage.into()),
        }
    }
    told.seconds = replay.now().since(begun).as_secs_f64();
    Ok(told)
}

/// Explains one decision of a record.
///
/// # Errors
/// [`FlightError`].
pub fn explain(
    bytes: &[u8],
    number: u64,
    thresholds: &Thresholds,
) -> Result<Explained, FlightError> {
    let adjust = adjusting(thresholds);
    let mut replay = Replay::new(bytes, (!thresholds.is_empty()).then_some(&adjust))?;
    let mut changes = Vec::new();
    let mut decisions = 0;
    while decisions + 1 < number {
        match replay.step()? {
            None => return Err(FlightError::Number { number, decisions }),
            Some(Call::Decided(_)) => decisions += 1,
            Some(Call::Ticked(moved)) => {
                changes.extend(moved.iter().map(|change| row(&replay, change)));
            }
            Some(Call::Ended { .. } | Call::Other) => {}
        }
    }
    let (explanation, decided) =
        replay.explain(number)?.ok_or(FlightError::Number { number, decisions })?;
    let model = replay.engine().model_name(decided.need.model).unwrap_or_default();
    let recorded = decided.recorded.ok();
    let route = decided.route.ok();
    let mut step = Step {
        at_s: decided.at.as_secs_f64(),
        does: if route.is_some() { "send" } else { "stop" }.to_owned(),
        route: name_of(&replay, route),
        wait_s: None,
        status: None,
        explored: explanation.choice.is_ok_and(|chosen| chosen.explores),
        luck: format!("{:016x}", decided.luck),
        decisions: vec![Decision::new(&explanation)],
        shown: Vec::new(),
        oracle: None,
        outcome: None,
    };
    if let Some(ticket) = recorded.filter(|ticket| Some(ticket.route()) == route) {
        step.outcome = outcome(&mut replay, ticket);
    }
    Ok(Explained {
        schema_version: EXPLAINED_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: "a flight record".to_owned(),
        policy: match written(thresholds).join(", ") {
            none if none.is_empty() => "the recorded engine".to_owned(),
            some => format!("the recorded engine with {some}"),
        },
        seed: 0,
        replication: 0,
        counterfactual: !thresholds.is_empty(),
        request: RequestRow {
            number,
            at_s: decided.at.as_secs_f64(),
            model,
            class: None,
            prompt_tokens: decided.need.prompt_tokens,
            max_tokens: decided.need.max_tokens,
            output_tokens: None,
            streamed: None,
            deadline_s: None,
        },
        faults: Vec::new(),
        steps: vec![step],
        result: None,
        took_s: None,
        changes,
    })
}

/// How the attempt ended, if the record goes on until then.
fn outcome(replay: &mut Replay<'_>, of: Ticket) -> Option<OutcomeRow> {
    loop {
        if let Call::Ended { ticket, at, outcome } = replay.step().ok()??
            && ticket.is_same_attempt(of)
        {
            return Some(OutcomeRow {
                at_s: at.as_secs_f64(),
                took_s: at.since(of.at()).as_secs_f64(),
                ttft_s: None,
                how: in_words(outcome),
                status: outcome.status(),
            });
        }
    }
}

fn adjusting(thresholds: &Thresholds) -> impl Fn(&mut Params) {
    move |params| {
        for (id, value) in thresholds {
            params.set(id, *value).expect("thresholds are checked when they are read");
        }
    }
}

fn written(thresholds: &Thresholds) -> Vec<String> {
    let show = |(id, value): &(&'static str, f64)| {
        let param = PARAMS.iter().find(|param| param.id == *id).expect("it was found before");
        format!("{id}={}", param.show(*value))
    };
    thresholds.iter().map(show).collect()
}

fn name_of(replay: &Replay<'_>, route: Option<RouteKey>) -> Option<String> {
    route.map(|key| replay.name(key).to_owned())
}

fn row(replay: &Replay<'_>, change: &Change) -> ChangeRow {
    ChangeRow {
        at_s: change.at.as_secs_f64(),
        route: replay.name(change.route).to_owned(),
        from: change.from.name().to_owned(),
        to: change.to.name().to_owned(),
        reason: change.reason.text().to_owned(),
    }
}
