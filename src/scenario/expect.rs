//! `[[expect]]`: what must hold after a run, and which figures are compared with a baseline. Read and checked
//! here; measured by `windtunnel check`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::metrics::metric::Direction;
use crate::metrics::{Measure, Metric, catalog};
use crate::policy::registry::POLICIES;
use crate::sim::fault::{Fault, Start};

use super::at::At;
use super::error::Problem;
use super::suggest;
use super::unit::{Length, Share, Written, written};

/// What must hold of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// Name of the metric.
    pub metric: String,
    /// The fault that it is measured on, where the metric belongs to one.
    pub fault: Option<String>,
    /// The policy that it is expected of; `None` for whichever is checked.
    pub policy: Option<String>,
    /// Which summary over replications.
    pub stat: Stat,
    /// Least value that is fine, in the metric's unit.
    pub min: Option<f64>,
    /// Greatest value that is fine.
    pub max: Option<f64>,
    /// Whether its mean is compared with a baseline, and how.
    pub gate: Option<Gate>,
}

/// A figure that is compared with a baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// A worsening of the mean up to this is fine, in the metric's unit.
    pub slack: f64,
}

/// A summary over replications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stat {
    /// Arithmetic mean.
    Mean,
    /// Lower end of the 95 % interval of the mean.
    MeanLow,
    /// Upper end of the 95 % interval of the mean.
    MeanHigh,
    /// Least.
    Min,
    /// Median.
    P50,
    /// 90 % are at most this.
    P90,
    /// 95 % are at most this.
    P95,
    /// 99 % are at most this.
    P99,
    /// Greatest.
    Max,
    /// The worst over the phases of a fault with a drawn phase: the greatest where less is better, else the
    /// least.
    WorstPhase,
}

/// What must hold afterwards.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectFile {
    /// Name of the metric, such as "time_to_recover_user".
    metric: String,
    /// Name of the fault it is measured on; may be left out where there is one fault.
    fault: Option<String>,
    /// The policy that it is expected of. Default: whichever is checked.
    policy: Option<String>,
    /// Summary over replications. Default "p95".
    stat: Option<Stat>,
    /// Least value that is fine.
    min: Option<Bound>,
    /// Greatest value that is fine.
    max: Option<Bound>,
    /// Whether the mean is compared with a baseline. At most three a scenario and policy.
    gate: Option<bool>,
    /// With `gate`: a worsening of the mean up to this is fine. Default 0.
    slack: Option<Bound>,
}

/// A bound in the unit of its metric: "12s", "99%", 3.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    Seconds(f64),
    Share(f64),
    Plain(f64),
}

impl Written for Bound {
    const EXPECTED: &'static str = "a bound such as \"12s\", \"99%\" or 3";

    fn from_text(text: &str) -> Option<Self> {
        let length = Length::from_text(text).map(|length| Self::Seconds(length.0.as_secs_f64()));
        length.or_else(|| Share::from_text(text).map(|share| Self::Share(share.0)))
    }

    fn from_whole(whole: i64) -> Option<Self> {
        Some(Self::Plain(whole as f64))
    }

    fn from_number(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self::Plain(number))
    }
}

written!(Bound, {
    "description": "A bound in the unit of its metric: \"12s\", \"99%\" or 3.",
    "type": ["string", "number"],
});

impl Bound {
    /// The number in the unit of a metric; `None` where a length of time or a share has no meaning.
    fn within(self, unit: &str) -> Option<f64> {
        match (self, unit) {
            (Self::Plain(number), _) | (Self::Seconds(number), "s") | (Self::Share(number), "") => {
                Some(number)
            }
            (Self::Seconds(seconds), "ms") => Some(seconds * 1e3),
            (Self::Seconds(_) | Self::Share(_), _) => None,
        }
    }
}

/// Gates of one policy in one scenario: every further one makes all of them blinder (our choice).
const GATES_MAX: usize = 3;

