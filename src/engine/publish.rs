//! From what the tick knows to the snapshot that deciding threads read: level 1 weighs providers, level 2
//! routes, and both are folded into one table per model.

use super::cell::Board;
use super::health::{Health, lasted};
use super::identity::{ProviderKey, RouteKey};
use super::params::Params;
use super::score::{self, Parts};
use super::select::{Direction as Level1, Key, Odds, Table, of_directions, of_keys};
use super::sharing::earlier;
use super::snapshot::{Check, Row, Side, Snapshot, Tables};
use super::tick::Control;
use super::time::{Span, Time};
use super::track::{DirectionTotal, Track};
use super::window::{Tally, WINDOWS};

/// Directions (model × provider, dense), as far as they have a life of their own.
#[derive(Debug, Default)]
pub(crate) struct Directions {
    providers: usize,
    failed: Vec<bool>,
    recovered: Vec<Option<Time>>,
}

impl Directions {
    fn resize(&mut self, models: usize, providers: usize) {
        if providers != self.providers {
            // A new provider moves every index: the little state there is starts again.
            (self.failed, self.recovered) = (Vec::new(), Vec::new());
            self.providers = providers;
        }
        self.failed.resize(models * providers, false);
        self.recovered.resize(models * providers, None);
    }

    pub(super) const fn of(&self, track: &Track) -> usize {
        track.model as usize * self.providers + track.provider as usize
    }

    /// Attempts of the last interval, and routes that are not Failed, per direction.
    pub(super) fn attempts(&self, tracks: &[Track]) -> Vec<(DirectionTotal, usize)> {
        let mut totals = vec![(DirectionTotal::default(), 0); self.failed.len()];
        for track in tracks.iter().filter(|track| track.active) {
            let (total, healthy) = &mut totals[self.of(track)];
            total.add(track);
            *healthy += usize::from(track.health != Health::Failed);
        }
        totals
    }
}

/// What level 1 knows of a direction.
#[derive(Clone, Debug, Default)]
struct Direction {
    slots: Vec<u32>,
    sums: [Tally; WINDOWS],
    all: Tally,
    since_error: Option<Span>,
    opened: u64,
    latency: f64,
    usable: usize,
    recovering: usize,
    parts: Parts,
    weight: f64,
}

impl Control {
    /// Builds the snapshot.
    pub(crate) fn publish(&mut self, board: &Board, now: Time) -> Snapshot {
        let (models, providers) = (self.model_count(), self.providers.len());
        self.directions.resize(models, providers);
        let mut directions = self.gather(board, now, models * providers);
        self.weigh(&mut directions, now);
        let mut rows: Vec<Row> = self.tracks.iter().map(row).collect();
        let mut scratch = Vec::new();
        let mut tables = Vec::with_capacity(models);
        for model in 0..models {
            let of_model = &directions[model * providers..(model + 1) * providers];
            tables.push(self.tables(of_model, &mut rows, &mut scratch));
        }
        let allowed = (self.allowed.iter())
            .map(|keys| (0..models).map(|model| subset(keys, model, &rows)).collect())
            .collect();
        let mut checks: Vec<Check> = (self.tracks.iter().enumerate())
            .filter(|(_, track)| track.active)
            .filter_map(|(slot, track)| {
                track.hold.map(|hold| Check { slot: slot as u32, due: hold.due })
            })
            .collect();
        checks.sort_unstable_by_key(|check| (check.due, check.slot));
        let static_keys = self.params.switch_route_selection == 0.0;
        Snapshot { models: tables, allowed, rows, checks, static_keys, params: self.params.clone() }
    }

    fn gather(&self, board: &Board, now: Time, count: usize) -> Vec<Direction> {
        let mut directions = vec![Direction::default(); count];
        for (slot, track) in self.tracks.iter().enumerate().filter(|(_, track)| track.active) {
            let direction = &mut directions[self.directions.of(track)];
            direction.slots.push(slot as u32);
            let shared = board.shared.get(slot as u32);
            let merged = self.peers.merge(track, shared, now, &self.params);
            for (sum, tally) in direction.sums.iter_mut().zip(merged.sums) {
                *sum = sum.plus(tally);
            }
            direction.all = direction.all.plus(merged.all);
            direction.since_error = earlier(direction.since_error, merged.since_error);
            if usable(track) {
                direction.usable += 1;
                direction.recovering += usize::from(track.health == Health::Recovering);
                // Every usable route counts a little, so that an idle direction has a latency too.
                let weight = track.opened as f64 + 1.0;
                direction.latency += weight * track.parts.latency;
                direction.opened += track.opened + 1;
            }
        }
        directions
    }

