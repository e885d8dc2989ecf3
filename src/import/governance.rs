//! Bifrost's `governance`: virtual keys, teams, customers, budgets and rate limits, joined by their ids.
//!
//! Source: docs.getbifrost.ai/deployment-guides/config-json/governance and
//! /features/governance/budget-and-limits, 2026. Ids are read to join, and copied nowhere: names that are no plain names
//! are numbered instead. Credentials (`value`) are never read.

use super::book::Book;
use super::draft::Draft;
use super::node::Node;
use super::owners::{Access, Limits, Owner, Tenant, nano_usd, window};
use super::safe;

const CREDENTIAL: &str = "a credential or an address: never read";
const HOUSEKEEPING: &str = "the gateway's own housekeeping: never read";

/// An id in the file, and the name that it has in the scenario.
type Known<'a> = Vec<(&'a str, String)>;

/// Reads all of it; providers are known already.
pub(super) fn read(node: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    let lists = Lists { budgets: list(node, "budgets"), rates: list(node, "rate_limits") };
    let (mut customers, mut teams) = (Known::new(), Known::new());
    for item in list(node, "customers") {
        let owner = lists.owner(&item, "customer", customers.len(), &[], book);
        customers.push((id(&item), free(&owner.name, &customers)));
        let name = customers[customers.len() - 1].1.clone();
        draft.owners.customers.push(Owner { name, ..owner });
    }
    for item in list(node, "teams") {
        let owner = lists.owner(&item, "team", teams.len(), &customers, book);
        teams.push((id(&item), free(&owner.name, &teams)));
        let name = teams[teams.len() - 1].1.clone();
        draft.owners.teams.push(Owner { name, ..owner });
    }
    let mut tenants = Known::new();
    for item in list(node, "virtual_keys") {
        if item.get("is_active").and_then(|active| active.truth()) == Some(false) {
            book.ignored(&item.key, "a virtual key that is switched off");
            continue;
        }
        let tenant = lists.tenant(&item, tenants.len(), &teams, &customers, draft, book);
        tenants.push((id(&item), free(&tenant.name, &tenants)));
        let name = tenants[tenants.len() - 1].1.clone();
        draft.owners.tenants.push(Tenant { name, ..tenant });
    }
    for (key, node) in node.entries() {
        match key {
            "customers" | "teams" if tenants.is_empty() && !node.items().is_empty() => {
                book.missing(&node.key, "nobody belongs to them: no virtual key is switched on");
            }
            "customers" | "teams" | "virtual_keys" => {}
            "budgets" | "rate_limits" => {
                book.understood(&node.key, "limits of those that name their ids");
            }
            "routing_rules" => {
                book.missing(
                    &node.key,
                    "write [[rule]]s by hand: their language is the same (CEL)",
                );
            }
            "auth_config" => book.ignored(&node.key, CREDENTIAL),
            _ => book.missing(&node.key, "not a part of governance that we know"),
        }
    }
}

/// Elements of a list under a key.
fn list<'a>(node: &Node<'a>, key: &str) -> Vec<Node<'a>> {
    node.get(key).map_or_else(Vec::new, |list| list.items())
}

fn id<'a>(item: &Node<'a>) -> &'a str {
    item.get("id").and_then(|id| id.text()).unwrap_or_default()
}

/// A name that is not taken.
fn free(name: &str, taken: &Known<'_>) -> String {
    let is_free = |name: &str| taken.iter().all(|(_, known)| known != name);
    if is_free(name) {
        return name.to_owned();
    }
    (2..).map(|n| format!("{name}-{n}")).find(|name| is_free(name)).unwrap_or_default()
}

/// Most providers of a tenant with weights or limits of their own, in a scenario.
const NARROWED_MAX: usize = 8;

/// What the others name by id.
struct Lists<'a> {
    budgets: Vec<Node<'a>>,
    rates: Vec<Node<'a>>,
}

