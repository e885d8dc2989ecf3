//! Whose the requests are: tenants, teams, customers, their limits and what they may use.

use super::super::dice::Dice;
use super::super::draft::{Draft, Keys};

/// Moments shortly before a window of the calendar ends: a day, a week, a month, a quarter, a year.
const EVES: [&str; 5] = [
    "2025-06-03T23:59:56Z",
    "2025-06-08T23:59:57Z",
    "2025-07-31T23:59:55Z",
    "2025-09-30T23:59:57Z",
    "2027-12-31T23:59:56Z",
];

/// Tenants with all that belongs to them.
pub(super) fn tenants(draft: &mut Draft) {
    let dice = draft.dice.of("tenants", 0);
    if dice.chance("epoch", 0.5) {
        let mut keys = Keys::default();
        keys.text("epoch", dice.pick("eve", &EVES));
        draft.table("[start]", &keys);
    }
    if !dice.chance("governed", 0.5) {
        return;
    }
    let (teams, customers) = (dice.between("teams", 0, 2), dice.between("customers", 0, 2));
    // What may be changed meanwhile: whose, and which limit.
    let mut caps = Vec::new();
    let mut governance = Keys::default();
    governance.text("charging", dice.pick("charging", &["post-paid", "reserved"]));
    for (n, model) in draft.models.iter().enumerate() {
        limits(&mut governance, dice.of("model", n), &format!("model.{model}."), 0.15);
    }
    for (n, provider) in draft.providers.iter().enumerate() {
        limits(
            &mut governance,
            dice.of("provider", n),
            &format!("provider.{}.", provider.name),
            0.15,
        );
    }
    draft.table("[governance]", &governance);
    for n in 0..customers {
        let mut keys = Keys::default();
        let own = limits(&mut keys, dice.of("customer", n as usize), "limits.", 0.6);
        caps.extend(own.into_iter().map(|cap| ("customer", format!("c{n}"), cap)));
        draft.table(&format!("[customer.c{n}]"), &keys);
    }
    for n in 0..teams {
        let (dice, mut keys) = (dice.of("team", n as usize), Keys::default());
        if customers > 0 && dice.chance("of", 0.6) {
            keys.text("customer", &format!("c{}", dice.between("customer", 0, customers - 1)));
        }
        let own = limits(&mut keys, dice, "limits.", 0.6);
        caps.extend(own.into_iter().map(|cap| ("team", format!("t{n}"), cap)));
        draft.table(&format!("[team.t{n}]"), &keys);
    }
    let tenants = dice.between("tenants", 1, 4);
    for n in 0..tenants {
        let own = tenant(draft, n as usize, teams, customers);
        caps.extend(own.into_iter().map(|cap| ("tenant", format!("tenant-{n}"), cap)));
    }
    draft.tenants = tenants as usize;
    if !caps.is_empty() && dice.chance("changed", 0.25) {
        let (of, name, (kind, window)) = dice.pick("cap", &caps.iter().collect::<Vec<_>>());
        let most = match *kind {
            "budget" => "\"0.01 USD\"",
            "tokens" => "8_000",
            _ => "40",
        };
        let mut keys = Keys::default();
        keys.text("kind", "limit").ms("at", draft.moment(dice, "when changed", 0.1, 0.8));
        keys.text(of, name)
            .say(&format!("limits.{kind}"), format_args!("{{ \"{window}\" = {most} }}"));
        draft.table("[[change]]", &keys);
    }
}

/// A kind of limit and its window.
type Cap = (&'static str, &'static str);

