//! The least of a schedule that still hurts nearly as much.

use super::schedule::Schedule;
use super::search::{HuntError, Hunter, Prey};

/// What must be left of the harm that the faults add (our choice).
const KEEP: f64 = 0.8;

/// One fault of two, the plain load, then as shallow and as short as can be.
pub(super) fn shrink(hunter: &Hunter<'_>, prey: &Prey) -> Result<Prey, HuntError> {
    let floor = hunter.calm + (prey.harm - hunter.calm) * KEEP;
    let mut least = prey.clone();
    for at in (0..least.schedule.strikes.len()).rev() {
        if least.schedule.strikes.len() > 1 {
            let mut fewer = least.schedule.clone();
            fewer.strikes.remove(at);
            accept(hunter, &mut least, fewer, floor)?;
        }
    }
    let mut plain = least.schedule.clone();
    plain.load = 100;
    accept(hunter, &mut least, plain, floor)?;
    for at in 0..least.schedule.strikes.len() {
        let mut whole = least.schedule.clone();
        whole.strikes[at].cuts = false;
        accept(hunter, &mut least, whole, floor)?;
        if least.schedule.strikes[at].kind.has_depth {
            narrow(hunter, &mut least, floor, 1, |schedule| &mut schedule.strikes[at].depth)?;
        }
        narrow(hunter, &mut least, floor, 3, |schedule| &mut schedule.strikes[at].lasts_s)?;
    }
    Ok(least)
}

/// Takes a smaller schedule if it hurts enough; says whether.
fn accept(
    hunter: &Hunter<'_>,
    least: &mut Prey,
    smaller: Schedule,
    floor: f64,
) -> Result<bool, HuntError> {
    if smaller == least.schedule {
        return Ok(false);
    }
    let Some(judged) = hunter.judge(&smaller, hunter.plan.seed)? else { return Ok(false) };
    if judged.harm < floor {
        return Ok(false);
    }
    *least = Prey { schedule: smaller, value: judged.value, harm: judged.harm };
    Ok(true)
}

/// The least value of a quantity that hurts enough, by bisection: harm grows with it, about; where it does
/// not, what is found hurts enough all the same.
fn narrow(
    hunter: &Hunter<'_>,
    least: &mut Prey,
    floor: f64,
    smallest: u32,
    quantity: impl Fn(&mut Schedule) -> &mut u32,
) -> Result<(), HuntError> {
    let mut low = smallest;
    let mut high = *quantity(&mut least.schedule);
    while low < high {
        let middle = low + (high - low) / 2;
        let mut smaller = least.schedule.clone();
        *quantity(&mut smaller) = middle;
        if accept(hunter, least, smaller, floor)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(())
}
