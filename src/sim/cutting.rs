//! Faults that cut attempts in flight when they begin.

use super::fault::Failure;
use super::flight::{Ending, FLYING, Flight, NONE, STREAMED};
use super::patience::hint_ms;
use super::queue::EventQueue;
use super::world::World;

impl<Q: EventQueue> World<'_, Q> {
    /// Breaks the attempts in flight on these faults' routes, in slot order. How far a stream had come is
    /// not known any more; half its output is what it has given on average.
    pub(super) fn cut(&mut self, faults: &[usize]) {
        let cutter = |flight: &Flight| {
            let active = (faults.iter().map(|&fault| &self.stage.faults[fault]))
                .find(|active| active.fault.routes.binary_search(&flight.route).is_ok())?;
            let region = self.nodes[usize::from(flight.node)].region;
            (flight.flags & FLYING != 0 && active.fault.concerns(region)).then(|| active.cut_with())
        };
        let hit: Vec<(u32, Failure)> = (self.flights.all().iter().enumerate())
            .filter_map(|(slot, flight)| Some((slot as u32, cutter(flight)?)))
            .collect();
        for (slot, failure) in hit {
            let now = self.now;
            let flight = self.flights.get_mut(slot);
            let since = now.since(flight.sent).0 / 1_000;
            // A 429 on its way keeps its hint where others keep their first token.
            let streaming = flight.flags & STREAMED != 0
                && flight.ending != Ending::RateLimited
                && since >= u64::from(flight.first_us);
            flight.ending = match failure {
                _ if streaming => Ending::Broken(127),
                Failure::Status(status) => Ending::of_status(status),
                Failure::Refused(class) => Ending::Refused(class),
                Failure::RateLimited(_) => Ending::RateLimited,
                Failure::Hang | Failure::Unreachable => Ending::Unreachable,
            };
            if !streaming {
                flight.first_us = match failure {
                    Failure::RateLimited(hint) => hint_ms(hint),
                    _ => NONE,
                };
            }
            self.attempt_ended(slot);
        }
    }
}
