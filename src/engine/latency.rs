//! Token-aware latency: what an answer of so many tokens should take, and how far a route is beyond it.
//!
//! `ln(latency) ≈ alpha + beta × ln(1 + a × prompt + b × output)`, fitted online with clipped gradient steps,
//! so that outliers do not move it. A route is compared with two curves: what *other providers* need for the
//! same model (other keys, where there is one provider only), and what its own provider needed recently,
//! shifted by the route's own slow baseline. Residuals count beyond a margin that is a quantile of past
//! positive residuals. Both curves learn only from answers older than 10 s and never from a route that is
//! itself suspect: taken literally (one curve over everything, learning at once) the published text lets a
//! slow provider teach the model that slow is normal. `latency.repair` turns this off.

use std::collections::VecDeque;

use super::cell::Sample;
use super::params::Params;

/// What a curve keeps of its past positive residuals.
const RESIDUALS: usize = 512;
/// Most answers that one curve learns from per tick.
const LESSONS: usize = 512;
/// Residuals a margin needs.
const RESIDUALS_MIN: usize = 50;

/// A fitted curve with its margin.
#[derive(Clone, Debug)]
struct Curve {
    alpha: f64,
    beta: f64,
    ln_a: f64,
    ln_b: f64,
    a: f64,
    b: f64,
    lessons: u64,
    residuals: VecDeque<f64>,
    margin: f64,
}

impl Curve {
    /// Starts at 300 ms + 0.1 ms per prompt token + 15 ms per output token (our choice: mid-range of 2026).
    fn new(params: &Params) -> Self {
        let (a, b) = (0.1 / 300.0, 15.0 / 300.0);
        Self {
            alpha: libm::log(0.3),
            beta: 1.0,
            ln_a: libm::log(a),
            ln_b: libm::log(b),
            a,
            b,
            lessons: 0,
            residuals: VecDeque::new(),
            margin: libm::log(params.latency_margin_start),
        }
    }

    fn predict(&self, sample: &Lesson) -> f64 {
        let x = 1.0 + self.a * sample.prompt + self.b * sample.output;
        self.alpha + self.beta * libm::log(x)
    }

    /// One clipped gradient step.
    fn learn(&mut self, sample: &Lesson, params: &Params) {
        let (p, o) = (self.a * sample.prompt, self.b * sample.output);
        let x = 1.0 + p + o;
        let ln_x = libm::log(x);
        let residual = sample.ln_latency - (self.alpha + self.beta * ln_x);
        let step =
            params.latency_rate * residual.clamp(-params.latency_huber, params.latency_huber);
        self.alpha += step;
        self.beta = (self.beta + step * ln_x).clamp(0.5, 1.5);
        // Slopes stay within a factor of e³ of what they started from.
        self.ln_a = (self.ln_a + step * self.beta * p / x).clamp(-11.0, -5.0);
        self.ln_b = (self.ln_b + step * self.beta * o / x).clamp(-6.0, 0.0);
        self.a = libm::exp(self.ln_a);
        self.b = libm::exp(self.ln_b);
        self.lessons += 1;
        if residual > 0.0 && self.lessons > LESSONS as u64 {
            if self.residuals.len() == RESIDUALS {
                self.residuals.pop_front();
            }
            self.residuals.push_back(residual);
        }
    }

    /// Learns from up to [`LESSONS`] of the lessons and renews the margin. They come sorted by route and are
    /// visited interleaved, as requests are: visited in order, each tick would end on the last routes.
    fn study(&mut self, lessons: &[Lesson], params: &Params, scratch: &mut Vec<f64>) {
        let n = lessons.len();
        let stride = coprime_stride(n);
        for i in 0..n.min(LESSONS) {
            self.learn(&lessons[i * stride % n], params);
        }
        self.renew_margin(params, scratch);
    }

    fn renew_margin(&mut self, params: &Params, scratch: &mut Vec<f64>) {
        if self.residuals.len() < RESIDUALS_MIN {
            return;
        }
        scratch.clear();
        scratch.extend(self.residuals.iter());
        let margin = quantile(scratch, params.latency_margin_quantile);
        let least = libm::log(params.latency_margin_min);
        self.margin = margin.clamp(least, libm::log(params.latency_margin_max));
    }

    const fn ready(&self) -> bool {
        self.lessons >= RESIDUALS_MIN as u64
    }
}

/// A sample prepared for fitting.
#[derive(Clone, Copy, Debug)]
struct Lesson {
    prompt: f64,
    output: f64,
    ln_latency: f64,
    /// The route's slot.
    slot: u32,
}

