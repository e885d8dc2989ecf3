//! Caches in a world: what is read, what it costs, what it does to limits and to first tokens.

use super::*;
use crate::engine::Span;
use crate::metrics::{PromptTape, Tape};
use crate::policy::POLICIES;
use crate::sim::spec::{Limit, LimitRules, Tokens};
use crate::sim::{Replication, World, plain};

const OPENAI: Caching = Caching {
    min: 1_024,
    ttl: Span::from_secs(300),
    read: 500,
    write: 1_000,
    counts: true,
    capacity: 10_000_000,
};

const ANTHROPIC: Caching = Caching { read: 100, write: 1_250, counts: false, ..OPENAI };

/// A provider with so many keys, 40 conversations with a turn every 4 s each, behind one system prompt.
fn world(keys: u32, caching: Option<Caching>) -> Spec {
    let mut spec = plain::world(1, keys, 10.0, 120);
    let class = &mut spec.classes[0];
    (class.prompt, class.output) = (Tokens::Constant(200), Tokens::Constant(100));
    class.sessions = 40;
    class.conversation =
        Some(Conversation { turns: 6.0, system: 2_000, systems: 1, window: 128_000 });
    let provider = &mut spec.providers[0];
    provider.caching = caching;
    provider.services[0].latency.per_prompt_token = Span(100_000);
    spec
}

fn run(spec: &Spec, policy: &str) -> Tape {
    let policy = POLICIES.iter().find(|known| known.name == policy).expect("it is listed");
    let made = policy.make(&policy.settings(), &spec.pool, Time::ZERO, 1).unwrap();
    World::new(spec, made, 1, Replication { index: 0, of: 1 }).run().unwrap()
}

fn prompts(tape: &Tape) -> PromptTape {
    tape.prompts.expect("prompts have something in common")
}

#[test]
fn spreading_over_accounts_costs_what_one_account_would_have_read() {
    let share = |keys| {
        let prompts = prompts(&run(&world(keys, Some(OPENAI)), "random"));
        prompts.cached_tokens as f64 / prompts.prompt_tokens as f64
    };
    // Of a prompt of 3,700 tokens on average all but the last turn has been sent: in blocks of 128, about 90 %.
    let (one, twelve) = (share(1), share(12));
    assert!((0.80..0.95).contains(&one), "{one}");
    assert!((0.30..one - 0.15).contains(&twelve), "{twelve} against {one}");
    let mut shared = world(12, Some(OPENAI));
    shared.pool.routes.iter_mut().for_each(|route| route.pool = "org".into());
    let of_one_account = prompts(&run(&shared, "random"));
    let one_key = prompts(&run(&world(1, Some(OPENAI)), "random"));
    let differ = of_one_account.cached_tokens.abs_diff(one_key.cached_tokens);
    assert!(differ * 100 < one_key.cached_tokens, "keys of one account share its cache: {differ}");
}

#[test]
fn prices_are_to_the_nano_dollar() {
    // 2.5 USD a million prompt tokens, 10 USD a million output tokens.
    let spec = world(1, Some(ANTHROPIC));
    let mut prefixes = Prefixes::new(&spec).unwrap();
    let route = &spec.pool.routes[0];
    let chain = Chain::Talk { system: 0, shared: 2_000, talk: 7 };
    prefixes.arrived(0, chain, 7);
    let first = prefixes.look(Time::ZERO, 0, 0, 2_200, 0);
    assert_eq!(first, Reuse { cached: 0, written: 17 * 128, uncounted: 0 });
    prefixes.keep(Time::ZERO, Time::from_secs(1), 0);
    let [cost, plain] = prefixes.bill(0, 0, route, 2_200, 100);
    assert_eq!(plain, 2_200 * 2_500 + 100 * 10_000);
    assert_eq!(cost, 2_176 * 2_500 * 5 / 4 + 24 * 2_500 + 100 * 10_000);
    // A second conversation finds the system prompt, in whole blocks.
    prefixes.arrived(1, Chain::Talk { system: 0, shared: 2_000, talk: 8 }, 8);
    let second = prefixes.look(Time::from_secs(2), 1, 0, 2_200, 0);
    assert_eq!(second, Reuse { cached: 15 * 128, written: 2 * 128, uncounted: 15 * 128 });
    let [cost, _] = prefixes.bill(1, 0, route, 2_200, 100);
    assert_eq!(cost, 1_920 * 250 + 256 * 3_125 + 24 * 2_500 + 100 * 10_000);
    // Below the minimum nothing is read or written, and a prompt like no other finds nothing.
    assert_eq!(prefixes.look(Time::from_secs(2), 1, 0, 1_000, 0), Reuse::default());
    prefixes.arrived(2, Chain::Own, 9);
    assert_eq!(prefixes.look(Time::from_secs(2), 2, 0, 5_000, 0), Reuse::default());
}

#[test]
fn what_is_read_from_a_cache_is_faster_and_need_not_count() {
    let with = |caching: Option<Caching>| {
        let mut spec = world(1, caching);
        spec.limits = vec![Limit {
            name: "limit".into(),
            rules: LimitRules::Anthropic { output_tpm: 10_000_000, reserve: false },
            tpm: Some(1_000_000),
            rpm: None,
        }];
        spec.places[0].limit = Some(0);
        run(&spec, "random")
    };
    let (without, counted, free) = (with(None), with(Some(OPENAI)), with(Some(ANTHROPIC)));
    // 10 requests a second of 3,700 tokens are 2.2M a minute.
    assert!(without.totals.rate_limited > 300 && counted.totals.rate_limited > 300);
    assert_eq!(free.totals.rate_limited, 0);
    assert_eq!(prompts(&without).cached_tokens, 0);
    let p50 = |tape: &Tape| tape.ttft.value_at_quantile(0.5);
    // Of 0.37 s that prompts take to be read, some 0.3 s are spared.
    let spared = p50(&without) as i64 - p50(&free) as i64;
    assert!((200_000..400_000).contains(&spared), "{spared} µs");
    let money = prompts(&free);
    assert!(money.cost_nano_usd < money.plain_nano_usd / 2);
    assert_eq!(free.totals.cost_nano_usd, money.cost_nano_usd, "all attempts were answered");
}

#[test]
fn without_anything_in_common_nothing_is_kept_and_nothing_changes() {
    let plain = plain::world(1, 2, 20.0, 20);
    let mut caching = plain.clone();
    caching.providers[0].caching = Some(OPENAI);
    let (plain, caching) = (run(&plain, "random"), run(&caching, "random"));
    assert_eq!(plain.digest, caching.digest);
    assert!(caching.prompts.is_none());
}
