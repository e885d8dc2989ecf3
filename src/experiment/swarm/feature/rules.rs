//! Routing rules: where requests go while a condition holds, and after that.

use super::super::dice::Dice;
use super::super::draft::{Draft, Keys};

/// Up to two rules, of one tenant or everybody's.
pub(super) fn rules(draft: &mut Draft) {
    let dice = draft.dice.of("rules", 0);
    if draft.tenants == 0 || !dice.chance("any", 0.4) {
        return;
    }
    for n in 0..dice.between("rules", 1, 2) as usize {
        let (dice, mut keys) = (dice.of("rule", n), Keys::default());
        let conditions = [
            "true",
            "budget_used >= 40.0",
            "tokens_used > 20.0 || request > 50.0",
            "prompt_tokens > 300",
            "provider == \"\" && !stream",
        ];
        keys.text("when", &dice.pick("when", &conditions).replace('"', "\\\""));
        if dice.chance("own", 0.4) {
            let tenant = dice.between("tenant", 0, draft.tenants as u32 - 1);
            keys.text("tenant", &format!("tenant-{tenant}"));
        }
        let (one, other) = (leg(draft, dice.of("to", 0)), leg(draft, dice.of("to", 1)));
        if one != other && dice.chance("two", 0.3) {
            keys.say("to", format_args!("{{ \"{one}\" = 70, \"{other}\" = 30 }}"));
        } else {
            keys.text("to", &one);
        }
        let fallbacks = dice.between("fallbacks", 0, 2) as usize;
        let fallbacks: Vec<String> =
            (0..fallbacks).map(|at| format!("\"{}\"", leg(draft, dice.of("then", at)))).collect();
        keys.say("fallbacks", format_args!("[{}]", fallbacks.join(", ")));
        if dice.chance("chain", 0.2) {
            keys.say("chain", true);
        }
        draft.table("[[rule]]", &keys);
    }
}

/// A provider, a model of it, a key of it, or a model at whoever serves it.
fn leg(draft: &Draft, dice: Dice) -> String {
    let at = dice.between("provider", 0, draft.providers.len() as u32 - 1) as usize;
    let provider = &draft.providers[at];
    let (name, model) = (&provider.name, dice.pick("model", &provider.models));
    match dice.between("how", 0, 3) {
        0 => format!("{name}:{model}"),
        1 => format!("*:{model}"),
        2 => {
            let keys: Vec<&str> = provider.keys.iter().map(String::as_str).collect();
            format!("{name}:{model}/{}", dice.pick("key", &keys))
        }
        _ => name.clone(),
    }
}