/// What a route is compared with: its own group's curve and the curve of the others.
#[derive(Clone, Debug)]
struct Group {
    own: Curve,
    others: Curve,
    /// Answers of this group, by age in ticks: the newest last.
    waiting: VecDeque<Vec<Lesson>>,
}

/// One route's latency.
#[derive(Clone, Debug, Default)]
pub(crate) struct RouteLatency {
    /// Samples taken from its ring.
    pub(crate) seen: u64,
    /// The penalty, smoothed.
    pub(crate) penalty: f64,
    /// Own offset from its group's curve, in log units.
    baseline: f64,
    /// Ticks that made the baseline.
    ticks: u64,
    /// Mean offset of the last ticks, waiting to be old enough.
    offsets: VecDeque<Option<f64>>,
    /// Own penalty and peers' penalty of the last tick, for explanations.
    pub(crate) own: f64,
    pub(crate) peer: f64,
}

/// The latency model of all routes that serve one model name.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelLatency {
    /// Labels of the groups, in the order in which they first appeared: a provider that goes does not move
    /// the others.
    labels: Vec<usize>,
    groups: Vec<Group>,
    scratch: Vec<f64>,
    lessons: Vec<Lesson>,
}

/// One route's part in a tick.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    /// Ascending within a tick.
    pub(crate) slot: u32,
    /// Label of its group: the provider, or one of two halves of the keys where there is one provider only.
    /// It comes back as the group's index.
    pub(crate) group: usize,
    pub(crate) state: &'a mut RouteLatency,
    /// Whether it may teach the curves.
    pub(crate) teaches: bool,
    pub(crate) samples: &'a [Sample],
}

