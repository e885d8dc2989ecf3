//! Envoy's outlier detection: ejection for failures in a row at once, for a bad success rate at sweeps.
//!
//! Source: envoyproxy.io, Outlier detection, and config.cluster.v3.OutlierDetection, 2026. An ejection lasts
//! 30 s × ejections in a row and ends at the first sweep after that, without a probe; each sweep that finds a
//! host not ejected takes one from its row. A share of hosts at most is ejected, but always one.
//! Left out: separate rules for errors of local origin (they count as 5xx, its default), ejection jitter.

use crate::engine::{Health, Settings, Span, Time, luck};
use crate::policy::part::Changes;
use crate::policy::{Pool, RouteId};

/// What an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Not a 5xx.
    Good,
    /// A 5xx.
    Error,
    /// 502, 503, 504 or no answer: a 5xx, too.
    Gateway,
}

/// The detector of one gateway.
#[derive(Debug)]
pub(super) struct Outlier {
    rule: Rule,
    hosts: Vec<Host>,
    /// Hosts of each model: one cluster.
    clusters: Vec<Vec<RouteId>>,
    model: Vec<usize>,
    ejected: Vec<u32>,
    next: Time,
    key: u64,
    draws: u64,
    /// Success rates of a sweep; kept for its room.
    rates: Vec<(RouteId, f64)>,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    interval: Span,
    base: Span,
    longest: Span,
    ejected_max: f64,
    always_one: bool,
    consecutive: [(u32, f64); 2],
    success: Sweep,
    stdev: f64,
    failure: Sweep,
    failure_share: f64,
}

/// When a rule of a sweep applies.
#[derive(Clone, Copy, Debug)]
struct Sweep {
    hosts: usize,
    volume: u32,
    enforcing: f64,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    present: bool,
    since: Option<Time>,
    /// Ejections in a row.
    times: u32,
    streaks: [u32; 2],
    good: u32,
    all: u32,
}

const NEW: Host = Host { present: true, since: None, times: 0, streaks: [0; 2], good: 0, all: 0 };

impl Outlier {
    pub(super) fn new(settings: &Settings, pool: &Pool, now: Time, key: u64) -> Self {
        let span = |id| Span::from_secs_f64(settings.get(id));
        let count = |id| settings.get(id) as u32;
        let rule = Rule {
            interval: span("outlier.interval"),
            base: span("outlier.ejection_time"),
            longest: span("outlier.ejection_time_max"),
            ejected_max: settings.get("outlier.ejected_max"),
            always_one: settings.on("outlier.always_one"),
            consecutive: [
                (
                    count("outlier.consecutive_5xx"),
                    settings.get("outlier.enforcing_consecutive_5xx"),
                ),
                (
                    count("outlier.consecutive_gateway"),
                    settings.get("outlier.enforcing_consecutive_gateway"),
                ),
            ],
            success: Sweep {
                hosts: count("outlier.success_rate_hosts") as usize,
                volume: count("outlier.success_rate_volume"),
                enforcing: settings.get("outlier.enforcing_success_rate"),
            },
            stdev: settings.get("outlier.success_rate_stdev"),
            failure: Sweep {
                hosts: count("outlier.failure_percentage_hosts") as usize,
                volume: count("outlier.failure_percentage_volume"),
                enforcing: settings.get("outlier.enforcing_failure_percentage"),
            },
            failure_share: settings.get("outlier.failure_percentage"),
        };
        let mut clusters = vec![Vec::new(); pool.models.len()];
        for (i, route) in pool.routes.iter().enumerate() {
            clusters[usize::from(route.model.0)].push(RouteId(i as u32));
        }
        Self {
            next: now + rule.interval,
            rule,
            hosts: vec![NEW; pool.routes.len()],
            ejected: vec![0; clusters.len()],
            clusters,
            model: pool.routes.iter().map(|route| usize::from(route.model.0)).collect(),
            key,
            draws: 0,
            rates: Vec::new(),
        }
    }

    pub(super) fn is_ejected(&self, route: RouteId) -> bool {
        self.hosts[route.index()].since.is_some()
    }

    pub(super) fn health(&self, route: RouteId) -> Health {
        if self.is_ejected(route) { Health::Failed } else { Health::Healthy }
    }

    /// An answer came. Gives whether the host is ejected for it.
    pub(super) fn answered(
        &mut self,
        now: Time,
        route: RouteId,
        answer: Answer,
        changes: &mut Changes,
    ) -> bool {
        let host = &mut self.hosts[route.index()];
        host.all += 1;
        host.good += u32::from(answer == Answer::Good);
        let failed = [answer != Answer::Good, answer == Answer::Gateway];
        for (streak, failed) in host.streaks.iter_mut().zip(failed) {
            *streak = if failed { streak.saturating_add(1) } else { 0 };
        }
        let mut out = false;
        for (kind, failed) in failed.into_iter().enumerate() {
            let (limit, enforcing) = self.rule.consecutive[kind];
            // Exactly at the limit, and again after as many more.
            if failed && self.hosts[route.index()].streaks[kind] == limit {
                out |= self.eject(now, route, enforcing, "5xx in a row", changes);
                self.hosts[route.index()].streaks[kind] = 0;
            }
        }
        out
    }

