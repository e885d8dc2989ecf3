//! Incidents drawn at random over a long run, as public status pages have them.
//!
//! Source: 792 incidents of the status pages of OpenAI and Anthropic, February 2021 to January 2025
//! (the data of Chu et al., ICPE 2025, and FAILS), counted by us: mean gaps of 88 h (OpenAI API)
//! and 64 h (Anthropic API) in 2024 with a coefficient of variation near 1.2; lengths
//! lognormal(4.23, 1.37) minutes; two thirds of the starts between 16:00 and 24:00 UTC, few on
//! weekends; kinds by the shares below. Providers are independent of each other (one shared day of
//! 25, 2.2 by chance); routes of one share their fate.
//!
//! Our choices: providers other than those two get the mean of both; lengths are cut to 2 min – 24
//! h; the hourly factors 1.8 and 0.3; severity Beta(0.8, 2) with a tenth at 1; scope 35 % one
//! model, 25 % one region, 40 % all; "other" incidents are overloads; a slow one takes its first
//! tokens 3 times and its decoding 2 to 20 times as long; and since a status page stays open after
//! the fix (investigating took 44 of 74 minutes at the median), the last 40 % of an incident fall
//! off in a straight line.

use crate::engine::luck::{below, mix, name, unit};
use crate::engine::{Span, Time};
use crate::sim::quantile::normal;
use crate::sim::spec::{Gaps, Spec};
use crate::sim::stream::Stream;
use crate::sim::workload::gaps::Renewal;

use super::{Effect, Failure, Fault, InFlight, Incidents, Shape, Start};

/// Coefficient of variation of the gaps.
const GAP_CV: f64 = 1.2;
/// Length: mean and standard deviation of the logarithm of minutes, and bounds in minutes.
const LENGTH: (f64, f64) = (4.23, 1.37);
const LENGTH_MIN: f64 = 2.0;
const LENGTH_MAX: f64 = 1440.0;
/// Share of an incident, at its end, over which it falls off.
const FALL: f64 = 0.4;
/// Factors on the rate from 16:00 to 24:00 UTC on weekdays, and on weekends.
const EVENING: f64 = 1.8;
const WEEKEND: f64 = 0.3;
/// Their mean over a week.
const WEEKLY_MEAN: f64 = (5.0 * (16.0 + 8.0 * EVENING) + 2.0 * 24.0 * WEEKEND) / 168.0;

/// What a provider's incidents are like.
struct Habits {
    /// Mean gap in hours.
    gap_h: f64,
    /// Shares of errors, outages and slowness; the rest is overload.
    kinds: [f64; 3],
}

fn habits(profile: &str) -> Habits {
    match profile.split('/').next() {
        Some("openai") => Habits { gap_h: 88.0, kinds: [0.52, 0.17, 0.16] },
        Some("anthropic") => Habits { gap_h: 64.0, kinds: [0.72, 0.16, 0.06] },
        _ => Habits { gap_h: 76.0, kinds: [0.62, 0.165, 0.11] },
    }
}

/// The incidents of a run, in order of start. A provider's do not depend on which others there are.
pub fn draw(incidents: &Incidents, spec: &Spec, seed: u64) -> Vec<Fault> {
    let mut faults: Vec<(Time, Fault)> = Vec::new();
    let horizon_h = spec.horizon.as_secs_f64() * incidents.compress / 3600.0;
    for (index, provider) in spec.providers.iter().enumerate() {
        let habits = habits(&provider.profile);
        let entity = name(&provider.name);
        let mut luck = Stream::new(seed, "incidents", entity);
        let gaps = Stream::new(seed, "incident gaps", entity);
        let (mut renewal, mut gap) = Renewal::new(Gaps::Gamma { cv: GAP_CV }, gaps);
        let mut calendar = Calendar { epoch: spec.epoch, hours: 0.0 };
        if incidents.rate <= 0.0 {
            continue;
        }
        loop {
            calendar.advance(gap * habits.gap_h / incidents.rate);
            if calendar.hours >= horizon_h {
                break;
            }
            let start = calendar.hours * 3600.0 / incidents.compress;
            let start = Time::ZERO + Span::from_secs_f64(start);
            faults.extend(
                incident(spec, index, &habits, incidents.compress, start, luck.next())
                    .map(|fault| (start, fault)),
            );
            gap = renewal.next();
        }
    }
    // Stable: providers stay in order where starts tie.
    faults.sort_by_key(|(start, _)| *start);
    let numbered = faults.into_iter().enumerate().map(|(n, (_, fault))| Fault {
        name: format!("incident {}: {}", n + 1, fault.name),
        ..fault
    });
    numbered.collect()
}

