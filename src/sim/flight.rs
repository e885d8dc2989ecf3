//! Requests under way: 80 bytes each in a slab, and for those that failed at least once a trail of what
//! happened to them.

use std::hint::black_box;

use crate::engine::{Outcome, Refusal, Span, Time};
use crate::policy::Past;

use super::limit::Charge;
use super::workload::Arrival;

/// A request under way, with its attempt if one is in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    /// Intended arrival.
    pub(super) arrived: Time,
    pub(super) luck: u64,
    /// Start of the attempt in flight.
    pub(super) sent: Time,
    /// The policy's own word for it.
    pub(super) tag: u64,
    pub(super) charge: Charge,
    pub(super) prompt: u32,
    pub(super) output: u32,
    pub(super) route: u32,
    /// Sequence number of the attempt or wait (its low 32 bits): events of an older one are stale.
    pub(super) seq: u32,
    /// Microseconds from the start of the attempt to its first token, `NONE` if there will be none; for a
    /// 429, the hint in milliseconds.
    pub(super) first_us: u32,
    /// 1 + index of the trail, 0 = nothing has failed yet.
    pub(super) trail: u32,
    /// Client of a closed-loop class.
    pub(super) client: u32,
    pub(super) class: u16,
    pub(super) model: u16,
    pub(super) ending: Ending,
    pub(super) flags: u8,
    /// The gateway process that it went to.
    pub(super) node: u8,
}

impl Flight {
    /// A request as it arrives.
    pub(super) fn of(arrival: &Arrival) -> Self {
        Self {
            arrived: arrival.at,
            luck: arrival.luck,
            sent: arrival.at,
            tag: 0,
            charge: Charge::default(),
            prompt: arrival.prompt,
            output: arrival.output,
            route: u32::MAX,
            seq: 0,
            first_us: NONE,
            trail: 0,
            client: arrival.client,
            class: arrival.class,
            model: arrival.model,
            ending: Ending::Done,
            flags: OPEN | if arrival.streamed { STREAMED } else { 0 },
            node: 0,
        }
    }
}

/// No first token, no hint.
pub(super) const NONE: u32 = u32::MAX;

/// The answer is streamed.
pub(super) const STREAMED: u8 = 1;
/// The first token was reported to the policy.
pub(super) const HEARD: u8 = 2;
/// Low bit of the number of the region that admitted the attempt.
const REGION_LOW: u8 = 4;
/// The attempt was admitted by a limit.
pub(super) const CHARGED: u8 = 8;
/// The slot is in use.
pub(super) const OPEN: u8 = 16;
/// One of the request's attempts explored.
pub(super) const EXPLORED: u8 = 64;
/// An attempt is in flight (else the request waits).
pub(super) const FLYING: u8 = 32;
/// High bit of the number of the region.
const REGION_HIGH: u8 = 128;

/// The number of a region, at most 3, as flags.
pub(super) const fn region_flags(region: usize) -> u8 {
    let low = if region & 1 == 0 { 0 } else { REGION_LOW };
    let high = if region & 2 == 0 { 0 } else { REGION_HIGH };
    low | high
}

/// The number of the region in these flags.
pub(super) const fn region_of(flags: u8) -> usize {
    (flags & REGION_LOW != 0) as usize + 2 * (flags & REGION_HIGH != 0) as usize
}

/// How the attempt in flight will end, if nothing cuts it: an [`Outcome`] in three bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Done,
    RateLimited,
    ServerError(u16),
    Unreachable,
    Timeout,
    /// After this share of the output, in 255ths.
    Broken(u8),
    Refused(Refusal),
    CallerFault(u16),
    Cancelled,
}

impl Ending {
    /// The ending as an outcome of an attempt with these tokens; `hint_ms` for a 429.
    pub(super) fn outcome(self, prompt: u32, output: u32, hint_ms: u32) -> Outcome {
        match self {
            Self::Done => Outcome::Done { prompt_tokens: prompt, output_tokens: output },
            Self::RateLimited => Outcome::RateLimited {
                retry_after: (hint_ms != NONE).then(|| Span::from_millis(u64::from(hint_ms))),
            },
            Self::ServerError(status) => Outcome::ServerError { status },
            Self::Unreachable => Outcome::Unreachable,
            Self::Timeout => Outcome::Timeout,
            Self::Broken(part) => Outcome::StreamBroken {
                prompt_tokens: prompt,
                output_tokens: (u64::from(output) * u64::from(part) / 255) as u32,
            },
            Self::Refused(class) => Outcome::KeyRefused { class },
            Self::CallerFault(status) => Outcome::CallerFault { status },
            Self::Cancelled => Outcome::Cancelled,
        }
    }

