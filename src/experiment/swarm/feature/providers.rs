//! Who answers: profiles of all vendors, keys, regions, pools, limits, capacity.

use super::super::dice::Dice;
use super::super::draft::{Draft, Keys, Provider};

/// Whose rules the limits of the first provider follow: all kinds take turns.
const LIMITS: [&str; 6] = ["openai", "azure", "anthropic", "bedrock", "vertex", "cris"];
const PROFILES: [(&str, &str); 11] = [
    ("openai", "openai/gpt-4o-mini"),
    ("openai", "openai/gpt-4o"),
    ("openai", "openai/gpt-4.1"),
    ("azure", "azure/gpt-4o-mini"),
    ("azure", "azure/gpt-4o"),
    ("anthropic", "anthropic/haiku"),
    ("anthropic", "anthropic/sonnet"),
    ("bedrock", "bedrock/sonnet"),
    ("vertex", "vertex/gemini-flash"),
    ("mistral", "mistral/small"),
    ("plain", "plain"),
];
const REGIONS: [&str; 3] = ["us-east-1", "us-west-2", "eu-north-1"];
/// Routes of a world at most.
const ROUTES: usize = 24;

/// All providers.
pub(super) fn providers(draft: &mut Draft) {
    let dice = draft.dice.of("providers", 0);
    // 49 policies, 18 faults and this list: how often the first two have gone round is its turn.
    let kind = LIMITS[(draft.seed / 18 % LIMITS.len() as u64) as usize];
    let count = dice.between("count", 1, 4) as usize;
    let mut left = ROUTES;
    for n in 0..count {
        let rules = if n == 0 { kind } else { dice.of("rules", n).pick("rules", &LIMITS) };
        left = provider(draft, n, rules, left);
        if left < draft.models.len() {
            break;
        }
    }
}

/// One provider; gives how many routes are left to others.
fn provider(draft: &mut Draft, n: usize, rules: &str, left: usize) -> usize {
    let dice = draft.dice.of("provider", n);
    let needs_region = n == 0 && draft.fault == "regional";
    let is_cris = rules == "cris" && !needs_region;
    let vendor = if rules == "cris" { "bedrock" } else { rules };
    let own: Vec<&str> =
        PROFILES.iter().filter(|(of, _)| *of == vendor).map(|(_, name)| *name).collect();
    let others: Vec<&str> = PROFILES.iter().map(|(_, name)| *name).collect();
    let profile = if n == 0 || is_cris || dice.chance("own", 0.7) {
        dice.pick("profile", &own)
    } else {
        dice.pick("any", &others)
    };
    let models = match draft.models.len() {
        1 => draft.models.clone(),
        _ if n == 0 || dice.chance("all models", 0.6) => draft.models.clone(),
        all => vec![draft.models[dice.between("model", 0, all as u32 - 1) as usize]],
    };
    let regions: Vec<&str> = match dice.between("regions", 0, 3) {
        0 | 1 if !needs_region => Vec::new(),
        n => REGIONS[..n.clamp(1, 2) as usize].to_vec(),
    };
    let regions = if is_cris { Vec::new() } else { regions };
    let per_key = models.len() * regions.len().max(1);
    let keys = (dice.between("keys", 1, 4) as usize).min((left / per_key).max(1));
    let name = format!("p{}", n + 1);
    let mut text = Keys::default();
    text.text("profile", profile);
    let names = keys_of(&mut text, dice, keys);
    if models.len() < draft.models.len() {
        text.say("models", format_args!("[\"{}\"]", models[0]));
    }
    if is_cris {
        text.text("kind", "bedrock-cris");
        let hidden = &REGIONS[..dice.between("hidden", 2, 3) as usize];
        text.say("regions", format_args!("{hidden:?}"));
    } else if !regions.is_empty() {
        text.say("regions", format_args!("{regions:?}"));
    }
    limits(&mut text, draft, dice, n == 0 || is_cris);
    if keys > 1 && dice.chance("pool", 0.3) {
        text.text("pool", &format!("pool-{}", n + 1));
    }
    strength(&mut text, draft, dice);
    draft.table(&format!("[provider.{name}]"), &text);
    draft.providers.push(Provider { name, keys: names, models, regions });
    left.saturating_sub(per_key * keys)
}

/// Its keys: a number, or names with weights and limits.
fn keys_of(text: &mut Keys, dice: Dice, keys: usize) -> Vec<String> {
    if dice.chance("numbered", 0.6) {
        text.say("keys", keys);
        return (1..=keys).map(|n| format!("key-{n}")).collect();
    }
    let names: Vec<String> = (0..keys).map(|n| format!("k{n}")).collect();
    let key = |(n, name): (usize, &String)| {
        let weight = dice.of("key", n).pick("weight", &["0.5", "1", "3"]);
        format!("{{ name = \"{name}\", weight = {weight} }}")
    };
    let list: Vec<String> = names.iter().enumerate().map(key).collect();
    text.say("keys", format_args!("[{}]", list.join(", ")));
    names
}

/// Limits that a run of seconds can reach: buckets hold a minute's worth, so they are small.
fn limits(text: &mut Keys, draft: &Draft, dice: Dice, must: bool) {
    // These two are defined against what limits leave, which then must be more than is asked for.
    if ["tpm-wall", "cascade"].contains(&draft.fault) {
        text.text("tpm", "600%");
        return;
    }
    if !must && dice.chance("unlimited", 0.4) {
        return;
    }
    if draft.open {
        text.text("tpm", dice.pick("share", &["3%", "8%", "20%", "60%", "300%"]));
    } else {
        text.text("tpm", dice.pick("tokens", &["6K", "30K", "200K", "2M"]));
    }
    if dice.chance("requests", 0.3) {
        text.say("rpm", dice.pick("rpm", &[30, 120, 900]));
    }
}

/// Capacity, noise and speed.
fn strength(text: &mut Keys, draft: &Draft, dice: Dice) {
    if dice.chance("capacity", 0.3) {
        text.say("concurrency", dice.pick("concurrency", &[3, 12, 60]));
        text.say("queue", dice.pick("queue", &[0, 5, 40]));
        text.say("slowdown", dice.pick("slowdown", &["0", "0.5", "1.5"]));
    }
    if dice.chance("noise", 0.4) {
        text.text("error_rate", dice.pick("errors", &["0%", "2%", "15%"]));
        text.text("hang_rate", dice.pick("hangs", &["0%", "0.5%", "4%"]));
    }
    if draft.topics > 1 && dice.chance("about", 0.6) {
        text.say("about", dice.pick("topic", &["[1, 0]", "[0, 1]", "[0.6, 0.8]"]));
    }
    if dice.chance("weight", 0.3) {
        text.say("weight", dice.pick("of", &["0.2", "2", "7"]));
    }
    // Answers in a fraction of a second, so that a short run has many.
    let (ttft, rate) = (dice.between("ttft", 30, 700), dice.between("rate", 80, 900));
    text.say("latency", format_args!("{{ ttft = \"{ttft}ms\", tokens_per_s = {rate} }}"));
}
