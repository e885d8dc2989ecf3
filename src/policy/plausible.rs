//! What would be as plausible as a value that is our choice.
//!
//! Where the public text is silent a model needs a value all the same. Whoever compares models should know whether their
//! order hangs on it, so each such value can be moved alone, within what nobody could call wrong: half and twice a number,
//! the other words of a choice, the other position of a switch. Where that would say nothing, [`RANGES`] says what else.

use crate::engine::{Param, Settings, Unit};

use super::registry::PolicySpec;

/// A value of a policy, moved.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Which value, and where to, as a scenario would write it: `usage.mode=decayed`.
    pub what: String,
    /// The policy's settings with it.
    pub settings: Settings,
}

/// A parameter's own ends, and why.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The parameter.
    pub id: &'static str,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Why not half and twice the value.
    pub why: &'static str,
}

const fn range(id: &'static str, low: f64, high: f64, why: &'static str) -> Range {
    Range { id, low, high, why }
}

const ABOVE_ONE: &str = "a factor: what counts is what is above 1";
const REPORTS: &str = "reports travel, and half of nothing is nothing";
const REST: &str = "what is missing to 100 % counts: about half and twice of that";

/// Parameters whose half or double would say nothing.
pub static RANGES: &[Range] = &[
    range("backoff.factor", 1.5, 3.0, ABOVE_ONE),
    range("recovering.ramp", 1.5, 4.0, ABOVE_ONE),
    range("silence.margin", 1.5, 3.0, ABOVE_ONE),
    range("latency.margin_min", 1.1, 1.6, ABOVE_ONE),
    range("latency.margin_start", 1.25, 2.0, ABOVE_ONE),
    range("latency.margin_max", 2.0, 5.0, ABOVE_ONE),
    range("edge.width", 1.1, 1.5, ABOVE_ONE),
    range("latency.margin_quantile", 0.8, 0.95, REST),
    range("breaker.success_rate", 0.9, 0.975, REST),
    range("memory.keep", 0.98, 0.995, REST),
    range("view.full", 0.8, 1.2, "a limit is met a little early or late, not at half of it"),
    range("view.every", 0.0, 1.0, REPORTS),
    range("view.delay", 0.0, 0.5, REPORTS),
    range("weights.delay", 0.0, 0.5, REPORTS),
];

/// Parts of our own engine that no vendor's text has: a model without them says what the text says.
const PARTS: [&str; 2] = ["silence.enabled", "direction.by_usable"];

/// Values as plausible as this one, which is our choice; it is not among them. A number that is 0 is off, and stays.
pub fn alternatives(param: &Param, value: f64) -> Vec<f64> {
    let mut values = match param.unit {
        Unit::Switch => vec![1.0 - value],
        Unit::Choice(words) => (0..words.len()).map(|index| index as f64).collect(),
        Unit::Ratio | Unit::Number | Unit::Count | Unit::Seconds => {
            let own = RANGES.iter().find(|range| range.id == param.id);
            let (low, high) = own.map_or((value / 2.0, value * 2.0), |own| (own.low, own.high));
            let whole = |end: f64| if param.unit == Unit::Count { end.round() } else { end };
            vec![whole(low).max(param.min), whole(high).min(param.max)]
        }
    };
    values.retain(|other| other.to_bits() != value.to_bits());
    values
}

/// The policy with each of its values that are our choice moved, one at a time. What its preset sets makes it that preset, and
/// stays.
pub fn moved(spec: &PolicySpec) -> Vec<Moved> {
    let preset = spec.settings();
    let set = |id: &str| spec.preset.iter().copied().flatten().any(|(known, _)| *known == id);
    // What only matters where it is switched on.
    let off = |id: &str| {
        let switch = id.split_once('.').map(|(part, _)| format!("{part}.enabled"));
        switch.is_some_and(|switch| switch != id && is_off(&preset, &switch))
    };
    let stays = |id: &str| set(id) || PARTS.contains(&id) || off(id);
    let ours = spec.params.iter().filter(|param| param.is_ours() && !stays(param.id));
    ours.flat_map(|param| {
        alternatives(param, preset.get(param.id)).into_iter().map(|value| {
            let mut settings = preset.clone();
            settings.set(param.id, value).expect("it is within the parameter's range");
            Moved { what: format!("{}={}", param.id, param.show(value)), settings }
        })
    })
    .collect()
}

