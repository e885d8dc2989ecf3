//! What goes wrong: the kind whose turn it is, perhaps more, perhaps incidents at random.

use super::super::dice::Dice;
use super::super::draft::{Draft, Keys};

/// Kinds that need nothing of the rest of the world.
const FREE: [&str; 12] = [
    "background",
    "hard-outage",
    "error-burst",
    "stall",
    "flapping",
    "severe-outage",
    "overload",
    "brown-out",
    "acceleration",
    "midstream",
    "cold-start",
    "slow-recovery",
];

/// Faults and incidents.
pub(super) fn faults(draft: &mut Draft) {
    let dice = draft.dice.of("faults", 0);
    fault(draft, 0, draft.fault);
    for n in 1..=dice.pick("more", &[0, 0, 1, 2]) {
        let dice = draft.dice.of("fault", n);
        let kind = match dice.between("kind", 0, 3) {
            0 => "key-fault",
            1 => "one-model",
            _ => dice.pick("free", &FREE),
        };
        fault(draft, n, kind);
    }
    if dice.chance("incidents", 0.1) {
        let mut keys = Keys::default();
        keys.say("compress", 20_000).say("rate", 30);
        draft.table("[incidents]", &keys);
    }
}

fn fault(draft: &mut Draft, n: usize, kind: &str) {
    let dice = draft.dice.of("fault", n);
    let mut keys = Keys::default();
    keys.text("kind", kind);
    keys.text("name", &format!("fault-{}", n + 1));
    keys.text("on", &on(draft, dice, kind));
    keys.ms("start", draft.moment(dice, "start", 0.0, 0.6));
    let lasts = draft.moment(dice, "lasts", 0.1, 0.9);
    keys.ms("lasts", lasts);
    if dice.chance("cut", 0.4) {
        keys.text("in_flight", "cut");
    }
    own(&mut keys, dice, kind, lasts);
    if !["tpm-wall", "limit-cut", "cascade", "regional", "slow-recovery"].contains(&kind) {
        shape(&mut keys, dice, lasts);
    }
    let regions: Vec<&str> =
        draft.nodes.iter().map(|node| node.region).filter(|region| !region.is_empty()).collect();
    if !regions.is_empty() && dice.chance("seen", 0.3) {
        keys.text("seen_from", dice.pick("from", &regions));
    }
    draft.table("[[fault]]", &keys);
}

/// Where: some kinds need a place of a kind.
fn on(draft: &Draft, dice: Dice, kind: &str) -> String {
    let first = &draft.providers[0];
    let name = &first.name;
    match kind {
        "key-fault" => {
            let keys: Vec<&str> = first.keys.iter().map(String::as_str).collect();
            format!("{name}/{}", dice.pick("key", &keys))
        }
        "one-model" => format!("{name}:{}", dice.pick("model", &first.models)),
        "regional" => format!("{name}@{}", dice.pick("region", &first.regions)),
        "limit-cut" | "tpm-wall" | "cascade" => name.clone(),
        _ => draft.place(dice),
    }
}

/// Keys that only this kind has.
fn own(keys: &mut Keys, dice: Dice, kind: &str, lasts: u32) {
    match kind {
        "background" | "hard-outage" | "error-burst" | "flapping" | "severe-outage"
        | "one-model" | "regional" | "cascade" | "slow-recovery" => error(keys, dice),
        "stall" => {
            keys.text("rate", dice.pick("rate", &["30%", "100%"]));
            keys.ms("extra", dice.pick("extra", &[400, 3_000, 30_000]));
            keys.text("cancelled", dice.pick("cancelled", &["0%", "45%", "100%"]));
        }
        "overload" => {
            keys.text("rate", dice.pick("rate", &["30%", "90%"]));
            keys.text("limited", dice.pick("limited", &["0%", "50%", "100%"]));
        }
        "brown-out" => {
            keys.say("ttft", dice.pick("ttft", &[2, 8]))
                .say("decode", dice.pick("decode", &[3, 20]));
        }
        "acceleration" => {
            keys.say("above", dice.pick("above", &["1.2", "2"]));
        }
        "midstream" => {
            keys.text("rate", dice.pick("rate", &["5%", "60%", "100%"]));
        }
        "cold-start" => {
            keys.ms("median", 900).ms("idle", dice.pick("idle", &[200, 1_500]));
            keys.say("requests", dice.between("requests", 1, 20));
        }
        "limit-cut" => {
            keys.text("factor", dice.pick("factor", &["2%", "30%", "80%"]));
        }
        "tpm-wall" => {
            keys.text("demand", "400%");
        }
        "key-fault" => {
            let status = dice.pick("status", &["401", "402", "403", "404", "\"quota\""]);
            keys.say("error", format_args!("{{ status = {status} }}"));
        }
        _ => {}
    }
    if kind == "cascade" {
        keys.text("headroom", dice.pick("headroom", &["5%", "30%"]));
    }
    if kind == "regional" {
        keys.text("floor", "10%");
    }
    if kind == "slow-recovery" {
        keys.ms("tail", lasts / 2);
    }
}

fn error(keys: &mut Keys, dice: Dice) {
    let rate = dice.pick("share", &[20, 60, 100]);
    let status = dice
        .pick("status", &["500", "503", "429", "\"hang\"", "\"unreachable\"", "408", "400", "401"]);
    let after = dice.pick("after", &[0, 80, 600]);
    let hint =
        if status == "429" && dice.chance("hint", 0.5) { ", retry_after = \"700ms\"" } else { "" };
    keys.say(
        "error",
        format_args!("{{ rate = \"{rate}%\", status = {status}, after = \"{after}ms\"{hint} }}"),
    );
}

fn shape(keys: &mut Keys, dice: Dice, lasts: u32) {
    let third = lasts / 3;
    match dice.between("shape", 0, 5) {
        0 => {
            keys.say(
                "shape",
                format_args!("{{ kind = \"ramp\", rise = \"{third}ms\", fall = \"{third}ms\" }}"),
            );
        }
        1 => {
            keys.say("shape", format_args!("{{ kind = \"recover\", fall = \"{third}ms\" }}"));
        }
        2 => {
            keys.say("shape", "{ kind = \"flap\", on = \"400ms\", off = \"700ms\" }");
        }
        _ => {}
    }
}
