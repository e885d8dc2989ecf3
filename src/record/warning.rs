//! What to beware of in a result, with advice; printed before the numbers.

use std::fmt;

use crate::engine::Time;
use crate::metrics::Tape;

/// Good share before the first fault under which a run says little about the fault.
const WELL: f64 = 0.99;

/// A weakness of an experiment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// No request was measured.
    NothingMeasured,
    /// Even before the first fault many requests were not good.
    OverloadedThroughout {
        /// Good over offered before it.
        good_share: f64,
    },
    /// The first fault leaves less than a minute for the baseline.
    ShortBaseline {
        /// Name of the fault.
        fault: String,
        /// Seconds before it.
        seconds: f64,
    },
    /// The run ends so soon after a fault that recovery may not be seen.
    ShortAftermath {
        /// Name of the fault.
        fault: String,
        /// Measured seconds after its end.
        seconds: f64,
    },
    /// Intervals from so few replications are wide.
    FewReplications {
        /// How many.
        replications: usize,
    },
    /// One replication says nothing about chance.
    OneReplication,
    /// Under the best policy of a comparison fewer than half of the requests were good.
    NobodyCopes {
        /// The scenario.
        scenario: String,
        /// Good over offered under the best.
        good_share: f64,
    },
    /// Policies were better than the oracle, which is greedy and retries little: under overload that can be.
    OracleBeaten {
        /// The scenario.
        scenario: String,
        /// Under which layer.
        layer: String,
        /// Who, and by how much of the offered requests.
        policies: Vec<(String, f64)>,
    },
    /// Intervals of a regret that are about as wide as the regret itself.
    WideIntervals {
        /// The scenario.
        scenario: String,
        /// Under which layer.
        layer: String,
        /// Whose.
        policies: Vec<String>,
    },
}

impl Warning {
    /// The warnings that tapes of one scenario give, judged by the first.
    pub fn of(tapes: &[Tape]) -> Vec<Self> {
        let mut warnings = Vec::new();
        let Some(tape) = tapes.first() else { return warnings };
        if tape.totals.offered == 0 {
            warnings.push(Self::NothingMeasured);
        }
        let first = tape.faults.iter().min_by_key(|fault| fault.start);
        let before = first.and_then(|fault| good_share(tape, fault.start));
        if let Some(good_share) = before.filter(|share| *share < WELL) {
            warnings.push(Self::OverloadedThroughout { good_share });
        }
        if let Some(fault) = first.filter(|fault| fault.start < Time::from_secs(60)) {
            let (fault, seconds) = (fault.name.clone(), fault.start.as_secs_f64());
            warnings.push(Self::ShortBaseline { fault, seconds });
        }
        let last = tape.faults.iter().max_by_key(|fault| fault.end);
        let after = |end: Time| tape.measured_until.since(end).as_secs_f64();
        if let Some(fault) = last.filter(|fault| after(fault.end) < 30.0) {
            let (fault, seconds) = (fault.name.clone(), after(fault.end));
            warnings.push(Self::ShortAftermath { fault, seconds });
        }
        if (2..10).contains(&tapes.len()) {
            warnings.push(Self::FewReplications { replications: tapes.len() });
        }
        warnings
    }
}

/// Good over offered arrivals up to 10 s before `until`: those later are under way then.
fn good_share(tape: &Tape, until: Time) -> Option<f64> {
    let bins = until.0.saturating_sub(10_000_000_000) / tape.bin.0;
    let calm = || tape.arrivals.iter().take(bins as usize);
    let offered: u64 = calm().map(|bin| u64::from(bin.offered)).sum();
    let good: u64 = calm().map(|bin| u64::from(bin.good)).sum();
    (offered > 0).then(|| good as f64 / offered as f64)
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingMeasured => {
                write!(f, "no request was measured; make the run longer, or raise the rate")
            }
            Self::OverloadedThroughout { good_share } => write!(
                f,
                "only {:.1} % of requests were good before any fault; recovery is judged against \
                 that, so raise limits or lower the rate",
                good_share * 100.0
            ),
            Self::ShortBaseline { fault, seconds } => write!(
                f,
                "fault `{fault}` begins after {seconds} s; 60 s before it make a steady baseline"
            ),
            Self::ShortAftermath { fault, seconds } => write!(
                f,
                "only {seconds} s are measured after fault `{fault}`; 90 s show whether the \
                 traffic comes back"
            ),
            Self::FewReplications { replications } => {
                write!(f, "{replications} replications give wide intervals; 30 are a good start")
            }
            Self::OneReplication => write!(
                f,
                "one replication: no intervals and no letters; 30 (the default) are a good start"
            ),
            Self::NobodyCopes { scenario, good_share } => write!(
                f,
                "{scenario}: under the best policy only {:.0} % of requests were good; differences \
                 there say more about overload than about routing",
                good_share * 100.0
            ),
            Self::OracleBeaten { scenario, layer, policies } => {
                let named = policies
                    .iter()
                    .map(|(policy, by)| format!("{policy} by {:.2} %", by * 100.0))
                    .collect::<Vec<_>>();
                write!(
                    f,
                    "{scenario} ({layer}): the oracle, which is greedy and retries little, was beaten by {}; \
                     regrets there are too small",
                    named.join(", ")
                )
            }
            Self::WideIntervals { scenario, layer, policies } => write!(
                f,
                "{scenario} ({layer}): the regret of {} is not known to within half of itself; more \
                 replications narrow that",
                policies.join(", ")
            ),
        }
    }
}