/// Time of the calendar, on which the rate of incidents rises and falls.
struct Calendar {
    /// Seconds since 1970 at hour zero.
    epoch: u64,
    /// Hours since then.
    hours: f64,
}

impl Calendar {
    /// Goes on by so many hours of mean rate.
    fn advance(&mut self, mut mean_hours: f64) {
        // Whole hours of the wall clock have one rate each.
        let offset = (self.epoch % 3600) as f64 / 3600.0;
        let first = self.epoch / 3600;
        loop {
            let clock = self.hours + offset;
            let hour = clock as u64;
            let factor = factor(first + hour) / WEEKLY_MEAN;
            let left = (hour + 1) as f64 - clock;
            if mean_hours <= left * factor {
                self.hours += mean_hours / factor;
                return;
            }
            mean_hours -= left * factor;
            self.hours = (hour + 1) as f64 - offset;
        }
    }
}

/// Factor on the rate in the hour that starts so many hours after 1970-01-01, a Thursday.
fn factor(hour: u64) -> f64 {
    let weekend = matches!((hour / 24 + 4) % 7, 0 | 6);
    match hour % 24 {
        _ if weekend => WEEKEND,
        16.. => EVENING,
        _ => 1.0,
    }
}

/// One incident; none if the provider has no route.
fn incident(
    spec: &Spec,
    provider: usize,
    habits: &Habits,
    compress: f64,
    start: Time,
    luck: u64,
) -> Option<Fault> {
    let draw = |purpose: &str| mix(luck, name(purpose));
    let routes = scope(spec, provider, draw("scope"), draw("which"));
    if routes.is_empty() {
        return None;
    }
    let severity = severity(draw("severity"));
    let after = spec.providers[provider].error_after;
    let [errors, outages, slow] = habits.kinds;
    let kind = unit(draw("kind"));
    let error = Failure::Status(503);
    let (what, effect) = if kind < errors {
        ("errors", Effect::Errors { rate: severity, error, after })
    } else if kind < errors + outages {
        ("outage", Effect::Errors { rate: 1.0, error, after })
    } else if kind < errors + outages + slow {
        let decode = 2.0 * libm::pow(10.0, unit(draw("decode")));
        ("slow", Effect::Slow { ttft: 3.0, decode })
    } else {
        ("overload", Effect::Overload { rate: severity, limited: 0.5 })
    };
    let lasts = Span::from_secs_f64(minutes(draw("length")) * 60.0 / compress);
    Some(Fault {
        name: format!("{} {what}", spec.providers[provider].name),
        routes,
        start: Start::At(start),
        lasts,
        shape: Shape::Recover { fall: lasts.times(FALL) },
        effect,
        in_flight: if what == "outage" { InFlight::Cut } else { InFlight::Finish },
        seen_from: None,
    })
}

/// The routes of one of the provider's models, of one of its regions, or all of them.
fn scope(spec: &Spec, provider: usize, scope: u64, which: u64) -> Vec<u32> {
    let all = spec.pool.routes.iter().enumerate();
    let own = all.filter(|(_, route)| usize::from(route.provider.0) == provider);
    let own: Vec<_> = own.map(|(index, route)| (index as u32, route)).collect();
    let indices = |own: &[(u32, &crate::policy::RouteInfo)]| own.iter().map(|r| r.0).collect();
    let Some(&(_, one)) = own.get(below(which, own.len() as u32) as usize) else {
        return Vec::new();
    };
    let part: Vec<_> = match unit(scope) {
        part if part < 0.35 => own.iter().filter(|r| r.1.model == one.model).copied().collect(),
        part if part < 0.6 => own.iter().filter(|r| r.1.region == one.region).copied().collect(),
        _ => own,
    };
    indices(&part)
}

