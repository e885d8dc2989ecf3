//! What a found schedule is like: at every phase of the minute, on fresh seeds, and if it lasted longer.

use crate::engine::luck::{mix, name};
use crate::metrics::{FaultTape, Tape};
use crate::record::hunt::{Found, Phase, Returns, extremes};
use crate::record::{Measured, Quantity, significant};

use super::breed::PERIOD_S;
use super::draft::Base;
use super::judge::watch;
use super::schedule::Schedule;
use super::search::{HuntError, Hunter, Prey};

/// Seconds between two phases that are looked at.
const STRIDE_S: u32 = 5;
/// The same for kinds that are not shrunk.
const COARSE_S: u32 = 10;
/// Seeds that the search never saw.
const FRESH: u64 = 5;
/// Length of the fault in the long look: five clock minutes show what returns with them.
const LONG_S: u32 = 300;

/// The same schedule at every phase, coarsely; and at the worst of them.
pub(super) fn all_phases(
    hunter: &Hunter<'_>,
    prey: &Prey,
) -> Result<(Prey, Vec<Phase>), HuntError> {
    let mut worst = prey.clone();
    let now = first_start(&prey.schedule);
    let mut phases = vec![Phase { start_s: now, value: prey.value.into() }];
    let starts = starts(hunter, &prey.schedule, COARSE_S).into_iter().filter(|at| *at != now);
    phases.extend(try_all(hunter, &mut worst, starts)?);
    phases.sort_by_key(|phase| phase.start_s);
    Ok((worst, phases))
}

/// The same schedule at the worst second nearby.
pub(super) fn nearby(hunter: &Hunter<'_>, prey: &Prey) -> Result<Prey, HuntError> {
    let mut worst = prey.clone();
    let centre = first_start(&prey.schedule);
    let from = hunter.ground.from_s;
    let fine = (centre.saturating_sub(STRIDE_S).max(from)..=centre + STRIDE_S)
        .filter(|start| *start != centre);
    try_all(hunter, &mut worst, fine)?;
    Ok(worst)
}

fn try_all(
    hunter: &Hunter<'_>,
    worst: &mut Prey,
    starts: impl Iterator<Item = u32>,
) -> Result<Vec<Phase>, HuntError> {
    let moved: Vec<Schedule> =
        starts.map(|start| fitting(hunter, worst.schedule.moved(start))).collect();
    let judged = hunter.all(&moved, hunter.plan.seed)?;
    let mut phases = Vec::new();
    for (schedule, judged) in moved.into_iter().zip(judged) {
        let Some(judged) = judged else { continue };
        phases.push(Phase { start_s: first_start(&schedule), value: judged.value.into() });
        if judged.harm > worst.harm {
            *worst = Prey { schedule, value: judged.value, harm: judged.harm };
        }
    }
    Ok(phases)
}

fn fitting(hunter: &Hunter<'_>, mut schedule: Schedule) -> Schedule {
    for strike in &mut schedule.strikes {
        strike.lasts_s = hunter.ground.fitting(strike.start_s, strike.lasts_s);
    }
    schedule
}

fn first_start(schedule: &Schedule) -> u32 {
    schedule.strikes.iter().map(|strike| strike.start_s).min().unwrap_or(0)
}

/// Starts all over a minute at which the schedule fits into the run.
fn starts(hunter: &Hunter<'_>, schedule: &Schedule, stride_s: u32) -> Vec<u32> {
    let from = hunter.ground.from_s;
    let first = first_start(schedule);
    let last = schedule.strikes.iter().map(|s| s.start_s - first).max().unwrap_or(0);
    let period = PERIOD_S.min(from);
    let starts = (0..period).step_by(stride_s as usize).map(|phase| from + phase);
    starts.filter(|start| start + last + STRIDE_S < hunter.ground.horizon_s).collect()
}

/// The record of a catch, and its file.
pub(super) fn found(
    hunter: &Hunter<'_>,
    first: &Prey,
    least: &Prey,
) -> Result<(Found, String), HuntError> {
    let plan = hunter.plan;
    let schedule = &least.schedule;
    let starts = starts(hunter, schedule, STRIDE_S);
    let moved: Vec<Schedule> = starts.iter().map(|start| schedule.moved(*start)).collect();
    let phases: Vec<Phase> = starts
        .iter()
        .zip(hunter.all(&moved, plan.seed)?)
        .filter_map(|(start, judged)| Some(Phase { start_s: *start, value: judged?.value.into() }))
        .collect();
    let mut fresh = Vec::new();
    for nth in 1..=FRESH {
        let seed = mix(mix(plan.seed, name("fresh")), nth);
        fresh.extend(hunter.judge(schedule, seed)?.map(|judged| judged.value));
    }
    let text = hunter.base.text(schedule);
    let judged = hunter.judge(schedule, plan.seed)?;
    let digest = judged.map_or(0, |judged| judged.tape.digest);
    let name = format!("found-{}-{}", plan.policy.spec.name, schedule.class());
    let horizon = f64::from(hunter.base.horizon_s);
    let found = Found {
        file: format!("{name}.toml"),
        kind: schedule.class().to_owned(),
        searched: first.value.into(),
        value: least.value.into(),
        digest: format!("{digest:016x}"),
        fresh: Measured::from_values(&fresh, horizon),
        phases,
        returns: long_look(hunter, schedule)?,
    };
    let text = format!("{}{text}", head(hunter, &found, schedule, &name));
    Ok((found, text))
}

