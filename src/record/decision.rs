//! A decision of the engine as plain data: its inputs, the draw, the choice, and what would have flipped it.
//!
//! The inputs can be read back and chosen from again ([`DecisionInputs::read`]): the same choice comes out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::{
    Explanation, Flip, Health, Hold, HoldClass, Inputs, Lever, Params, Parts, ProviderInput,
    Reason, RouteInput, RouteKey, Span, Tally, Time, Windowed,
};

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Everything that it hung on.
    pub inputs: DecisionInputs,
    /// The route chosen; none where there was none.
    pub choice: Option<String>,
    /// How it came to it.
    pub how: String,
    /// Whether the route was drawn to learn about it.
    pub explores: bool,
    /// Every draw; the last one counted.
    pub draws: Vec<Draw>,
    /// Changes of one input that would have given another route, the smallest first.
    pub flips: Vec<FlipRow>,
}

/// What one decision of the engine hangs on. Times are in nanoseconds, so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionInputs {
    /// When.
    pub at_ns: u64,
    /// The random word, in hexadecimal.
    pub luck: String,
    /// The only provider that may serve it.
    pub pinned: Option<String>,
    /// Whether only some routes are allowed.
    pub listed: bool,
    /// The parameters in force, by name.
    pub params: BTreeMap<String, f64>,
    /// The providers.
    pub providers: Vec<ProviderRow>,
    /// The routes.
    pub routes: Vec<RouteRow>,
}

/// A provider for the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderRow {
    /// Its name.
    pub name: String,
    /// Its weight.
    pub weight: f64,
    /// The parts of its score before weighting.
    pub parts: PartsRow,
}

/// The parts of a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartsRow {
    /// Error penalty.
    pub error: f64,
    /// Latency penalty.
    pub latency: f64,
    /// Utilization penalty.
    pub utilization: f64,
    /// Momentum bonus.
    pub momentum: f64,
}

/// A route as the decision saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteRow {
    /// Its name.
    pub id: String,
    /// The engine's word for it.
    pub key: u64,
    /// Its provider.
    pub provider: String,
    /// Its weight.
    pub weight: f64,
    /// Its weight where adaptive selection of keys is off.
    pub static_weight: f64,
    /// The parts of its score before weighting.
    pub parts: PartsRow,
    /// The same as points off its weight (momentum: on it).
    pub points: PartsRow,
    /// Its state.
    pub state: String,
    /// Since when.
    pub since_ns: u64,
    /// Why it entered its state.
    pub reason: Option<String>,
    /// Why its key is held, since when, and when a check is due.
    pub hold: Option<HoldRow>,
    /// Not to be used before.
    pub excluded_until_ns: u64,
    /// Whether its key is held, also where no tick has seen the refusal yet.
    pub refused: bool,
    /// When it may be used again at the soonest.
    pub ends_ns: u64,
    /// Whether its check waits to be taken.
    pub check_waits: bool,
    /// Whether the request had tried it.
    pub tried: bool,
    /// Whether the need allowed it.
    pub allowed: bool,
    /// Its probability for this need as published, and over what could take the request.
    pub probability: [f64; 2],
    /// Attempts and errors in the state window, momentum window, short and long window, and ever.
    pub seen: [[u64; 2]; 5],
    /// Seconds since its last error.
    pub since_error_s: Option<f64>,
    /// Attempts begun over the state window, and how many were to be expected.
    pub traffic: [f64; 2],
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRow {
    /// Why.
    pub why: String,
    /// Since when.
    pub since_ns: u64,
    /// When a check is due.
    pub due_ns: u64,
    /// Rung of the ladder.
    pub rung: u32,
}

/// A draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// Column of the alias table; 0 of 0 for the exact draw.
    pub column: u32,
    /// How many columns it has.
    pub columns: u32,
    /// Where in the column, in [0, 1).
    pub height: f64,
    /// Below this the column gives its own route.
    pub keep: f64,
    /// What was drawn.
    pub route: String,
    /// What came of it.
    pub fate: String,
}

/// A change that would have flipped the choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlipRow {
    /// What is changed: `draw`, `weight`, a part of the score, or `state`.
    pub input: String,
    /// Of which route or provider.
    pub of: Option<String>,
    /// What it was.
    pub from: String,
    /// What it would have had to be.
    pub to: String,
    /// The change as a share of the input's range.
    pub size: f64,
    /// What would have been chosen.
    pub gives: Option<String>,
}

impl From<Parts> for PartsRow {
    fn from(parts: Parts) -> Self {
        let Parts { error, latency, utilization, momentum } = parts;
        Self { error, latency, utilization, momentum }
    }
}

