//! Money and tokens: what attempts cost adds up, over all and for each tenant, by prices and tokens alone.

use crate::metrics::recorder::Verdict;
use crate::metrics::tenant::TenantTape;

use super::super::evidence::{Evidence, Life, Try};
use super::equal;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let (mut cost, mut good, mut wasted) = (0, 0, 0);
    for life in seen.lives.iter().filter(|life| seen.measures(life)) {
        let is_good = life.result.is_some_and(|(_, verdict)| verdict == Verdict::Good);
        let is_done = life.result.is_some_and(|(_, v)| matches!(v, Verdict::Good | Verdict::Late));
        for (nth, of) in life.tries.iter().enumerate() {
            cost += price(seen, life, of);
            let output = u64::from(of.answer().unwrap_or(0));
            let is_last = nth + 1 == life.tries.len();
            *(if is_last && is_good { &mut good } else { &mut wasted }) += output;
        }
        if life.tries.is_empty() && is_done {
            *(if is_good { &mut good } else { &mut wasted }) += u64::from(life.output);
        }
    }
    let totals = &seen.tape.totals;
    equal("nano-dollars", &cost, &totals.cost_nano_usd)?;
    equal("tokens of good requests", &good, &totals.good_tokens)?;
    equal("tokens of others", &wasted, &totals.wasted_tokens)?;
    let Some(tenancy) = &seen.spec().tenancy else { return Ok(()) };
    for (tenant, tape) in tenancy.tenants.iter().zip(&seen.tape.tenants) {
        let own = |life: &&Life| {
            let key = seen.keys.get(&life.request.id);
            seen.measures(life) && key.is_some_and(|key| tenant.keys.contains(key))
        };
        let mut count = TenantTape::new(String::new(), 0);
        for life in seen.lives.iter().filter(own) {
            count.offered += 1;
            match life.result.map(|(_, verdict)| verdict) {
                Some(Verdict::Good) => count.good += 1,
                Some(Verdict::Late) => count.late += 1,
                Some(Verdict::Failed | Verdict::Shed) => count.failed += 1,
                None => {}
            }
            for of in &life.tries {
                count.cost_nano_usd += price(seen, life, of);
                count.tokens += tokens(life, of);
            }
        }
        let of = |tape: &TenantTape| {
            [tape.offered, tape.good, tape.late, tape.failed, tape.tokens, tape.cost_nano_usd]
        };
        equal(&format!("tenant {}", tenant.name), &of(&count), &of(tape))?;
    }
    Ok(())
}

/// Prompt and output tokens that an attempt used; nothing without an answer.
pub(super) fn tokens(life: &Life, of: &Try) -> u64 {
    of.answer().map_or(0, |output| u64::from(life.request.prompt_tokens) + u64::from(output))
}

/// What an attempt cost, in nano-dollars, rounded up.
pub(super) fn price(seen: &Evidence, life: &Life, of: &Try) -> u64 {
    let Some(output) = of.answer() else { return 0 };
    let route = &seen.spec().pool.routes[of.attempt.route.index()];
    let prompt = u128::from(life.request.prompt_tokens) * u128::from(route.price_prompt);
    let output = u128::from(output) * u128::from(route.price_output);
    (prompt + output).div_ceil(1_000_000) as u64
}
