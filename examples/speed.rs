//! How fast one policy runs on the plain world: `speed POLICY PROVIDERS KEYS SECONDS`, or `bare` for the loop
//! without a policy. For developers; `windtunnel bench` is the measurement.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_types,
    reason = "a yardstick at the developer's desk"
)]

use windtunnel::engine::Time;
use windtunnel::policy::registry;
use windtunnel::sim::{Replication, World, plain};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let name = &args[1];
    let (p, k, secs): (u16, u32, u64) =
        (args[2].parse().unwrap(), args[3].parse().unwrap(), args[4].parse().unwrap());
    let spec = plain::world(p, k, 5000.0, secs);
    if name == "bare" {
        let t = std::time::Instant::now();
        let (n, sum) = windtunnel::experiment::bench::bare_loop(&spec, 1);
        println!("bare {:.0} ns/request {n} {sum}", t.elapsed().as_nanos() as f64 / n as f64);
        return;
    }
    let policy = registry::find(name).unwrap();
    for _ in 0..1 {
        let built = (policy.build)(&policy.settings(), &spec.pool, Time::ZERO, 1).unwrap();
        let world = World::new(&spec, built, 1, Replication { index: 0, of: 1 });
        let t = std::time::Instant::now();
        let tape = world.run().unwrap();
        let s = t.elapsed().as_secs_f64();
        println!(
            "{name} {p}x{k}: {:.0} ns/request, {:.2} M/s, {:?} digest {:x} inflight {} p50 {} transitions {}",
            s * 1e9 / tape.arrived as f64,
            tape.arrived as f64 / s / 1e6,
            tape.totals,
            tape.digest,
            tape.in_flight_max,
            tape.latency.value_at_quantile(0.5),
            tape.transitions.len()
        );
    }
}