impl From<PartsRow> for Parts {
    fn from(row: PartsRow) -> Self {
        let PartsRow { error, latency, utilization, momentum } = row;
        Self { error, latency, utilization, momentum }
    }
}

impl Decision {
    /// From an explanation; looks for flips.
    pub fn new(explanation: &Explanation) -> Self {
        let inputs = &explanation.inputs;
        let name = |route: usize| inputs.routes[route].name.clone();
        let draws = explanation.drawings.iter().map(|draw| Draw {
            column: draw.column,
            columns: draw.columns,
            height: draw.height,
            keep: draw.keep,
            route: name(draw.route),
            fate: draw.fate.name().to_owned(),
        });
        let flips = inputs.flips(explanation.choice);
        let chosen = explanation.choice.ok();
        Self {
            choice: chosen.map(|chosen| name(chosen.route)),
            how: chosen.map_or("no route is left", |chosen| chosen.how.name()).to_owned(),
            explores: chosen.is_some_and(|chosen| chosen.explores),
            draws: draws.collect(),
            flips: flips.iter().map(|flip| FlipRow::new(flip, inputs)).collect(),
            inputs: DecisionInputs::new(explanation),
        }
    }
}

impl FlipRow {
    fn new(flip: &Flip, inputs: &Inputs) -> Self {
        let route = |route: usize| Some(inputs.routes[route].name.clone());
        let state = |at: f64| Health::ALL[at as usize % 4].name().to_owned();
        let number = |value: f64| format!("{value:.4}");
        let weight = |value: f64| format!("{value:.1}");
        let (input, of, from, to) = match flip.lever {
            Lever::Draw => ("draw", None, number(flip.from), number(flip.to)),
            Lever::Provider(provider) => {
                let of = Some(inputs.providers[provider].name.clone());
                ("weight", of, weight(flip.from), weight(flip.to))
            }
            Lever::Weight(at) => ("weight", route(at), weight(flip.from), weight(flip.to)),
            Lever::Part(at, part) => {
                let part =
                    ["error part", "latency part", "utilization part", "momentum part"][part];
                (part, route(at), number(flip.from), number(flip.to))
            }
            Lever::State(at, _) => ("state", route(at), state(flip.from), state(flip.to)),
        };
        let gives = flip.gives.map(|at| inputs.routes[at].name.clone());
        Self { input: input.to_owned(), of, from, to, size: flip.size, gives }
    }
}

impl DecisionInputs {
    fn new(explanation: &Explanation) -> Self {
        let inputs = &explanation.inputs;
        let params = &inputs.params;
        let range = params.weight_max - params.weight_min;
        let provider = |at: usize| inputs.providers[at].name.clone();
        let pair = |tally: Tally| [tally.attempts, tally.errors];
        let rows = inputs.routes.iter().enumerate().map(|(at, route)| RouteRow {
            id: route.name.clone(),
            key: route.key.to_word(),
            provider: provider(route.provider),
            weight: route.weight,
            static_weight: route.static_weight,
            parts: route.parts.into(),
            points: PartsRow {
                error: params.score_error * route.parts.error * range,
                latency: params.score_latency * route.parts.latency * range,
                utilization: params.score_utilization * route.parts.utilization * range,
                momentum: route.parts.momentum * range,
            },
            state: route.health.name().to_owned(),
            since_ns: route.since.0,
            reason: route.why.map(|why| why.text().to_owned()),
            hold: route.hold.map(|hold| HoldRow {
                why: hold.class.text().to_owned(),
                since_ns: hold.since.0,
                due_ns: hold.due.0,
                rung: hold.rung,
            }),
            excluded_until_ns: route.excluded_until.0,
            refused: route.refused,
            ends_ns: route.ends.0,
            check_waits: route.check_waits,
            tried: route.tried,
            allowed: route.allowed,
            probability: [explanation.published[at], explanation.usable[at]],
            seen: [
                pair(route.seen.state),
                pair(route.seen.momentum),
                pair(route.seen.short),
                pair(route.seen.long),
                pair(route.seen.all),
            ],
            since_error_s: route.seen.since_error.map(Span::as_secs_f64),
            traffic: [route.seen.actual, route.seen.expected],
        });
        Self {
            at_ns: inputs.at.0,
            luck: format!("{:016x}", inputs.luck),
            pinned: inputs
                .pinned
                .map(|at| inputs.providers.get(at).map_or_else(String::new, |p| p.name.clone())),
            listed: inputs.listed,
            params: params.values().map(|(param, value)| (param.id.to_owned(), value)).collect(),
            providers: (inputs.providers.iter())
                .map(|side| ProviderRow {
                    name: side.name.clone(),
                    weight: side.weight,
                    parts: side.parts.into(),
                })
                .collect(),
            routes: rows.collect(),
        }
    }

