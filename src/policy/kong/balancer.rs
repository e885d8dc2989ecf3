//! One balancer per model, of the algorithm that is configured.

use crate::engine::{Outcome, Settings, Time, luck};
use crate::policy::{ModelId, Pool, Request, RouteHistory, RouteId, RouteInfo, RouteView, Sent};

use super::hashing::Ring;
use super::least_connections::LeastConnections;
use super::lowest_latency::{LatencyRule, LowestLatency, Metric};
use super::lowest_usage::{LowestUsage, Mode, UsageRule, What};
use super::priority::Priority;
use super::round_robin::RoundRobin;
use super::semantic::{Semantic, SemanticRule};
use super::target::{Gate, Target};

/// The seven algorithms, in the order of the parameter `algorithm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Turns by weight.
    RoundRobin,
    /// The session's place on a ring.
    ConsistentHashing,
    /// Least in flight by weight.
    LeastConnections,
    /// Least average latency.
    LowestLatency,
    /// Least used.
    LowestUsage,
    /// Nearest description.
    Semantic,
    /// Heaviest first.
    Priority,
}

impl Algorithm {
    /// From settings.
    pub fn new(settings: &Settings) -> Self {
        match settings.get("algorithm") as u8 {
            0 => Self::RoundRobin,
            1 => Self::ConsistentHashing,
            2 => Self::LeastConnections,
            3 => Self::LowestLatency,
            4 => Self::LowestUsage,
            5 => Self::Semantic,
            _ => Self::Priority,
        }
    }
}

/// The balancer of one model.
#[derive(Debug)]
pub enum Balancer {
    /// Turns by weight.
    RoundRobin(RoundRobin),
    /// The session's place on a ring.
    ConsistentHashing(Ring),
    /// Least in flight by weight.
    LeastConnections(LeastConnections),
    /// Least average latency.
    LowestLatency(LowestLatency),
    /// Least used.
    LowestUsage(LowestUsage),
    /// Nearest description.
    Semantic(Semantic),
    /// Heaviest first.
    Priority(Priority),
}

impl Balancer {
    /// Over all routes of a model.
    pub fn new(settings: &Settings, pool: &Pool, model: ModelId, now: Time, key: u64) -> Self {
        let named = || {
            let all = pool.routes.iter().enumerate().filter(|(_, info)| info.model == model);
            all.map(|(i, info)| (Target::new(RouteId(i as u32), info), info))
        };
        let targets: Vec<Target> = named().map(|(target, _)| target).collect();
        let key = luck::mix(key, luck::name(&pool.models[usize::from(model.0)]));
        match Algorithm::new(settings) {
            Algorithm::RoundRobin => Self::RoundRobin(RoundRobin::new(targets, key)),
            Algorithm::ConsistentHashing => {
                let targets = named().map(|(target, info)| (info.name.clone(), target)).collect();
                Self::ConsistentHashing(Ring::new(targets, settings.get("slots") as usize))
            }
            Algorithm::LeastConnections => Self::LeastConnections(LeastConnections::new(&targets)),
            Algorithm::LowestLatency => {
                Self::LowestLatency(LowestLatency::new(&targets, latency(settings), now))
            }
            Algorithm::LowestUsage => {
                Self::LowestUsage(LowestUsage::new(&targets, usage(settings), now))
            }
            Algorithm::Semantic => {
                let rule = SemanticRule {
                    threshold: settings.get("semantic.threshold"),
                    takes_turns: settings.on("semantic.pick"),
                };
                Self::Semantic(Semantic::new(named(), &pool.topics, rule, key))
            }
            Algorithm::Priority => Self::Priority(Priority::new(targets, key)),
        }
    }

    /// The algorithm's choice among those that may be taken.
    pub fn select(&mut self, request: &Request, gate: &Gate<'_>) -> Option<RouteId> {
        match self {
            Self::RoundRobin(wheel) => wheel.select(gate),
            Self::ConsistentHashing(ring) => ring.select(request.session, gate),
            Self::LeastConnections(heap) => heap.select(gate),
            Self::LowestLatency(latency) => latency.select(gate),
            Self::LowestUsage(usage) => usage.select(gate),
            Self::Semantic(groups) => groups.select(request.topic, gate),
            Self::Priority(groups) => groups.select(gate),
        }
    }

