//! What each tenant got, what it was refused, and what tenants take from each other.

use super::tape::Tape;
use super::value::Value;

/// Why requests are refused before anything is sent, as answers name it.
pub const DENIALS: [&str; 8] = [
    "virtual_key_not_found",
    "virtual_key_blocked",
    "virtual_key_expired",
    "provider_blocked",
    "model_blocked",
    "request_limited",
    "token_limited",
    "budget_exceeded",
];

/// What one tenant left. Counts are of measured requests, tokens and money of their attempts; how limits stand
/// is at the end of the measured time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantTape {
    /// Its name.
    pub name: String,
    /// Requests that arrived.
    pub offered: u64,
    /// Of those, done within the deadline.
    pub good: u64,
    /// Done after it.
    pub late: u64,
    /// Failed, or refused.
    pub failed: u64,
    /// Refusals by reason, as in [`DENIALS`].
    pub denied: [u64; DENIALS.len()],
    /// Tokens, prompt and output, of all attempts.
    pub tokens: u64,
    /// What they cost.
    pub cost_nano_usd: u64,
    /// Sum of its budgets, its keys' and its team's, each for one window.
    pub budget_nano_usd: u64,
    /// What was used of them in their last windows.
    pub used_nano_usd: u64,
    /// What was used beyond them in their worst windows.
    pub over_nano_usd: u64,
    /// Tokens used beyond its token limits in their worst windows.
    pub over_tokens: u64,
    /// Requests that arrived in each bin, and how many of them were good.
    pub bins: Vec<(u32, u32)>,
}

impl TenantTape {
    /// One that has not asked for anything.
    pub fn new(name: String, bins: usize) -> Self {
        Self { name, bins: vec![(0, 0); bins], ..Self::default() }
    }

    /// Refusals for any reason.
    pub fn refusals(&self) -> u64 {
        self.denied.iter().sum()
    }
}

/// What one routing rule did with measured requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTape {
    /// Its name.
    pub name: String,
    /// How often it matched; a client that asks again counts again.
    pub matched: u64,
    /// How often a request that it led went on to one of its fallbacks.
    pub fell_back: u64,
    /// Requests that it led last and that were good.
    pub good: u64,
}

