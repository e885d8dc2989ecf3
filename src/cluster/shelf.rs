//! What has been heard: of each node the newest report, until all parts of it are here.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;

use foca::{BroadcastHandler, Invalidates};

use crate::engine::{Report, RouteReport, Time};

use super::gossip::Heard;
use super::member::Member;
use super::varint::Malformed;
use super::wire::{Head, Scope, routes};

/// Decides what is new. Merging is by the newest moment per origin: in whatever order, and however often, parts
/// arrive, the same report stands in the end.
#[derive(Debug)]
pub(super) struct Shelf {
    me: Member,
    scope: Scope,
    newest: BTreeMap<u32, Parts>,
    /// Where whole reports go.
    told: Sender<Heard>,
}

#[derive(Debug)]
struct Parts {
    sent_at: Time,
    routes: Vec<Option<Vec<RouteReport>>>,
}

/// What a part replaces: all of an older report of the same origin, and itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(Head);

impl Invalidates for Key {
    fn invalidates(&self, other: &Self) -> bool {
        let (new, old) = (self.0, other.0);
        new.origin == old.origin
            && (new.sent_at > old.sent_at || (new.sent_at == old.sent_at && new.part == old.part))
    }
}

impl Shelf {
    pub(super) const fn new(me: Member, scope: Scope, told: Sender<Heard>) -> Self {
        Self { me, scope, newest: BTreeMap::new(), told }
    }

    /// Puts a part in its place. Tells the report if that makes it whole; false if the part is old.
    fn put(&mut self, head: Head, body: &[u8]) -> Result<bool, Malformed> {
        let empty = || Parts { sent_at: head.sent_at, routes: vec![None; head.parts as usize] };
        if head.parts > PARTS_MAX {
            return Err(Malformed);
        }
        let parts = self.newest.entry(head.origin).or_insert_with(empty);
        if head.sent_at > parts.sent_at {
            *parts = empty();
        }
        if head.sent_at < parts.sent_at || head.parts as usize != parts.routes.len() {
            return Ok(false);
        }
        let slot = &mut parts.routes[head.part as usize];
        if slot.is_some() {
            return Ok(false);
        }
        let mut read = routes(&mut &*body)?;
        if self.scope == Scope::LimitsInRegion && head.region != self.me.region {
            read.iter_mut().for_each(|route| route.limited_for = None);
        }
        *slot = Some(read);
        if parts.routes.iter().all(Option::is_some) {
            let mut whole: Vec<_> = parts.routes.iter().flatten().flatten().copied().collect();
            // The engine finds routes by their order.
            whole.sort_unstable_by_key(|route| route.identity);
            let report = Report { routes: whole };
            let heard = Heard { peer: head.origin, sent_at: head.sent_at, report };
            // Nobody listens any more: the host is letting go of everything.
            let _ = self.told.send(heard);
        }
        Ok(true)
    }
}

/// A report of more parts would be of more than 10,000 routes.
const PARTS_MAX: u32 = 1_000;

impl BroadcastHandler<Member> for Shelf {
    type Key = Key;
    type Error = Malformed;

    fn receive_item(
        &mut self,
        data: &[u8],
        sender: Option<&Member>,
    ) -> Result<Option<Key>, Malformed> {
        let mut body = data;
        let head = Head::get(&mut body)?;
        // One's own comes back as an echo, unless one is just saying it.
        if head.origin == self.me.id {
            return Ok(sender.is_none().then_some(Key(head)));
        }
        Ok(self.put(head, body)?.then_some(Key(head)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::super::wire::{encode, tests::any_report};
    use super::*;

    /// What a node in region 0 has told after these parts.
    fn after(parts: &[Vec<u8>], scope: Scope) -> Vec<Heard> {
        let (told, heard) = channel();
        let mut shelf = Shelf::new(Member::new(9, 0), scope, told);
        let from = Member::new(1, 0);
        for part in parts {
            shelf.receive_item(part, Some(&from)).unwrap();
        }
        heard.try_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        /// Of each origin the newest report comes last, whatever the order and however often its parts come.
        #[test]
        fn merging_is_idempotent_and_commutative(
            reports in prop::collection::vec((1u32..4, 1u64..6, any_report()), 1..8),
            order in any::<u64>(),
        ) {
            let mut by_moment = BTreeMap::new();
            for (origin, at, report) in reports {
                by_moment.insert((origin, at), report);
            }
            let mut parts: Vec<Vec<u8>> = by_moment
                .iter()
                .flat_map(|(&(origin, at), report)| {
                    encode((origin, 0), Time(at), report, Scope::Everything, 500)
                })
                .collect();
            parts.extend(parts.clone());
            let mut luck = order;
            let shuffled = |parts: &mut Vec<Vec<u8>>, luck: &mut u64| {
                for i in (1..parts.len()).rev() {
                    *luck = crate::engine::luck::mix(*luck, i as u64);
                    parts.swap(i, (*luck % (i as u64 + 1)) as usize);
                }
            };
            shuffled(&mut parts, &mut luck);
            let heard = after(&parts, Scope::Everything);
            for origin in 1..4 {
                let own = heard.iter().filter(|heard| heard.peer == origin);
                let moments: Vec<_> = own.clone().map(|heard| heard.sent_at).collect();
                prop_assert!(moments.is_sorted_by(|a, b| a < b), "each once, only forward");
                let newest = (by_moment.iter().rev())
                    .find(|((of, _), report)| *of == origin && !report.routes.is_empty());
                let last = own.last().map(|heard| (heard.sent_at.0, &heard.report));
                prop_assert_eq!(last, newest.map(|((_, at), report)| (*at, report)));
            }
        }
    }

    #[test]
    fn limits_of_another_region_are_not_heard_but_its_holds_are() {
        use crate::engine::{HoldClass, HoldReport, Span, Tally};
        let route = RouteReport {
            identity: 5,
            sums: Default::default(),
            all: Tally::default(),
            since_error: None,
            limited_for: Some(Span::from_secs(9)),
            held: Some(HoldReport { class: HoldClass::Limited, age: Span(0), rung: 1 }),
            released: None,
        };
        let report = Report { routes: vec![route] };
        for (region, scope, limited) in [
            (0, Scope::LimitsInRegion, true),
            (1, Scope::LimitsInRegion, false),
            (1, Scope::Everything, true),
        ] {
            let heard = after(&encode((3, region), Time(1), &report, scope, 500), scope);
            let route = heard[0].report.routes[0];
            assert_eq!((route.limited_for.is_some(), route.held.is_some()), (limited, true));
        }
    }
}