/// Length in minutes: lognormal within its bounds, by the inverse of the cut distribution.
fn minutes(luck: u64) -> f64 {
    let (mu, sigma) = LENGTH;
    let below = |minutes: f64| normal::below((libm::log(minutes) - mu) / sigma);
    let (low, high) = (below(LENGTH_MIN), below(LENGTH_MAX));
    libm::exp(mu + sigma * normal::quantile(low + unit(luck) * (high - low)))
}

/// Share of attempts that fail: a tenth of incidents fail everything, else Beta(0.8, 2).
fn severity(luck: u64) -> f64 {
    let draw = unit(luck);
    if draw >= 0.9 {
        return 1.0;
    }
    // The distribution function of Beta(a, 2) is x^a (1 + a (1 − x)).
    let (a, target) = (0.8, draw / 0.9);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let x = 0.5 * (low + high);
        if libm::pow(x, a) * (1.0 + a * (1.0 - x)) < target { low = x } else { high = x }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{ModelId, Pool, ProviderId, RouteInfo};
    use crate::sim::fleet::Fleet;
    use crate::sim::spec::{Gateway, Provider};

    const YEAR: u64 = 365 * 24 * 3600;

    fn world(profiles: &[&str], horizon: Span) -> Spec {
        let provider = |profile: &&str| Provider {
            name: format!("{profile}!"),
            profile: (*profile).into(),
            services: vec![],
            error_rate: 0.0,
            hang_rate: 0.0,
            error_after: Span::from_millis(80),
            caching: None,
        };
        let route = |provider, model: u16, region: &str| RouteInfo {
            name: format!("{provider}:{model}@{region}"),
            provider: ProviderId(provider),
            model: ModelId(model),
            key: "key-1".into(),
            region: region.into(),
            pool: "key-1".into(),
            weight: 1.0,
            tpm: None,
            rpm: None,
            price_prompt: 0,
            price_output: 0,
            about: Vec::new(),
        };
        let mut pool = Pool { models: vec!["chat".into(), "small".into()], ..Pool::default() };
        for provider in 0..profiles.len() as u16 {
            pool.providers.push(profiles[usize::from(provider)].into());
            for model in 0..2 {
                pool.routes.extend(["east", "west"].map(|region| route(provider, model, region)));
            }
        }
        Spec {
            name: "test".into(),
            horizon,
            history: Span::ZERO,
            epoch: 1_704_067_200, // 2024-01-01, a Monday
            classes: vec![],
            providers: profiles.iter().map(provider).collect(),
            pool,
            places: vec![],
            limits: vec![],
            faults: vec![],
            incidents: None,
            changes: vec![],
            commands: vec![],
            gateway: Gateway { overhead: Span::ZERO, max_in_flight: 1, fleet: Fleet::single() },
            tenancy: None,
        }
    }

    const AS_PUBLISHED: Incidents = Incidents { compress: 1.0, rate: 1.0 };

    fn start(fault: &Fault) -> Time {
        match fault.start {
            Start::At(time) => time,
            Start::Phase { .. } => panic!("incidents have a moment"),
        }
    }

    fn share(faults: &[Fault], test: impl Fn(&Fault) -> bool) -> f64 {
        faults.iter().filter(|fault| test(fault)).count() as f64 / faults.len() as f64
    }

    #[test]
    fn incidents_come_as_often_and_at_the_hours_that_were_counted() {
        let years = 100;
        let world = world(&["openai/gpt-4o"], Span::from_secs(years * YEAR));
        let faults = draw(&AS_PUBLISHED, &world, 1);
        // 8,760 h / 88 h = 99.5 a year; the standard error over a century is 1.2.
        let a_year = faults.len() as f64 / years as f64;
        assert!((a_year - 99.5).abs() < 4.0, "{a_year}");
        let hour = |fault: &Fault| (world.epoch + start(fault).0 / 1_000_000_000) / 3600;
        let evening = share(&faults, |fault| factor(hour(fault)) == EVENING);
        let weekend = share(&faults, |fault| factor(hour(fault)) == WEEKEND);
        assert!((evening - 72.0 / 166.4).abs() < 0.02, "{evening}");
        assert!((weekend - 14.4 / 166.4).abs() < 0.01, "{weekend}");
    }

    #[test]
    fn lengths_kinds_severities_and_scopes_are_those_that_were_counted() {
        let faults =
            draw(&AS_PUBLISHED, &world(&["anthropic/sonnet"], Span::from_secs(80 * YEAR)), 2);
        assert!(faults.len() > 9_000);
        let mut minutes: Vec<f64> = faults.iter().map(|f| f.lasts.as_secs_f64() / 60.0).collect();
        minutes.sort_by(f64::total_cmp);
        let at = |p: f64| minutes[(minutes.len() as f64 * p) as usize];
        // The fitted quantiles of 10, 50 and 90 %; the upper one is pulled in by the cut at a day.
        for (p, expected) in [(0.1, 12.0), (0.5, 69.0), (0.9, 380.0)] {
            assert!((at(p) / expected - 1.0).abs() < 0.08, "p{p}: {}", at(p));
        }
        assert!(minutes[0] >= 2.0 && minutes[minutes.len() - 1] <= 1440.0);
        for (kind, expected) in [("errors", 0.72), ("outage", 0.16), ("slow", 0.06)] {
            let found = share(&faults, |fault| fault.name.ends_with(kind));
            assert!((found - expected).abs() < 0.015, "{kind}: {found}");
        }
        let rates: Vec<f64> = faults
            .iter()
            .filter(|f| f.name.ends_with("errors"))
            .map(|f| {
                let Effect::Errors { rate, .. } = f.effect else { panic!("errors") };
                rate
            })
            .collect();
        // 0.1 + 0.9 × 0.8/2.8
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        assert!((mean - 0.357).abs() < 0.015, "{mean}");
        assert!((share(&faults, |fault| fault.routes.len() == 4) - 0.4).abs() < 0.02);
        assert!(
            (share(&faults, |fault| fault.routes[1] == fault.routes[0] + 1) - 0.75).abs() < 0.02
        );
    }

    #[test]
    fn a_provider_s_incidents_do_not_depend_on_the_others() {
        let month = Span::from_secs(YEAR);
        let alone = draw(&AS_PUBLISHED, &world(&["openai/gpt-4o"], month), 3);
        let both = draw(&AS_PUBLISHED, &world(&["openai/gpt-4o", "azure/gpt-4o"], month), 3);
        let first = both.iter().filter(|fault| fault.routes[0] < 4);
        assert!(both.len() > alone.len());
        assert_eq!(
            alone.iter().map(|f| (f.start, f.lasts, f.effect)).collect::<Vec<_>>(),
            first.map(|f| (f.start, f.lasts, f.effect)).collect::<Vec<_>>()
        );
        assert!(both.windows(2).all(|pair| start(&pair[0]) <= start(&pair[1])));
        assert_ne!(alone, draw(&AS_PUBLISHED, &world(&["openai/gpt-4o"], month), 4));
    }

    #[test]
    fn compressing_brings_a_month_into_an_hour_and_rate_multiplies() {
        let month = world(&["openai/gpt-4o"], Span::from_secs(720 * 3600));
        let hour = world(&["openai/gpt-4o"], Span::from_secs(3600));
        let plain = draw(&AS_PUBLISHED, &month, 5);
        let fast = draw(&Incidents { compress: 720.0, rate: 1.0 }, &hour, 5);
        assert_eq!(plain.len(), fast.len());
        for (slow, fast) in plain.iter().zip(&fast) {
            assert!(start(slow).0.abs_diff(start(fast).0 * 720) < 1000);
            assert!(slow.lasts.0.abs_diff(fast.lasts.0 * 720) < 1000);
        }
        let decade = world(&["openai/gpt-4o"], Span::from_secs(10 * YEAR));
        let (once, thrice) = (
            draw(&AS_PUBLISHED, &decade, 5).len() as f64,
            draw(&Incidents { compress: 1.0, rate: 3.0 }, &decade, 5).len() as f64,
        );
        assert!((thrice / once - 3.0).abs() < 0.3, "{once} and {thrice}");
        assert!(draw(&Incidents { compress: 1.0, rate: 0.0 }, &decade, 5).is_empty());
    }
}