impl RuleTape {
    /// One that has not matched yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

const NOBODY: &str = "no tenants";

/// Jain's index of the share of each tenant's requests that were good.
pub fn jain(tape: &Tape) -> Value {
    let asked = || tape.tenants.iter().filter(|tenant| tenant.offered > 0);
    let share = |tenant: &TenantTape| tenant.good as f64 / tenant.offered as f64;
    let n = asked().count() as f64;
    let sum: f64 = asked().map(share).sum();
    let squares: f64 = asked().map(|tenant| share(tenant) * share(tenant)).sum();
    match squares > 0.0 {
        true => Value::Known(sum * sum / (n * squares)),
        false => Value::Undefined { reason: NOBODY },
    }
}

/// Refusals over offered requests.
pub fn denied(tape: &Tape) -> Value {
    let refusals = tape.tenants.iter().map(TenantTape::refusals).sum();
    let offered = tape.tenants.iter().map(|tenant| tenant.offered).sum();
    Value::ratio(refusals, offered, NOBODY)
}

/// What was used beyond budgets, in US dollars.
pub fn overshoot(tape: &Tape) -> Value {
    let budgets: u64 = tape.tenants.iter().map(|tenant| tenant.budget_nano_usd).sum();
    let over: u64 = tape.tenants.iter().map(|tenant| tenant.over_nano_usd).sum();
    match budgets {
        0 => Value::Undefined { reason: "no budgets" },
        _ => Value::Known(over as f64 / 1e9),
    }
}

/// The most that any tenant loses to a burst of another.
pub fn isolation(tape: &Tape) -> Value {
    let lost = (0..tape.tenants.len()).filter_map(|tenant| lost_to_others(tape, tenant).known());
    match lost.reduce(f64::max) {
        Some(most) => Value::Known(most),
        None => Value::Undefined { reason: "no tenant had a burst that another could feel" },
    }
}

/// Fewest bins on either side of the comparison.
const BINS_MIN: usize = 5;

/// In which bins a tenant asks for more than twice its median.
fn bursts(tenant: &TenantTape) -> Vec<bool> {
    let mut counts: Vec<u32> = tenant.bins.iter().map(|bin| bin.0).collect();
    counts.sort_unstable();
    let median = counts.get(counts.len() / 2).copied().unwrap_or(0);
    tenant.bins.iter().map(|bin| bin.0 > 2 * median.max(1)).collect()
}

/// How much smaller the good share of a tenant's requests is while another tenant asks for more than twice its
/// median than while none does; 0 if it is not smaller.
pub fn lost_to_others(tape: &Tape, tenant: usize) -> Value {
    let others = tape.tenants.iter().enumerate().filter(|(at, _)| *at != tenant);
    let others: Vec<Vec<bool>> = others.map(|(_, other)| bursts(other)).collect();
    let own = &tape.tenants[tenant].bins;
    let mut sides = [(0u64, 0u64, 0usize); 2];
    for (bin, (offered, good)) in own.iter().enumerate() {
        let side = &mut sides[usize::from(others.iter().any(|burst| burst[bin]))];
        *side = (side.0 + u64::from(*offered), side.1 + u64::from(*good), side.2 + 1);
    }
    if sides.iter().any(|side| side.0 == 0 || side.2 < BINS_MIN) {
        return Value::Undefined { reason: "no burst of another tenant that it could feel" };
    }
    let share = |side: (u64, u64, usize)| side.1 as f64 / side.0 as f64;
    Value::Known((share(sides[0]) - share(sides[1])).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::calm;
    use super::*;

    /// Two tenants of 100 requests a second for 20 s; the first asks for ten times as much from 10 s on,
    /// and of the second's half are good then.
    fn noisy() -> Tape {
        let mut tape = calm(20, 1, 100);
        let mut burst = TenantTape::new("noisy".to_owned(), 20);
        let mut quiet = TenantTape::new("quiet".to_owned(), 20);
        for bin in 0..20 {
            let is_burst = bin >= 12;
            burst.bins[bin] = if is_burst { (1_000, 500) } else { (100, 100) };
            quiet.bins[bin] = if is_burst { (100, 50) } else { (100, 100) };
        }
        for tenant in [&mut burst, &mut quiet] {
            tenant.offered = tenant.bins.iter().map(|bin| u64::from(bin.0)).sum();
            tenant.good = tenant.bins.iter().map(|bin| u64::from(bin.1)).sum();
        }
        tape.tenants = vec![burst, quiet];
        tape
    }

    #[test]
    fn a_tenant_loses_what_is_good_less_often_while_another_has_a_burst() {
        let tape = noisy();
        assert_eq!(lost_to_others(&tape, 1), Value::Known(0.5));
        assert!(lost_to_others(&tape, 0).known().is_none(), "the quiet one has no burst");
        assert_eq!(isolation(&tape), Value::Known(0.5));
    }

    #[test]
    fn fairness_compares_shares_not_amounts() {
        let mut tape = noisy();
        let index = jain(&tape).known().unwrap();
        // 5,200 of 9,200 and 1,600 of 2,000 are good.
        let (a, b) = (5_200.0 / 9_200.0, 0.8);
        assert!((index - (a + b) * (a + b) / (2.0 * (a * a + b * b))).abs() < 1e-12);
        tape.tenants[0].good = 4 * tape.tenants[0].offered / 5;
        assert!((jain(&tape).known().unwrap() - 1.0).abs() < 1e-9);
        tape.tenants.clear();
        assert!(jain(&tape).known().is_none() && denied(&tape).known().is_none());
    }
}