    /// The inputs as the engine takes them, to choose from again.
    ///
    /// # Errors
    /// A sentence on what is wrong with them.
    pub fn read(&self) -> Result<Inputs, String> {
        let luck = u64::from_str_radix(&self.luck, 16)
            .map_err(|_| format!("luck `{}` is not a word in hexadecimal", self.luck))?;
        let mut params = Params::default();
        for (id, value) in &self.params {
            params.set(id, *value).map_err(|error| error.to_string())?;
        }
        let side = |name: &str| self.providers.iter().position(|side| side.name == name);
        let routes: Result<Vec<RouteInput>, String> = (self.routes.iter())
            .map(|row| {
                let provider = side(&row.provider).ok_or_else(|| {
                    format!("{}: provider `{}` is not listed", row.id, row.provider)
                })?;
                row.read(provider)
            })
            .collect();
        Ok(Inputs {
            at: Time(self.at_ns),
            luck,
            pinned: self.pinned.as_deref().map(|name| side(name).unwrap_or(usize::MAX)),
            listed: self.listed,
            params,
            providers: (self.providers.iter())
                .map(|row| ProviderInput {
                    name: row.name.clone(),
                    weight: row.weight,
                    parts: row.parts.into(),
                })
                .collect(),
            routes: routes?,
        })
    }
}

impl RouteRow {
    fn read(&self, provider: usize) -> Result<RouteInput, String> {
        let health = Health::ALL.into_iter().find(|health| health.name() == self.state);
        let class = |why: &str| HoldClass::ALL.into_iter().find(|class| class.text() == why);
        let hold = self.hold.as_ref().map(|row| {
            let class = class(&row.why).ok_or_else(|| format!("hold `{}` is unknown", row.why))?;
            let (since, due) = (Time(row.since_ns), Time(row.due_ns));
            Ok::<Hold, String>(Hold { class, since, due, rung: row.rung })
        });
        let tally = |[attempts, errors]: [u64; 2]| Tally { attempts, errors };
        Ok(RouteInput {
            key: RouteKey::from_word(self.key),
            name: self.id.clone(),
            provider,
            weight: self.weight,
            static_weight: self.static_weight,
            parts: self.parts.into(),
            health: health.ok_or_else(|| format!("state `{}` is unknown", self.state))?,
            since: Time(self.since_ns),
            why: Reason::ALL.into_iter().find(|why| Some(why.text()) == self.reason.as_deref()),
            hold: hold.transpose()?,
            excluded_until: Time(self.excluded_until_ns),
            refused: self.refused,
            ends: Time(self.ends_ns),
            check_waits: self.check_waits,
            tried: self.tried,
            allowed: self.allowed,
            seen: Windowed {
                state: tally(self.seen[0]),
                momentum: tally(self.seen[1]),
                short: tally(self.seen[2]),
                long: tally(self.seen[3]),
                all: tally(self.seen[4]),
                since_error: self.since_error_s.map(Span::from_secs_f64),
                actual: self.traffic[0],
                expected: self.traffic[1],
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Need, Outcome, Route};

    #[test]
    fn printed_inputs_read_back_give_the_same_choice() {
        let engine = Engine::with_shards(Params::default(), Time::ZERO, 1).unwrap();
        let keys = engine.add_all(
            (0..6).map(|n| Route::new(format!("p{}", n % 2), "chat", format!("k{n}"))),
            Time::ZERO,
        );
        for n in 0..200u64 {
            let ticket = engine.pin(Time(n), keys[(n % 3) as usize]).unwrap();
            let bad = n.is_multiple_of(3) || n.is_multiple_of(7);
            let done = Outcome::Done { prompt_tokens: 10, output_tokens: 10 };
            let outcome = if bad { Outcome::ServerError { status: 500 } } else { done };
            engine.end(ticket, Time(n), outcome);
        }
        engine.tick(Time::from_secs(5));
        let model = engine.model("chat").unwrap();
        let tried = [keys[1]];
        for luck in 0..500u64 {
            let need = Need {
                model,
                prompt_tokens: 1,
                max_tokens: 1,
                provider: engine.provider("p1").filter(|_| luck.is_multiple_of(5)),
                allowed: None,
                tried: if luck.is_multiple_of(3) { &tried } else { &[] },
            };
            let luck = crate::engine::luck::mix(luck, 0);
            let explanation = engine.explain(Time::from_secs(6), &need, luck);
            let decision = Decision::new(&explanation);
            let text = serde_json::to_string(&decision).unwrap();
            let back: Decision = serde_json::from_str(&text).unwrap();
            let inputs = back.inputs.read().unwrap();
            let again = inputs.choose().ok().map(|chosen| inputs.routes[chosen.route].name.clone());
            assert_eq!(again, back.choice);
        }
    }
}
