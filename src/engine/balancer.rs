//! The object a gateway holds. Deciding and reporting go through `&self` from any number of threads, without
//! locks and without allocation; everything slow happens in [`Engine::tick`].

use super::cell::{Board, Counters};
use super::hold::HoldClass;
use super::identity::{
    Allowed, ModelKey, Need, NoRoute, Past, ProviderKey, Route, RouteKey, Ticket,
};
use super::luck::{mix, unit};
use super::outcome::{Limits, Outcome};
use super::param::ParamError;
use super::params::Params;
use super::select::Table;
use super::sharing::Report;
use super::snapshot::Snapshot;
use super::sync::{AtomicU64, Mutex, Ordering, Swap};
use super::tick::{Change, Control};
use super::time::{Span, Time};

/// An adaptive balancer: error, latency, utilization and momentum into weights, weights into a draw.
///
/// Call order for an attempt: [`decide`](Self::decide), then any of [`headers`](Self::headers) and
/// [`first_token`](Self::first_token), then [`end`](Self::end) exactly once. Call [`tick`](Self::tick) about
/// every `interval` from one thread (a second ticker finds nothing to do). Times come from one monotonic
/// clock of the host's choice; `luck` is a fresh random word per decision.
#[derive(Debug)]
pub struct Engine {
    board: Board,
    snapshot: Swap<Snapshot>,
    control: Mutex<Control>,
    live: Live,
}

/// The few parameters that reporting threads need, changed in place.
#[derive(Debug)]
struct Live {
    limited_floor: AtomicU64,
    limited_default: AtomicU64,
    holds: AtomicU64,
    headroom_floor_ppm: AtomicU64,
    headroom_pause: AtomicU64,
}

/// How often a draw that hit a tried or just-excluded route is repeated before the exact scan.
const REDRAWS: u64 = 8;