/// Checks all expectations of a scenario against its faults.
pub(crate) fn expects(files: &[ExpectFile], faults: &[Fault]) -> Result<Vec<Expect>, Problem> {
    let mut expects: Vec<Expect> = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let at = At::top().key("expect").item(index);
        let metric = file.metric(&at)?;
        let expect = file.expect(&at, metric.unit)?;
        check_fault(&expect, metric, &at, faults)?;
        check_policy(&expect, &at)?;
        if expect.gate.is_some() {
            check_gate(&expect, metric, &at, &expects)?;
        }
        expects.push(expect);
    }
    Ok(expects)
}

/// As [`expects`], for a claim, which is about one policy and has nothing to be compared with.
pub(crate) fn of_claim(files: &[ExpectFile], faults: &[Fault]) -> Result<Vec<Expect>, Problem> {
    for (index, file) in files.iter().enumerate() {
        let keys = [("policy", file.policy.is_some()), ("gate", file.gate.is_some())];
        if let Some((key, _)) = keys.iter().find(|(_, is_there)| *is_there) {
            let at = At::top().key("expect").item(index).key(key);
            return Err(Problem::new(at, format!("a claim's expectation has no `{key}`"))
                .expected("only scenarios have it"));
        }
        let at = At::top().key("expect").item(index);
        let metric = file.metric(&at)?;
        if matches!(metric.measure, Measure::Against(_)) {
            let what = format!("`{}` needs a run of the oracle", metric.id);
            return Err(
                Problem::new(at.key("metric"), what).expected("expected a metric of one run")
            );
        }
    }
    expects(files, faults)
}

/// Expectations of a clock: lengths of time of one thing.
pub(crate) fn of_clock(files: &[ExpectFile], metric: &str) -> Result<Vec<Expect>, Problem> {
    let one = |(index, file): (usize, &ExpectFile)| {
        let at = At::top().key("expect").item(index);
        if file.metric != metric {
            return Err(Problem::new(at.key("metric"), "not a metric of the real clock")
                .expected(format!("expected \"{metric}\"")));
        }
        file.expect(&at, "s")
    };
    files.iter().enumerate().map(one).collect()
}

impl Stat {
    /// Its word in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::MeanLow => "mean-low",
            Self::MeanHigh => "mean-high",
            Self::Min => "min",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Max => "max",
            Self::WorstPhase => "worst-phase",
        }
    }
}

impl ExpectFile {
    /// Its metric, if there is one of this name.
    fn metric(&self, at: &At) -> Result<&'static Metric, Problem> {
        let at = at.key("metric");
        catalog::find(&self.metric).ok_or_else(|| {
            let ids: Vec<_> = catalog::METRICS.iter().map(|metric| metric.id).collect();
            Problem::new(at, format!("there is no metric `{}`", self.metric))
                .expected("expected a name such as \"time_to_recover_user\"")
                .help(suggest::help(&self.metric, &ids))
        })
    }

    /// What is expected of a metric with this unit.
    fn expect(&self, at: &At, unit: &str) -> Result<Expect, Problem> {
        let Self { metric, fault, policy, stat, min, max, gate, slack } = self;
        let bound = |key: &str, bound: Option<Bound>| {
            let Some(bound) = bound else { return Ok(None) };
            let wrong = || {
                let has = if unit.is_empty() { "no unit" } else { unit };
                Problem::new(at.key(key), format!("not in the unit of `{metric}` ({has})"))
                    .expected(match unit {
                        "" => "expected a number or a share such as \"99%\"",
                        "s" | "ms" => "expected a length of time such as \"12s\"",
                        _ => "expected a number such as 3",
                    })
            };
            bound.within(unit).map(Some).ok_or_else(wrong)
        };
        let (min, max) = (bound("min", *min)?, bound("max", *max)?);
        let is_gate = gate.unwrap_or(false);
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            let message = format!("nothing is at least {min} and at most {max}");
            return Err(Problem::new(at.key("min"), message).expected("greater than `max`"));
        }
        if min.is_none() && max.is_none() && !is_gate {
            return Err(Problem::new(at.clone(), format!("`{at}` expects nothing"))
                .expected("expected `min`, `max` or both, or gate = true")
                .help("for example max = \"12s\""));
        }
        if slack.is_some() && !is_gate {
            return Err(Problem::new(at.key("slack"), "there is no gate to be slack")
                .expected("only with gate = true"));
        }
        let slack = bound("slack", *slack)?.unwrap_or(0.0);
        if slack < 0.0 {
            return Err(Problem::new(at.key("slack"), "a slack below zero")
                .expected("expected how much worse is still fine, such as \"500ms\""));
        }
        Ok(Expect {
            metric: metric.clone(),
            fault: fault.clone(),
            policy: policy.clone(),
            stat: stat.unwrap_or(Stat::P95),
            min,
            max,
            gate: is_gate.then_some(Gate { slack }),
        })
    }
}

