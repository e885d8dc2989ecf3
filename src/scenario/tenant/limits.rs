//! Limits as they are written: `budget = { "1d" = "5 USD" }`, `requests = { "1m" = 600 }`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::governance::{Kind, Length, Limit, Window};

use super::super::at::At;
use super::super::error::Problem;
use super::super::ordered::Ordered;
use super::super::suggest;
use super::super::unit::{Count, Length as Lasts, Usd};

/// Amounts by window: "1m", "5m", "1h", "1d", "1w", "1M", "1Q" or "1Y".
type Amounts<T> = Option<Ordered<T>>;

/// So much per window.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsFile {
    /// Money by window, such as { "1d" = "5 USD", "1M" = "100 USD" }. Windows: 1m 5m 1h 1d 1w 1M 1Q 1Y.
    budget: Amounts<Usd>,
    /// Requests by window, such as { "1m" = 600 }.
    requests: Amounts<Count>,
    /// Tokens by window, prompt and output, such as { "1m" = "100K" }.
    tokens: Amounts<Count>,
    /// Whether windows of a day and more follow the calendar (UTC; weeks begin on Monday). Default false: they
    /// begin with the run.
    calendar: Option<bool>,
    /// What was spent of each budget when the run begins. Default "0 USD".
    spent: Option<Usd>,
    /// How long windows had been running when the run begins; those of the calendar begin when it says.
    /// Default "0s".
    running: Option<Lasts>,
}

impl LimitsFile {
    pub(crate) fn limits(&self, at: &At) -> Result<Vec<Limit>, Problem> {
        let Self { budget, requests, tokens, calendar: _, spent, running: _ } = self;
        if spent.is_some() && budget.is_none() {
            let at = at.key("spent");
            return Err(Problem::new(at.clone(), format!("`{at}` has no effect without a budget"))
                .expected(
                    "expected a budget next to it, such as budget = { \"1d\" = \"5 USD\" }",
                ));
        }
        let mut limits = Vec::new();
        for (window, amount) in budget.iter().flat_map(|amounts| &amounts.0) {
            let used = spent.map_or(0, |spent| spent.0.0);
            let limit = self.limit(Kind::Budget, window, amount.0.0, &at.key("budget"))?;
            limits.push(limit.used(used));
        }
        for (kind, amounts, key) in
            [(Kind::Requests, requests, "requests"), (Kind::Tokens, tokens, "tokens")]
        {
            for (window, amount) in amounts.iter().flat_map(|amounts| &amounts.0) {
                limits.push(self.limit(kind, window, amount.0, &at.key(key))?);
            }
        }
        Ok(limits)
    }

    fn limit(&self, kind: Kind, window: &str, max: u64, at: &At) -> Result<Limit, Problem> {
        let Some(length) = Length::of_name(window) else {
            let known = Length::ALL.map(Length::name);
            return Err(Problem::new(
                at.key(window),
                format!("`{window}` is no window of a limit"),
            )
            .expected("expected a window such as \"1d\"")
            .help(suggest::help(window, &known)));
        };
        let aligned = self.calendar == Some(true) && length >= Length::Day;
        let mut limit = Limit::new(kind, max, Window { length, aligned });
        let running = self.running.map_or(0, |running| running.0.0);
        if !aligned {
            limit.running = crate::engine::Span(running % length.nanos());
        }
        Ok(limit)
    }
}
