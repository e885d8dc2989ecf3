//! The one path of a decision, walked over live cells while it is made and over noted inputs while it is
//! explained: what is explained is what was done.

use super::identity::NoRoute;
use super::luck::{mix, unit};
use super::select::{Drawn, Table};
use super::snapshot::Check;
use super::time::Time;

/// What a decision asks about the slots around it.
pub(super) trait Field {
    /// Whether the request has tried it.
    fn tried(&self, slot: u32) -> bool;
    /// Whether it belongs to the provider that the table must be filtered by, if there is one.
    fn fits(&self, slot: u32) -> bool;
    /// Whether it may be used, going by what happened since the tables were made.
    fn admits(&self, slot: u32) -> bool;
    /// Whether it is held.
    fn held(&self, slot: u32) -> bool;
    /// When its exclusion ends; of a hold, when its check is due.
    fn ends(&self, slot: u32) -> Time;
    /// Takes the check of a held route; false if another has it.
    fn claims(&self, check: &Check) -> bool;
    /// Whether a route may be used against its exclusion when all are excluded.
    fn fails_open(&self) -> bool;
}

/// What a decision draws from.
#[derive(Clone, Copy)]
pub(super) struct Tables<'a> {
    pub(super) table: &'a Table,
    /// The table holds more than the need: exact scan only.
    pub(super) filtered: bool,
    /// Held routes by the moment a check is due, the soonest first.
    pub(super) checks: &'a [Check],
}

/// How a decision came to its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A held key's check was due: one request is let through.
    Check,
    /// A draw by the published probabilities, after so many that hit a route tried or excluded.
    Drawn {
        /// Draws thrown away before it.
        redraws: u8,
    },
    /// One exact draw over what could be used: redrawing found nothing, or an allow-list met a pinned provider.
    Scanned,
    /// Every candidate was excluded: the one whose exclusion ends first.
    FailedOpen,
}

/// A decision: slot, how, and whether it was drawn to learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) slot: u32,
    pub(super) how: How,
    /// [`Drawn::flag`] of what was drawn.
    pub(super) flag: u32,
}

/// How often a draw that hit a tried or just-excluded route is repeated before the exact scan.
pub(super) const REDRAWS: u64 = 8;
/// Which draw the exact scan takes from the luck.
pub(super) const SCAN: u64 = REDRAWS + 1;

/// Decides at `now`. `watch` sees every draw.
#[inline]
pub(super) fn choose<F: Field>(
    field: &F,
    tables: Tables<'_>,
    now: Time,
    luck: u64,
    mut watch: impl FnMut(u64, Drawn),
) -> Result<Choice, NoRoute> {
    if !tables.checks.is_empty()
        && let Some(slot) = due(field, tables, now)
    {
        return Ok(Choice { slot, how: How::Check, flag: 0 });
    }
    if !tables.filtered {
        for redraw in 0..=REDRAWS {
            let Some(drawn) = tables.table.draw(mix(luck, redraw)) else { break };
            watch(redraw, drawn);
            let slot = drawn.slot();
            if field.admits(slot) && !field.tried(slot) {
                let how = How::Drawn { redraws: redraw as u8 };
                return Ok(Choice { slot, how, flag: drawn.flag() });
            }
        }
    }
    scan(field, tables.table, luck)
}

/// The held route whose check this request is to be.
#[cold]
fn due<F: Field>(field: &F, tables: Tables<'_>, now: Time) -> Option<u32> {
    let members = &tables.table.members;
    let due = tables.checks.iter().take_while(|check| check.due <= now).find(|check| {
        members.binary_search(&check.slot).is_ok()
            && field.fits(check.slot)
            && !field.tried(check.slot)
            && field.claims(check)
    })?;
    Some(due.slot)
}

/// The exact choice, when redrawing found nothing: probabilities of the snapshot, renormalised over what is
/// usable; then, failing open, the route whose exclusion ends first.
#[cold]
fn scan<F: Field>(field: &F, table: &Table, luck: u64) -> Result<Choice, NoRoute> {
    let fits = |slot: u32| !field.tried(slot) && field.fits(slot);
    let usable =
        (table.odds.iter()).filter(|(drawn, _)| fits(drawn.slot()) && field.admits(drawn.slot()));
    let total: f64 = usable.clone().map(|(_, p)| p).sum();
    let mut left = unit(mix(luck, SCAN)) * total;
    let mut chosen = None;
    for (drawn, p) in usable {
        chosen = Some(*drawn);
        left -= p;
        if left < 0.0 {
            break;
        }
    }
    if let Some(drawn) = chosen {
        return Ok(Choice { slot: drawn.slot(), how: How::Scanned, flag: drawn.flag() });
    }
    let fitting = table.members.iter().copied().filter(|&slot| fits(slot));
    // A refused key is the last resort: an excluded one may serve, it hardly will.
    let last = |&slot: &u32| (field.held(slot), field.ends(slot), slot);
    match fitting.clone().min_by_key(last) {
        Some(slot) if field.fails_open() || field.admits(slot) => {
            Ok(Choice { slot, how: How::FailedOpen, flag: 0 })
        }
        _ => Err(NoRoute { retry_at: fitting.map(|slot| field.ends(slot)).min() }),
    }
}