impl Lists<'_> {
    fn owner(
        &self,
        item: &Node<'_>,
        what: &'static str,
        before: usize,
        customers: &[(&str, String)],
        book: &mut Book,
    ) -> Owner {
        let mut owner = Owner { name: format!("{what}-{}", before + 1), ..Owner::default() };
        for (key, node) in item.entries() {
            match key {
                "name" => name(&node, &mut owner.name, what, book),
                "customer_id" => {
                    owner.customer = joined(&node, customers, "the team's customer", book);
                }
                _ if self.limit(item, key, &node, &mut owner.limits, book) => {}
                _ => book.ignored(&node.key, HOUSEKEEPING),
            }
        }
        owner
    }

    fn tenant(
        &self,
        item: &Node<'_>,
        before: usize,
        teams: &[(&str, String)],
        customers: &[(&str, String)],
        draft: &Draft,
        book: &mut Book,
    ) -> Tenant {
        let mut tenant = Tenant { name: format!("key-{}", before + 1), ..Tenant::default() };
        for (key, node) in item.entries() {
            match key {
                "name" => name(&node, &mut tenant.name, "tenant", book),
                "team_id" => tenant.team = joined(&node, teams, "the tenant's team", book),
                "customer_id" => {
                    tenant.customer = joined(&node, customers, "the tenant's customer", book);
                }
                "provider_configs" => {
                    for item in node.items() {
                        let access = self.access(&item, draft, book);
                        let is_new = |new: &Access| {
                            tenant.access.iter().all(|known| known.provider != new.provider)
                        };
                        if let Some(access) = access.filter(is_new) {
                            tenant.access.push(access);
                        }
                    }
                }
                "value" => book.ignored(&node.key, CREDENTIAL),
                "is_active" => book.understood(&node.key, "a tenant"),
                "allowed_models" | "allowed_providers" | "keys" => {
                    book.missing(&node.key, "an older form: `provider_configs` is what is read");
                }
                _ if self.limit(item, key, &node, &mut tenant.limits, book) => {}
                _ => book.ignored(&node.key, HOUSEKEEPING),
            }
        }
        if tenant.access.len() > NARROWED_MAX {
            book.missing(&item.key, "weights and limits of more than 8 providers of one tenant");
            for access in &mut tenant.access {
                (access.weight, access.limits) = (None, Limits::default());
            }
        }
        // A team has its customer itself.
        if tenant.team.is_some() {
            tenant.customer = None;
        }
        tenant
    }

    /// What a key may use of a provider that the scenario has.
    fn access(&self, item: &Node<'_>, draft: &Draft, book: &mut Book) -> Option<Access> {
        let of = item.get("provider").and_then(|of| of.text()).and_then(safe::name);
        let provider = draft.providers.iter().find(|known| Some(&known.name) == of.as_ref());
        let Some(provider) = provider else {
            book.missing(&item.key, "of a provider that this file does not have");
            return None;
        };
        let mut access = Access { provider: provider.name.clone(), ..Access::default() };
        for (key, node) in item.entries() {
            match key {
                "provider" => book.understood(&node.key, "what the tenant may use"),
                "weight" => access.weight = node.take(book, "the provider's weight for the tenant"),
                "allowed_models" => {
                    for item in node.items() {
                        let name = item.text().and_then(safe::name).unwrap_or_default();
                        if item.text() == Some("*") || provider.models.contains(&name) {
                            book.understood(&item.key, "models that the tenant may ask for");
                            access.models.extend(provider.models.contains(&name).then_some(name));
                        } else {
                            book.missing(
                                &item.key,
                                "a model that none of the provider's keys names",
                            );
                        }
                    }
                }
                "keys" | "key_ids" | "allowed_keys" => {
                    for item in node.items() {
                        let name = item.get("name").unwrap_or_else(|| item.clone());
                        let name = name.text().and_then(safe::name).unwrap_or_default();
                        if provider.keys.iter().any(|(known, _)| *known == name) {
                            book.understood(&item.key, "keys that serve the tenant");
                            access.keys.push(name);
                        } else if item.text() != Some("*") {
                            book.missing(&item.key, "a key that this file does not name");
                        }
                    }
                }
                _ if self.limit(item, key, &node, &mut access.limits, book) => {}
                _ => book.ignored(&node.key, HOUSEKEEPING),
            }
        }
        Some(access)
    }

    /// Reads a key that names limits; `false` if it does not.
    fn limit(
        &self,
        item: &Node<'_>,
        key: &str,
        node: &Node<'_>,
        limits: &mut Limits,
        book: &mut Book,
    ) -> bool {
        match key {
            "budget_id" | "budget_ids" | "rate_limit_id" => {
                let ids = node.text().into_iter().map(str::to_owned);
                let more = node.items();
                let more = more.iter().filter_map(Node::text).map(str::to_owned);
                let ids: Vec<String> = ids.chain(more).collect();
                let among = if key == "rate_limit_id" { &self.rates } else { &self.budgets };
                for wanted in &ids {
                    match among.iter().find(|known| id(known) == wanted) {
                        Some(found) => {
                            book.understood(&node.key, "its limits");
                            take(found, limits, book);
                        }
                        None => book.missing(&node.key, "an id that nothing in this file has"),
                    }
                }
            }
            "budget" | "rate_limit" => take(node, limits, book),
            "budgets" => node.items().iter().for_each(|budget| take(budget, limits, book)),
            "calendar_aligned" => {
                limits.calendar = item.get(key).and_then(|node| node.truth()) == Some(true);
                book.understood(&node.key, "limits.calendar");
            }
            _ => return false,
        }
        true
    }
}

