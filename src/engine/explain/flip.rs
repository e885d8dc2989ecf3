//! The smallest change of one input that would have flipped a choice, found by trying: each candidate change
//! is put into the inputs and the choice is made again.

use super::Chosen;
use super::inputs::Inputs;
use crate::engine::choice::{How, SCAN};
use crate::engine::health::Health;
use crate::engine::identity::NoRoute;
use crate::engine::luck::{mix, unit};
use crate::engine::score::Parts;

/// What would have been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lever {
    /// The draw that counted: its height in its column, else its place along the columns, as a share of 1.
    Draw,
    /// The weight of a provider (index into [`Inputs::providers`]).
    Provider(usize),
    /// The weight of a route (index into [`Inputs::routes`]).
    Weight(usize),
    /// A part of a route's score, in the order error, latency, utilization, momentum.
    Part(usize, usize),
    /// The state of a route.
    State(usize, Health),
}

/// A change that would have flipped the choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flip {
    /// What is changed.
    pub lever: Lever,
    /// What it was.
    pub from: f64,
    /// What it would have had to be.
    pub to: f64,
    /// The change as a share of the input's whole range.
    pub size: f64,
    /// What would have been chosen then: index into [`Inputs::routes`], `None` for no route.
    pub gives: Option<usize>,
}

/// Names of the parts, as [`Lever::Part`] counts them.
const PARTS: usize = 4;
/// First step of the search, as a share of a range, and how often it doubles.
const STEP: f64 = 1.0 / 4096.0;
/// Halvings after the first value that flips: the change is then known to a millionth of its range.
const HALVINGS: u32 = 20;

impl Inputs {
    /// Changes of one input that would have flipped `choice`, the smallest first: at most one of each kind
    /// (draw, weight of a provider, weight of a route, part of a score, state). The search doubles its step
    /// and then halves, so a flip that comes and goes within a step may be missed. With more than 256 routes
    /// only the chosen one and the 32 likeliest others are tried.
    pub fn flips(&self, choice: Result<Chosen, NoRoute>) -> Vec<Flip> {
        let was = choice.ok().map(|chosen| chosen.route);
        let mut scratch = self.clone();
        let mut flips = Vec::new();
        flips.extend(self.other_draw(choice.ok()));
        let providers = (0..self.providers.len()).map(Lever::Provider);
        flips.extend(least(providers.filter_map(|lever| scratch.search(lever, was)).collect()));
        let routes = self.worth_trying(was);
        let weights = routes.iter().map(|&route| Lever::Weight(route));
        flips.extend(least(weights.filter_map(|lever| scratch.search(lever, was)).collect()));
        let parts =
            routes.iter().flat_map(|&route| (0..PARTS).map(move |part| Lever::Part(route, part)));
        flips.extend(least(parts.filter_map(|lever| scratch.search(lever, was)).collect()));
        let states = routes.iter().flat_map(|&route| {
            Health::ALL.into_iter().map(move |health| Lever::State(route, health))
        });
        // That the chosen route would not be chosen were it Failed says nothing.
        let tells = |lever: &Lever| !matches!(lever, Lever::State(route, _) if Some(*route) == was);
        flips.extend(least(
            states.filter(tells).filter_map(|lever| scratch.other_state(lever, was)).collect(),
        ));
        flips.sort_by(|a, b| a.size.total_cmp(&b.size));
        flips
    }

    /// The inputs with this change; `None` if the lever has no effect in this form (a draw is no input of
    /// its own: it is luck).
    pub fn with(&self, lever: Lever, to: f64) -> Option<Self> {
        let mut changed = self.clone();
        changed.put(lever, to).then_some(changed)
    }

    fn worth_trying(&self, was: Option<usize>) -> Vec<usize> {
        let mut routes: Vec<usize> = (0..self.routes.len()).collect();
        if routes.len() > 256 {
            let (_, published) = self.tables();
            routes.sort_by(|&a, &b| published[b].total_cmp(&published[a]).then(a.cmp(&b)));
            routes.truncate(32);
            routes.extend(was.filter(|was| !routes.contains(was)));
        }
        routes
    }

