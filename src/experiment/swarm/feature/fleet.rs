//! The gateway: its processes and nodes, what they share, and what happens to them.

use super::super::dice::Dice;
use super::super::draft::{Draft, Keys, Node};

/// How nodes come together; several entries of a kind make it more frequent.
const SHAPES: [&str; 11] = [
    "one",
    "one",
    "one",
    "one",
    "workers",
    "none",
    "none",
    "none",
    "tpm-in-region",
    "full",
    "full",
];
/// Only some policies share anything, so theirs are mostly clusters.
const SHARING: [&str; 5] = ["full", "tpm-in-region", "full", "tpm-in-region", "none"];
const REGIONS: [&str; 2] = ["us-east", "eu-west"];

/// The gateway and what happens to its nodes.
pub(super) fn fleet(draft: &mut Draft) {
    let dice = draft.dice.of("fleet", 0);
    let shares = draft.policy.params.iter().any(|param| param.id == "share.mode");
    let shape =
        if shares { SHARING[(draft.seed / 49 % 5) as usize] } else { draft.turn.of(&SHAPES) };
    let mut keys = Keys::default();
    if dice.chance("room", 0.3) {
        keys.say("max_in_flight", dice.pick("places", &[1, 4, 15, 60]));
    }
    if dice.chance("overhead", 0.3) {
        keys.text("overhead", dice.pick("work", &["0us", "900us", "30ms"]));
    }
    if shape == "workers" || (shape != "one" && dice.chance("workers", 0.2)) {
        keys.say("workers", dice.between("count", 2, 3));
    }
    draft.nodes = vec![Node { name: "node-1".to_owned(), region: "" }];
    if ["none", "tpm-in-region", "full"].contains(&shape) {
        nodes(draft, &mut keys, dice);
        keys.text("share", shape);
        keys.ms("share_every", dice.pick("every", &[100, 300, 1_000]));
        keys.text("spread", dice.pick("spread", &["round-robin", "round-robin", "sticky"]));
        keys.say("network", network(dice));
    }
    draft.table("[gateway]", &keys);
    if draft.nodes.len() > 1 {
        for n in 0..dice.pick("events", &[0, 1, 1, 2, 3]) {
            event(draft, n);
        }
    }
}

fn nodes(draft: &mut Draft, keys: &mut Keys, dice: Dice) {
    let count = dice.between("nodes", 2, 5) as usize;
    let name = |n: usize| format!("node-{}", n + 1);
    if dice.chance("alike", 0.4) {
        keys.say("nodes", count);
        draft.nodes = (0..count).map(|n| Node { name: name(n), region: "" }).collect();
        return;
    }
    draft.nodes = (0..count).map(|n| Node { name: name(n), region: REGIONS[n % 2] }).collect();
    let node = |(n, node): (usize, &Node)| {
        let weight = dice.of("node", n).pick("weight", &["1", "1", "2.5"]);
        format!("{{ region = \"{}\", weight = {weight} }}", node.region)
    };
    let list: Vec<String> = draft.nodes.iter().enumerate().map(node).collect();
    keys.say("nodes", format_args!("[{}]", list.join(", ")));
}

fn network(dice: Dice) -> String {
    let median = dice.pick("delay", &[1, 20, 150]);
    let (loss, twice) = (dice.pick("loss", &[0, 2, 25]), dice.pick("twice", &[0, 10]));
    format!(
        "{{ delay = {{ median = \"{median}ms\", p90 = \"{}ms\" }}, loss = \"{loss}%\", duplicate = \"{twice}%\" }}",
        median * 3
    )
}

/// Something happens to a node.
fn event(draft: &mut Draft, n: usize) {
    let dice = draft.dice.of("node event", n);
    let names: Vec<&str> = draft.nodes.iter().map(|node| node.name.as_str()).collect();
    let kind = dice.pick("kind", &["partition", "crash", "crash", "restart", "leave", "join"]);
    let mut keys = Keys::default();
    keys.text("kind", kind);
    // The whole gateway goes down, now and then.
    let on =
        if kind != "partition" && dice.chance("all", 0.1) { "*" } else { dice.pick("on", &names) };
    keys.text("on", on);
    keys.ms("start", draft.moment(dice, "start", 0.05, 0.7));
    let lasts = draft.moment(dice, "lasts", 0.05, 0.5);
    match kind {
        "partition" => {
            keys.ms("lasts", lasts)
                .text("direction", dice.pick("direction", &["both", "out", "in"]));
        }
        "crash" => {
            keys.ms("noticed", dice.pick("noticed", &[0, 300, 2_000]));
            if dice.chance("back", 0.7) {
                keys.ms("lasts", lasts).text("knows", dice.pick("knows", &["nothing", "holds"]));
            }
        }
        "restart" => {
            let drain = lasts / 2;
            keys.ms("drain", drain)
                .ms("lasts", lasts)
                .text("knows", dice.pick("knows", &["nothing", "holds"]));
        }
        "leave" => {
            keys.ms("drain", dice.pick("drain", &[0, 800]));
        }
        _ => {}
    }
    if kind != "partition" && on == "*" {
        keys.ms("stagger", dice.pick("stagger", &[0, 700]));
    }
    draft.table("[[node_event]]", &keys);
}
