//! Thompson sampling with a memory that fades: each route's chance of a good answer is a Beta distribution, one
//! number is drawn from each, and the highest wins.
//!
//! Sources: W. Thompson, On the likelihood that one unknown probability exceeds another, 1933; discounting as in
//! V. Raj and S. Kalyani, Taming non-stationary bandits, 2017. Beta draws are pairs of gamma draws: G. Marsaglia
//! and W. Tsang, A simple method for generating gamma variables, 2000.
//!
//! Our choices: counts fade by the second, not by the draw; a good answer in time is a success, a late one half of
//! one, everything that is not the request's own fault a failure; in time is a base and so much per token.

use crate::engine::{Outcome, Param, Settings, Time, Unit, luck};
use crate::policy::part::Candidates;
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
};

/// Its parameters.
pub static TABLE: [Param; 5] = [
    Param::new(
        "memory.keep",
        Unit::Ratio,
        0.99,
        (0.0, 1.0),
        "What is left of a count after a second.",
    ),
    Param::new(
        "memory.prior",
        Unit::Number,
        1.0,
        (1.0, 1_000.0),
        "Both counts of a route without a past.",
    )
    .from("uniform prior, Thompson 1933"),
    Param::new(
        "late.base",
        Unit::Seconds,
        5.0,
        (0.0, 600.0),
        "Time after which an answer is late, before its tokens.",
    ),
    Param::new(
        "late.per_token",
        Unit::Seconds,
        0.05,
        (0.0, 10.0),
        "Time that each of its tokens adds.",
    ),
    Param::new("late.reward", Unit::Ratio, 0.5, (0.0, 1.0), "What a late answer is worth."),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "thompson",
    product: "textbook",
    source: "Thompson, 1933; Raj and Kalyani, Taming non-stationary bandits, 2017",
    doc: "Discounted Thompson sampling over good, late and failed answers.",
    family: Family::Field,
    grade: Grade::Own,
    left_out: "",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings, pool, now, _| Ok(Box::new(Thompson::new(settings, pool, now))),
};

/// Draws after which a gamma variable is its mode; one in 10^20 gets there.
const TRIES: u64 = 16;

#[derive(Clone, Copy, Debug)]
struct Arm {
    good: f64,
    bad: f64,
    at: Time,
    /// Luck of its own, from its name.
    word: u64,
}

#[derive(Debug)]
struct Thompson {
    candidates: Candidates,
    arms: Vec<Arm>,
    keep: f64,
    prior: f64,
    late: (f64, f64),
    reward: f64,
}

impl Thompson {
    fn new(settings: &Settings, pool: &Pool, now: Time) -> Self {
        let arm = |name: &str| Arm { good: 0.0, bad: 0.0, at: now, word: luck::name(name) };
        Self {
            candidates: Candidates::new(pool),
            arms: pool.routes.iter().map(|route| arm(&route.name)).collect(),
            keep: settings.get("memory.keep"),
            prior: settings.get("memory.prior"),
            late: (settings.get("late.base"), settings.get("late.per_token")),
            reward: settings.get("late.reward"),
        }
    }

    /// The counts of an arm at `now`, prior included.
    fn counts(&self, now: Time, arm: &Arm) -> (f64, f64) {
        let kept = libm::pow(self.keep, now.since(arm.at).as_secs_f64());
        (self.prior + arm.good * kept, self.prior + arm.bad * kept)
    }
}

/// A draw from the Beta distribution with these counts, both at least 1.
fn beta(good: f64, bad: f64, word: u64) -> f64 {
    let x = gamma(good, luck::mix(word, luck::name("good")));
    let y = gamma(bad, luck::mix(word, luck::name("bad")));
    if x + y > 0.0 { x / (x + y) } else { 0.5 }
}

/// A draw from the gamma distribution with this shape, at least 1, and scale 1.
fn gamma(shape: f64, word: u64) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    for attempt in 0..TRIES {
        let x = normal(luck::mix(word, 2 * attempt));
        let root = 1.0 + c * x;
        let v = root * root * root;
        let u = 1.0 - luck::unit(luck::mix(word, 2 * attempt + 1));
        if v > 0.0 && libm::log(u) < 0.5 * x * x + d * (1.0 - v + libm::log(v)) {
            return d * v;
        }
    }
    d
}

/// A draw from the standard normal distribution (Box and Muller).
fn normal(word: u64) -> f64 {
    let u = 1.0 - luck::unit(luck::mix(word, 1));
    let angle = std::f64::consts::TAU * luck::unit(luck::mix(word, 2));
    (-2.0 * libm::log(u)).sqrt() * libm::cos(angle)
}

