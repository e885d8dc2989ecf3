//! Rules of other gateways, proxies and papers.

pub mod c3;
pub mod grpc_wrr;
pub mod lmetric;
pub mod openrouter;
pub mod prequal;
pub mod thompson;

use crate::engine::luck;
use crate::policy::RouteId;

/// The routes of a list from a drawn place on, round to it: so that no route profits from ties.
fn rotated(routes: &[RouteId], word: u64) -> impl Iterator<Item = RouteId> {
    let start = luck::below(luck::mix(word, luck::name("rotate")), routes.len() as u32) as usize;
    let (head, tail) = routes.split_at(start);
    tail.iter().chain(head).copied()
}
