//! What becomes of an attempt, computed when it starts: faults, limits, capacity, latency, patience.

use std::ops::Range;

use crate::engine::luck::{mix, name, unit};
use crate::engine::{Outcome, Span, Time};
use crate::policy::Attempt;

use super::fault::{Active, Failure, Toll};
use super::flight::{CHARGED, Ending, Flight, NONE, region_flags, region_of};
use super::latency::Sampler;
use super::limit::{Bucket, Charge};
use super::patience::Patience;
use super::prefix::Reuse;
use super::region;
use super::script::Script;
use super::service::{FOR_EVER, Load};
use super::spec::{Place, Spec};

const ERROR: u64 = name("background error");
const HANG: u64 = name("background hang");
const LIMIT: u64 = name("limit");
const TTFT: u64 = name("time to first token");
const DECODE: u64 = name("decode rate");

/// An attempt as it will go, if nothing cuts it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    /// When it ends; `None` = never by itself.
    pub(super) end: Option<Time>,
    pub(super) ending: Ending,
    pub(super) first_us: u32,
    pub(super) charge: Charge,
    pub(super) flags: u8,
    /// It is refused or fails without an answer: `first_us` is a hint, if anything.
    pub(super) refused: bool,
}

/// What came before an attempt.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    /// How often its request was at that route.
    pub(super) visits: u64,
    /// Attempts of its request in all.
    pub(super) made: usize,
    /// What it finds in the account's prompt cache.
    pub(super) reuse: Reuse,
}

/// What an attempt took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    /// Output tokens that were produced.
    pub(super) output: u32,
    /// Tokens that its limit was charged, if one admitted it.
    pub(super) charged: Option<u64>,
}

/// Providers, limits and faults: all that decides an attempt.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) places: Vec<Spot>,
    pub(super) services: Vec<Service>,
    pub(super) buckets: Vec<Bucket>,
    pub(super) faults: Vec<Active>,
    /// Faults that concern a route now, by route.
    pub(super) at_route: Vec<Vec<u16>>,
    pub(super) overhead: Span,
    gives_up: Vec<Option<Span>>,
    max_tokens: Vec<u32>,
    /// Decides in the place of everything else, if there is one.
    pub(super) script: Option<Script>,
}

/// A route's place, flat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    salt: u64,
    /// Its limits: the first, and how many.
    limits: (u32, u32),
    pub(super) service: u32,
    /// What an operator has had the provider's limits multiplied by.
    pub(super) quota: f64,
}

impl Spot {
    #[inline]
    pub(super) fn limits(&self) -> Range<usize> {
        let (first, count) = self.limits;
        first as usize..(first + count) as usize
    }
}

#[derive(Debug)]
pub(super) struct Service {
    pub(super) sampler: Sampler,
    pub(super) network: Span,
    pub(super) capacity: Option<super::spec::Capacity>,
    pub(super) load: Load,
    pub(super) error_rate: f64,
    pub(super) hang_rate: f64,
    error_after: Span,
}

