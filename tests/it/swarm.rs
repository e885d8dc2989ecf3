//! `windtunnel check --swarm` through the binary: what it prints, the worlds it writes, and what it refuses.

use crate::program::{Desk, Ended};

fn ended(desk: &Desk, code: i32, args: &[&str]) -> Ended {
    let ended = desk.run(args);
    assert_eq!(ended.code, Some(code), "{args:?}: {}{}", ended.stdout, ended.stderr);
    ended
}

#[test]
fn worlds_are_run_counted_and_written_as_scenarios_that_run_alike() {
    let desk = Desk::new();
    let some = ended(&desk, 0, &["check", "--swarm", "3", "--seed", "4711"]);
    assert!(some.stdout.starts_with("3 worlds from seed 4711: "), "{}", some.stdout);
    assert!(
        some.stdout.ends_with("nothing is wrong\n") && some.stderr.is_empty(),
        "{}",
        some.stderr
    );
    assert!(some.stdout.lines().all(|line| line.chars().count() <= 80), "{}", some.stdout);
    let threads = ["check", "--swarm", "3", "--seed", "4711", "--threads", "1"];
    assert_eq!(ended(&desk, 0, &threads).stdout, some.stdout);
    let one = ended(&desk, 0, &["check", "--swarm", "1", "--seed", "4711", "--write", "worlds"]);
    assert!(one.stderr.contains("written: worlds/swarm-4711.toml"), "{}", one.stderr);
    let world = desk.read("worlds/swarm-4711.toml");
    assert!(world.starts_with("# World 4711 of the swarm"), "{world}");
    ended(&desk, 0, &["run", "worlds/swarm-4711.toml"]);
}

#[test]
fn a_swarm_takes_nothing_that_belongs_to_scenarios() {
    let desk = Desk::new();
    let swarm = ["check", "--swarm", "3"];
    let others: [&[&str]; 8] = [
        &["short.toml"],
        &["--policy", "random"],
        &["--baseline", "b.json"],
        &["--set", "rps=5"],
        &["-R", "4"],
        &["--shard", "1/2"],
        &["--junit", "x.xml"],
        &["--format", "json"],
    ];
    for other in others {
        let refused = ended(&desk, 2, &[&swarm[..], other].concat());
        assert!(refused.stderr.contains("cannot be used with"), "{}", refused.stderr);
    }
    ended(&desk, 2, &["check", "--swarm", "0"]);
    ended(&desk, 2, &["check", "short.toml", "--write", "worlds"]);
}
