//! An engine's report as bytes, in parts that each fit into one packet.
//!
//! A part says whose report it is, of which moment, and which part of how many. A route is its identity, a byte
//! that says what follows, and that: most routes of a healthy gateway take 25 bytes. Ages are in microseconds, rounded
//! up: what is passed to and fro never gets younger.

use bytes::{Buf, BufMut};

use crate::engine::{HoldClass, HoldReport, Refusal, Report, RouteReport, Span, Tally, Time};

use super::varint::{Malformed, byte, get, get_u32, put};

/// What nodes take from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Rate limits from their own region, held keys from everywhere.
    LimitsInRegion,
    /// Everything from everywhere.
    Everything,
}

/// What stands before the routes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) origin: u32,
    pub(super) region: u32,
    pub(super) sent_at: Time,
    pub(super) part: u32,
    pub(super) parts: u32,
}

const SUMS: u8 = 1;
const SINCE_ERROR: u8 = 2;
const LIMITED: u8 = 4;
const HELD: u8 = 8;
const RELEASED: u8 = 16;

/// A report in parts of at most `room` bytes. In a scope without windows, routes of which nothing is left to say are
/// left out; a report that says nothing at all has no parts.
pub(super) fn encode(
    origin: (u32, u32),
    sent_at: Time,
    report: &Report,
    scope: Scope,
    room: usize,
) -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let mut route_bytes = Vec::with_capacity(96);
    for route in &report.routes {
        route_bytes.clear();
        if !put_route(&mut route_bytes, route, scope) {
            continue;
        }
        match bodies.last_mut() {
            Some(body) if body.len() + route_bytes.len() + HEAD_MAX <= room => {
                body.extend_from_slice(&route_bytes);
            }
            _ => bodies.push(route_bytes.clone()),
        }
    }
    let parts = bodies.len() as u32;
    let whole = |(part, body): (usize, Vec<u8>)| {
        let head = Head { origin: origin.0, region: origin.1, sent_at, part: part as u32, parts };
        let mut bytes = Vec::with_capacity(body.len() + HEAD_MAX);
        head.put(&mut bytes);
        bytes.extend_from_slice(&body);
        bytes
    };
    bodies.into_iter().enumerate().map(whole).collect()
}

/// Longest head: four numbers of 32 bits and a moment.
const HEAD_MAX: usize = 4 * 5 + 10;

impl Head {
    fn put(&self, bytes: &mut Vec<u8>) {
        let numbers = [self.origin, self.region, self.part, self.parts].map(u64::from);
        for number in numbers.into_iter().chain([self.sent_at.0]) {
            put(bytes, number).expect("a vector grows");
        }
    }

    /// Reads a head; the routes follow.
    pub(super) fn get(buf: &mut impl Buf) -> Result<Self, Malformed> {
        let head = Self {
            origin: get_u32(buf)?,
            region: get_u32(buf)?,
            part: get_u32(buf)?,
            parts: get_u32(buf)?,
            sent_at: Time(get(buf)?),
        };
        if head.part < head.parts { Ok(head) } else { Err(Malformed) }
    }
}

/// Reads routes until nothing is left.
pub(super) fn routes(buf: &mut impl Buf) -> Result<Vec<RouteReport>, Malformed> {
    let mut routes = Vec::new();
    while buf.has_remaining() {
        routes.push(get_route(buf)?);
    }
    Ok(routes)
}

/// Writes a route; false if there is nothing to say of it.
fn put_route(bytes: &mut Vec<u8>, route: &RouteReport, scope: Scope) -> bool {
    let RouteReport { identity, sums, all, since_error, limited_for, held, released } = route;
    let windows = scope == Scope::Everything;
    let flags = if windows { SUMS } else { 0 }
        | if windows && since_error.is_some() { SINCE_ERROR } else { 0 }
        | if limited_for.is_some() { LIMITED } else { 0 }
        | if held.is_some() { HELD } else { 0 }
        | if released.is_some() { RELEASED } else { 0 };
    if flags == 0 {
        return false;
    }
    bytes.put_u64(*identity);
    bytes.push(flags);
    let mut number = |value: u64| put(bytes, value).expect("a vector grows");
    if windows {
        for tally in sums.iter().chain([all]) {
            number(tally.attempts);
            number(tally.errors);
        }
        since_error.map(micros).into_iter().for_each(&mut number);
    }
    limited_for.map(micros).into_iter().for_each(&mut number);
    if let Some(HoldReport { class, age, rung }) = held {
        number(code(*class));
        number(micros(*age));
        number(u64::from(*rung));
    }
    released.map(micros).into_iter().for_each(&mut number);
    true
}

fn get_route(buf: &mut impl Buf) -> Result<RouteReport, Malformed> {
    if buf.remaining() < 9 {
        return Err(Malformed);
    }
    let identity = buf.get_u64();
    let flags = byte(buf)?;
    if flags >= 2 * RELEASED {
        return Err(Malformed);
    }
    let mut tallies = [Tally::default(); 5];
    if flags & SUMS != 0 {
        for tally in &mut tallies {
            *tally = Tally { attempts: get(buf)?, errors: get(buf)? };
        }
    }
    let [state, momentum, short, long, all] = tallies;
    let mut age = |flag: u8| (flags & flag != 0).then(|| span(buf)).transpose();
    let since_error = age(SINCE_ERROR)?;
    let limited_for = age(LIMITED)?;
    let held = if flags & HELD != 0 {
        Some(HoldReport { class: class(get(buf)?)?, age: span(buf)?, rung: get_u32(buf)? })
    } else {
        None
    };
    let released = (flags & RELEASED != 0).then(|| span(buf)).transpose()?;
    let sums = [state, momentum, short, long];
    Ok(RouteReport { identity, sums, all, since_error, limited_for, held, released })
}

