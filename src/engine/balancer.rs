//! The object a gateway holds. Deciding and reporting go through `&self` from any number of threads, without
//! locks and without allocation; everything slow happens in [`Engine::tick`].

use super::cell::{Board, Counters};
use super::choice::{Field, How, Tables, choose};
use super::feedback::Live;
use super::identity::{
    Allowed, ModelKey, Need, NoRoute, Past, ProviderKey, Route, RouteKey, Ticket,
};
use super::param::ParamError;
use super::params::Params;
use super::sharing::Report;
use super::snapshot::{Check, Snapshot};
use super::sync::{Mutex, Ordering, Swap};
use super::tick::{Change, Control};
use super::time::Time;

/// An adaptive balancer: error, latency, utilization and momentum into weights, weights into a draw.
///
/// Call order for an attempt: [`decide`](Self::decide), then any of [`headers`](Self::headers) and
/// [`first_token`](Self::first_token), then [`end`](Self::end) exactly once. Call [`tick`](Self::tick) about
/// every `interval` from one thread (a second ticker finds nothing to do). Times come from one monotonic
/// clock of the host's choice; `luck` is a fresh random word per decision.
#[derive(Debug)]
pub struct Engine {
    pub(super) board: Board,
    pub(super) snapshot: Swap<Snapshot>,
    pub(super) control: Mutex<Control>,
    pub(super) live: Live,
}

impl Engine {
    /// An engine without routes, for a host of a few threads.
    ///
    /// # Errors
    /// What [`Params::check`] finds.
    pub fn new(params: Params, now: Time) -> Result<Self, ParamError> {
        Self::with_shards(params, now, 8)
    }

