//! Who gets a line of their own: routes where they are few, else providers, the smallest taken
//! together.

use crate::record::StoredRun;
use crate::report::palette::{Colour, GREY, SERIES};

/// Up to so many routes have a line each.
pub const ROUTES_MOST: usize = 12;

/// Routes that are shown as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How the legend names it.
    pub name: String,
    /// Indices of its routes, ascending.
    pub routes: Vec<usize>,
    /// Its colour.
    pub colour: Colour,
}

/// One group a provider, in the order of the routes. Beyond seven, those with the least traffic and
/// no fault are taken together.
pub fn providers(run: &StoredRun) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (r, route) in run.summary.routes.iter().enumerate() {
        match groups.iter_mut().find(|group| group.name == route.provider) {
            Some(group) => group.routes.push(r),
            None => {
                let colour = SERIES[groups.len() % SERIES.len()];
                groups.push(Group { name: route.provider.clone(), routes: vec![r], colour });
            }
        }
    }
    if groups.len() <= SERIES.len() {
        return groups;
    }
    let weight = |group: &Group| {
        let routes = || group.routes.iter().map(|r| &run.summary.routes[*r]);
        let faulted = |id: &String| run.summary.faults.iter().any(|f| f.routes.contains(id));
        (routes().any(|route| faulted(&route.id)), routes().map(|route| route.first).sum::<u64>())
    };
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(weight(&groups[*i])));
    let mut kept = order[..SERIES.len() - 1].to_vec();
    kept.sort_unstable();
    let mut rest: Vec<usize> =
        order[SERIES.len() - 1..].iter().flat_map(|i| groups[*i].routes.clone()).collect();
    rest.sort_unstable();
    let name = format!("{} others", order.len() + 1 - SERIES.len());
    let mut shown: Vec<Group> = kept.iter().map(|i| groups[*i].clone()).collect();
    for (group, colour) in shown.iter_mut().zip(SERIES) {
        group.colour = colour;
    }
    shown.push(Group { name, routes: rest, colour: GREY });
    shown
}

/// One group a route in shades of its provider's colour; `None` beyond [`ROUTES_MOST`], or if there
/// is no provider with more than one.
pub fn routes(run: &StoredRun) -> Option<Vec<Group>> {
    let providers = providers(run);
    let count = run.summary.routes.len();
    if count > ROUTES_MOST || count == providers.len() {
        return None;
    }
    let of_provider = |provider: &Group| {
        let (colour, count) = (provider.colour, provider.routes.len());
        let group = move |(i, r): (usize, &usize)| Group {
            name: run.summary.routes[*r].id.clone(),
            routes: vec![*r],
            colour: colour.shade(i, count),
        };
        provider.routes.iter().enumerate().map(group).collect::<Vec<_>>()
    };
    Some(providers.iter().flat_map(of_provider).collect())
}
