//! Providers keep their limits: what was answered was admitted, and what was admitted fits the documented rule.
//!
//! From outside one sees only answers; refused attempts and those that broke before an answer may have used some of a
//! limit as well, and faults may cut it. So this is a bound: answers alone never exceed what the rule admits, with the
//! largest quota that the provider gives in the run.

use std::collections::BTreeMap;

use crate::engine::Time;
use crate::sim::spec::{Change, Limit, LimitRules, What};

use super::super::evidence::{Evidence, Life, Try};

const MINUTE: u64 = 60_000_000_000;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let spec = seen.spec();
    // By the first limit of a route: its attempts that were answered, in the order in which they were sent.
    let mut answered: BTreeMap<(u32, u32), Vec<(&Life, &Try)>> = BTreeMap::new();
    for (life, of) in seen.tries() {
        let limits = spec.places[of.attempt.route.index()].limits();
        if !limits.is_empty() && of.answer().is_some() {
            answered.entry((limits.start, limits.end)).or_default().push((life, of));
        }
    }
    for ((first, last), mut tries) in answered {
        tries.sort_by_key(|(_, of)| of.fact);
        let limits = &spec.limits[first as usize..last as usize];
        let sum = |of: fn(&Limit) -> Option<u64>| limits.iter().map(of).sum::<Option<u64>>();
        let most = quota(seen, tries[0].1.attempt.route.0);
        let [tpm, rpm] = [sum(|limit| limit.tpm), sum(|limit| limit.rpm)]
            .map(|limit| limit.map(|limit| (limit as f64 * most).ceil() as u64));
        let epoch = spec.epoch * 1_000_000_000;
        let fits = match limits[0].rules {
            LimitRules::OpenAi => leaks(&tries, tpm, |life| {
                u64::from(life.request.prompt_tokens.max(life.request.max_tokens))
            })
            .and_then(|()| leaks(&tries, rpm, |_| 1)),
            LimitRules::Anthropic { .. } => {
                leaks(&tries, tpm, |life| u64::from(life.request.prompt_tokens))
                    .and_then(|()| leaks(&tries, rpm, |_| 1))
            }
            LimitRules::Azure { rpm_window } => {
                reaches(&tries, tpm, epoch).and_then(|()| evenly(&tries, rpm, epoch, rpm_window.0))
            }
            LimitRules::Bedrock { burndown } => reserves(&tries, tpm, epoch, burndown)
                .and_then(|()| evenly(&tries, rpm, epoch, MINUTE)),
            // Refuses by chance.
            LimitRules::Vertex { .. } => Ok(()),
        };
        fits.map_err(|what| format!("{}: {what}", limits[0].name))?;
    }
    Ok(())
}

/// The largest multiple of what it admitted at the start that a route's provider gives.
fn quota(seen: &Evidence, route: u32) -> f64 {
    let factor = |change: &Change| match &change.what {
        What::Quota { routes, factor } if routes.contains(&route) => *factor,
        _ => 1.0,
    };
    seen.spec().changes.iter().map(factor).fold(1.0, f64::max)
}

type Tries<'a> = [(&'a Life, &'a Try)];

/// A bucket that holds a minute's limit and drains evenly.
fn leaks(
    tries: &Tries<'_>,
    limit: Option<u64>,
    amount: impl Fn(&Life) -> u64,
) -> Result<(), String> {
    let Some(limit) = limit else { return Ok(()) };
    // In units of which a nanosecond drains as many as the limit.
    let unit = u128::from(MINUTE);
    let (mut level, mut last) = (0u128, Time::ZERO);
    for (life, of) in tries {
        level = level.saturating_sub(u128::from(limit) * u128::from(of.sent.since(last).0));
        level += u128::from(amount(life)) * unit;
        last = of.sent;
        if level > u128::from(limit) * unit {
            return Err(format!(
                "at {} the bucket of {limit} a minute holds {}",
                of.sent,
                level / unit
            ));
        }
    }
    Ok(())
}

/// The minute of the wall clock that a moment is in.
const fn minute(epoch: u64, at: Time) -> u64 {
    (epoch + at.0) / MINUTE
}

/// A minute's counter: whoever reaches the limit still passes, the next does not.
fn reaches(tries: &Tries<'_>, limit: Option<u64>, epoch: u64) -> Result<(), String> {
    let Some(limit) = limit else { return Ok(()) };
    let mut used: BTreeMap<u64, u64> = BTreeMap::new();
    for (life, of) in tries {
        let used = used.entry(minute(epoch, of.sent)).or_default();
        if *used >= limit {
            return Err(format!(
                "at {} {used} of {limit} tokens are used, and one more passes",
                of.sent
            ));
        }
        *used += u64::from(life.request.prompt_tokens) + u64::from(life.request.max_tokens);
    }
    Ok(())
}

/// Requests in windows that divide a minute: the windows' parts of the limit add up to it.
fn evenly(tries: &Tries<'_>, limit: Option<u64>, epoch: u64, width: u64) -> Result<(), String> {
    let Some(limit) = limit else { return Ok(()) };
    let mut used: BTreeMap<u64, u64> = BTreeMap::new();
    for (_, of) in tries {
        let window = (epoch + of.sent.0) / width;
        let within = window * width % MINUTE;
        let due = |at: u64| (u128::from(limit) * u128::from(at) / u128::from(MINUTE)) as u64;
        let part = due(within + width) - due(within);
        let used = used.entry(window).or_default();
        *used += 1;
        if *used > part {
            return Err(format!("at {} the {used}th request passes where {part} may", of.sent));
        }
    }
    Ok(())
}

/// A minute's counter: what may be used is held until the end, then what was used; never more held than admitted.
fn reserves(
    tries: &Tries<'_>,
    limit: Option<u64>,
    epoch: u64,
    burndown: f64,
) -> Result<(), String> {
    let Some(limit) = limit else { return Ok(()) };
    for (nth, (life, of)) in tries.iter().enumerate() {
        let most = |life: &Life| {
            u64::from(life.request.prompt_tokens) + u64::from(life.request.max_tokens)
        };
        let now = minute(epoch, of.sent);
        let before =
            tries[..nth].iter().rev().take_while(|(_, other)| minute(epoch, other.sent) == now);
        let held: u64 = before
            .map(|(life, other)| match other.end {
                Some(end) if end.fact < of.fact => {
                    let output = f64::from(other.answer().unwrap_or(0));
                    // What an answer used beyond what was held was not asked for.
                    (u64::from(life.request.prompt_tokens) + (output * burndown + 0.5) as u64)
                        .min(most(life))
                }
                _ => most(life),
            })
            .sum();
        if held + most(life) > limit {
            return Err(format!(
                "at {} {held} of {limit} tokens are held, and {} more pass",
                of.sent,
                most(life)
            ));
        }
    }
    Ok(())
}