    /// The same with a chosen number of counter shards (rounded up to a power of two): about one per thread
    /// keeps threads out of each other's cache lines; a single-threaded host takes 1.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_shards(params: Params, now: Time, shards: usize) -> Result<Self, ParamError> {
        params.check()?;
        let live = Live::new(&params);
        let control = Control::new(params.clone(), now);
        let snapshot = Swap::new(Snapshot { params, ..Snapshot::default() });
        Ok(Self { board: Board::new(shards), snapshot, control: Mutex::new(control), live })
    }

    /// Adds a route; decisions may choose it at once. The same identity finds its history again, and keeps
    /// its old key if it was never replaced.
    pub fn add(&self, route: Route, now: Time) -> RouteKey {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        let key = control.add(&self.board, route);
        self.snapshot.store(control.publish(&self.board, now));
        key
    }

    /// Adds many routes with one publication.
    pub fn add_all(&self, routes: impl IntoIterator<Item = Route>, now: Time) -> Vec<RouteKey> {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        let keys = routes.into_iter().map(|route| control.add(&self.board, route)).collect();
        self.snapshot.store(control.publish(&self.board, now));
        keys
    }

    /// Takes a route out of selection. Open tickets stay valid.
    pub fn remove(&self, key: RouteKey, now: Time) {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        control.remove(key, now);
        self.snapshot.store(control.publish(&self.board, now));
    }

    /// Changes parameters while running, all or nothing. A new `interval` or window starts all windows empty;
    /// selection and limits heed the new values at once, scores and states at the next tick.
    ///
    /// # Errors
    /// What [`Params::check`] finds; then nothing has changed.
    pub fn set_params(&self, params: Params, now: Time) -> Result<(), ParamError> {
        params.check()?;
        let mut control = self.control.lock().expect("no holder of this lock panics");
        self.live.set(&params);
        control.set_params(params);
        self.snapshot.store(control.publish(&self.board, now));
        Ok(())
    }

    /// The parameters in force.
    pub fn params(&self) -> Params {
        self.snapshot.load().params.clone()
    }

    /// The handle of a model name, if any route ever served it.
    pub fn model(&self, name: &str) -> Option<ModelKey> {
        self.control.lock().expect("no holder of this lock panics").model(name)
    }

    /// The name of a model.
    pub fn model_name(&self, model: ModelKey) -> Option<String> {
        let control = self.control.lock().expect("no holder of this lock panics");
        control.models.get(model.0 as usize).cloned()
    }

    /// The handle of a provider, if it ever had a route.
    pub fn provider(&self, name: &str) -> Option<ProviderKey> {
        self.control.lock().expect("no holder of this lock panics").provider(name)
    }

    /// Compiles a list of routes (a virtual key's) that [`Need::allowed`] can name.
    pub fn allow(&self, routes: &[RouteKey], now: Time) -> Allowed {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        let allowed = control.allow(routes);
        self.snapshot.store(control.publish(&self.board, now));
        allowed
    }

    /// An operator ends the hold of a key: at the next tick it is released to Recovering. Routes that are not
    /// held stay as they are.
    pub fn release(&self, key: RouteKey, now: Time) {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        if let Some(track) = control.tracks.get_mut(key.slot as usize)
            && track.generation == key.generation
            && track.hold.is_some()
        {
            track.heard_release = Some(now);
        }
    }

    /// Tells the engine of a clean past, so that it starts in mid-life.
    pub fn remember(&self, now: Time, pasts: &[(RouteKey, Past)]) {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        control.remember(pasts);
        self.snapshot.store(control.publish(&self.board, now));
    }

    /// Chooses a route. `luck` is a fresh random word; the engine mixes as many draws from it as it needs.
    ///
    /// # Errors
    /// [`NoRoute`] if no route serves the need, all were tried, or all are excluded and `fail_open` is off.
    #[inline]
    pub fn decide(&self, now: Time, need: &Need<'_>, luck: u64) -> Result<Ticket, NoRoute> {
        let snapshot = self.snapshot.load();
        let Some((table, filter)) = snapshot.table(need) else {
            return Err(NoRoute { retry_at: None });
        };
        let tables = Tables { table, filtered: filter.is_some(), checks: &snapshot.checks };
        let cells = Cells { snapshot: &snapshot, board: &self.board, now, need, filter };
        let choice = choose(&cells, tables, now, luck, |_, _| {})?;
        let generation = self.board.gates.get(choice.slot).generation.load(Ordering::Relaxed);
        Ok(match choice.how {
            How::Check => {
                let generation = snapshot.rows[choice.slot as usize].generation;
                self.open(choice.slot, generation, now, Ticket::CHECK)
            }
            How::FailedOpen => self.open_anyway(choice.slot, generation, now),
            How::Drawn { .. } | How::Scanned => {
                self.open(choice.slot, generation, now, choice.flag)
            }
        })
    }

    /// Opens an attempt on a route that the host chose itself (an explicit pin, a retry on the same key):
    /// selection is bypassed, the attempt counts like any other. On a held route it is the check, unless one is
    /// under way.
    ///
    /// # Errors
    /// [`NoRoute`] if the route was replaced by another.
    pub fn pin(&self, now: Time, key: RouteKey) -> Result<Ticket, NoRoute> {
        let gate = self.board.gates.get(key.slot);
        if gate.generation.load(Ordering::Relaxed) != key.generation {
            return Err(NoRoute { retry_at: None });
        }
        Ok(self.open_anyway(key.slot, key.generation, now))
    }

    /// Opens an attempt whatever the route's state; where it is held, as its check.
    fn open_anyway(&self, slot: u32, generation: u32, now: Time) -> Ticket {
        let held = self.board.gates.get(slot).held() != 0;
        let check = held && self.board.shared.get(slot).check.claim_early(now);
        self.open(slot, generation, now, if check { Ticket::CHECK } else { 0 })
    }

    /// Opens an attempt that was opened before, on the route that it had then.
    pub(super) fn reopen(&self, ticket: Ticket) {
        if self.cell(ticket).is_none() {
            return;
        }
        if ticket.is_check() {
            self.board.shared.get(ticket.slot).check.claim_early(ticket.at);
        }
        self.board.counters(ticket.slot).open(ticket.at);
    }

    fn open(&self, slot: u32, generation: u32, now: Time, flags: u32) -> Ticket {
        self.board.counters(slot).open(now);
        Ticket { slot, word: generation << Ticket::FLAGS | flags, at: now }
    }

    /// Recomputes weights and states and publishes them. Does nothing before about an interval has passed
    /// since the last tick, so a second ticker is harmless; a late tick folds the span that really passed.
    pub fn tick(&self, now: Time) -> Vec<Change> {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        let before = planted!(StaleSnapshot).then(|| control.publish(&self.board, now));
        let Some(changes) = control.tick(&self.board, now) else { return Vec::new() };
        self.snapshot.store(before.unwrap_or_else(|| control.publish(&self.board, now)));
        changes
    }

    /// What this node tells its peers: window sums, last errors, exclusions and holds per route.
    pub fn report(&self, now: Time) -> Report {
        self.control.lock().expect("no holder of this lock panics").report(&self.board, now)
    }

    /// Takes a peer's report, sent at `sent_at` on this engine's clock (where clocks do not agree: when it
    /// came, less the time it took). The newest per peer counts, once; it is dropped after three intervals
    /// without another. Holds and windows take effect at the next tick, exclusions at once.
    pub fn hear(&self, peer: u64, sent_at: Time, report: &Report) {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        control.hear(&self.board, peer, sent_at, report);
    }

    /// Providers for a request's fallback list, in order, into `out`: the configured ones (less those that
    /// are Failed, if `switch.prune_failed_fallbacks`), then the others that are not Failed, best first (for
    /// unpinned requests, or with `switch.append_fallbacks_to_pinned`). The first entry is where to start: the
    /// pinned provider, or with `switch.reroute_failed_directions` the best healthy one in its place.
    pub fn fallbacks(
        &self,
        model: ModelKey,
        pinned: Option<ProviderKey>,
        configured: &[ProviderKey],
        out: &mut Vec<ProviderKey>,
    ) {
        out.clear();
        let snapshot = self.snapshot.load();
        let Some(tables) = snapshot.models.get(model.0 as usize) else { return };
        let params = &snapshot.params;
        let failed =
            |p: ProviderKey| tables.ranked.iter().any(|side| side.provider == p && side.failed);
        let healthy = || tables.ranked.iter().filter(|side| !side.failed).map(|side| side.provider);
        if let Some(pinned) = pinned {
            let reroute = params.switch_reroute_failed_directions != 0.0 && failed(pinned);
            out.push(if reroute { healthy().next().unwrap_or(pinned) } else { pinned });
        }
        let prune = params.switch_prune_failed_fallbacks != 0.0;
        let configured = configured.iter().copied().filter(|&p| !(prune && failed(p)));
        let append = pinned.is_none() || params.switch_append_fallbacks_to_pinned != 0.0;
        let appended = healthy().filter(|_| append);
        for provider in configured.chain(appended) {
            if !out.contains(&provider) {
                out.push(provider);
            }
        }
    }

    /// Shows every route as last computed, in the order in which slots were given.
    pub fn show(&self, mut each: impl FnMut(RouteKey, &View)) {
        let snapshot = self.snapshot.load();
        for (slot, row) in snapshot.rows.iter().enumerate().filter(|(_, row)| row.active) {
            let key = RouteKey { slot: slot as u32, generation: row.generation };
            let view = View {
                health: row.health,
                weight: row.weight,
                parts: row.parts,
                probability: row.odds.probability,
                hold: row.hold,
            };
            each(key, &view);
        }
    }

    /// The counters of a ticket's route, unless the slot has another owner by now.
    #[inline]
    pub(super) fn cell(&self, ticket: Ticket) -> Option<&Counters> {
        let generation = self.board.gates.get(ticket.slot).generation.load(Ordering::Relaxed);
        (generation == ticket.word >> Ticket::FLAGS).then(|| self.board.counters(ticket.slot))
    }
}

