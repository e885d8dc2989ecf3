//! The engine's last snapshot in the text format of OpenMetrics, for a host to serve at `/metrics`.

use std::fmt::Write;

use super::balancer::Engine;
use super::health::Health;
use super::time::Time;

/// Its media type.
pub const OPENMETRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A gauge: name, help, unit-free value of a route.
type Gauge = (&'static str, &'static str);

const GAUGES: [Gauge; 8] = [
    ("weight", "Weight of the route within its provider."),
    ("probability", "Probability that the next request for its model goes there."),
    ("error_penalty", "Error part of the score, before weighting."),
    ("latency_penalty", "Latency part of the score, before weighting."),
    ("utilization_penalty", "Utilization part of the score, before weighting."),
    ("momentum_bonus", "Momentum part of the score."),
    ("held", "Whether its key is held."),
    ("excluded_seconds", "How long it is still excluded."),
];

impl Engine {
    /// The last snapshot as OpenMetrics text. Takes the control lock for a moment and allocates.
    pub fn openmetrics(&self, now: Time) -> String {
        let control = self.control.lock().expect("no holder of this lock panics");
        let snapshot = self.snapshot.load();
        let routes: Vec<(String, usize)> = (snapshot.rows.iter().enumerate())
            .filter(|(_, row)| row.active)
            .map(|(slot, row)| {
                let provider = &control.providers[row.provider as usize];
                let model = &control.models[row.model as usize];
                let name = &control.tracks[slot].name;
                let label = |text: &str| {
                    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
                };
                let labels = format!(
                    "route=\"{}\",provider=\"{}\",model=\"{}\"",
                    label(name),
                    label(provider),
                    label(model)
                );
                (labels, slot)
            })
            .collect();
        drop(control);
        let mut text = String::new();
        for (at, (name, help)) in GAUGES.iter().enumerate() {
            head(&mut text, name, help);
            for (labels, slot) in &routes {
                let row = &snapshot.rows[*slot];
                let gate = self.board.gates.get(*slot as u32);
                let value = match at {
                    0 => row.weight,
                    1 => row.odds.probability,
                    2 => row.parts.error,
                    3 => row.parts.latency,
                    4 => row.parts.utilization,
                    5 => row.parts.momentum,
                    6 => f64::from(u8::from(gate.held() != 0)),
                    _ => gate.excluded_until().since(now).as_secs_f64(),
                };
                let _ = writeln!(text, "windtunnel_route_{name}{{{labels}}} {value}");
            }
        }
        let _ = writeln!(text, "# TYPE windtunnel_route_state stateset");
        let _ = writeln!(text, "# HELP windtunnel_route_state Health of the route.");
        for (labels, slot) in &routes {
            for health in Health::ALL {
                let is = u8::from(snapshot.rows[*slot].health == health);
                let _ = writeln!(
                    text,
                    "windtunnel_route_state{{{labels},windtunnel_route_state=\"{}\"}} {is}",
                    health.name()
                );
            }
        }
        for (name, help) in [
            ("done", "Attempts that gave a whole answer."),
            ("errors", "Attempts that count as errors."),
            ("void", "Attempts that say nothing about the route."),
        ] {
            let _ = writeln!(text, "# TYPE windtunnel_route_{name} counter");
            let _ = writeln!(text, "# HELP windtunnel_route_{name} {help}");
            for (labels, slot) in &routes {
                let totals = self.board.totals(*slot as u32, now);
                let value = match name {
                    "done" => totals.done,
                    "errors" => totals.errors,
                    _ => totals.void,
                };
                let _ = writeln!(text, "windtunnel_route_{name}_total{{{labels}}} {value}");
            }
        }
        text.push_str("# EOF\n");
        text
    }
}

fn head(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# TYPE windtunnel_route_{name} gauge");
    let _ = writeln!(text, "# HELP windtunnel_route_{name} {help}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Outcome, Params, Route};

    #[test]
    fn every_route_has_every_metric_once_and_the_text_ends_as_it_must() {
        let engine = Engine::with_shards(Params::default(), Time::ZERO, 1).unwrap();
        let keys = engine
            .add_all([Route::new("a", "chat", "k\"1"), Route::new("b", "chat", "k2")], Time::ZERO);
        for n in 0..50 {
            let ticket = engine.pin(Time(n), keys[0]).unwrap();
            engine.end(ticket, Time(n), Outcome::ServerError { status: 503 });
        }
        engine.tick(Time::from_secs(5));
        let text = engine.openmetrics(Time::from_secs(5));
        assert!(text.ends_with("\n# EOF\n"));
        let first = "route=\"a:chat/k\\\"1\",provider=\"a\",model=\"chat\"";
        for line in [
            format!("windtunnel_route_errors_total{{{first}}} 50"),
            format!("windtunnel_route_done_total{{{first}}} 0"),
            format!("windtunnel_route_state{{{first},windtunnel_route_state=\"failed\"}} 1"),
            format!("windtunnel_route_probability{{{first}}} 0"),
        ] {
            assert!(text.lines().any(|have| have == line), "{line} in {text}");
        }
        for (name, _) in GAUGES {
            let prefix = format!("windtunnel_route_{name}{{");
            assert_eq!(text.lines().filter(|line| line.starts_with(&prefix)).count(), 2);
        }
    }
}