fn micros(span: Span) -> u64 {
    span.0.div_ceil(1_000)
}

fn span(buf: &mut impl Buf) -> Result<Span, Malformed> {
    get(buf)?.checked_mul(1_000).map(Span).ok_or(Malformed)
}

const fn code(class: HoldClass) -> u64 {
    match class {
        HoldClass::Limited => 0,
        HoldClass::Refused(Refusal::Credential) => 1,
        HoldClass::Refused(Refusal::Quota) => 2,
        HoldClass::Refused(Refusal::ModelAccess) => 3,
        HoldClass::Refused(Refusal::ModelGone) => 4,
        HoldClass::Refused(Refusal::RegionBlocked) => 5,
    }
}

const fn class(code: u64) -> Result<HoldClass, Malformed> {
    Ok(match code {
        0 => HoldClass::Limited,
        1 => HoldClass::Refused(Refusal::Credential),
        2 => HoldClass::Refused(Refusal::Quota),
        3 => HoldClass::Refused(Refusal::ModelAccess),
        4 => HoldClass::Refused(Refusal::ModelGone),
        5 => HoldClass::Refused(Refusal::RegionBlocked),
        _ => return Err(Malformed),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// A report with whole microseconds and anything else.
    pub(in super::super) fn any_report() -> impl Strategy<Value = Report> {
        let tally =
            || (0..u64::MAX, 0..u64::MAX).prop_map(|(attempts, errors)| Tally { attempts, errors });
        let age = || prop::option::of((0..1u64 << 50).prop_map(|micros| Span(micros * 1_000)));
        let held = (0u64..6, 0..1u64 << 50, any::<u32>()).prop_map(|(code, micros, rung)| {
            HoldReport { class: class(code).unwrap(), age: Span(micros * 1_000), rung }
        });
        let route = (
            any::<u64>(),
            (tally(), tally(), tally(), tally(), tally()),
            (age(), age(), prop::option::of(held), age()),
        );
        let route = route.prop_map(|(identity, tallies, ages)| RouteReport {
            identity,
            sums: [tallies.0, tallies.1, tallies.2, tallies.3],
            all: tallies.4,
            since_error: ages.0,
            limited_for: ages.1,
            held: ages.2,
            released: ages.3,
        });
        prop::collection::btree_map(any::<u64>(), route, 0..60).prop_map(|routes| Report {
            routes: (routes.into_iter())
                .map(|(identity, route)| RouteReport { identity, ..route })
                .collect(),
        })
    }

    fn decode(parts: &[Vec<u8>]) -> Vec<RouteReport> {
        let read = |part: &Vec<u8>| {
            let mut buf = &part[..];
            Head::get(&mut buf).unwrap();
            routes(&mut buf).unwrap()
        };
        parts.iter().flat_map(read).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn a_report_comes_back_whole_from_parts_that_fit(report in any_report()) {
            let parts = encode((3, 1), Time(77), &report, Scope::Everything, 1_000);
            prop_assert!(parts.iter().all(|part| part.len() <= 1_000));
            prop_assert_eq!(decode(&parts), report.routes);
        }

        #[test]
        fn without_windows_only_limits_and_holds_are_told(report in any_report()) {
            let parts = encode((3, 1), Time(77), &report, Scope::LimitsInRegion, 1_000);
            let told = |route: &&RouteReport| {
                route.limited_for.is_some() || route.held.is_some() || route.released.is_some()
            };
            let bare = |route: &RouteReport| RouteReport {
                sums: Default::default(),
                all: Tally::default(),
                since_error: None,
                ..*route
            };
            let expected: Vec<_> = report.routes.iter().filter(told).map(bare).collect();
            prop_assert_eq!(decode(&parts), expected);
        }

        #[test]
        fn bytes_that_mean_nothing_are_refused_and_nothing_panics(bytes: Vec<u8>) {
            let mut buf = &bytes[..];
            if Head::get(&mut buf).is_ok() {
                let _ = routes(&mut buf);
            }
        }
    }

    #[test]
    fn ages_never_get_younger_on_the_way() {
        let held = HoldReport { class: HoldClass::Limited, age: Span(1_001), rung: 0 };
        let route = RouteReport {
            identity: 5,
            sums: Default::default(),
            all: Tally::default(),
            since_error: None,
            limited_for: None,
            held: Some(held),
            released: None,
        };
        let report = Report { routes: vec![route] };
        let parts = encode((1, 0), Time(9), &report, Scope::LimitsInRegion, 1_000);
        assert_eq!(decode(&parts)[0].held.unwrap().age, Span(2_000));
        assert!(encode((1, 0), Time(9), &Report::default(), Scope::Everything, 99).is_empty());
    }
}
