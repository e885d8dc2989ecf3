//! Metrics with one value a run.

use crate::metrics::metric::{Direction, Measure, Metric};
use crate::metrics::{budget, churn, fairness, health, prompt_cache, service, tenant, waste};

/// In the order of reports.
pub(super) const OF_RUNS: &[Metric] = &[
    Metric {
        id: "slo_attainment",
        symbol: "A",
        unit: "",
        formula: "good over offered requests; what the gateway shed counts as bad",
        better: Direction::Higher,
        doc: "Share of requests answered within their deadline.",
        measure: Measure::Run(service::attainment),
    },
    Metric {
        id: "goodput",
        symbol: "G",
        unit: "requests/s",
        formula: "good requests over measured seconds",
        better: Direction::Higher,
        doc: "What clients got, by when they asked.",
        measure: Measure::Run(service::goodput),
    },
    Metric {
        id: "goodput_tokens",
        symbol: "G_t",
        unit: "tokens/s",
        formula: "output tokens of good requests over measured seconds",
        better: Direction::Higher,
        doc: "The same in output tokens.",
        measure: Measure::Run(service::goodput_tokens),
    },
    Metric {
        id: "regret",
        symbol: "R",
        unit: "",
        formula: "(good requests of the oracle − good requests of the policy) over offered, same \
                  seed",
        better: Direction::Lower,
        doc: "How far from the best that anyone could have done. Needs a run of the oracle.",
        measure: Measure::Against(service::regret),
    },
    Metric {
        id: "burn_rate",
        symbol: "b",
        unit: "",
        formula: "greatest part of bad arrivals in any 5 minutes over 0.1 %; before the run, \
                  traffic at its mean rate counts as good",
        better: Direction::Lower,
        doc: "How many times too fast the error budget of 99.9 % goes in the worst five minutes.",
        measure: Measure::Run(budget::burn_rate),
    },
    Metric {
        id: "alert",
        symbol: "A_b",
        unit: "",
        formula: "greatest of 14.4 (1 h and 5 min), 6 (6 h and 30 min), 1 (3 d and 6 h) that the \
                  burn rates of both windows reach at one moment; 0 for none; before the run as \
                  burn_rate",
        better: Direction::Lower,
        doc: "Whether the pager rings: 14.4 and 6 page, 1 opens a ticket (Google, The Site \
              Reliability Workbook, 2018, chapter 5). Short runs rarely fill the long windows.",
        measure: Measure::Run(budget::alert),
    },
    Metric {
        id: "latency_all_p50",
        symbol: "p50 all",
        unit: "ms",
        formula: "median of min(latency, deadline) from intended arrival of all requests; what \
                  failed, was shed or is unfinished counts as its deadline",
        better: Direction::Lower,
        doc: "Comparable across policies, because nothing is left out: a policy cannot get \
              faster by failing its slow requests.",
        measure: Measure::Run(|tape| service::latency_all_ms(tape, 0.5)),
    },
    Metric {
        id: "latency_all_p90",
        symbol: "p90 all",
        unit: "ms",
        formula: "90 % quantile of min(latency, deadline) from intended arrival of all requests; \
                  what failed, was shed or is unfinished counts as its deadline",
        better: Direction::Lower,
        doc: "As latency_all_p50. A whole deadline where more requests than that are not good.",
        measure: Measure::Run(|tape| service::latency_all_ms(tape, 0.9)),
    },
    Metric {
        id: "latency_all_p99",
        symbol: "p99 all",
        unit: "ms",
        formula: "99 % quantile of min(latency, deadline) from intended arrival of all requests; \
                  what failed, was shed or is unfinished counts as its deadline",
        better: Direction::Lower,
        doc: "As latency_all_p50. A whole deadline where more requests than that are not good.",
        measure: Measure::Run(|tape| service::latency_all_ms(tape, 0.99)),
    },
    Metric {
        id: "latency_all_p999",
        symbol: "p999 all",
        unit: "ms",
        formula: "99.9 % quantile of min(latency, deadline) from intended arrival of all \
                  requests; what failed, was shed or is unfinished counts as its deadline",
        better: Direction::Lower,
        doc: "As latency_all_p50. A whole deadline where more requests than that are not good.",
        measure: Measure::Run(|tape| service::latency_all_ms(tape, 0.999)),
    },
    Metric {
        id: "latency_p50",
        symbol: "p50",
        unit: "ms",
        formula: "median latency from intended arrival of requests that were done",
        better: Direction::Lower,
        doc: "Failed requests have no latency here: read it together with the attainment.",
        measure: Measure::Run(|tape| service::latency_ms(tape, 0.5)),
    },
    Metric {
        id: "latency_p90",
        symbol: "p90",
        unit: "ms",
        formula: "90 % quantile of latency from intended arrival of requests that were done",
        better: Direction::Lower,
        doc: "As latency_p50.",
        measure: Measure::Run(|tape| service::latency_ms(tape, 0.9)),
    },
    Metric {
        id: "latency_p99",
        symbol: "p99",
        unit: "ms",
        formula: "99 % quantile of latency from intended arrival of requests that were done",
        better: Direction::Lower,
        doc: "As latency_p50.",
        measure: Measure::Run(|tape| service::latency_ms(tape, 0.99)),
    },
    Metric {
        id: "latency_p999",
        symbol: "p999",
        unit: "ms",
        formula: "99.9 % quantile of latency from intended arrival of requests that were done",
        better: Direction::Lower,
        doc: "As latency_p50.",
        measure: Measure::Run(|tape| service::latency_ms(tape, 0.999)),
    },
    Metric {
        id: "ttft_p50",
        symbol: "TTFT p50",
        unit: "ms",
        formula: "median time from intended arrival to first token of streamed requests that \
                  were done",
        better: Direction::Lower,
        doc: "What a user of a stream waits for. Failed attempts before the good one are \
              included.",
        measure: Measure::Run(|tape| service::ttft_ms(tape, 0.5)),
    },
    Metric {
        id: "ttft_p99",
        symbol: "TTFT p99",
        unit: "ms",
        formula: "99 % quantile of time to first token of streamed requests that were done",
        better: Direction::Lower,
        doc: "As ttft_p50.",
        measure: Measure::Run(|tape| service::ttft_ms(tape, 0.99)),
    },
    Metric {
        id: "amplification",
        symbol: "α",
        unit: "",
        formula: "attempts over offered requests",
        better: Direction::Lower,
        doc: "Load that retries add.",
        measure: Measure::Run(service::amplification),
    },
    Metric {
        id: "rate_limited",
        symbol: "q",
        unit: "",
        formula: "attempts refused with a 429 over attempts",
        better: Direction::Lower,
        doc: "How often the routing runs into limits.",
        measure: Measure::Run(service::rate_limited),
    },
    Metric {
        id: "wasted_tokens",
        symbol: "w",
        unit: "",
        formula: "output tokens of attempts whose request did not become good, over all output \
                  tokens",
        better: Direction::Lower,
        doc: "Work that was paid for and helped nobody.",
        measure: Measure::Run(service::wasted_tokens),
    },
    Metric {
        id: "wasted_capacity",
        symbol: "W",
        unit: "",
        formula: "Σ over models and minutes of min(failed + shed, room in healthy limits) over \
                  offered; room = limit over the mean charge of an attempt, less what it admitted",
        better: Direction::Lower,
        doc: "Work that was refused while somebody had room for it. A fluid bound over the \
              minutes in which a limit had no fault; undefined unless every route has a known \
              limit.",
        measure: Measure::Pooled(waste::wasted_capacity),
    },
    Metric {
        id: "exploration",
        symbol: "e",
        unit: "",
        formula: "attempts whose route was taken to learn about it, over attempts",
        better: Direction::Neither,
        doc: "How much of the traffic is spent on learning. Only for policies that report it.",
        measure: Measure::Run(service::explored),
    },
    Metric {
        id: "exploration_cost",
        symbol: "C_e",
        unit: "",
        formula: "requests with an exploring attempt that did not become good, over offered",
        better: Direction::Lower,
        doc: "What learning costs the users. Uniform exploration of e over k keys of which m are \
              dead, without a retry, costs e·m/k of all traffic for as long as they are.",
        measure: Measure::Run(service::exploration_cost),
    },
    Metric {
        id: "cost",
        symbol: "C",
        unit: "USD",
        formula: "prompt and output tokens of all attempts at the routes' prices",
        better: Direction::Lower,
        doc: "What the run cost. A policy that serves less costs less: see cost_per_good.",
        measure: Measure::Run(service::cost),
    },
    Metric {
        id: "cost_per_good",
        symbol: "c",
        unit: "USD",
        formula: "cost over good requests",
        better: Direction::Lower,
        doc: "What a good answer cost, failed attempts included.",
        measure: Measure::Run(service::cost_per_good),
    },
    Metric {
        id: "jain",
        symbol: "J",
        unit: "",
        formula: "(Σx)²/(nΣx²), x = attempts done over capacity, relative to the model's mean, \
                  over routes without a fault",
        better: Direction::Higher,
        doc: "Jain's fairness index: 1 if all routes are equally loaded, 1/n if one carries all. \
              Capacity is the token limit where every route of the model has one, else the \
              static weight.",
        measure: Measure::Pooled(fairness::jain_routes),
    },
    Metric {
        id: "top_share",
        symbol: "s_max",
        unit: "",
        formula: "first attempts at the busiest route of each model over all first attempts",
        better: Direction::Neither,
        doc: "How much of the traffic one route has. Neither is better: the fastest route should \
              have most of it, but one that has all of it has nobody to compare it with.",
        measure: Measure::Pooled(fairness::top_share),
    },
    Metric {
        id: "churn",
        symbol: "CH",
        unit: "",
        formula: "half the sum over routes of |share of first attempts − the same 5 s before|, mean over pairs of \
                  windows without a fault (and 120 s after it)",
        better: Direction::Lower,
        doc: "How much of the traffic changes its route from one 5 s to the next while nothing is wrong. Chance alone \
              moves about √(routes / (3 × first attempts in 5 s)) where shares are even: compare policies at the same \
              load, and with `random`.",
        measure: Measure::Run(churn::churn),
    },
    Metric {
        id: "false_alarms",
        symbol: "FA",
        unit: "1/(route·h)",
        formula: "changes from Healthy on routes without a fault (and 120 s after it), per hour \
                  of such a route",
        better: Direction::Lower,
        doc: "How often the policy cries wolf.",
        measure: Measure::Run(health::false_alarms_per_route_hour),
    },
    Metric {
        id: "transitions",
        symbol: "TR",
        unit: "1/(route·h)",
        formula: "changes of health per route and hour of the run",
        better: Direction::Lower,
        doc: "How restless the states are.",
        measure: Measure::Run(health::transitions_per_route_hour),
    },
    Metric {
        id: "tenant_jain",
        symbol: "J_t",
        unit: "",
        formula: "(Σx)²/(nΣx²), x = good over offered requests of each tenant",
        better: Direction::Higher,
        doc: "Jain's fairness index over tenants: 1 if the same share of everybody's requests is \
              good, 1/n if only one tenant's are. Undefined without tenants.",
        measure: Measure::Run(tenant::jain),
    },
    Metric {
        id: "isolation",
        symbol: "I",
        unit: "",
        formula: "greatest fall, over tenants, of good/offered while another tenant asks for more than \
                  twice its median second, against seconds in which none does",
        better: Direction::Lower,
        doc: "What one tenant's burst takes from another: 0 if nobody feels it. Needs five seconds \
              of either kind.",
        measure: Measure::Run(tenant::isolation),
    },
    Metric {
        id: "denied",
        symbol: "D",
        unit: "",
        formula: "refusals with 402, 403 or 429 by the gateway's own limits over offered requests",
        better: Direction::Neither,
        doc: "How often governance says no. A client's SDK that asks again is refused again, so it \
              may exceed 1.",
        measure: Measure::Run(tenant::denied),
    },
    Metric {
        id: "budget_overshoot",
        symbol: "O_b",
        unit: "USD",
        formula: "Σ over budgets of tenants and their teams of the most used beyond the budget in any window",
        better: Direction::Lower,
        doc: "What limits let through that are paid after: requests under way when a budget is \
              used up. 0 where all is reserved before.",
        measure: Measure::Run(tenant::overshoot),
    },
    Metric {
        id: "cache_hits",
        symbol: "h",
        unit: "",
        formula: "prompt tokens read from providers' prompt caches over prompt tokens, of answered attempts",
        better: Direction::Higher,
        doc: "How much of what is sent was sent to the same account lately. Undefined unless the \
              scenario says what prompts have in common.",
        measure: Measure::Run(prompt_cache::hits),
    },
    Metric {
        id: "cache_saved",
        symbol: "S",
        unit: "USD",
        formula: "cost of answered attempts at full prices − their cost",
        better: Direction::Higher,
        doc: "What prompt caches saved. Negative where writing to them cost more than reading saved.",
        measure: Measure::Run(prompt_cache::saved),
    },
];