/// A route as last computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Its health.
    pub health: super::health::Health,
    /// Its weight.
    pub weight: f64,
    /// The parts of its score.
    pub parts: super::score::Parts,
    /// The probability that the next request for its model goes there.
    pub probability: f64,
    /// Its hold, if it is held.
    pub hold: Option<super::hold::Hold>,
}

/// The cells that a decision is made over.
struct Cells<'a> {
    snapshot: &'a Snapshot,
    board: &'a Board,
    now: Time,
    need: &'a Need<'a>,
    filter: Option<ProviderKey>,
}

impl Field for Cells<'_> {
    #[inline]
    fn tried(&self, slot: u32) -> bool {
        self.need.tried.iter().any(|key| key.slot == slot)
    }

    fn fits(&self, slot: u32) -> bool {
        self.filter.is_none_or(|p| self.snapshot.rows[slot as usize].provider == p.0)
    }

    #[inline]
    fn admits(&self, slot: u32) -> bool {
        self.snapshot.admits(self.board.gates.get(slot), self.now)
    }

    fn held(&self, slot: u32) -> bool {
        self.board.gates.get(slot).held() != 0
    }

    fn ends(&self, slot: u32) -> Time {
        self.snapshot.ends(self.board.gates.get(slot), slot, self.now)
    }

    fn claims(&self, check: &Check) -> bool {
        self.board.shared.get(check.slot).check.claim(check.due, self.now)
    }

    fn fails_open(&self) -> bool {
        self.snapshot.params.fail_open != 0.0
    }
}