    /// The ending that a status means.
    pub(super) const fn of_status(status: u16) -> Self {
        match status {
            429 => Self::RateLimited,
            401 => Self::Refused(Refusal::Credential),
            402 => Self::Refused(Refusal::Quota),
            403 => Self::Refused(Refusal::ModelAccess),
            410 => Self::Refused(Refusal::ModelGone),
            // A provider's own timeout is its fault, not the caller's.
            408 => Self::ServerError(408),
            400..=499 => Self::CallerFault(status),
            _ => Self::ServerError(status),
        }
    }
}

/// What happened to a request that failed at least once.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// All attempts that ended.
    pub(super) past: Vec<Past>,
    /// Where the client asked (again): the policy sees only what came after.
    pub(super) from: usize,
    /// Waits since the last attempt ended.
    pub(super) waits: u32,
    /// How often the client's SDK asked again.
    pub(super) asked_again: u32,
}

/// The slab.
#[derive(Debug, Default)]
pub(super) struct Flights {
    slots: Vec<Flight>,
    free: Vec<u32>,
    trails: Vec<Trail>,
    free_trails: Vec<u32>,
    /// Requests that have no result yet.
    pub(super) open: u32,
    /// Attempts in flight, and the most there were.
    pub(super) flying: u32,
    pub(super) flying_max: u32,
}

impl Flights {
    pub(super) fn insert(&mut self, flight: Flight) -> u32 {
        self.open += 1;
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = flight;
                slot
            }
            None => {
                self.slots.push(flight);
                (self.slots.len() - 1) as u32
            }
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        self.open -= 1;
        let flight = &mut self.slots[slot as usize];
        flight.flags = 0;
        if flight.trail != 0 {
            let trail = flight.trail - 1;
            flight.trail = 0;
            let trail_slot = &mut self.trails[trail as usize];
            trail_slot.past.clear();
            (trail_slot.from, trail_slot.waits, trail_slot.asked_again) = (0, 0, 0);
            self.free_trails.push(trail);
        }
        self.free.push(slot);
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> &Flight {
        &self.slots[slot as usize]
    }

    /// Brings what is known of a request near; gives its process.
    #[inline]
    pub(super) fn fetch(&self, slot: u32) -> u8 {
        let flight = &self.slots[slot as usize];
        black_box((flight.luck, flight.flags));
        flight.node
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Flight {
        &mut self.slots[slot as usize]
    }

    /// Counts an attempt that starts.
    #[inline]
    pub(super) fn takes_off(&mut self) {
        self.flying += 1;
        self.flying_max = self.flying_max.max(self.flying);
    }

    /// Every slot, in use or not.
    pub(super) fn all(&self) -> &[Flight] {
        &self.slots
    }

    /// The trail of a request, made if it has none yet.
    pub(super) fn trail_mut(&mut self, slot: u32) -> &mut Trail {
        let at = match self.slots[slot as usize].trail {
            0 => {
                let at = self.free_trails.pop().unwrap_or_else(|| {
                    self.trails.push(Trail::default());
                    (self.trails.len() - 1) as u32
                });
                self.slots[slot as usize].trail = at + 1;
                at
            }
            trail => trail - 1,
        };
        &mut self.trails[at as usize]
    }

    /// The trail of a request that has one.
    pub(super) fn trail(&self, slot: u32) -> Option<&Trail> {
        self.slots[slot as usize].trail.checked_sub(1).map(|at| &self.trails[at as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_keep_the_number_of_a_region_beside_the_rest() {
        for region in 0..4 {
            let flags = STREAMED | HEARD | CHARGED | OPEN | EXPLORED | FLYING;
            assert_eq!(region_flags(region) & flags, 0);
            assert_eq!(region_of(flags | region_flags(region)), region);
        }
    }

    #[test]
    fn a_request_under_way_and_its_event_fit_in_a_hundred_bytes() {
        assert!(size_of::<Flight>() + size_of::<super::super::queue::Event>() <= 100);
    }
}
