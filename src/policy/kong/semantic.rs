//! Semantic routing: the targets whose description is nearest to the prompt, within a threshold.
//!
//! Source: developer.konghq.com, semantic similarity, and the plugin's semantic examples (repository at bc1cd742,
//! 2026-08-21): cosine distance, a match is at or below the threshold, without a match the `CATCHALL` targets serve.
//! Targets with one description are a group, which is balanced and failed over inside. Our choices: a target without
//! a description is the catch-all; in a group the heaviest comes first and equals take turns; a group that is
//! exhausted hands on to nobody.

use crate::engine::luck;
use crate::policy::{RouteId, RouteInfo, RouteView};

use super::priority::Priority;
use super::round_robin::RoundRobin;
use super::target::{Gate, Target};

/// How a prompt finds its target.
#[derive(Clone, Copy, Debug)]
pub struct SemanticRule {
    /// Greatest cosine distance of a match.
    pub threshold: f64,
    /// Turns by weight inside a group, instead of the heaviest first.
    pub takes_turns: bool,
}

/// Groups of targets with one description.
#[derive(Debug)]
pub struct Semantic {
    rule: SemanticRule,
    groups: Vec<Group>,
    topics: Vec<Vec<f64>>,
    /// Group of each topic, then that of a prompt without one.
    of_topic: Vec<Option<usize>>,
}

#[derive(Debug)]
struct Group {
    about: Vec<f64>,
    members: Members,
}

#[derive(Debug)]
enum Members {
    HeaviestFirst(Priority),
    Turns(RoundRobin),
}

impl Semantic {
    /// Over these targets, in configuration order, for prompts of these topics.
    pub fn new<'a>(
        targets: impl Iterator<Item = (Target, &'a RouteInfo)>,
        topics: &[Vec<f64>],
        rule: SemanticRule,
        key: u64,
    ) -> Self {
        let mut found: Vec<(&[f64], Vec<Target>)> = Vec::new();
        for (target, info) in targets {
            match found.iter_mut().find(|(about, _)| *about == info.about) {
                Some((_, members)) => members.push(target),
                None => found.push((&info.about, vec![target])),
            }
        }
        let group = |(nth, (about, members)): (usize, (&[f64], Vec<Target>))| {
            let key = luck::mix(key, nth as u64);
            let members = if rule.takes_turns {
                Members::Turns(RoundRobin::new(members, key))
            } else {
                Members::HeaviestFirst(Priority::new(members, key))
            };
            Group { about: about.to_vec(), members }
        };
        let groups = found.into_iter().enumerate().map(group).collect();
        let mut new = Self { rule, groups, topics: topics.to_vec(), of_topic: Vec::new() };
        new.match_topics();
        new
    }

    /// One of the topic's group.
    pub fn select(&mut self, topic: u16, gate: &Gate<'_>) -> Option<RouteId> {
        let last = self.of_topic.len() - 1;
        let group = self.of_topic[usize::from(topic).min(last)]?;
        match &mut self.groups[group].members {
            Members::HeaviestFirst(members) => members.select(gate),
            Members::Turns(members) => members.select(gate),
        }
    }

    /// A target's availability changed.
    pub fn rebuild(&mut self) {
        for group in &mut self.groups {
            match &mut group.members {
                Members::HeaviestFirst(members) => members.rebuild(),
                Members::Turns(members) => members.rebuild(),
            }
        }
    }

    /// A target is configured.
    pub fn join(&mut self, target: Target, info: &RouteInfo) {
        if let Some(group) = self.groups.iter_mut().find(|group| group.about == info.about) {
            let was_empty = group.is_empty();
            match &mut group.members {
                Members::HeaviestFirst(members) => members.join(target),
                Members::Turns(members) => members.join(target),
            }
            if was_empty {
                self.match_topics();
            }
        }
    }

    /// A target is not configured any more.
    pub fn leave(&mut self, route: RouteId, info: &RouteInfo) {
        if let Some(group) = self.groups.iter_mut().find(|group| group.about == info.about) {
            match &mut group.members {
                Members::HeaviestFirst(members) => members.leave(route),
                Members::Turns(members) => members.leave(route),
            }
            if group.is_empty() {
                self.match_topics();
            }
        }
    }

    /// Adds each group's part of the topics to what is expected, as if all topics came equally often.
    pub fn show(&self, gate: &Gate<'_>, scale: f64, views: &mut [RouteView]) {
        let known = self.of_topic.len() - 1;
        let topics = if known > 0 { &self.of_topic[..known] } else { &self.of_topic[..] };
        let scale = scale / topics.len() as f64;
        for group in topics.iter().flatten() {
            match &self.groups[*group].members {
                Members::HeaviestFirst(members) => members.show(gate, scale, views),
                Members::Turns(members) => drop(members.show(gate, scale, views)),
            }
        }
    }

