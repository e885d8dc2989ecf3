//! What is known of one endpoint: its windows, averages, cap and pause.

use crate::engine::{Outcome, Settings, Span, Time};
use crate::policy::Sent;
use crate::policy::part::Sliding;

/// Slots of a window.
const SLOTS: usize = 20;

/// The settings by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    window: Span,
    min_attempts: u64,
    limited: f64,
    ttft: f64,
    speed: f64,
    alpha: f64,
    pub(super) edge: f64,
    pub(super) explore: f64,
    pub(super) times: f64,
    pub(super) least: f64,
    pub(super) pause: Span,
    cap_window: Span,
    spike: f64,
    hold: f64,
    growth: f64,
}

/// One endpoint.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    price: f64,
    /// Attempts, failures that are not 429s, 429s.
    recent: Sliding<3>,
    /// Answers, 429s.
    lately: Sliding<2>,
    ttft: Option<f64>,
    /// Tokens per second, from the sending to the end.
    pub(super) speed: Option<f64>,
    /// Requests per second that it may be sent.
    cap: Option<f64>,
    /// What is left of the cap, and since when.
    tokens: (f64, Time),
    pub(super) paused: Option<Time>,
    pub(super) cost: f64,
    pub(super) share: f64,
}

impl Rule {
    pub(super) fn new(settings: &Settings) -> Self {
        let get = |id| settings.get(id);
        Self {
            window: Span::from_secs_f64(get("window.span")),
            min_attempts: get("window.min_attempts") as u64,
            limited: get("price.limited"),
            ttft: get("price.ttft"),
            speed: get("price.speed"),
            alpha: get("average.alpha"),
            edge: get("edge.width"),
            explore: get("edge.explore"),
            times: get("breaker.times"),
            least: get("breaker.least"),
            pause: Span::from_secs_f64(get("breaker.pause")),
            cap_window: Span::from_secs_f64(get("cap.window")),
            spike: get("cap.spike"),
            hold: get("cap.hold"),
            growth: get("cap.growth"),
        }
    }
}

fn average(old: &mut Option<f64>, new: f64, alpha: f64) {
    *old = Some(old.map_or(new, |old| alpha * new + (1.0 - alpha) * old));
}

impl Endpoint {
    pub(super) fn new(price: f64, rule: &Rule) -> Self {
        Self {
            price,
            recent: Sliding::new(rule.window, SLOTS),
            lately: Sliding::new(rule.cap_window, SLOTS),
            ttft: None,
            speed: None,
            cap: None,
            tokens: (0.0, Time::ZERO),
            paused: None,
            cost: price,
            share: 0.0,
        }
    }

    /// Forgets what led to a pause.
    pub(super) fn begin_anew(&mut self, rule: &Rule) {
        self.paused = None;
        self.recent = Sliding::new(rule.window, SLOTS);
    }

    /// A first token came after `secs`.
    pub(super) fn heard(&mut self, secs: f64, rule: &Rule) {
        average(&mut self.ttft, secs, rule.alpha);
    }

    /// An attempt ended.
    pub(super) fn ended(&mut self, now: Time, sent: &Sent, outcome: &Outcome, rule: &Rule) {
        match *outcome {
            Outcome::Done { output_tokens, .. } => {
                let secs = now.since(sent.at).as_secs_f64().max(1e-3);
                average(&mut self.speed, f64::from(output_tokens) / secs, rule.alpha);
                self.recent.add(now, [1, 0, 0]);
                self.lately.add(now, [1, 0]);
            }
            Outcome::RateLimited { .. } => {
                self.recent.add(now, [1, 0, 1]);
                self.lately.add(now, [0, 1]);
            }
            Outcome::CallerFault { .. } | Outcome::Cancelled => {}
            _ => self.recent.add(now, [1, 1, 0]),
        }
    }

    /// The larger of its shares of failures and of 429s, once there are enough attempts.
    pub(super) fn worst(&mut self, now: Time, rule: &Rule) -> Option<f64> {
        let [attempts, failed, limited] = self.recent.sums(now);
        (attempts >= rule.min_attempts).then(|| failed.max(limited) as f64 / attempts as f64)
    }

    /// What a good answer costs here; `usual` is the median speed.
    pub(super) fn renew_cost(&mut self, now: Time, usual: Option<f64>, rule: &Rule) {
        let [attempts, failed, limited] = self.recent.sums(now);
        let mut cost = self.price;
        if attempts >= rule.min_attempts {
            let (failed, limited) =
                (failed as f64 / attempts as f64, limited as f64 / attempts as f64);
            cost = cost / (1.0 - failed).max(0.01) * (1.0 + rule.limited * limited);
        }
        cost *= 1.0 + self.ttft.unwrap_or(0.0) / rule.ttft;
        if let (Some(speed), Some(usual)) = (self.speed, usual)
            && usual > 0.0
        {
            cost /= libm::pow((speed / usual).max(0.01), rule.speed);
        }
        self.cost = cost;
    }