fn tenant(draft: &mut Draft, n: usize, teams: u32, customers: u32) -> Vec<Cap> {
    let dice = draft.dice.of("tenant", n);
    let mut keys = Keys::default();
    // The first takes whatever is nobody's.
    if n > 0 && draft.classes.len() > 1 && dice.chance("class", 0.4) {
        let classes: Vec<&str> = draft.classes.iter().map(String::as_str).collect();
        keys.text("class", dice.pick("of class", &classes));
    } else {
        keys.say("share", dice.between("share", 1, 5));
    }
    keys.say("keys", dice.pick("keys", &[1, 1, 3, 12]));
    if dice.chance("skew", 0.5) {
        keys.say("skew", dice.pick("how", &["0", "2"]));
    }
    match dice.between("owner", 0, 2) {
        0 if teams > 0 => {
            keys.text("team", &format!("t{}", dice.between("team", 0, teams - 1)));
        }
        1 if customers > 0 => {
            keys.text("customer", &format!("c{}", dice.between("customer", 0, customers - 1)));
        }
        _ => {}
    }
    let own = limits(&mut keys, dice, "limits.", 0.6);
    if dice.chance("narrowed", 0.6) {
        let weighted = dice.chance("weighted", 0.4);
        for at in 0..draft.providers.len() {
            access(draft, &mut keys, dice.of("access", at), at, weighted);
        }
    }
    draft.table(&format!("[tenant.tenant-{n}]"), &keys);
    own
}

/// What it may use of a provider; the first provider never goes without saying.
fn access(draft: &Draft, keys: &mut Keys, dice: Dice, at: usize, weighted: bool) {
    let provider = &draft.providers[at];
    if at > 0 && dice.chance("denied", 0.3) {
        return;
    }
    let path = format!("provider.{}", provider.name);
    // A table of its own even if nothing is said in it.
    let weight = if weighted { dice.pick("weight", &["0", "1", "3"]) } else { "" };
    if weight.is_empty() {
        let keys_of: Vec<String> = provider.keys.iter().map(|key| format!("\"{key}\"")).collect();
        let most = dice.between("how many keys", 1, keys_of.len() as u32) as usize;
        keys.say(&format!("{path}.keys"), format_args!("[{}]", keys_of[..most].join(", ")));
    } else {
        keys.say(&format!("{path}.weight"), weight);
    }
    if provider.models.len() > 1 && dice.chance("models", 0.3) {
        let key = dice.pick("which list", &["models", "blacklist"]);
        keys.say(
            &format!("{path}.{key}"),
            format_args!("[\"{}\"]", dice.pick("model", &provider.models)),
        );
    }
    limits(keys, dice, &format!("{path}.limits."), 0.3);
}

/// Limits that a run of seconds can reach, each kind with this probability; gives those that there are.
fn limits(keys: &mut Keys, dice: Dice, path: &str, probability: f64) -> Vec<Cap> {
    let window = |what: &str| dice.pick(what, &["1m", "5m", "1h", "1d", "1w", "1M", "1Q", "1Y"]);
    let mut caps = Vec::new();
    if dice.chance("budget", probability) {
        let usd = dice.pick("usd", &["0.0005", "0.004", "0.05"]);
        let window = window("budget window");
        keys.say(&format!("{path}budget"), format_args!("{{ \"{window}\" = \"{usd} USD\" }}"));
        if dice.chance("spent", 0.4) {
            keys.text(
                &format!("{path}spent"),
                &format!("{} USD", dice.pick("so much", &["0.0003", "0.003"])),
            );
        }
        caps.push(("budget", window));
    }
    if dice.chance("tokens", probability) {
        let tokens = dice.pick("so many tokens", &[1_500, 12_000, 90_000]);
        let window = window("token window");
        keys.say(&format!("{path}tokens"), format_args!("{{ \"{window}\" = {tokens} }}"));
        caps.push(("tokens", window));
    }
    if dice.chance("requests", probability) {
        let requests = dice.pick("so many requests", &[5, 60, 300]);
        let window = window("request window");
        keys.say(&format!("{path}requests"), format_args!("{{ \"{window}\" = {requests} }}"));
        caps.push(("requests", window));
    }
    if !caps.is_empty() {
        match dice.between("when", 0, 2) {
            0 => {
                keys.say(&format!("{path}calendar"), true);
            }
            1 => {
                keys.text(
                    &format!("{path}running"),
                    dice.pick("since", &["54s", "296s", "3597s", "86396s"]),
                );
            }
            _ => {}
        }
    }
    caps
}