    /// The range of an input and its value.
    fn range(&self, lever: Lever) -> (f64, f64, f64) {
        let (low, high) = (self.params.weight_min, self.params.weight_max);
        match lever {
            Lever::Draw => (0.0, 1.0, 0.0),
            Lever::Provider(provider) => (low, high, self.providers[provider].weight),
            Lever::Weight(route) => (low, high, self.routes[route].weight),
            Lever::Part(route, part) => {
                let cap = match part {
                    0 => self.params.error_cap,
                    3 => self.params.momentum_cap,
                    _ => 1.0,
                };
                (0.0, cap, get(&self.routes[route].parts, part))
            }
            Lever::State(route, _) => (0.0, 3.0, f64::from(self.routes[route].health as u8)),
        }
    }

    /// Puts a value in; false if it means nothing there.
    fn put(&mut self, lever: Lever, to: f64) -> bool {
        match lever {
            Lever::Draw => return false,
            Lever::Provider(provider) => self.providers[provider].weight = to,
            Lever::Weight(route) => self.routes[route].weight = to,
            Lever::Part(route, part) => {
                let route = &mut self.routes[route];
                let mut parts = route.parts;
                set(&mut parts, part, to);
                let weight = parts.weight(&self.params);
                match route.health {
                    Health::Healthy | Health::Degraded => route.weight = weight,
                    // How far it may rise at once is not in its score.
                    Health::Recovering => route.weight = route.weight.min(weight),
                    Health::Failed => return false,
                }
                route.parts = parts;
            }
            Lever::State(route, health) => {
                let route = &mut self.routes[route];
                if route.hold.is_some() || route.refused {
                    return false;
                }
                route.health = health;
                match health {
                    Health::Healthy | Health::Degraded => {
                        route.weight = route.parts.weight(&self.params);
                        route.excluded_until = self.at;
                    }
                    Health::Recovering => route.excluded_until = self.at,
                    Health::Failed => {}
                }
            }
        }
        true
    }

    /// What is chosen with this change; the inputs are as before afterwards.
    fn tried(&mut self, lever: Lever, to: f64) -> Option<Option<usize>> {
        let route = match lever {
            Lever::Weight(route) | Lever::Part(route, _) | Lever::State(route, _) => Some(route),
            Lever::Draw | Lever::Provider(_) => None,
        };
        let saved_route = route.map(|route| self.routes[route].clone());
        let saved_weight =
            if let Lever::Provider(p) = lever { self.providers[p].weight } else { 0.0 };
        let counts = self.put(lever, to);
        let chosen = counts.then(|| self.choose().ok().map(|chosen| chosen.route));
        if let (Some(route), Some(saved)) = (route, saved_route) {
            self.routes[route] = saved;
        }
        if let Lever::Provider(provider) = lever {
            self.providers[provider].weight = saved_weight;
        }
        chosen
    }

    /// The nearest value on either side that flips.
    fn search(&mut self, lever: Lever, was: Option<usize>) -> Option<Flip> {
        let (low, high, from) = self.range(lever);
        let range = (high - low).max(f64::MIN_POSITIVE);
        let mut best: Option<Flip> = None;
        for side in [-1.0, 1.0] {
            let (mut step, mut before) = (STEP * range, from);
            loop {
                let to = (from + side * step).clamp(low, high);
                if to.to_bits() == before.to_bits() {
                    break;
                }
                let chosen = self.tried(lever, to)?;
                if chosen != was {
                    let flip = self.halve(lever, was, (before, to, chosen), from, range);
                    if best.is_none_or(|best| flip.size < best.size) {
                        best = Some(flip);
                    }
                    break;
                }
                before = to;
                step *= 2.0;
            }
        }
        best
    }

