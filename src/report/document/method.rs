//! How the numbers were made, and what the model leaves out: only what concerns the results at hand.

use super::source::Source;

/// Which kinds of results a document has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kinds {
    simulated: bool,
    compared: bool,
    claims: bool,
    searched: bool,
    swept: bool,
    checked: bool,
    clock: bool,
}

impl Kinds {
    pub(super) fn of(sources: &[Source]) -> Self {
        let mut kinds = Self::default();
        for source in sources {
            match source {
                Source::Run { .. } => kinds.simulated = true,
                Source::Comparison { .. } => (kinds.simulated, kinds.compared) = (true, true),
                Source::Claims { .. } => (kinds.simulated, kinds.claims) = (true, true),
                Source::Tuning { .. } => (kinds.simulated, kinds.searched) = (true, true),
                Source::Sweep { .. } => (kinds.simulated, kinds.swept) = (true, true),
                Source::Check { .. } => (kinds.simulated, kinds.checked) = (true, true),
                Source::Bench { .. } => kinds.clock = true,
            }
        }
        kinds
    }
}

pub(super) fn method(kinds: Kinds) -> Vec<String> {
    let mut method = Vec::new();
    let mut add = |text: &str| method.push(text.to_owned());
    if kinds.simulated {
        add(
            "A run is scenario × policy × seed. Requests that arrive before the horizon are measured, by the \
             moment they were meant to arrive, never by when they ended; the run goes on until each has its \
             result or is past its deadline.",
        );
        add(
            "Everything drawn is a function of the seed and of what it is for: request 7,041 has the same \
             arrival, the same tokens and the same luck at each provider under every policy. With several \
             replications, onsets that are drawn are spread evenly over their period.",
        );
        add(
            "A time that was not reached while somebody watched is not dropped: means are restricted to the \
             time watched, and say how many replications did not reach it. What has no meaning in a run is \
             left out and counted. Intervals are 95 % (Student's t over replications).",
        );
    }
    if kinds.compared {
        add(
            "Policies are compared pair by pair on the same requests: paired t-tests on the share of good \
             requests, Holm's correction over all pairs of a table, letters from it. The *worst phase* is the \
             worst replication of the grid of onsets; it has no interval, because an interval of a maximum of \
             a grid would be a fiction.",
        );
        add(
            "*Regret* is what the oracle made good beyond a policy, over offered requests. The oracle sees \
             which routes fail now, what limits admit and mean latencies; it does not see future luck. It is \
             greedy: where everything is overloaded it can be beaten, and a warning says so.",
        );
        add(
            "Series and timelines are those of one replication, the same for all policies shown: the one of \
             the median goodput of these policies together.",
        );
    }
    if kinds.claims {
        add(
            "A claim is a sentence of a vendor, a scenario that would show it, and bounds. It *holds* if every \
             figure lies within its bounds, *fails* if one does not, is *contradicted* where the vendor's own \
             documents say otherwise, and *untestable* where nobody outside can tell.",
        );
    }
    if kinds.searched {
        add(
            "A search sees some scenarios and seeds; others are held out, named and hashed before its first \
             candidate runs. What it recommends is measured there against the start, pair by pair: only that \
             difference says what the recommendation is worth, since the search chose it for being good.",
        );
    }
    if kinds.swept {
        add(
            "All points of a sweep meet the same requests, the same luck and the same phases, so a difference between \
             two points is the parameter's. A response curve averages over all other axes; where a design draws its \
             points, over those that fall into the same part of the range.",
        );
    }
    if kinds.checked {
        add(
            "A gate compares means replication by replication with those of a reference: a one-sided sign-flip test, \
             exact whatever the distribution, with Holm's correction over all gates of the check and all looks. An \
             expectation holds a figure against a bound.",
        );
    }
    if kinds.clock {
        add(
            "Costs of decisions are of the real clock of one machine: calls timed one by one, the median of an \
             empty call subtracted. Quote ratios from one run, not nanoseconds from two.",
        );
    }
    method
}

pub(super) fn limits(kinds: Kinds) -> Vec<String> {
    if !kinds.simulated {
        return Vec::new();
    }
    let all = [
        "Providers are models fitted to public measurements of 2023–2026, most from one vantage point: trust \
         ratios between balancers more than absolute latencies. No provider's real rate of 429s is public.",
        "Models of products follow their source or their documents, as their fidelity says; what each leaves \
         out stands in `docs/policies.md`. The `bifrost-*` presets follow what the vendor published in 2025 and \
         2026 (partly withdrawn in June 2026), not its code, which is not public.",
        "The network between gateway and provider is a constant; connections, TLS and HTTP/2 limits are not \
         modelled. Decoding does not slow down for others unless a service has a capacity.",
        "Limits are exact and immediate; real ones are distributed and late.",
        "A policy's own CPU time is a constant. The clean past that policies start with is even traffic at the \
         mean rate with typical answers.",
    ];
    all.map(str::to_owned).to_vec()
}