fn is_off(settings: &Settings, switch: &str) -> bool {
    settings.param(switch).is_some() && !settings.on(switch)
}

/// The rule and its exceptions, for the page of policies.
pub(super) fn markdown() -> String {
    let mut text = String::from(
        "\n## Values that are our choice\n\n`compare --our-choices` moves each of them alone and says how far the policy's \
         place hangs on it: to half and twice a number, to the other words, to the other position of a switch. What a \
         preset sets makes it that preset, and stays; so does a number that is 0, which is off, and so do the parts of \
         our own engine that no vendor's text has. These have ends of their own:\n\n\
         | parameter | from | to | why |\n| --- | --- | --- | --- |\n",
    );
    for range in RANGES {
        let known = super::POLICIES.iter().flat_map(|spec| spec.params);
        let show = |value: f64| {
            let param = known.clone().find(|param| param.id == range.id);
            param.map_or_else(|| value.to_string(), |param| param.show(value))
        };
        let (low, high) = (show(range.low), show(range.high));
        text.push_str(&format!("| `{}` | {low} | {high} | {} |\n", range.id, range.why));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Time;
    use crate::policy::{POLICIES, Pool, registry};

    #[test]
    fn every_value_that_is_our_choice_can_be_moved() {
        for spec in POLICIES {
            for param in spec.params.iter().filter(|param| param.is_ours()) {
                let value = spec.settings().get(param.id);
                let others = alternatives(param, value);
                let is_off = value == 0.0 && param.unit != Unit::Switch;
                assert!(!others.is_empty() || is_off, "{}: {}", spec.name, param.id);
                assert!(others.iter().all(|value| param.check(*value).is_ok()), "{}", param.id);
            }
            let pool = Pool::default();
            for moved in moved(spec) {
                let made = spec.make(&moved.settings, &pool, Time::ZERO, 1);
                assert!(made.is_ok(), "{}: {}", spec.name, moved.what);
            }
        }
    }

    #[test]
    fn every_range_is_of_a_parameter_that_is_our_choice() {
        for range in RANGES {
            let mut all = POLICIES.iter().flat_map(|spec| spec.params);
            assert!(all.any(|param| param.id == range.id && param.is_ours()), "{}", range.id);
        }
    }

    #[test]
    fn one_value_is_moved_and_what_a_preset_sets_is_not() {
        let what = |name: &str| -> Vec<String> {
            moved(registry::find(name).unwrap()).into_iter().map(|moved| moved.what).collect()
        };
        let linkerd = what("linkerd-breaker");
        let own =
            ["breaker.success_rate=90%", "breaker.min_requests=10", "breaker.min_requests=40"];
        assert!(own.iter().all(|own| linkerd.iter().any(|what| what == own)), "{linkerd:?}");
        let kong = what("kong-default");
        assert!(kong.iter().any(|what| what == "usage.mode=decayed"), "{kong:?}");
        assert!(kong.iter().all(|what| !what.starts_with("retries=")), "documented: {kong:?}");
        assert!(what("bifrost-published").contains(&"state.min_attempts=10".to_owned()));
        let published = what("bifrost-published");
        assert!(published.iter().all(|what| !what.starts_with("silence.")), "{published:?}");
        let own = what("windtunnel");
        assert!(own.iter().all(|what| !what.starts_with("silence.margin")), "{own:?}");
        assert!(
            own.iter().any(|what| what.starts_with("headroom.") || what.starts_with("hold.")),
            "{own:?}"
        );
        let literal = what("bifrost-literal");
        assert!(literal.iter().all(|what| !what.starts_with("state.min_attempts")), "{literal:?}");
    }
}