impl Engine {
    /// An engine without routes, for a host of a few threads.
    ///
    /// # Errors
    /// [`ParamError::Contradiction`] if the parameters contradict each other.
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
        control.remove(key);
        self.snapshot.store(control.publish(&self.board, now));
    }

    /// Changes parameters while running, all or nothing. A new `interval` or window starts its windows empty;
    /// everything else takes effect at the next tick.
    ///
    /// # Errors
    /// [`ParamError::Contradiction`]; then nothing has changed.
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

    /// Tells the engine of a clean past, so that it starts in mid-life.
    pub fn remember(&self, now: Time, pasts: &[(RouteKey, Past)]) {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        control.remember(now, pasts);
        self.snapshot.store(control.publish(&self.board, now));
    }

    /// Chooses a route. `luck` is a fresh random word; the engine mixes as many draws from it as it needs.
    ///
    /// # Errors
    /// [`NoRoute`] if no route serves the need, all were tried, or all are excluded and `fail_open` is off.
    #[inline]
    pub fn decide(&self, now: Time, need: &Need<'_>, luck: u64) -> Result<Ticket, NoRoute> {
        let snapshot = self.snapshot.load();
        if !snapshot.checks.is_empty()
            && let Some(ticket) = self.check(&snapshot, now, need)
        {
            return Ok(ticket);
        }
        let Some((table, filter)) = snapshot.table(need) else {
            return Err(NoRoute { retry_at: None });
        };
        if filter.is_none() {
            for redraw in 0..=REDRAWS {
                let Some(drawn) = table.draw(mix(luck, redraw)) else { break };
                let slot = drawn.slot();
                let gate = self.board.gates.get(slot);
                if gate.excluded_until() <= now && !is_tried(need, slot) {
                    let generation = gate.generation.load(Ordering::Relaxed);
                    return Ok(self.open(slot, generation, now, drawn.flag()));
                }
            }
        }
        self.scan(&snapshot, table, filter, now, need, luck)
    }

    /// Opens an attempt on a route that the host chose itself (an explicit pin, a retry on the same key):
    /// selection is bypassed, the attempt counts like any other.
    ///
    /// # Errors
    /// [`NoRoute`] if the route was replaced by another.
    pub fn pin(&self, now: Time, key: RouteKey) -> Result<Ticket, NoRoute> {
        let gate = self.board.gates.get(key.slot);
        if gate.generation.load(Ordering::Relaxed) != key.generation {
            return Err(NoRoute { retry_at: None });
        }
        Ok(self.open(key.slot, key.generation, now, 0))
    }

    /// The exact choice, when redrawing found nothing: probabilities of the snapshot, renormalised over what
    /// is usable; then, failing open, the route whose exclusion ends first.
    #[cold]
    fn scan(
        &self,
        snapshot: &Snapshot,
        table: &Table,
        filter: Option<ProviderKey>,
        now: Time,
        need: &Need<'_>,
        luck: u64,
    ) -> Result<Ticket, NoRoute> {
        let fits = |slot: u32| {
            !is_tried(need, slot)
                && filter.is_none_or(|p| snapshot.rows[slot as usize].provider == p.0)
        };
        let until = |slot: u32| self.board.gates.get(slot).excluded_until();
        let usable =
            table.odds.iter().filter(|(drawn, _)| fits(drawn.slot()) && until(drawn.slot()) <= now);
        let total: f64 = usable.clone().map(|(_, p)| p).sum();
        let mut left = unit(mix(luck, REDRAWS + 1)) * total;
        let mut chosen = None;
        for (drawn, p) in usable {
            chosen = Some(*drawn);
            left -= p;
            if left < 0.0 {
                break;
            }
        }
        let generation = |slot: u32| self.board.gates.get(slot).generation.load(Ordering::Relaxed);
        if let Some(drawn) = chosen {
            return Ok(self.open(drawn.slot(), generation(drawn.slot()), now, drawn.flag()));
        }
        let ends = |slot: u32| until(slot).min(snapshot.rows[slot as usize].until).max(now);
        let first = table.members.iter().copied().filter(|&slot| fits(slot));
        match first.min_by_key(|&slot| (ends(slot), slot)) {
            Some(slot) if snapshot.params.fail_open != 0.0 => {
                Ok(self.open(slot, generation(slot), now, 0))
            }
            Some(slot) => Err(NoRoute { retry_at: Some(ends(slot)) }),
            None => Err(NoRoute { retry_at: None }),
        }
    }

    /// Lets one request through to a held route whose check is due.
    #[cold]
    fn check(&self, snapshot: &Snapshot, now: Time, need: &Need<'_>) -> Option<Ticket> {
        let (table, filter) = snapshot.table(need)?;
        let due = snapshot.checks.iter().find(|check| {
            check.due <= now
                && table.members.binary_search(&check.slot).is_ok()
                && filter.is_none_or(|p| snapshot.rows[check.slot as usize].provider == p.0)
                && !is_tried(need, check.slot)
                && self
                    .board
                    .shared
                    .get(check.slot)
                    .check
                    .compare_exchange(1, now.0.max(2), Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
        })?;
        let generation = snapshot.rows[due.slot as usize].generation;
        Some(self.open(due.slot, generation, now, Ticket::CHECK))
    }

    fn open(&self, slot: u32, generation: u32, now: Time, flags: u32) -> Ticket {
        self.board.counters(slot).open(now);
        Ticket { slot, word: generation << Ticket::FLAGS | flags, at: now }
    }

    /// A response's headers came: what is left of the key's limits. Tell it of successes too.
    pub fn headers(&self, ticket: Ticket, now: Time, limits: &Limits) {
        let floor = self.live.headroom_floor_ppm.load(Ordering::Relaxed);
        if floor == 0 || self.cell(ticket).is_none() {
            return;
        }
        let short = |remaining: Option<u64>, limit: Option<u64>| match (remaining, limit) {
            (Some(remaining), Some(limit)) => {
                u128::from(remaining) * 1_000_000 < u128::from(limit) * u128::from(floor)
            }
            _ => false,
        };
        if short(limits.tokens_remaining, limits.tokens_limit)
            || short(limits.requests_remaining, limits.requests_limit)
        {
            let pause = Span(self.live.headroom_pause.load(Ordering::Relaxed));
            let pause = limits.reset.map_or(pause, |reset| reset.min(pause));
            self.board.gates.get(ticket.slot).exclude(now + pause);
        }
    }

    /// The first token of a stream arrived: the attempt is no longer silent.
    pub fn first_token(&self, ticket: &mut Ticket, _now: Time) {
        if let Some(counters) = self.cell(*ticket)
            && ticket.word & Ticket::HEARD == 0
        {
            counters.hear(ticket.at);
            ticket.word |= Ticket::HEARD;
        }
    }

    /// The attempt ended.
    pub fn end(&self, ticket: Ticket, now: Time, outcome: Outcome) {
        let Some(counters) = self.cell(ticket) else { return };
        if ticket.word & Ticket::HEARD == 0 {
            counters.hear(ticket.at);
        }
        let shared = self.board.shared.get(ticket.slot);
        match outcome {
            Outcome::Done { prompt_tokens, output_tokens } => {
                let tokens = u64::from(prompt_tokens) + u64::from(output_tokens);
                let nth = counters.done(tokens);
                let every = (1u64 << shared.shift.load(Ordering::Relaxed)) - 1;
                if nth & every == 0 {
                    shared.keep(now.since(ticket.at), prompt_tokens, output_tokens);
                }
            }
            Outcome::RateLimited { retry_after } => {
                self.error(counters, ticket.slot, now);
                if self.live.holds.load(Ordering::Relaxed) & 2 != 0 {
                    self.refused(ticket, now, HoldClass::Limited, retry_after);
                } else {
                    self.limited(ticket, now, retry_after);
                }
            }
            Outcome::KeyRefused { class } => {
                self.error(counters, ticket.slot, now);
                if self.live.holds.load(Ordering::Relaxed) & 1 != 0 {
                    self.refused(ticket, now, HoldClass::Refused(class), None);
                }
            }
            Outcome::ServerError { .. }
            | Outcome::Unreachable
            | Outcome::Timeout
            | Outcome::StreamBroken { .. } => self.error(counters, ticket.slot, now),
            Outcome::CallerFault { .. } | Outcome::Cancelled => counters.void(),
        }
        if ticket.is_check() {
            // Bit 63 marks a verdict; the low bits say which.
            let verdict = match outcome {
                Outcome::Done { .. } => 0,
                Outcome::RateLimited { .. } => HoldClass::Limited.code(),
                Outcome::KeyRefused { class } => HoldClass::Refused(class).code(),
                _ => 0xff,
            };
            shared.check.store(1 << 63 | verdict, Ordering::Relaxed);
        }
    }

    fn error(&self, counters: &Counters, slot: u32, now: Time) {
        counters.error();
        self.board.shared.get(slot).last_error.fetch_max(now.0.max(1), Ordering::Relaxed);
    }

    /// A 429 takes the route out at once: for the hint (at least the floor), or the default.
    fn limited(&self, ticket: Ticket, now: Time, hint: Option<Span>) {
        let floor = Span(self.live.limited_floor.load(Ordering::Relaxed));
        let default = Span(self.live.limited_default.load(Ordering::Relaxed));
        let wait = hint.map_or(default, |hint| hint.max(floor));
        self.board.gates.get(ticket.slot).exclude(now + wait);
        let shared = self.board.shared.get(ticket.slot);
        shared.last_limited.fetch_max(now.0.max(1), Ordering::Relaxed);
    }

    /// A lasting refusal takes the route out at once, and with it every model of the key where it concerns
    /// the whole key. The tick turns it into a hold.
    fn refused(&self, ticket: Ticket, now: Time, class: HoldClass, hint: Option<Span>) {
        let word = refusal_word(now, class, hint);
        let hold = |slot: u32| {
            self.board.shared.get(slot).refusal.store(word, Ordering::Relaxed);
            self.board.gates.get(slot).exclude(Time::NEVER);
        };
        hold(ticket.slot);
        if class.whole_key() {
            let snapshot = self.snapshot.load();
            let account = snapshot.rows.get(ticket.slot as usize).map(|row| row.account);
            for (slot, row) in snapshot.rows.iter().enumerate() {
                if row.active && Some(row.account) == account {
                    hold(slot as u32);
                }
            }
        }
    }

    /// Recomputes weights and states and publishes them. Does nothing before about an interval has passed
    /// since the last tick, so a second ticker is harmless; a late tick folds the span that really passed.
    pub fn tick(&self, now: Time) -> Vec<Change> {
        let mut control = self.control.lock().expect("no holder of this lock panics");
        let Some(changes) = control.tick(&self.board, now) else { return Vec::new() };
        self.snapshot.store(control.publish(&self.board, now));
        changes
    }

    /// What this node tells its peers: window sums, last errors, exclusions and holds per route.
    pub fn report(&self, now: Time) -> Report {
        self.control.lock().expect("no holder of this lock panics").report(&self.board, now)
    }

    /// Takes a peer's report. The newest per peer counts, once; it is dropped after three intervals without
    /// another.
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
        let failed = |p: ProviderKey| tables.ranked.iter().any(|(q, _, failed)| *q == p && *failed);
        let healthy = || tables.ranked.iter().filter(|(_, _, failed)| !failed).map(|(p, ..)| *p);
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
            };
            each(key, &view);
        }
    }

    /// The counters of a ticket's route, unless the slot has another owner by now.
    #[inline]
    fn cell(&self, ticket: Ticket) -> Option<&Counters> {
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
}