/// More than anybody sets.
const USD_MAX: f64 = 1e9;
const COUNT_MAX: f64 = 1e15;

/// A budget or a rate limit.
fn take(node: &Node<'_>, limits: &mut Limits, book: &mut Book) {
    let kinds = [
        ("max_limit", "reset_duration", "a budget"),
        ("token_max_limit", "token_reset_duration", "a limit of tokens"),
        ("request_max_limit", "request_reset_duration", "a limit of requests"),
    ];
    for (most, reset, what) in kinds {
        let Some(most) = node.get(most) else { continue };
        let reset = node.get(reset).and_then(|reset| reset.text());
        let Some(window) = reset.and_then(window) else {
            book.missing(
                &most.key,
                "its window is none that a scenario has: 1m 5m 1h 1d 1w 1M 1Q 1Y",
            );
            continue;
        };
        let most_of = if what == "a budget" { USD_MAX } else { COUNT_MAX };
        let Some(amount) = most.take(book, what).filter(|amount| *amount <= most_of) else {
            continue;
        };
        match what {
            "a budget" => Limits::put(&mut limits.budget, window, nano_usd(amount)),
            "a limit of tokens" => Limits::put(&mut limits.tokens, window, amount as u64),
            _ => Limits::put(&mut limits.requests, window, amount as u64),
        }
    }
    if let Some(used) = node.get("current_usage") {
        let spent = used.take(book, "what was spent of the budget");
        limits.spent = spent.filter(|spent| *spent <= USD_MAX).map(nano_usd);
    }
    if node.get("calendar_aligned").and_then(|node| node.truth()) == Some(true) {
        limits.calendar = true;
    }
}

/// A name, where it is a plain one.
fn name(node: &Node<'_>, into: &mut String, what: &'static str, book: &mut Book) {
    match node.text().and_then(safe::name) {
        Some(name) => {
            *into = name;
            book.understood(&node.key, format!("the {what}'s name"));
        }
        None => book.ignored(&node.key, "no plain name: numbered instead"),
    }
}

/// The name of whom an id means.
fn joined(
    node: &Node<'_>,
    known: &[(&str, String)],
    what: &'static str,
    book: &mut Book,
) -> Option<String> {
    let found = known.iter().find(|(id, _)| Some(*id) == node.text());
    match found {
        Some((_, name)) => {
            book.understood(&node.key, what);
            Some(name.clone())
        }
        None => {
            book.missing(&node.key, "an id that nothing in this file has");
            None
        }
    }
}