    /// Once a second: a spike of 429s sets the cap, few hold it, none raise it.
    pub(super) fn move_cap(&mut self, now: Time, rule: &Rule) {
        let [answers, limited] = self.lately.sums(now);
        let share = limited as f64 / (answers + limited).max(1) as f64;
        if share > rule.spike && answers + limited >= rule.min_attempts {
            let rate = (answers as f64 / rule.cap_window.as_secs_f64()).max(0.1);
            let cap = self.cap.map_or(rate, |cap| cap.min(rate));
            self.cap = Some(cap);
            self.tokens = (self.tokens.0.min(cap), now);
        } else if share < rule.hold
            && let Some(cap) = &mut self.cap
        {
            *cap *= 1.0 + rule.growth;
            if *cap > 1e6 {
                self.cap = None;
            }
        }
    }

    fn left(&self, now: Time) -> Option<f64> {
        let cap = self.cap?;
        let (tokens, since) = self.tokens;
        Some((tokens + now.since(since).as_secs_f64() * cap).min(cap.max(1.0)))
    }

    /// Whether the cap lets one more through.
    pub(super) fn has_room(&self, now: Time) -> bool {
        self.left(now).is_none_or(|left| left >= 1.0)
    }

    /// One is sent.
    pub(super) fn take(&mut self, now: Time) {
        if let Some(left) = self.left(now) {
            self.tokens = ((left - 1.0).max(0.0), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::traffic::SPEC;
    use super::*;
    use crate::policy::fixture::{BROKEN, LIMITED, done, request, sent};
    use crate::policy::{Attempt, RouteId};

    const NOW: Time = Time::from_secs(100);

    fn endpoint() -> (Endpoint, Rule) {
        let rule = Rule::new(&SPEC.settings());
        (Endpoint::new(1_000.0, &rule), rule)
    }

    fn feed(endpoint: &mut Endpoint, at: Time, rule: &Rule, outcome: &Outcome, times: u32) {
        let start = at.back(Span::from_secs(2));
        let facts = sent(&request(1), &Attempt::to(RouteId(0)), start);
        for _ in 0..times {
            endpoint.ended(at, &facts, outcome, rule);
        }
    }

    #[test]
    fn failures_429s_waiting_and_slowness_make_an_answer_dearer() {
        let (mut endpoint, rule) = endpoint();
        feed(&mut endpoint, NOW, &rule, &BROKEN, 4);
        feed(&mut endpoint, NOW, &rule, &LIMITED, 5);
        feed(&mut endpoint, NOW, &rule, &done(100), 10);
        endpoint.renew_cost(NOW, None, &rule);
        assert_eq!(endpoint.cost, 1_000.0, "19 attempts");
        feed(&mut endpoint, NOW, &rule, &done(100), 1);
        endpoint.renew_cost(NOW, None, &rule);
        // ÷ 0.8 × 1.25.
        assert!((endpoint.cost - 1_562.5).abs() < 1e-9);
        endpoint.heard(2.0, &rule);
        endpoint.renew_cost(NOW, None, &rule);
        assert!((endpoint.cost - 1_562.5 * 1.4).abs() < 1e-9);
        // 50 tokens per second where 200 are usual.
        endpoint.renew_cost(NOW, Some(200.0), &rule);
        assert!((endpoint.cost - 1_562.5 * 1.4 * 2.0).abs() < 1e-9);
        endpoint.heard(3.0, &rule);
        assert!((endpoint.ttft.unwrap() - 2.1).abs() < 1e-12);
        let later = NOW + Span::from_secs(115);
        endpoint.renew_cost(later, None, &rule);
        assert!(endpoint.cost > 2_000.0, "within the window");
        endpoint.renew_cost(NOW + Span::from_secs(120), None, &rule);
        assert!((endpoint.cost - 1_420.0).abs() < 1e-9);
    }

    #[test]
    fn a_spike_of_429s_sets_the_cap_few_hold_it_and_none_raise_it() {
        let (mut endpoint, rule) = endpoint();
        feed(&mut endpoint, NOW, &rule, &done(1), 90);
        feed(&mut endpoint, NOW, &rule, &LIMITED, 10);
        endpoint.move_cap(NOW, &rule);
        assert_eq!(endpoint.cap, None, "a tenth is no spike");
        feed(&mut endpoint, NOW, &rule, &LIMITED, 1);
        endpoint.move_cap(NOW, &rule);
        assert_eq!(endpoint.cap, Some(9.0));
        let later = NOW + Span::from_secs(10);
        feed(&mut endpoint, later, &rule, &done(1), 99);
        feed(&mut endpoint, later, &rule, &LIMITED, 1);
        endpoint.move_cap(later, &rule);
        assert_eq!(endpoint.cap, Some(9.0), "one in a hundred holds it");
        feed(&mut endpoint, later, &rule, &done(1), 1);
        endpoint.move_cap(later, &rule);
        assert!((endpoint.cap.unwrap() - 9.18).abs() < 1e-9);
    }

    #[test]
    fn a_cap_lets_through_so_many_a_second() {
        let (mut endpoint, _) = endpoint();
        endpoint.cap = Some(4.0);
        endpoint.tokens = (4.0, NOW);
        for _ in 0..4 {
            assert!(endpoint.has_room(NOW));
            endpoint.take(NOW);
        }
        assert!(!endpoint.has_room(NOW + Span::from_millis(249)));
        assert!(endpoint.has_room(NOW + Span::from_millis(250)));
    }
}
