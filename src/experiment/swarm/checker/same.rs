//! The same world makes the same run: nobody's looking changes it, and the next time is like the first.

use super::super::evidence::Evidence;
use super::equal;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let (one, other) = (&seen.again, &seen.tape);
    equal("digest", &one.digest, &other.digest)?;
    equal("events", &one.events, &other.events)?;
    equal("totals", &one.totals, &other.totals)?;
    equal("changes of health", &one.transitions, &other.transitions)?;
    equal("tenants", &one.tenants, &other.tenants)?;
    equal("nodes", &one.cluster, &other.cluster)
}
