//! Who asks: classes, models, tokens, arrivals, patience, the SDK's retries, stored answers.

use super::super::dice::Dice;
use super::super::draft::{Draft, Keys};

const MODELS: [&str; 3] = ["chat", "small", "code"];

/// Faults that are defined against what clients offer.
const RELATIVE: [&str; 2] = ["tpm-wall", "cascade"];

/// The workload, in one class or several.
pub(super) fn clients(draft: &mut Draft) {
    let dice = draft.dice.of("clients", 0);
    let models = dice.between("models", 1, 3) as usize;
    draft.models = MODELS[..models].to_vec();
    draft.topics = if dice.chance("topics", 0.3) { 2 } else { 1 };
    let may_close = !RELATIVE.contains(&draft.fault);
    let classes = dice.pick("classes", &[0, 0, 2, 3]);
    let mut workload = Keys::default();
    asks(&mut workload, draft, dice, true);
    if classes == 0 {
        if may_close && dice.chance("closed", 0.2) {
            draft.open = false;
            workload.say("closed", closed(dice));
        } else {
            let rps = dice.pick("rps", &[15, 40, 80, 150]);
            draft.say("rps", &rps.to_string());
            comes(&mut workload, draft, dice);
        }
        draft.classes = vec!["all".to_owned()];
        return draft.table("[workload]", &workload);
    }
    draft.table("[workload]", &workload);
    let rps = dice.pick("rps", &[20, 60, 120]);
    draft.say("rps", &rps.to_string());
    for n in 0..classes {
        let dice = draft.dice.of("class", n);
        let name = format!("class-{}", n + 1);
        let mut keys = Keys::default();
        keys.text("name", &name);
        // The first takes part in the scenario's rate, or that would be without effect.
        match dice.between("rate", 0, 3) {
            1 if n > 0 => {
                keys.say("rps", dice.between("rps", 5, 60));
            }
            2 if n > 0 && may_close => {
                draft.open = false;
                keys.say("closed", closed(dice));
            }
            _ => {
                keys.say("share", dice.between("share", 1, 4));
                comes(&mut keys, draft, dice);
            }
        }
        if dice.chance("own", 0.5) {
            asks(&mut keys, draft, dice, false);
        }
        draft.table("[[class]]", &keys);
        draft.classes.push(name);
    }
}

fn closed(dice: Dice) -> String {
    let (clients, think) = (dice.between("clients", 3, 60), dice.between("think", 100, 1_500));
    format!("{{ clients = {clients}, think = \"{think}ms\" }}")
}

/// How requests are spaced, and how their rate changes.
fn comes(keys: &mut Keys, draft: &Draft, dice: Dice) {
    let arrivals = dice.pick(
        "arrivals",
        &[
            "",
            "{ kind = \"gamma\", cv = 2.5 }",
            "{ kind = \"weibull\", cv = 1.7 }",
            "{ kind = \"on-off\", on = \"700ms\", off = \"900ms\" }",
            "{ kind = \"even\" }",
        ],
    );
    if !arrivals.is_empty() {
        keys.say("arrivals", arrivals);
    }
    let (at, end) = (draft.seconds * 400, draft.seconds * 700);
    match dice.between("curve", 0, 5) {
        0 => {
            let steps =
                format!("[[\"0s\", \"60%\"], [\"{at}ms\", \"250%\"], [\"{end}ms\", \"0%\"]]");
            keys.say("rate", format_args!("{{ steps = {steps} }}"));
        }
        1 => {
            let ramps =
                format!("[[\"0s\", \"30%\"], [\"{at}ms\", \"200%\"], [\"{end}ms\", \"90%\"]]");
            keys.say("rate", format_args!("{{ ramps = {ramps} }}"));
        }
        2 => {
            let wave = "{ low = \"20%\", high = \"180%\", period = \"3s\" }";
            keys.say("rate", format_args!("{{ diurnal = {wave} }}"));
        }
        _ => {}
    }
}

/// What a request is like, and what its client does.
fn asks(keys: &mut Keys, draft: &Draft, dice: Dice, models: bool) {
    if models || dice.chance("other models", 0.5) {
        let weight = |(n, model): (usize, &&str)| {
            format!("{model} = {}", dice.of("weight", n).between("weight", 1, 4))
        };
        let weights: Vec<String> = draft.models.iter().enumerate().map(weight).collect();
        keys.say("models", format_args!("{{ {} }}", weights.join(", ")));
    }
    let prompt = dice.pick(
        "prompt",
        &[
            "{ constant = 120 }",
            "{ median = 200, p90 = 900 }",
            "{ median = 80, sigma = 1.2 }",
            "{ quantiles = [[0, 5], [0.5, 150], [1, 2_000]] }",
        ],
    );
    keys.say("prompt", prompt);
    let cap = dice.pick("cap", &[40, 150, 400]);
    let output = dice
        .pick("output", &["median = 40, p90 = 160", "constant = 60", "median = 90, sigma = 0.8"]);
    keys.say("output", format_args!("{{ {output}, max_tokens = {cap} }}"));
    keys.text("stream", dice.pick("stream", &["100%", "60%", "0%"]));
    let mut client = vec![
        format!("deadline = \"{}ms\"", dice.pick("deadline", &[800, 2_500, 6_000])),
        format!("per_output_token = \"{}ms\"", dice.pick("per token", &[0, 4, 15])),
    ];
    if dice.chance("gives up", 0.4) {
        client.push(format!("gives_up = \"{}ms\"", dice.pick("patience", &[400, 1_500, 5_000])));
    }
    if dice.chance("sdk", 0.4) {
        client.push(format!("sdk_retries = {}", dice.between("retries", 1, 3)));
        client.push(format!("sdk_backoff = \"{}ms\"", dice.pick("backoff", &[50, 300])));
    }
    keys.say("client", format_args!("{{ {} }}", client.join(", ")));
    if dice.chance("sessions", 0.4) {
        keys.say("sessions", dice.between("count", 1, 50));
    }
    if draft.topics > 1 {
        keys.say("topics", "[3, 1]");
    }
    if dice.chance("cache", 0.2) {
        let (hits, latency) = (dice.pick("hits", &[10, 60]), dice.between("latency", 1, 80));
        keys.say("cache", format_args!("{{ hits = \"{hits}%\", latency = \"{latency}ms\" }}"));
    }
}