/// If the fault lasted five minutes: when does the policy come back to it?
pub(super) fn long_look(
    hunter: &Hunter<'_>,
    schedule: &Schedule,
) -> Result<Option<Returns>, HuntError> {
    let mut longer = schedule.clone();
    longer.strikes.truncate(1);
    longer.strikes[0].lasts_s = LONG_S;
    let base: Base = hunter.base.lasting(longer.strikes[0].start_s + LONG_S + 30);
    let text = base.text(&longer);
    let tape = watch(&text, hunter.plan.policy, hunter.plan.seed, hunter.progress)
        .map_err(|error| HuntError::Run { error, text })?;
    Ok(tape.and_then(|tape| returns(&tape)))
}

/// Bursts of first attempts into the first fault, from the second burst on.
fn returns(tape: &Tape) -> Option<Returns> {
    let fault: &FaultTape = tape.faults.first()?;
    let (from, to) = (fault.start.as_secs_f64() as usize, fault.end.as_secs_f64() as usize);
    let share = |range: std::ops::Range<usize>| {
        let sum = |counts: &[u32]| -> f64 {
            range.clone().filter_map(|at| counts.get(at)).map(|n| f64::from(*n)).sum()
        };
        let base = sum(&fault.base_per_s);
        if base > 0.0 { sum(&fault.first_per_s) / base } else { 0.0 }
    };
    let usual = share(from.saturating_sub(60)..from);
    let into = |at: usize| share(at..at + 1) > 0.3 * usual;
    let mut bursts: Vec<(usize, usize)> = Vec::new();
    for at in (from..to).filter(|at| into(*at)) {
        match bursts.last_mut() {
            // Gaps of a second or two belong to a burst.
            Some((_, end)) if at <= *end + 2 => *end = at,
            _ => bursts.push((at, at)),
        }
    }
    let again = bursts.get(1..).filter(|again| again.len() > 1)?;
    let mut gaps: Vec<usize> = again.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    gaps.sort_unstable();
    let mut lengths: Vec<usize> = again.iter().map(|(start, end)| end - start + 1).collect();
    lengths.sort_unstable();
    Some(Returns {
        times: again.len() as u32,
        every_s: gaps[gaps.len() / 2] as f64,
        least_s: gaps[0] as f64,
        most_s: gaps[gaps.len() - 1] as f64,
        lasts_s: lengths[lengths.len() / 2] as f64,
    })
}

/// The comment that opens a found file: a question, what was measured, and how to see it again.
fn head(hunter: &Hunter<'_>, found: &Found, schedule: &Schedule, name: &str) -> String {
    let plan = hunter.plan;
    let strikes: Vec<String> = schedule
        .strikes
        .iter()
        .map(|s| {
            format!("{} on {} from second {} for {} s", s.kind.label, s.on, s.start_s, s.lasts_s)
        })
        .collect();
    let mut text = format!(
        "# What does {} do to {}?\n# Found by `windtunnel hunt`: of {} schedules tried, the least of its kind that \
         hurts nearly as much as the worst.\n# {} {}; on {FRESH} fresh seeds {}.\n",
        strikes.join(", with "),
        plan.policy.label,
        plan.budget,
        plan.by.0.id,
        shown(&found.value),
        spread(&found.fresh),
    );
    if let Some((worst, best)) = extremes(&found.phases, plan.by.0.better) {
        text += &format!(
            "# The same from second {} on: {}; from second {} on: {}.\n",
            worst.start_s,
            shown(&worst.value),
            best.start_s,
            shown(&best.value)
        );
    }
    if let Some(returns) = &found.returns {
        text += &format!(
            "# Lasting five minutes, it is walked into again {} times, every {} s, for {} s.\n",
            returns.times, returns.every_s, returns.lasts_s
        );
    }
    text + &format!("# reproduce: windtunnel run {name}.toml --seed {}\n", plan.seed)
}

fn shown(value: &Quantity) -> String {
    match value {
        Quantity::Number(number) => number.to_string(),
        Quantity::Censored(censored) => format!("not within {} s", censored.censored_at_s),
        Quantity::NotApplicable(_) => "no value".to_owned(),
    }
}

fn spread(measured: &Measured) -> String {
    match measured {
        Measured::One(one) => shown(one),
        Measured::Many(many) => match (many.low, many.high) {
            (Some(low), Some(high)) => {
                format!("{} ({} to {})", many.mean, significant(low), significant(high))
            }
            _ => many.mean.to_string(),
        },
    }
}
