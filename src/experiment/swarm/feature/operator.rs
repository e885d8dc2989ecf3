//! What people do meanwhile: routes leave the configuration and come back, keys are rotated, quotas and parameters
//! change, holds are released.

use super::super::draft::{Draft, Keys};

/// Changes and commands.
pub(super) fn operator(draft: &mut Draft) {
    let dice = draft.dice.of("operator", 0);
    for n in 0..dice.pick("changes", &[0, 0, 1, 2]) {
        let dice = draft.dice.of("change", n);
        let on = draft.place(dice);
        let removed = draft.moment(dice, "at", 0.0, 0.7);
        let mut keys = Keys::default();
        keys.text("kind", "remove").text("on", &on).ms("at", removed);
        draft.table("[[change]]", &keys);
        if dice.chance("back", 0.6) {
            let mut keys = Keys::default();
            let at = removed + draft.moment(dice, "away", 0.05, 0.25);
            keys.text("kind", "add").text("on", &on).ms("at", at);
            draft.table("[[change]]", &keys);
        }
    }
    if dice.chance("rotate", 0.15) {
        let dice = draft.dice.of("rotate", 0);
        let owners: Vec<usize> =
            (0..draft.providers.len()).filter(|&at| !draft.providers[at].keys.is_empty()).collect();
        if !owners.is_empty() {
            let owner = &draft.providers[dice.pick("provider", &owners)];
            let keys: Vec<&str> = owner.keys.iter().map(String::as_str).collect();
            let on = format!("{}/{}", owner.name, dice.pick("key", &keys));
            let mut keys = Keys::default();
            keys.text("kind", "rotate")
                .text("on", &on)
                .ms("at", draft.moment(dice, "at", 0.1, 0.8));
            draft.table("[[change]]", &keys);
        }
    }
    // The first provider always has limits.
    if dice.chance("quota", 0.1) {
        let dice = draft.dice.of("quota", 0);
        let mut keys = Keys::default();
        keys.text("kind", "quota")
            .text("on", &draft.providers[0].name)
            .text("to", dice.pick("to", &["30%", "80%", "250%"]))
            .ms("at", draft.moment(dice, "at", 0.1, 0.8));
        draft.table("[[change]]", &keys);
    }
    for n in 0..dice.pick("commands", &[0, 0, 1, 3]) {
        let dice = draft.dice.of("command", n);
        let mut keys = Keys::default();
        keys.ms("at", draft.moment(dice, "at", 0.2, 0.9));
        let is_engine = draft.policy.params.iter().any(|param| param.id == "state.failed");
        if is_engine && dice.chance("set", 0.4) {
            keys.say(
                "set",
                dice.pick(
                    "values",
                    &[
                        "{ \"state.failed\" = \"12%\" }",
                        "{ \"interval\" = \"700ms\", \"hold.first\" = \"1s\" }",
                        "{ \"selection.explore\" = \"60%\" }",
                    ],
                ),
            );
        } else {
            keys.text("release", &draft.place(dice));
        }
        draft.table("[[command]]", &keys);
    }
}