impl ModelLatency {
    /// Scores the samples of this tick and then learns from those old enough.
    pub(crate) fn tick(&mut self, members: &mut [Member<'_>], params: &Params) {
        for member in members.iter_mut() {
            let known = self.labels.iter().position(|label| *label == member.group);
            member.group = known.unwrap_or_else(|| {
                self.labels.push(member.group);
                self.groups.push(Group {
                    own: Curve::new(params),
                    others: Curve::new(params),
                    waiting: VecDeque::new(),
                });
                self.groups.len() - 1
            });
        }
        let delay = if params.latency_repair == 0.0 {
            0
        } else {
            (params.latency_age / params.interval).ceil() as usize
        };
        for group in &mut self.groups {
            group.waiting.push_back(Vec::new());
        }
        for member in members.iter_mut() {
            self.hear(member, delay, params);
        }
        self.thin();
        if delay == 0 {
            self.learn(members, delay, params);
        }
        for member in members.iter_mut() {
            self.judge(member, params);
        }
        if delay > 0 {
            self.learn(members, delay, params);
        }
    }

    /// Queues a route's answers, and moves its baseline by an offset that has become old enough.
    fn hear(&mut self, member: &mut Member<'_>, delay: usize, params: &Params) {
        let group = &mut self.groups[member.group];
        let queue = group.waiting.back_mut().expect("pushed above");
        let mut sum = 0.0;
        for sample in member.samples {
            let lesson = Lesson::new(sample, member.slot);
            sum += lesson.ln_latency - group.own.predict(&lesson);
            queue.push(lesson);
        }
        let enough = member.samples.len() as f64 >= params.latency_min_samples;
        let offset = (enough && group.own.ready()).then(|| sum / member.samples.len() as f64);
        member.state.offsets.push_back(offset);
        if member.state.offsets.len() > delay {
            let old = member.state.offsets.pop_front().flatten();
            let suspect = delay > 0 && member.state.penalty > params.latency_freeze;
            let frozen = !member.teaches || suspect;
            if let (Some(offset), false) = (old, frozen) {
                member.state.ticks += 1;
                let slow = 1.0 - libm::exp(-params.interval / params.latency_baseline);
                let rate = slow.max(1.0 / member.state.ticks as f64);
                member.state.baseline += rate * (offset - member.state.baseline);
            }
        }
    }

    /// Keeps of this tick's answers no more than a curve can learn from, evenly picked.
    fn thin(&mut self) {
        for queue in self.groups.iter_mut().filter_map(|group| group.waiting.back_mut()) {
            let stride = queue.len().div_ceil(LESSONS).max(1);
            let mut at = 0;
            queue.retain(|_| {
                at += 1;
                (at - 1) % stride == 0
            });
            queue.shrink_to_fit();
        }
    }

    /// A route's new penalty from this tick's answers.
    fn judge(&mut self, member: &mut Member<'_>, params: &Params) {
        let group = &self.groups[member.group];
        let state = &mut *member.state;
        if (member.samples.len() as f64) < params.latency_min_samples {
            state.penalty *= 1.0 - params.latency_smoothing;
            return;
        }
        let lessons = || member.samples.iter().map(|sample| Lesson::new(sample, 0));
        state.own = 0.0;
        if group.own.ready() && state.ticks > 0 {
            let baseline = state.baseline;
            self.scratch.clear();
            self.scratch.extend(lessons().map(|l| l.ln_latency - group.own.predict(&l) - baseline));
            state.own = penalty(&mut self.scratch, group.own.margin, params);
        }
        state.peer = 0.0;
        if group.others.ready() {
            self.scratch.clear();
            self.scratch.extend(lessons().map(|l| l.ln_latency - group.others.predict(&l)));
            state.peer = penalty(&mut self.scratch, group.others.margin, params);
        }
        let fresh = state.own.max(state.peer);
        state.penalty += params.latency_smoothing * (fresh - state.penalty);
    }

    /// Teaches the curves the answers that are old enough, leaving out suspect routes.
    fn learn(&mut self, members: &[Member<'_>], delay: usize, params: &Params) {
        let count = self.groups.len();
        let mut old: Vec<Vec<Lesson>> = Vec::with_capacity(count);
        for group in &mut self.groups {
            let ripe = group.waiting.len() > delay;
            old.push(if ripe { group.waiting.pop_front().unwrap_or_default() } else { Vec::new() });
        }
        if delay > 0 {
            let may = |m: &&Member<'_>| m.teaches && m.state.penalty <= params.latency_freeze;
            let teachers: Vec<u32> = members.iter().filter(may).map(|m| m.slot).collect();
            for lessons in &mut old {
                lessons.retain(|lesson| teachers.binary_search(&lesson.slot).is_ok());
            }
        }
        for g in 0..count {
            self.groups[g].own.study(&old[g], params, &mut self.scratch);
            self.lessons.clear();
            for (h, lessons) in old.iter().enumerate() {
                // Literal: the curve of all, this group included.
                if h != g || params.latency_repair == 0.0 {
                    self.lessons.extend_from_slice(lessons);
                }
            }
            self.groups[g].others.study(&self.lessons, params, &mut self.scratch);
        }
    }
}

impl Lesson {
    fn new(sample: &Sample, slot: u32) -> Self {
        Self {
            prompt: f64::from(sample.prompt),
            output: f64::from(sample.output),
            ln_latency: libm::log(sample.latency_s),
            slot,
        }
    }
}

/// `1 − exp(−k × exceed/margin)` at the chosen percentile of the residuals.
fn penalty(residuals: &mut [f64], margin: f64, params: &Params) -> f64 {
    let exceed = quantile(residuals, params.latency_percentile) - margin;
    if exceed > 0.0 { 1.0 - libm::exp(-params.latency_k * exceed / margin) } else { 0.0 }
}

/// A number without a common divisor with `n`, near its golden section: multiples of it modulo `n` visit
/// everything once, evenly spread from the start.
fn coprime_stride(n: usize) -> usize {
    let gcd = |mut a: usize, mut b: usize| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let start = (n * 618 / 1000).max(1);
    (start..).find(|&step| gcd(step, n) == 1).expect("n + 1 and n share no divisor")
}

/// The q-quantile (nearest rank) of a non-empty slice, which is reordered.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    let at = ((values.len() - 1) as f64 * q).round() as usize;
    *values.select_nth_unstable_by(at, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::super::luck;
    use super::*;

    /// A world of `providers` × `keys` routes at `rps` per route; answers take network + decoding with a
    /// lognormal-ish spread (±35 % at one sigma by a sum of uniforms).
    struct World {
        groups: Vec<usize>,
        states: Vec<RouteLatency>,
        model: ModelLatency,
        params: Params,
        luck: u64,
        per_tick: usize,
    }

    impl World {
        fn new(providers: usize, keys: usize, rps: usize, preset: &str) -> Self {
            let routes = providers * keys;
            let groups = (0..routes).map(|r| if providers > 1 { r / keys } else { r % 2 });
            Self {
                groups: groups.collect(),
                states: vec![RouteLatency::default(); routes],
                model: ModelLatency::default(),
                params: Params::from_preset(preset).unwrap(),
                luck: 7,
                per_tick: (rps * 5).min(100),
            }
        }

        fn draw(&mut self) -> f64 {
            self.luck = luck::mix(self.luck, 1);
            luck::unit(self.luck)
        }

        /// One tick; `slow(route)` multiplies latency, `long(route)` multiplies tokens.
        fn tick(&mut self, slow: impl Fn(usize) -> f64, long: impl Fn(usize) -> f64) {
            let mut samples = Vec::new();
            for route in 0..self.states.len() {
                let mut of_route = Vec::new();
                for _ in 0..self.per_tick {
                    let prompt = (200.0 + 3000.0 * self.draw()) * long(route);
                    let output = (20.0 + 400.0 * self.draw()) * long(route);
                    let noise = (0..6).map(|_| self.draw() - 0.5).sum::<f64>() * 0.35;
                    let base = 0.6 + 0.0001 * prompt + 0.012 * output;
                    of_route.push(Sample {
                        latency_s: base * libm::exp(noise) * slow(route),
                        prompt: prompt as u32,
                        output: output as u32,
                    });
                }
                samples.push(of_route);
            }
            let mut members: Vec<_> = self
                .states
                .iter_mut()
                .zip(&samples)
                .zip(&self.groups)
                .enumerate()
                .map(|(slot, ((state, samples), group))| Member {
                    slot: slot as u32,
                    group: *group,
                    state,
                    teaches: true,
                    samples,
                })
                .collect();
            self.model.tick(&mut members, &self.params);
        }

        fn penalties(&self) -> Vec<f64> {
            self.states.iter().map(|state| state.penalty).collect()
        }
    }

    #[test]
    fn doubled_latency_at_equal_tokens_exceeds_a_quarter() {
        for (providers, keys) in [(1, 2), (2, 1), (4, 3)] {
            for rps in [10, 400] {
                let mut world = World::new(providers, keys, rps, "bifrost-published");
                for _ in 0..60 {
                    world.tick(|_| 1.0, |_| 1.0);
                }
                let before = world.penalties();
                assert!(before.iter().all(|p| *p < 0.05), "{providers}x{keys} {rps}: {before:?}");
                let slow = if providers > 1 { keys } else { 1 };
                for _ in 0..3 {
                    world.tick(|r| if r < slow { 2.0 } else { 1.0 }, |_| 1.0);
                }
                let after = world.penalties();
                assert!(
                    after[..slow].iter().all(|p| *p > 0.25),
                    "{providers}x{keys} {rps}: {after:?}"
                );
                assert!(after[slow..].iter().all(|p| *p < 0.05), "others blamed: {after:?}");
            }
        }
    }

    #[test]
    fn a_slow_provider_stays_seen_for_ten_minutes() {
        let mut world = World::new(4, 3, 100, "bifrost-published");
        for _ in 0..60 {
            world.tick(|_| 1.0, |_| 1.0);
        }
        for _ in 0..120 {
            world.tick(|r| if r < 3 { 2.0 } else { 1.0 }, |_| 1.0);
        }
        let penalties = world.penalties();
        assert!(penalties[..3].iter().all(|p| *p > 0.25), "{penalties:?}");
        assert!(penalties[3..].iter().all(|p| *p < 0.05), "{penalties:?}");
    }

    #[test]
    fn taken_literally_a_slow_provider_is_hardly_seen() {
        let mut world = World::new(4, 3, 100, "bifrost-literal");
        for _ in 0..60 {
            world.tick(|_| 1.0, |_| 1.0);
        }
        for _ in 0..60 {
            world.tick(|r| if r < 3 { 2.0 } else { 1.0 }, |_| 1.0);
        }
        let worst = world.penalties()[..3].iter().copied().fold(0.0, f64::max);
        assert!(worst < 0.25, "{worst}");
    }

    #[test]
    fn longer_answers_are_not_slower_answers() {
        let mut world = World::new(4, 3, 100, "bifrost-published");
        for _ in 0..60 {
            world.tick(|_| 1.0, |_| 1.0);
        }
        for _ in 0..24 {
            world.tick(|_| 1.0, |r| if r < 3 { 2.0 } else { 1.0 });
        }
        let penalties = world.penalties();
        assert!(penalties.iter().all(|p| *p < 0.05), "{penalties:?}");
    }

    #[test]
    fn a_route_that_only_serves_long_prompts_loses_nothing() {
        let mut world = World::new(2, 2, 50, "bifrost-published");
        for _ in 0..120 {
            world.tick(|_| 1.0, |r| if r == 0 { 3.0 } else { 1.0 });
        }
        let penalties = world.penalties();
        assert!(penalties.iter().all(|p| *p < 0.10), "{penalties:?}");
    }
}
