//! Nothing is sent to a route that is not in the configuration.

use super::super::evidence::Evidence;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let spec = seen.spec();
    let mut changes: Vec<_> = spec.changes.iter().collect();
    changes.sort_by_key(|change| change.at);
    for (_, of) in seen.tries() {
        let route = of.attempt.route.0;
        let mut said = changes.iter().rev().filter(|change| change.at <= of.sent);
        if said.find_map(|change| change.puts(route)) == Some(false) {
            let name = &spec.pool.routes[route as usize].name;
            return Err(format!("{name} is sent to at {}, after it was removed", of.sent));
        }
    }
    Ok(())
}
