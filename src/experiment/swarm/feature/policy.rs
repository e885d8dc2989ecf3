//! Who routes, with which parameters and layers, and how long.

use crate::engine::{Param, Time, Unit};
use crate::policy::Pool;

use super::super::dice::Dice;
use super::super::draft::Draft;

/// The policy, the length of the run and its past.
pub(super) fn policy(draft: &mut Draft) {
    let dice = draft.dice.of("policy", 0);
    draft.say("duration", &format!("\"{}s\"", draft.seconds));
    draft.say("seed", &(draft.seed & i64::MAX as u64).to_string());
    let history = dice.pick("history", &["0s", "10m", "1h"]);
    draft.say("history", &format!("\"{history}\""));
    let mut knobs = Vec::new();
    if draft.policy.params.iter().any(|param| param.id == "share.mode") {
        // Worlds are short: the balancer's clock is fast, and so are its holds.
        knobs.push(format!("interval = \"{}ms\"", dice.pick("interval", &[200, 500, 1_000])));
        if dice.chance("holds", 0.7) {
            knobs.push(format!("hold.first = \"{}ms\"", dice.pick("first", &[300, 1_000, 3_000])));
            knobs.push(format!("hold.enabled = {}", dice.chance("enabled", 0.9)));
        }
    }
    if dice.chance("layer", 0.3) {
        knobs.extend(layers(dice));
    }
    if dice.chance("turned", 0.3) {
        knobs.extend(turned(draft, dice, &knobs));
    }
    let name = draft.policy.name;
    let value = if knobs.is_empty() {
        format!("\"{name}\"")
    } else {
        format!("{{ name = \"{name}\", {} }}", knobs.join(", "))
    };
    draft.say("policy", &value);
}

fn layers(dice: Dice) -> Vec<String> {
    let mut knobs = Vec::new();
    if dice.chance("common", 0.6) {
        knobs.push("layer.retry = \"common\"".to_owned());
        knobs.push(format!("layer.retries = {}", dice.between("retries", 0, 4)));
        knobs.push(format!("layer.backoff = \"{}ms\"", dice.pick("backoff", &[0, 50, 800])));
        knobs.push(format!("layer.ttft_timeout = \"{}ms\"", dice.pick("ttft", &[0, 600, 2_000])));
        knobs.push(format!(
            "layer.total_timeout = \"{}ms\"",
            dice.pick("total", &[0, 1_500, 9_000])
        ));
    }
    if dice.chance("budget", 0.4) {
        knobs.push("layer.budget = \"20%\"".to_owned());
    }
    if dice.chance("throttle", 0.3) {
        knobs.push("layer.throttle = true".to_owned());
        knobs.push(format!("layer.throttle_window = \"{}s\"", dice.pick("window", &[1, 5, 120])));
    }
    if dice.chance("affinity", 0.3) {
        knobs.push("layer.affinity = true".to_owned());
    }
    knobs
}

/// One parameter of the policy's own at another value, unless that contradicts the others.
fn turned(draft: &Draft, dice: Dice, said: &[String]) -> Option<String> {
    let own = draft.policy.params.iter().filter(|param| {
        let id = format!("{} =", param.id);
        param.id != "share.mode"
            && param.id != "workers"
            && !said.iter().any(|knob| knob.starts_with(&id))
    });
    let own: Vec<&Param> = own.collect();
    let param = (!own.is_empty()).then(|| dice.pick("param", &own))?;
    let mut settings = draft.policy.settings();
    for (id, value) in said.iter().filter_map(|knob| knob.split_once(" = ")) {
        if let Some(param) = draft.policy.params.iter().find(|param| param.id == id) {
            settings.set(id, param.parse(value.trim_matches('"')).ok()?).ok()?;
        }
    }
    let now = settings.get(param.id);
    let value = match param.unit {
        Unit::Switch => 1.0 - now,
        Unit::Choice(words) => f64::from(dice.between("word", 0, words.len() as u32 - 1)),
        Unit::Count => (now + f64::from(dice.between("count", 0, 3))).min(param.max),
        Unit::Ratio | Unit::Number | Unit::Seconds => {
            (now * dice.pick("factor", &[0.5, 0.8, 1.5, 3.0])).clamp(param.min, param.max)
        }
    };
    settings.set(param.id, value).ok()?;
    draft.policy.make(&settings, &Pool::default(), Time::ZERO, 0).ok()?;
    let shown = param.show(value);
    param.parse(&shown).ok()?;
    Some(format!("{} = \"{shown}\"", param.id))
}