#[inline]
fn is_tried(need: &Need<'_>, slot: u32) -> bool {
    need.tried.iter().any(|key| key.slot == slot)
}

impl Live {
    fn new(params: &Params) -> Self {
        let live = Self {
            limited_floor: AtomicU64::new(0),
            limited_default: AtomicU64::new(0),
            holds: AtomicU64::new(0),
            headroom_floor_ppm: AtomicU64::new(0),
            headroom_pause: AtomicU64::new(0),
        };
        live.set(params);
        live
    }

    fn set(&self, params: &Params) {
        let secs = |s: f64| Span::from_secs_f64(s).0;
        self.limited_floor.store(secs(params.backoff_limited_floor), Ordering::Relaxed);
        self.limited_default.store(secs(params.backoff_limited_default), Ordering::Relaxed);
        let holds = params.hold_enabled as u64 * (1 + 2 * params.hold_limited as u64);
        self.holds.store(holds, Ordering::Relaxed);
        self.headroom_floor_ppm.store((params.headroom_floor * 1e6) as u64, Ordering::Relaxed);
        self.headroom_pause.store(secs(params.headroom_pause), Ordering::Relaxed);
    }
}

/// A refusal as one word for the tick: milliseconds, hint in seconds (0 = none), class.
pub(crate) fn refusal_word(at: Time, class: HoldClass, hint: Option<Span>) -> u64 {
    let hint = hint.map_or(0, |hint| hint.0.div_ceil(1_000_000_000).clamp(1, 0xffff));
    (at.0 / 1_000_000) << 24 | hint << 8 | class.code()
}

/// The class and the hint of a [`refusal_word`]; `None` for the word 0.
pub(crate) fn refusal(word: u64) -> Option<(HoldClass, Option<Span>)> {
    let hint = (word >> 8) & 0xffff;
    Some((HoldClass::from_code(word & 0xff)?, (hint > 0).then(|| Span::from_secs(hint))))
}