impl Stage {
    pub(super) fn new(spec: &Spec, faults: Vec<Active>, seed: u64) -> Self {
        let latencies = spec.providers.iter().flat_map(|p| p.services.iter().map(|s| &s.latency));
        let samplers = Sampler::all(latencies);
        let of_service = |provider: &'_ super::spec::Provider| {
            let (error_rate, hang_rate) = (provider.error_rate, provider.hang_rate);
            let error_after = provider.error_after;
            provider
                .services
                .clone()
                .into_iter()
                .map(move |service| (service, error_rate, hang_rate, error_after))
        };
        let services = (spec.providers.iter().flat_map(of_service).zip(samplers))
            .map(|((service, error_rate, hang_rate, error_after), sampler)| Service {
                sampler,
                network: service.latency.network,
                capacity: service.capacity,
                load: Load::default(),
                error_rate,
                hang_rate,
                error_after,
            })
            .collect();
        let first: Vec<u32> = (spec.providers.iter())
            .scan(0, |sum, provider| {
                let first = *sum;
                *sum += provider.services.len() as u32;
                Some(first)
            })
            .collect();
        let spot = |(route, place): (&crate::policy::RouteInfo, &Place)| Spot {
            salt: name(&route.name),
            limits: (place.limits().start, place.limits().len() as u32),
            service: first[usize::from(route.provider.0)] + place.service,
            quota: 1.0,
        };
        let mut stage = Self {
            places: spec.pool.routes.iter().zip(&spec.places).map(spot).collect(),
            services,
            buckets: (spec.limits.iter())
                .map(|limit| Bucket::new(limit, spec.epoch, seed))
                .collect(),
            faults,
            at_route: vec![Vec::new(); spec.pool.routes.len()],
            overhead: spec.gateway.overhead,
            gives_up: spec.classes.iter().map(|class| class.client.gives_up).collect(),
            max_tokens: spec.classes.iter().map(|class| class.max_tokens).collect(),
            script: None,
        };
        for fault in 0..stage.faults.len() {
            if stage.faults[fault].watches() {
                stage.edge(fault, true);
            }
        }
        stage
    }

    /// A fault begins or ends. One that watches its routes stays with them throughout.
    pub(super) fn edge(&mut self, fault: usize, begins: bool) {
        let id = fault as u16;
        if self.faults[fault].watches() && !begins {
            return;
        }
        for &route in &self.faults[fault].fault.routes {
            let list = &mut self.at_route[route as usize];
            match list.binary_search(&id) {
                Ok(at) if !begins => drop(list.remove(at)),
                Err(at) if begins => list.insert(at, id),
                _ => {}
            }
        }
    }

    /// Computes an attempt of `flight` from a node in this region.
    pub(super) fn draft(
        &mut self,
        now: Time,
        region: u8,
        flight: &Flight,
        attempt: &Attempt,
        before: &Before,
    ) -> Draft {
        if let Some(script) = &mut self.script {
            let gives_up = self.gives_up[usize::from(flight.class)];
            let limits = Patience::new(now, flight, attempt, gives_up);
            return limits.played(script.take(flight.luck, before.made as u32, attempt.route, now));
        }
        let route = attempt.route.0;
        let spot = self.places[route as usize];
        let luck = mix(flight.luck ^ spot.salt, before.visits);
        let toll = self.toll(now, route, region, luck);
        let service = &mut self.services[spot.service as usize];
        let mut base = self.overhead + service.network;
        let limits = Patience::new(now, flight, attempt, self.gives_up[usize::from(flight.class)]);
        if let Some((failure, after)) = toll.failure {
            return limits.failed(failure, base + after);
        }
        let mut draft = Draft::started();
        let buckets = &mut self.buckets[spot.limits()];
        if !buckets.is_empty() {
            let cap = self.max_tokens[usize::from(flight.class)];
            let (word, limit) = (mix(luck, LIMIT), toll.limit * spot.quota);
            let counted = flight.prompt - before.reuse.uncounted;
            let ask = |bucket: &mut Bucket| bucket.admit(now, counted, cap, limit, word);
            match region::admit(buckets, ask) {
                Ok((charge, region)) => {
                    base = base + region::detour(region, luck);
                    draft.charge = charge;
                    draft.flags |= CHARGED | region_flags(region);
                }
                Err(denied) => {
                    let failure = Failure::RateLimited(denied.retry_after);
                    return limits.failed(failure, base + service.error_after);
                }
            }
        }
        if service.error_rate > 0.0 && unit(mix(luck, ERROR)) < service.error_rate {
            return Draft {
                flags: draft.flags,
                charge: draft.charge,
                ..limits.failed(Failure::Status(500), base + service.error_after)
            };
        }
        if service.hang_rate > 0.0 && unit(mix(luck, HANG)) < service.hang_rate {
            let hang = limits.failed(Failure::Hang, FOR_EVER);
            return Draft { flags: draft.flags, charge: draft.charge, ..hang };
        }
        // What is cached need not be read again.
        let prompt = flight.prompt - before.reuse.cached;
        let flight = &Flight { prompt, ..*flight };
        service.serve(now, flight, luck, &toll, base, &limits, draft)
    }

    #[inline]
    fn toll(&mut self, now: Time, route: u32, region: u8, luck: u64) -> Toll {
        let mut toll = Toll::NONE;
        for &fault in &self.at_route[route as usize] {
            self.faults[usize::from(fault)].levy(now, route, region, luck, &mut toll);
        }
        toll
    }

    /// An attempt ended: gives its charge back to its limit, which did not count so many tokens of its prompt.
    pub(super) fn settle(
        &mut self,
        now: Time,
        flight: &Flight,
        outcome: Outcome,
        uncounted: u32,
    ) -> Settled {
        let counted = flight.prompt - uncounted;
        let (prompt, output) = match outcome {
            Outcome::Done { output_tokens, .. } | Outcome::StreamBroken { output_tokens, .. } => {
                (counted, output_tokens)
            }
            _ => (0, 0),
        };
        if flight.flags & CHARGED != 0 {
            let source = self.places[flight.route as usize].limits().start;
            let bucket = &mut self.buckets[source + region_of(flight.flags)];
            bucket.settle(now, flight.charge, prompt, output);
            let cap = self.max_tokens[usize::from(flight.class)];
            return Settled { output, charged: Some(bucket.cost(counted, cap, output)) };
        }
        Settled { output, charged: None }
    }
}

impl Service {
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "one attempt, seen from every side")]
    fn serve(
        &mut self,
        now: Time,
        flight: &Flight,
        luck: u64,
        toll: &Toll,
        base: Span,
        limits: &Patience,
        draft: Draft,
    ) -> Draft {
        let mut begins = now;
        let mut slowdown = 1.0;
        if let Some(capacity) = &self.capacity {
            let Some(start) = self.load.enter(now, capacity) else {
                let full = limits.failed(Failure::Status(503), base + self.error_after);
                return Draft { flags: draft.flags, charge: draft.charge, ..full };
            };
            begins = start;
            slowdown = self.load.slowdown(now, capacity);
        }
        let ttft_s = match toll.cold_s {
            Some(cold) => cold,
            None => self.sampler.ttft_s(mix(luck, TTFT), flight.prompt) * toll.ttft,
        };
        let decode_s =
            self.sampler.decode_s(mix(luck, DECODE), flight.output) * toll.decode * slowdown;
        let work = Span::from_secs_f64(ttft_s) + toll.stall;
        let decode = Span::from_secs_f64(decode_s);
        if self.capacity.is_some() {
            self.load.occupy(begins + work + decode);
        }
        let first = base + begins.since(now) + work;
        limits.answered(first, decode, toll, draft)
    }
}

impl Draft {
    pub(super) const fn started() -> Self {
        Self {
            end: None,
            ending: Ending::Done,
            first_us: NONE,
            charge: Charge::NONE,
            flags: 0,
            refused: false,
        }
    }
}