impl Policy for Thompson {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        word: u64,
    ) -> Option<Attempt> {
        let mut best: Option<(RouteId, f64, f64)> = None;
        let mut likeliest = 0.0f64;
        for &route in self.candidates.among(request) {
            if avoid.contains(&route) {
                continue;
            }
            let arm = &self.arms[route.index()];
            let (good, bad) = self.counts(now, arm);
            let (mean, draw) = (good / (good + bad), beta(good, bad, luck::mix(word, arm.word)));
            likeliest = likeliest.max(mean);
            if best.is_none_or(|(_, most, _)| draw > most) {
                best = Some((route, draw, mean));
            }
        }
        best.map(|(route, _, mean)| Attempt { explored: mean < likeliest, ..Attempt::to(route) })
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let reward = match *outcome {
            Outcome::Done { output_tokens, .. } => {
                let in_time = self.late.0 + self.late.1 * f64::from(output_tokens);
                let late = now.since(sent.at).as_secs_f64() > in_time;
                if late { self.reward } else { 1.0 }
            }
            Outcome::CallerFault { .. } | Outcome::Cancelled => return,
            _ => 0.0,
        };
        let (good, bad) = self.counts(now, &self.arms[sent.route.index()]);
        let arm = &mut self.arms[sent.route.index()];
        arm.good = good - self.prior + reward;
        arm.bad = bad - self.prior + 1.0 - reward;
        arm.at = now;
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (view, arm) in views.iter_mut().zip(&self.arms) {
            let (good, bad) = (self.prior + arm.good, self.prior + arm.bad);
            *view = RouteView { weight: good / (good + bad), ..RouteView::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Span;
    use crate::policy::fixture::{BROKEN, build, done, pool, request, sent, shares};

    fn thompson() -> Thompson {
        Thompson::new(&SPEC.settings(), &pool(&[2]), Time::ZERO)
    }

    fn end(policy: &mut dyn Policy, route: u32, secs: f64, outcome: &Outcome) {
        let facts = sent(&request(1), &Attempt::to(RouteId(route)), Time::ZERO);
        policy.on_end(Time::ZERO + Span::from_secs_f64(secs), &facts, outcome);
    }

    #[test]
    fn beta_draws_have_the_mean_and_the_spread_of_their_counts() {
        for (good, bad) in [(1.0, 1.0), (2.0, 5.0), (40.0, 3.0)] {
            let draws: Vec<f64> =
                (0..100_000u64).map(|i| beta(good, bad, luck::mix(i, 9))).collect();
            let mean = draws.iter().sum::<f64>() / 1e5;
            let spread = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 1e5;
            let sum = good + bad;
            let expected = good * bad / (sum * sum * (sum + 1.0));
            assert!((mean - good / sum).abs() < 0.003, "{good} {bad}: {mean}");
            assert!((spread / expected - 1.0).abs() < 0.03, "{good} {bad}: {spread}");
        }
    }

    #[test]
    fn rewards_are_one_for_good_half_for_late_and_nothing_for_failed() {
        let mut policy = thompson();
        policy.keep = 1.0;
        // In time is 5 s and 0.05 s for each of 100 tokens.
        end(&mut policy, 0, 9.9, &done(100));
        end(&mut policy, 0, 10.1, &done(100));
        end(&mut policy, 0, 1.0, &BROKEN);
        end(&mut policy, 0, 1.0, &Outcome::CallerFault { status: 400 });
        end(&mut policy, 0, 1.0, &Outcome::Cancelled);
        assert_eq!((policy.arms[0].good, policy.arms[0].bad), (1.5, 1.5));
        end(&mut policy, 1, 4.9, &done(0));
        end(&mut policy, 1, 5.1, &done(0));
        assert_eq!((policy.arms[1].good, policy.arms[1].bad), (1.5, 0.5));
    }

    #[test]
    fn counts_lose_a_hundredth_a_second() {
        let mut policy = thompson();
        end(&mut policy, 0, 0.0, &BROKEN);
        let (good, bad) = policy.counts(Time::from_secs(1), &policy.arms[0]);
        assert!((good - 1.0).abs() < 1e-12 && (bad - 1.99).abs() < 1e-12);
        let (_, bad) = policy.counts(Time::from_secs(100), &policy.arms[0]);
        assert!((bad - 1.366_032).abs() < 1e-6);
    }

    #[test]
    fn a_failing_route_gets_little_and_is_not_forgotten() {
        let mut policy = build(&SPEC, &pool(&[2]), &[]);
        for _ in 0..8 {
            end(&mut *policy, 0, 1.0, &BROKEN);
            end(&mut *policy, 1, 1.0, &done(100));
        }
        // P(Beta(1, 9) > Beta(9, 1)) is one in 48,620.
        let seen = shares(&mut *policy, Time::from_secs(1), 2, 20_000);
        assert!(seen[0] < 0.001, "{seen:?}");
        let seen = shares(&mut *policy, Time::from_secs(600), 2, 20_000);
        assert!((seen[0] - 0.5).abs() < 0.02, "{seen:?}");
    }

    #[test]
    fn what_is_avoided_or_absent_is_not_taken() {
        let mut policy = thompson();
        for word in 0..20 {
            let avoid = [RouteId(0)];
            let attempt = policy.choose(Time::ZERO, &request(1), &avoid, word).unwrap();
            assert_eq!(attempt.route, RouteId(1));
        }
        policy.set_present(Time::ZERO, RouteId(1), false);
        assert!(policy.choose(Time::ZERO, &request(1), &[RouteId(0)], 7).is_none());
    }
}
