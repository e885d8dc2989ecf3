//! A whole run, from a world to its tape.

use windtunnel::engine::Time;
use windtunnel::policy::registry;
use windtunnel::sim::{Replication, World, plain};

#[test]
fn a_quiet_minute_loses_nothing() {
    let spec = plain::world(3, 2, 500.0, 60);
    let policy = registry::find("bifrost-published").unwrap();
    let policy = policy.make(&policy.settings(), &spec.pool, Time::ZERO, 1).unwrap();
    let tape = World::new(&spec, policy, 1, Replication { index: 0, of: 1 }).run().unwrap();
    assert!(tape.totals.offered > 29_000);
    assert_eq!(tape.totals.failed + tape.totals.shed + tape.totals.unfinished, 0);
}