    fn match_topics(&mut self) {
        let present = || self.groups.iter().enumerate().filter(|(_, group)| !group.is_empty());
        let catch_all = present().find(|(_, g)| g.about.is_empty()).map(|(nth, _)| nth);
        let nearest = |topic: &Vec<f64>| {
            let mut best: Option<(usize, f64)> = None;
            for (nth, group) in present().filter(|(_, group)| !group.about.is_empty()) {
                let distance = distance(topic, &group.about);
                if distance <= self.rule.threshold && best.is_none_or(|(_, d)| distance < d) {
                    best = Some((nth, distance));
                }
            }
            best.map(|(nth, _)| nth).or(catch_all)
        };
        let of_topic = self.topics.iter().map(nearest).chain([catch_all]).collect();
        self.of_topic = of_topic;
    }
}

impl Group {
    fn is_empty(&self) -> bool {
        match &self.members {
            Members::HeaviestFirst(members) => members.is_empty(),
            Members::Turns(members) => members.is_empty(),
        }
    }
}

/// The cosine distance; NaN, which matches nothing, where one of them has no direction.
fn distance(one: &[f64], other: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    1.0 - dot(one, other) / (dot(one, one).sqrt() * dot(other, other).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Gates, pool, targets};
    use super::*;
    use crate::policy::Pool;

    const RULE: SemanticRule = SemanticRule { threshold: 0.7, takes_turns: false };

    /// Code (75 and 25), life, and a catch-all.
    fn world() -> Pool {
        let mut pool = pool(&[("big", 0.75), ("small", 0.25), ("life", 1.0), ("rest", 1.0)]);
        for (route, about) in
            pool.routes.iter_mut().zip([&[1.0, 0.0][..], &[1.0, 0.0], &[0.0, 1.0]])
        {
            route.about = about.to_vec();
        }
        pool
    }

    fn semantic(pool: &Pool, topics: &[Vec<f64>], rule: SemanticRule) -> Semantic {
        let targets = targets(&[75, 25, 100, 100]);
        Semantic::new(targets.into_iter().zip(&pool.routes), topics, rule, 7)
    }

    #[test]
    fn prompts_go_to_the_nearest_description_within_the_threshold() {
        // Cosines to (code, life): (0.8, 0.6), (0, 1), (-1, 0), and (0.3, …) right at and past 0.7.
        let far = |cos: f64| vec![cos, -(1.0 - cos * cos).sqrt()];
        let topics = [vec![0.8, 0.6], vec![0.0, 2.0], vec![-1.0, 0.0], far(0.301), far(0.299)];
        let mut semantic = semantic(&world(), &topics, RULE);
        let gates = Gates::new(4);
        let mut of = |topic| semantic.select(topic, &gates.all()).map(|route| route.0);
        assert_eq!([0, 1, 2, 3, 4].map(&mut of), [0, 2, 3, 0, 3].map(Some));
        assert_eq!(of(5), Some(3), "a prompt without an embedding goes to the catch-all");
    }

    #[test]
    fn the_heaviest_comes_first_and_an_exhausted_group_hands_on_to_nobody() {
        let mut semantic = semantic(&world(), &[vec![1.0, 0.0]], RULE);
        let gates = Gates::new(4);
        assert_eq!(semantic.select(0, &gates.all()), Some(RouteId(0)));
        assert_eq!(semantic.select(0, &gates.but(&[RouteId(0)])), Some(RouteId(1)));
        assert_eq!(semantic.select(0, &gates.but(&[RouteId(0), RouteId(1)])), None);
    }

    #[test]
    fn turns_inside_a_group_go_by_weight() {
        let rule = SemanticRule { takes_turns: true, ..RULE };
        let mut semantic = semantic(&world(), &[vec![1.0, 0.0]], rule);
        let gates = Gates::new(4);
        let heavy = (0..400).filter(|_| semantic.select(0, &gates.all()) == Some(RouteId(0)));
        assert_eq!(heavy.count(), 300);
    }

    #[test]
    fn without_match_and_catch_all_there_is_no_target() {
        let pool = world();
        let mut semantic = semantic(&pool, &[vec![-1.0, 0.0]], RULE);
        let gates = Gates::new(4);
        semantic.leave(RouteId(3), &pool.routes[3]);
        assert_eq!(semantic.select(0, &gates.all()), None);
        semantic.join(targets(&[1; 4])[3], &pool.routes[3]);
        assert_eq!(semantic.select(0, &gates.all()), Some(RouteId(3)));
    }

    #[test]
    fn a_description_that_leaves_is_matched_no_more() {
        let pool = world();
        let mut semantic = semantic(&pool, &[vec![0.6, 0.8]], RULE);
        let gates = Gates::new(4);
        assert_eq!(semantic.select(0, &gates.all()), Some(RouteId(2)));
        semantic.leave(RouteId(2), &pool.routes[2]);
        assert_eq!(semantic.select(0, &gates.all()), Some(RouteId(0)));
    }
}
