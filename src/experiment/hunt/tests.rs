//! Every schedule is the text of a scenario, and what it is made of can be changed.

use std::path::Path;

use crate::engine::luck::mix;
use crate::experiment::compare::Contender;
use crate::policy::registry;
use crate::scenario::{self, Scenario};

use super::BASE;
use super::breed::Ground;
use super::draft::Base;
use super::kinds::KINDS;

fn world() -> Scenario {
    scenario::parse("base.toml", BASE, Path::new(""), &[]).unwrap()
}

fn ground(scenario: &Scenario) -> Ground {
    Ground::new(&scenario.spec.pool, &[], 270, true)
}

#[test]
fn schedules_of_every_kind_are_scenarios() {
    let scenario = world();
    let policy = Contender::of(registry::find("random").unwrap());
    let base = Base::new(&scenario, &policy, 7).unwrap();
    let ground = ground(&scenario);
    assert_eq!(ground.kinds(), KINDS.len(), "the base world has a place for all of them");
    for nth in 0..200 {
        let drawn = ground.draw(mix(3, nth), nth as usize);
        let changed = ground.changed(&ground.changed(&drawn, mix(4, nth)), mix(5, nth));
        for schedule in [drawn, changed] {
            let text = base.text(&schedule);
            let read = scenario::parse("x.toml", &text, Path::new(""), &[]);
            let read = read.unwrap_or_else(|error| panic!("{text}\n{error:?}"));
            assert_eq!((read.policy.spec.name, read.seed_default), ("random", 7));
            let end = |s: &super::schedule::Strike| s.start_s + s.lasts_s;
            assert!(schedule.strikes.iter().all(|s| s.start_s >= 60 && end(s) <= 250), "{text}");
        }
    }
}

#[test]
fn a_policy_with_parameters_is_written_with_them() {
    let scenario = world();
    let mut policy = Contender::of(registry::find("windtunnel").unwrap());
    policy.settings.set("state.failed", 0.08).unwrap();
    let base = Base::new(&scenario, &policy, 1).unwrap();
    let text = base.text(&ground(&scenario).draw(1, 0));
    let read = scenario::parse("x.toml", &text, Path::new(""), &[]).unwrap();
    assert_eq!(read.policy.settings.get("state.failed"), 0.08);
}

#[test]
fn a_small_world_offers_what_it_has() {
    let text = "# ?\nrps = 9\nduration = \"90s\"\npolicy = \"random\"\n[workload]\nmodels = { chat = 1 }\n\
                [provider]\na = { profile = \"plain\" }\nb = { profile = \"plain\" }\n";
    let scenario = scenario::parse("small.toml", text, Path::new(""), &[]).unwrap();
    let ground = Ground::new(&scenario.spec.pool, &["regional".to_owned()], 90, true);
    assert!(ground.is_empty(), "no regions, no regional fault");
}
