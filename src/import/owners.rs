//! Who may use what, as the parts of a scenario: tenants, teams, customers and their limits.

use std::fmt::Write;

use super::draft::Draft;
use super::write::{literal, quote};

/// Everybody that a configuration names.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners {
    pub(super) customers: Vec<Owner>,
    pub(super) teams: Vec<Owner>,
    pub(super) tenants: Vec<Tenant>,
}

/// A customer or a team.
#[derive(Clone, Debug, Default)]
pub(super) struct Owner {
    pub(super) name: String,
    /// Of a team.
    pub(super) customer: Option<String>,
    pub(super) limits: Limits,
}

/// A virtual key or a consumer.
#[derive(Clone, Debug, Default)]
pub(super) struct Tenant {
    pub(super) name: String,
    pub(super) team: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) limits: Limits,
    /// What it may use; everything if it names nobody.
    pub(super) access: Vec<Access>,
}

/// What a tenant may use of a provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    pub(super) provider: String,
    pub(super) weight: Option<f64>,
    /// All of them if it names none.
    pub(super) models: Vec<String>,
    pub(super) keys: Vec<String>,
    pub(super) limits: Limits,
}

/// Amounts by window, windows as scenarios call them.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// Nano-dollars.
    pub(super) budget: Vec<(&'static str, u64)>,
    pub(super) spent: Option<u64>,
    pub(super) requests: Vec<(&'static str, u64)>,
    pub(super) tokens: Vec<(&'static str, u64)>,
    pub(super) calendar: bool,
}

/// Windows of limits in a scenario.
const WINDOWS: [&str; 8] = ["1m", "5m", "1h", "1d", "1w", "1M", "1Q", "1Y"];

/// The window of this name, where a scenario has it.
pub(super) fn window(text: &str) -> Option<&'static str> {
    let same = [("60s", "1m"), ("60m", "1h"), ("24h", "1d"), ("7d", "1w"), ("30d", "1M")];
    let text = same.iter().find(|(other, _)| *other == text).map_or(text, |(_, window)| window);
    WINDOWS.into_iter().find(|window| *window == text)
}

/// Dollars in nano-dollars.
pub(super) fn nano_usd(dollars: f64) -> u64 {
    (dollars * 1e9) as u64
}

impl Limits {
    fn is_empty(&self) -> bool {
        self.budget.is_empty() && self.requests.is_empty() && self.tokens.is_empty()
    }

    /// Adds an amount; of two for one window the smaller stands.
    pub(super) fn put(amounts: &mut Vec<(&'static str, u64)>, window: &'static str, amount: u64) {
        match amounts.iter_mut().find(|(known, _)| *known == window) {
            Some((_, known)) => *known = amount.min(*known),
            None => amounts.push((window, amount)),
        }
    }

    fn text(&self) -> String {
        let list = |amounts: &[(&str, u64)], show: fn(u64) -> String| {
            let each = amounts.iter().map(|(window, n)| format!("\"{window}\" = {}", show(*n)));
            each.collect::<Vec<_>>().join(", ")
        };
        let usd = |nano: u64| format!("\"{} USD\"", nano as f64 / 1e9);
        let mut parts = Vec::new();
        for (key, amounts, show) in [
            ("budget", &self.budget, usd as fn(u64) -> String),
            ("requests", &self.requests, |n| n.to_string()),
            ("tokens", &self.tokens, |n| n.to_string()),
        ] {
            if !amounts.is_empty() {
                parts.push(format!("{key} = {{ {} }}", list(amounts, show)));
            }
        }
        if let (Some(spent), false) = (self.spent, self.budget.is_empty()) {
            parts.push(format!("spent = {}", usd(spent)));
        }
        if self.calendar {
            parts.push("calendar = true".to_owned());
        }
        format!("{{ {} }}", parts.join(", "))
    }
}

/// Writes tables of everybody; nothing without tenants, for limits without anybody to limit mean nothing.
pub(super) fn write(text: &mut String, draft: &Draft) {
    let Owners { customers, teams, tenants } = &draft.owners;
    if tenants.is_empty() {
        return;
    }
    for (kind, owners) in [("customer", customers), ("team", teams)] {
        for owner in owners {
            let _ = writeln!(text, "[{kind}.{}]", quote(&owner.name));
            if let Some(customer) = &owner.customer {
                let _ = writeln!(text, "customer = {}", literal(customer));
            }
            if !owner.limits.is_empty() {
                let _ = writeln!(text, "limits = {}", owner.limits.text());
            }
        }
    }
    for tenant in tenants {
        let _ = writeln!(
            text,
            "[tenant.{}]                        # its share is made up",
            quote(&tenant.name)
        );
        for (key, of) in [("team", &tenant.team), ("customer", &tenant.customer)] {
            if let Some(of) = of {
                let _ = writeln!(text, "{key} = {}", literal(of));
            }
        }
        if !tenant.limits.is_empty() {
            let _ = writeln!(text, "limits = {}", tenant.limits.text());
        }
        for access in &tenant.access {
            let name = format!("{}.provider.{}", quote(&tenant.name), quote(&access.provider));
            let _ = writeln!(text, "[tenant.{name}]");
            if let Some(weight) = access.weight {
                let _ = writeln!(text, "weight = {weight}");
            }
            for (key, list) in [("models", &access.models), ("keys", &access.keys)] {
                if !list.is_empty() {
                    let list: Vec<_> = list.iter().map(|name| literal(name)).collect();
                    let _ = writeln!(text, "{key} = [{}]", list.join(", "));
                }
            }
            if !access.limits.is_empty() {
                let _ = writeln!(text, "limits = {}", access.limits.text());
            }
        }
    }
}