    /// Between a value that does not flip and one that does, the flipping end of what is left.
    fn halve(
        &mut self,
        lever: Lever,
        was: Option<usize>,
        (mut stays, mut flips, mut gives): (f64, f64, Option<usize>),
        from: f64,
        range: f64,
    ) -> Flip {
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(stays, flips);
            match self.tried(lever, middle) {
                Some(chosen) if chosen != was => (flips, gives) = (middle, chosen),
                _ => stays = middle,
            }
        }
        Flip { lever, from, to: flips, size: (flips - from).abs() / range, gives }
    }

    /// A route in another state.
    fn other_state(&mut self, lever: Lever, was: Option<usize>) -> Option<Flip> {
        let Lever::State(route, health) = lever else { return None };
        let from = self.routes[route].health;
        let gives = (from != health).then(|| self.tried(lever, 0.0)).flatten()?;
        let (from, to) = (f64::from(from as u8), f64::from(health as u8));
        (gives != was).then_some(Flip { lever, from, to, size: 1.0, gives })
    }

    /// The nearest draw that gives another route.
    fn other_draw(&self, choice: Option<Chosen>) -> Option<Flip> {
        let chosen = choice?;
        let (table, _) = self.tables();
        let was = chosen.route as u32;
        let flip = |from: f64, to: f64, gives: u32| Flip {
            lever: Lever::Draw,
            from,
            to,
            size: (to - from).abs(),
            gives: Some(gives as usize),
        };
        match chosen.how {
            How::Drawn { redraws } => {
                let look = table.look(mix(self.luck, u64::from(redraws)))?;
                let other = if look.height < look.keep { look.above } else { look.below };
                let free = |slot: u32| {
                    let route = &self.routes[slot as usize];
                    slot != was && !route.tried && self.admits(route)
                };
                let in_column = free(other).then(|| flip(look.height, look.keep, other));
                let n = f64::from(look.columns);
                let along = (0..look.columns).filter(|column| *column != look.column);
                let along = along.filter_map(|column| {
                    let gives = table.at(column, look.height).filter(|slot| free(*slot))?;
                    let edge =
                        f64::from(if column > look.column { column } else { column + 1 }) / n;
                    Some(flip(look.along, edge, gives))
                });
                least(in_column.into_iter().chain(along).collect())
            }
            How::Scanned => {
                let usable = |slot: u32| {
                    let route = &self.routes[slot as usize];
                    let fits = self.pinned.is_none_or(|pinned| pinned == route.provider);
                    fits && !route.tried && self.admits(route)
                };
                let odds: Vec<(u32, f64)> = (table.odds.iter())
                    .filter(|(drawn, _)| usable(drawn.slot()))
                    .map(|(drawn, p)| (drawn.slot(), *p))
                    .collect();
                let total: f64 = odds.iter().map(|(_, p)| p).sum();
                let at = odds.iter().position(|(slot, _)| *slot == was)?;
                let start: f64 = odds[..at].iter().map(|(_, p)| p).sum::<f64>() / total;
                let end = start + odds[at].1 / total;
                let from = unit(mix(self.luck, SCAN));
                let before = at.checked_sub(1).map(|i| flip(from, start, odds[i].0));
                let after = odds.get(at + 1).map(|(slot, _)| flip(from, end, *slot));
                least(before.into_iter().chain(after).collect())
            }
            How::Check | How::FailedOpen => None,
        }
    }
}

fn least(flips: Vec<Flip>) -> Option<Flip> {
    flips.into_iter().min_by(|a, b| a.size.total_cmp(&b.size))
}

const fn get(parts: &Parts, part: usize) -> f64 {
    match part {
        0 => parts.error,
        1 => parts.latency,
        2 => parts.utilization,
        _ => parts.momentum,
    }
}

const fn set(parts: &mut Parts, part: usize, to: f64) {
    match part {
        0 => parts.error = to,
        1 => parts.latency = to,
        2 => parts.utilization = to,
        _ => parts.momentum = to,
    }
}