    /// Ejects a host, if chance and the share of those ejected allow it.
    fn eject(
        &mut self,
        now: Time,
        route: RouteId,
        enforcing: f64,
        reason: &'static str,
        changes: &mut Changes,
    ) -> bool {
        let model = self.model[route.index()];
        let hosts = self.clusters[model].iter().filter(|r| self.hosts[r.index()].present).count();
        let share = f64::from(self.ejected[model]) / hosts.max(1) as f64;
        let first = self.ejected[model] == 0 && self.rule.always_one;
        let host = &mut self.hosts[route.index()];
        if host.since.is_some() || !host.present || !(first || share < self.rule.ejected_max) {
            return false;
        }
        self.draws += 1;
        if luck::unit(luck::mix(self.key, self.draws)) >= enforcing {
            return false;
        }
        host.since = Some(now);
        host.times += 1;
        self.ejected[model] += 1;
        changes.note(now, route, Health::Healthy, Health::Failed, reason);
        true
    }

    /// Makes the sweeps that are due by `now`; `changed` hears which hosts came back or went.
    pub(super) fn advance(
        &mut self,
        now: Time,
        changes: &mut Changes,
        changed: &mut dyn FnMut(RouteId, bool),
    ) {
        while self.next <= now {
            let at = self.next;
            self.next += self.rule.interval;
            for index in 0..self.hosts.len() {
                let route = RouteId(index as u32);
                if self.let_back(at, route) {
                    changes.note(at, route, Health::Failed, Health::Healthy, "time is up");
                    changed(route, true);
                }
            }
            for model in 0..self.clusters.len() {
                self.by_success_rate(at, model, changes, changed);
                self.by_failure_percentage(at, model, changes, changed);
            }
            for host in &mut self.hosts {
                (host.good, host.all) = (0, 0);
            }
        }
    }

    fn let_back(&mut self, at: Time, route: RouteId) -> bool {
        let host = &mut self.hosts[route.index()];
        let Some(since) = host.since else {
            host.times = host.times.saturating_sub(1);
            return false;
        };
        let lasts = Span(self.rule.base.0.saturating_mul(u64::from(host.times)));
        if at.since(since) < lasts.min(self.rule.longest.max(self.rule.base)) {
            return false;
        }
        host.since = None;
        host.streaks = [0; 2];
        self.ejected[self.model[route.index()]] -= 1;
        true
    }

    /// Hosts of a cluster that are not ejected and had enough answers, with their success rates.
    fn collect(&mut self, model: usize, rule: Sweep) -> bool {
        let hosts = &self.hosts;
        let counted = self.clusters[model].iter().map(|route| (*route, hosts[route.index()]));
        let counted = counted.filter(|(_, host)| host.present && host.since.is_none());
        self.rates.clear();
        self.rates.extend(
            counted
                .filter(|(_, host)| host.all >= rule.volume.max(1))
                .map(|(route, host)| (route, f64::from(host.good) / f64::from(host.all))),
        );
        rule.enforcing > 0.0 && !self.rates.is_empty() && self.rates.len() >= rule.hosts
    }

    fn by_success_rate(
        &mut self,
        at: Time,
        model: usize,
        changes: &mut Changes,
        changed: &mut dyn FnMut(RouteId, bool),
    ) {
        if !self.collect(model, self.rule.success) {
            return;
        }
        let n = self.rates.len() as f64;
        let mean = self.rates.iter().map(|(_, rate)| rate).sum::<f64>() / n;
        let squares: f64 = self.rates.iter().map(|(_, rate)| (rate - mean) * (rate - mean)).sum();
        let least = mean - self.rule.stdev * (squares / n).sqrt();
        for i in 0..self.rates.len() {
            let (route, rate) = self.rates[i];
            let enforcing = self.rule.success.enforcing;
            if rate < least && self.eject(at, route, enforcing, "success rate", changes) {
                changed(route, false);
            }
        }
    }

    fn by_failure_percentage(
        &mut self,
        at: Time,
        model: usize,
        changes: &mut Changes,
        changed: &mut dyn FnMut(RouteId, bool),
    ) {
        if !self.collect(model, self.rule.failure) {
            return;
        }
        for i in 0..self.rates.len() {
            let (route, rate) = self.rates[i];
            let enforcing = self.rule.failure.enforcing;
            // By counts of hundredths, so that 85 of 100 are 85 %.
            let reached = 1.0 - rate >= self.rule.failure_share - 1e-12;
            if reached && self.eject(at, route, enforcing, "failure percentage", changes) {
                changed(route, false);
            }
        }
    }

    /// A host leaves, or comes anew.
    pub(super) fn set_present(&mut self, route: RouteId, present: bool) {
        let host = &mut self.hosts[route.index()];
        if host.present == present {
            return;
        }
        if host.since.is_some() {
            self.ejected[self.model[route.index()]] -= 1;
        }
        *host = Host { present, ..NEW };
    }
}
