//! The check of a held key: exactly one request is let through when it is due. One word that deciding,
//! reporting and ticking threads share; every move is a compare-and-swap from the state it presumes, so that a
//! check is never sent twice and a verdict that comes too late is dropped.

use super::hold::{Verdict, refusal, refusal_word};
use super::sync::{AtomicU64, Ordering};
use super::time::{Span, Time};

/// 0 = no check; else a moment at which one is due, or [`SENT`] with the moment it was sent, or [`ENDED`] with
/// its verdict.
#[derive(Debug, Default)]
pub(crate) struct CheckCell(AtomicU64);

/// Where a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// None is planned, or it waits for its moment.
    Waiting,
    /// Under way since then.
    Sent(Time),
    /// It ended.
    Ended(Verdict),
}

const SENT: u64 = 1 << 62;
const ENDED: u64 = 1 << 63;
/// Verdicts that are no refusal.
const SERVED: u32 = 0;
const NOTHING: u32 = 0xff;

/// A moment in 62 bits (146 years), never 0.
const fn moment(at: Time) -> u64 {
    let at = at.0 & (SENT - 1);
    if at == 0 { 1 } else { at }
}

impl CheckCell {
    /// Plans a check.
    pub(crate) fn plan(&self, due: Time) {
        self.0.store(moment(due), Ordering::Release);
    }

    /// Plans none.
    pub(crate) fn clear(&self) {
        self.0.store(0, Ordering::Release);
    }

    /// Takes the check planned for `due`; false if another has it, or if it is planned anew.
    pub(crate) fn claim(&self, due: Time, now: Time) -> bool {
        self.0.load(Ordering::Relaxed) == moment(due) && self.swap(moment(due), SENT | moment(now))
    }

    /// Whether a check waits for its moment.
    pub(crate) fn waits(&self) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        word != 0 && word < SENT
    }

    /// Takes the check that waits, whenever it is due.
    pub(crate) fn claim_early(&self, now: Time) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        word != 0 && word < SENT && self.swap(word, SENT | moment(now))
    }

    /// The check sent at `sent` ended.
    pub(crate) fn end(&self, sent: Time, verdict: Verdict) {
        let word = match verdict {
            Verdict::Served => SERVED,
            Verdict::Refused(class, hint) => refusal_word(class, hint),
            Verdict::Nothing => NOTHING,
        };
        self.swap(SENT | moment(sent), ENDED | u64::from(word));
    }

    /// Where it stands.
    pub(crate) fn progress(&self) -> Progress {
        let word = self.0.load(Ordering::Acquire);
        if word >= ENDED {
            Progress::Ended(match word as u32 {
                SERVED => Verdict::Served,
                word => refusal(word)
                    .map_or(Verdict::Nothing, |(class, hint)| Verdict::Refused(class, hint)),
            })
        } else if word >= SENT {
            Progress::Sent(Time(word - SENT))
        } else {
            Progress::Waiting
        }
    }

    /// Whether a check sent at `sent` has been silent for longer than `limit`.
    pub(crate) fn lost(sent: Time, now: Time, limit: Span) -> bool {
        Time(moment(now)).since(sent) > limit
    }

    fn swap(&self, from: u64, to: u64) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::hold::HoldClass;
    use super::*;

    #[test]
    fn a_check_is_taken_once_and_only_for_the_moment_it_is_planned_for() {
        let cell = CheckCell::default();
        let at = Time::from_secs;
        assert!(!cell.claim(at(30), at(31)) && !cell.claim_early(at(31)), "none is planned");
        cell.plan(at(30));
        assert!(!cell.claim(at(20), at(31)), "an old snapshot's moment");
        assert!(cell.claim(at(30), at(31)));
        assert!(!cell.claim(at(30), at(31)) && !cell.claim_early(at(31)));
        assert_eq!(cell.progress(), Progress::Sent(at(31)));
    }

    #[test]
    fn verdicts_survive_packing_and_late_ones_are_dropped() {
        for verdict in [
            Verdict::Served,
            Verdict::Nothing,
            Verdict::Refused(HoldClass::Limited, Some(Span::from_secs(77))),
            Verdict::Refused(HoldClass::Limited, None),
        ] {
            let cell = CheckCell::default();
            cell.plan(Time::ZERO);
            assert!(cell.claim(Time::ZERO, Time::from_secs(1)));
            cell.end(Time::from_secs(2), verdict);
            assert_eq!(cell.progress(), Progress::Sent(Time::from_secs(1)), "another check's");
            cell.end(Time::from_secs(1), verdict);
            assert_eq!(cell.progress(), Progress::Ended(verdict));
        }
    }
}