    /// An attempt ended; `is_last` says that its request ended with it.
    pub fn on_end(
        &mut self,
        now: Time,
        sent: &Sent,
        outcome: &Outcome,
        is_last: bool,
        info: &RouteInfo,
    ) {
        match self {
            Self::LeastConnections(heap) => heap.release(sent.route),
            Self::LowestLatency(latency) if is_last => latency.on_last(now, sent, outcome),
            Self::LowestUsage(usage) if is_last => usage.on_last(now, sent, outcome, info),
            _ => {}
        }
    }

    /// A clean past of a target.
    pub fn remember(&mut self, now: Time, past: &RouteHistory) {
        if let Self::LowestLatency(latency) = self {
            latency.remember(now, past);
        }
    }

    /// A breaker opened or closed: wheels are laid out anew.
    pub fn on_flip(&mut self) {
        match self {
            Self::RoundRobin(wheel) => wheel.rebuild(),
            Self::Semantic(groups) => groups.rebuild(),
            Self::Priority(groups) => groups.rebuild(),
            Self::ConsistentHashing(_)
            | Self::LeastConnections(_)
            | Self::LowestLatency(_)
            | Self::LowestUsage(_) => {}
        }
    }

    /// A target is configured.
    pub fn join(&mut self, now: Time, target: Target, info: &RouteInfo) {
        match self {
            Self::RoundRobin(wheel) => wheel.join(target),
            Self::ConsistentHashing(ring) => ring.join(&info.name, target),
            Self::LeastConnections(heap) => heap.set_present(target.route, true),
            Self::LowestLatency(latency) => latency.join(now, target),
            Self::LowestUsage(usage) => usage.join(now, target),
            Self::Semantic(groups) => groups.join(target, info),
            Self::Priority(groups) => groups.join(target),
        }
    }

    /// A target is not configured any more.
    pub fn leave(&mut self, route: RouteId, info: &RouteInfo) {
        match self {
            Self::RoundRobin(wheel) => wheel.leave(route),
            Self::ConsistentHashing(ring) => ring.leave(route),
            Self::LeastConnections(heap) => heap.set_present(route, false),
            Self::LowestLatency(latency) => latency.leave(route),
            Self::LowestUsage(usage) => usage.leave(route),
            Self::Semantic(groups) => groups.leave(route, info),
            Self::Priority(groups) => groups.leave(route),
        }
    }

    /// Whether it is a latency balancer with one target to take: that one is taken on every retry too.
    pub fn is_alone(&self, gate: &Gate<'_>) -> bool {
        matches!(self, Self::LowestLatency(latency) if latency.open(gate) == 1)
    }

    /// Adds the probability of each target to what is expected.
    pub fn show(&self, gate: &Gate<'_>, scale: f64, views: &mut [RouteView]) {
        match self {
            Self::RoundRobin(wheel) => drop(wheel.show(gate, scale, views)),
            Self::ConsistentHashing(ring) => ring.show(gate, scale, views),
            Self::LeastConnections(heap) => heap.show(gate, scale, views),
            Self::LowestLatency(latency) => latency.show(gate, scale, views),
            Self::LowestUsage(usage) => usage.show(gate, scale, views),
            Self::Semantic(groups) => groups.show(gate, scale, views),
            Self::Priority(groups) => groups.show(gate, scale, views),
        }
    }
}

fn latency(settings: &Settings) -> LatencyRule {
    LatencyRule {
        metric: if settings.on("latency.strategy") { Metric::EndToEnd } else { Metric::PerToken },
        tau_s: settings.get("latency.decay"),
        update_on_error: settings.on("latency.update_on_error"),
    }
}

fn usage(settings: &Settings) -> UsageRule {
    UsageRule {
        what: match settings.get("usage.what") as u8 {
            0 => What::Total,
            1 => What::Prompt,
            2 => What::Completion,
            _ => What::Cost,
        },
        mode: match settings.get("usage.mode") as u8 {
            0 => Mode::Cumulative,
            1 => Mode::Decayed,
            _ => Mode::Ewma,
        },
        tau_s: settings.get("usage.decay"),
    }
}
