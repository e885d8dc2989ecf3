//! A destination of several regions behind one route: each region has a limit of its own, and an attempt goes
//! to the first that admits it.
//!
//! Source: AWS Machine Learning Blog, "Getting started with cross-region inference in Amazon Bedrock", 2024:
//! the source region is asked first, another one only if it has no capacity; re-routing added "double-digit
//! milliseconds"; without any region that can take it, a request is throttled as ever. Our choices: capacity
//! is what a region's limit leaves, the others are asked in the order of the profile, and the detour is even
//! between 20 and 50 ms. Left out: that a request which fails in one region is tried in the next.

use crate::engine::Span;
use crate::engine::luck::{mix, name, unit};

use super::limit::{Bucket, Charge, Denied, Room};

/// As many regions as the two bits of a flight can tell apart.
pub(crate) const REGIONS_MAX: usize = 4;

/// Least and greatest time that a detour adds (our choice within the source's two digits).
const DETOUR_MIN: Span = Span::from_millis(20);
const DETOUR_MAX: Span = Span::from_millis(50);

const DETOUR: u64 = name("detour to another region");

/// Asks each limit in order until one admits: its charge and its place in the order.
///
/// # Errors
/// What the first limit, that of the source region, says if none admits.
#[inline]
pub(super) fn admit(
    buckets: &mut [Bucket],
    mut ask: impl FnMut(&mut Bucket) -> Result<Charge, Denied>,
) -> Result<(Charge, usize), Denied> {
    let Some((source, others)) = buckets.split_first_mut() else {
        return Err(Denied { retry_after: None });
    };
    match ask(source) {
        Ok(charge) => Ok((charge, 0)),
        Err(denied) if others.is_empty() => Err(denied),
        Err(denied) => spill(others, &mut ask).ok_or(denied),
    }
}

/// Asks the regions after the source.
#[cold]
fn spill(
    others: &mut [Bucket],
    ask: &mut dyn FnMut(&mut Bucket) -> Result<Charge, Denied>,
) -> Option<(Charge, usize)> {
    let admitted = |(nth, bucket): (usize, &mut Bucket)| Some((ask(bucket).ok()?, nth + 1));
    others.iter_mut().enumerate().find_map(admitted)
}

/// What the way to this region adds; nothing to the source region.
#[inline]
pub(super) fn detour(region: usize, luck: u64) -> Span {
    if region == 0 {
        return Span::ZERO;
    }
    DETOUR_MIN + Span(DETOUR_MAX.0 - DETOUR_MIN.0).times(unit(mix(luck, DETOUR)))
}

/// What all of them together would still admit.
pub(super) fn room(buckets: &[Bucket], look: impl Fn(&Bucket) -> Room) -> Room {
    let Some((source, others)) = buckets.split_first() else { return Room::UNLIMITED };
    let mut all = look(source);
    for room in others.iter().map(look) {
        all.tokens += room.tokens;
        all.requests += room.requests;
        all.used += room.used;
        // It is refused only if every region refuses it.
        all.admits = 1.0 - (1.0 - all.admits) * (1.0 - room.admits);
    }
    all.used /= buckets.len() as f64;
    all
}

#[cfg(test)]
#[path = "region_tests.rs"]
mod tests;