/// The fault exists, is named where there are several, and has phases where the worst is asked for.
fn check_fault(expect: &Expect, metric: &Metric, at: &At, faults: &[Fault]) -> Result<(), Problem> {
    let names: Vec<&str> = faults.iter().map(|fault| fault.name.as_str()).collect();
    if let Some(name) = expect.fault.as_deref().filter(|name| !names.contains(name)) {
        return Err(Problem::new(at.key("fault"), format!("there is no fault `{name}`"))
            .expected("expected the name of a fault of this scenario")
            .help(suggest::help(name, &names)));
    }
    // Parts of one fault are named `fault/part`; the whole comes first.
    let wholes: BTreeSet<&str> = names.iter().filter_map(|name| name.split('/').next()).collect();
    if metric.is_per_fault() && expect.fault.is_none() && wholes.len() != 1 {
        let message = format!("`{}` belongs to a fault, and there are {}", metric.id, wholes.len());
        return Err(Problem::new(at.key("metric"), message)
            .expected("which fault?")
            .help("say fault = \"NAME\", or take a metric of the whole run"));
    }
    let is_drawn = |fault: &Fault| {
        matches!(fault.start, Start::Phase { .. })
            && expect.fault.as_ref().is_none_or(|name| *name == fault.name)
    };
    if expect.stat == Stat::WorstPhase && !faults.iter().any(is_drawn) {
        return Err(Problem::new(at.key("stat"), "no fault has phases")
            .expected("only with a fault that has a drawn phase")
            .help("for example start = { at = \"60s\", phase = \"random\" }"));
    }
    Ok(())
}

fn check_policy(expect: &Expect, at: &At) -> Result<(), Problem> {
    let Some(name) = &expect.policy else { return Ok(()) };
    if POLICIES.iter().any(|spec| spec.name == name) {
        return Ok(());
    }
    let names: Vec<_> = POLICIES.iter().map(|spec| spec.name).collect();
    Err(Problem::new(at.key("policy"), format!("there is no policy `{name}`"))
        .expected("expected a policy such as \"windtunnel\"")
        .help(suggest::help(name, &names)))
}

/// A gate has a better side, is declared once, and is one of three at most.
fn check_gate(expect: &Expect, metric: &Metric, at: &At, before: &[Expect]) -> Result<(), Problem> {
    if metric.better == Direction::Neither {
        let message = format!("`{}` is neither better nor worse", metric.id);
        return Err(Problem::new(at.key("gate"), message)
            .expected("expected a metric that has a better side"));
    }
    // What is for any policy counts for every policy.
    let beside = |other: &&Expect| {
        other.gate.is_some()
            && (other.policy == expect.policy || other.policy.is_none() || expect.policy.is_none())
    };
    let gates: Vec<&Expect> = before.iter().filter(beside).collect();
    if gates.iter().any(|gate| gate.metric == expect.metric && gate.fault == expect.fault) {
        return Err(Problem::new(at.key("gate"), format!("`{}` is a gate already", metric.id))
            .expected("a gate compares means, so one of a metric is enough"));
    }
    if gates.len() >= GATES_MAX {
        return Err(Problem::new(at.key("gate"), format!("more than {GATES_MAX} gates"))
            .expected("expected the metrics that matter most")
            .help(
                "each further gate makes all of them blinder; a bound without gate costs nothing",
            ));
    }
    Ok(())
}