    /// Weights of directions: the routes' formula over their merged counters.
    fn weigh(&mut self, directions: &mut [Direction], now: Time) {
        let params = &self.params;
        let providers = self.providers.len().max(1);
        for (i, direction) in directions.iter_mut().enumerate() {
            let was_failed = self.directions.failed[i];
            let failed = direction.usable == 0;
            if was_failed && !failed {
                self.directions.recovered[i] = Some(now);
            }
            self.directions.failed[i] = failed;
            if direction.opened > 0 {
                direction.latency /= direction.opened as f64;
            }
        }
        for model in 0..directions.len() / providers {
            let range = model * providers..(model + 1) * providers;
            let opened: u64 = directions[range.clone()].iter().map(|d| d.opened).sum();
            let healthy = directions[range.clone()].iter().filter(|d| d.usable > 0).count();
            for i in range {
                let recovered = self.directions.recovered[i];
                let direction = &mut directions[i];
                let share = direction.opened as f64 / opened.max(1) as f64;
                let parts = direction.parts(share, healthy, recovered, now, params);
                direction.parts = parts;
                direction.weight = parts.weight(params);
                if params.direction_by_usable != 0.0 && !direction.slots.is_empty() {
                    let part = direction.usable as f64 / direction.slots.len() as f64;
                    direction.weight = (direction.weight * part).max(params.weight_min);
                }
            }
        }
    }

    /// The tables of one model, filling in each row's probability.
    fn tables(
        &mut self,
        directions: &[Direction],
        rows: &mut [Row],
        scratch: &mut Vec<Odds>,
    ) -> Tables {
        let params = &self.params;
        let level_1 = directions.iter().map(|direction| Level1 {
            weight: direction.weight,
            usable: direction.usable,
            recovering: direction.recovering,
        });
        of_directions(level_1, params, scratch);
        let of_direction = std::mem::take(scratch);
        let mut tables = Tables::default();
        let mut members = Vec::new();
        for (provider, direction) in directions.iter().enumerate() {
            if direction.slots.is_empty() {
                continue;
            }
            let level_2 = direction.slots.iter().map(|&slot| {
                let track = &self.tracks[slot as usize];
                Key {
                    weight: track.weight,
                    static_weight: track.static_weight,
                    health: track.health,
                    held: track.hold.is_some(),
                }
            });
            of_keys(level_2, params, scratch);
            let outer = of_direction[provider];
            for (&slot, within) in direction.slots.iter().zip(&*scratch) {
                self.tracks[slot as usize].within = within.probability;
                rows[slot as usize].odds = Odds {
                    probability: within.probability * outer.probability,
                    explores: within.explores || outer.explores,
                };
            }
            let key = ProviderKey(provider as u32);
            tables.pinned.push((key, Table::new(direction.slots.clone(), |i| scratch[i])));
            tables.ranked.push(Side {
                provider: key,
                weight: direction.weight,
                parts: direction.parts,
                failed: direction.usable == 0,
            });
            members.extend_from_slice(&direction.slots);
        }
        members.sort_unstable();
        let odds: Vec<Odds> = members.iter().map(|&slot| rows[slot as usize].odds).collect();
        tables.all = Table::new(members, |i| odds[i]);
        tables
            .ranked
            .sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.provider.cmp(&b.provider)));
        *scratch = of_direction;
        tables
    }
}

impl Direction {
    fn parts(
        &self,
        share: f64,
        healthy: usize,
        recovered: Option<Time>,
        now: Time,
        params: &Params,
    ) -> Parts {
        let blend = score::blended_error(&self.sums, self.all, params);
        let fresh = recovered.is_some_and(|at| !lasted(at, now, params.momentum_tail));
        let returning = self.usable > 0 && self.recovering == self.usable;
        let progress = returning && params.recovering_progress != 0.0;
        Parts {
            error: if progress {
                0.0
            } else {
                score::error_penalty(blend, self.since_error, params)
            },
            latency: self.latency,
            utilization: if params.utilization_directions == 0.0 {
                0.0
            } else {
                score::utilization_penalty(share, healthy, params)
            },
            momentum: if fresh || returning { score::momentum(self.sums[1], params) } else { 0.0 },
        }
    }
}

fn usable(track: &Track) -> bool {
    track.active && Key::usable(track.health, track.hold.is_some())
}

fn row(track: &Track) -> Row {
    Row {
        active: track.active,
        generation: track.generation,
        provider: track.provider,
        model: track.model,
        account: track.account,
        health: track.health,
        weight: track.weight,
        parts: track.parts,
        odds: Odds::default(),
        hold: track.hold,
    }
}

/// The table of an allowed list for one model: the model's probabilities, renormalised. A slot that has
/// another owner by now is not what was allowed.
fn subset(keys: &[RouteKey], model: usize, rows: &[Row]) -> Table {
    let members: Vec<u32> = keys
        .iter()
        .map(|key| (key, &rows[key.slot as usize]))
        .filter(|(key, row)| row.generation == key.generation)
        .filter(|(_, row)| row.active && row.model as usize == model)
        .map(|(key, _)| key.slot)
        .collect();
    let odds: Vec<Odds> = members.iter().map(|&slot| rows[slot as usize].odds).collect();
    Table::new(members, |i| odds[i])
}
