//! `[[rule]]`: routing rules, as the published gateway documents them (docs.getbifrost.ai, Routing Rules, 2026).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::governance::{Plan, Rule, RuleScope, Rules};
use crate::policy::Pool;
use crate::sim::tenancy::{Leg, Redirect, Tenant};

use super::at::At;
use super::error::Problem;
use super::fault::{On, routes};
use super::ordered::Ordered;
use super::suggest;
use super::tenant::{Sets, index};
use super::unit::{Count, Number};

/// Where requests go while a condition holds. The first rule that matches leads: those of the tenant before those of
/// its team, its customer and everybody's, and of one scope the lowest priority. It is asked when a request arrives,
/// before anything else chooses a provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    /// Its name. Default "rule-1", "rule-2", …
    name: Option<String>,
    /// The condition, in CEL, over `budget_used`, `tokens_used` and `request` (percent of the fullest limit in the
    /// request's way, at any provider or at the one that a rule before this one chose), `model`, `provider` (empty
    /// until a rule chose one), `virtual_key_name`, `team_name`, `customer_name`, `prompt_tokens`, `max_tokens`,
    /// `stream`.
    when: String,
    /// Only for this tenant.
    tenant: Option<String>,
    /// Only for this team.
    team: Option<String>,
    /// Only for this customer.
    customer: Option<String>,
    /// Lower comes first within a scope; of equals the one that stands first. Default 0.
    priority: Option<Count>,
    /// Where to: a provider, narrowed by a model and a key as for faults ("mistral", "openai:small/key-1"), or "*:small"
    /// for another model at whoever serves it; several with their weights.
    to: ToFile,
    /// Where to after that, one after the other, each with retries of its own; a model is as asked unless one is named.
    #[serde(default)]
    fallbacks: Vec<String>,
    /// Whether all rules are asked again with what this one made of the request. Default false.
    #[serde(default)]
    chain: bool,
}

/// A target, or several with weights.
#[derive(Clone, Debug)]
struct ToFile(Vec<(String, f64)>);

struct ToVisitor;

impl<'de> Visitor<'de> for ToVisitor {
    type Value = ToFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a provider such as \"mistral\" or \"openai:small\", or weights such as { mistral = 70, openai = 30 }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ToFile, E> {
        Ok(ToFile(vec![(text.to_owned(), 1.0)]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ToFile, A::Error> {
        let weights = Ordered::<Number>::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ToFile(weights.0.into_iter().map(|(name, weight)| (name, weight.0)).collect()))
    }
}

impl<'de> Deserialize<'de> for ToFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ToVisitor)
    }
}

impl JsonSchema for ToFile {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let weights = generator.subschema_for::<Ordered<Number>>();
        json_schema!({
            "description": "A target, or several with weights.",
            "anyOf": [{ "type": "string" }, weights],
            "examples": ["mistral", "openai:small", { "mistral": 70, "openai": 30 }],
        })
    }
}

/// What rules do, and when.
type Compiled = (Vec<Redirect>, Option<Arc<Rules>>);

/// The rules of a scenario; their sets of routes go to the others.
pub(crate) fn rules(
    files: &[RuleFile],
    plan: &Plan,
    tenants: &[Tenant],
    pool: &Pool,
    sets: &mut Sets,
) -> Result<Compiled, Problem> {
    if files.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut redirects: Vec<Redirect> = Vec::with_capacity(files.len());
    let mut conditions = Vec::with_capacity(files.len());
    for (number, file) in files.iter().enumerate() {
        let at = At::top().key("rule").item(number);
        let name = file.name.clone().unwrap_or_else(|| format!("rule-{}", number + 1));
        if redirects.iter().any(|other| other.name == name) {
            let what = format!("there are two rules `{name}`");
            return Err(Problem::new(at.key("name"), what).expected("expected a name of its own"));
        }
        conditions.push(Rule {
            when: file.when.clone(),
            scope: scope(file, &at, plan, tenants)?,
            priority: file.priority.map_or(0, |priority| priority.0 as i64),
        });
        let mut leg = |text: &str, at: &At| leg(text, at, plan, tenants, pool, sets);
        let to = &file.to.0;
        let total: f64 = to.iter().map(|(_, weight)| weight).sum();
        if to.iter().any(|(_, weight)| *weight < 0.0) || total <= 0.0 {
            let at = at.key("to");
            return Err(Problem::new(at.clone(), format!("`{at}` leads nowhere"))
                .expected("expected weights above 0, such as { mistral = 70, openai = 30 }"));
        }
        let mut sum = 0.0;
        let mut targets = Vec::with_capacity(to.len());
        for (text, weight) in to {
            sum += weight / total;
            let at = at.key("to");
            let at = if to.len() == 1 { at } else { at.key(text) };
            targets.push((leg(text, &at)?, sum));
        }
        let mut fallbacks = Vec::with_capacity(file.fallbacks.len());
        for (n, text) in file.fallbacks.iter().enumerate() {
            fallbacks.push(leg(text, &at.key("fallbacks").item(n))?);
        }
        redirects.push(Redirect { name, targets, fallbacks, chain: file.chain });
    }
    let compiled = Rules::new(&conditions).map_err(|error| {
        let at = At::top().key("rule").item(error.rule).key("when");
        let problem = Problem::new(at.clone(), format!("`{at}`: {}", error.what))
            .expected("expected a condition in CEL, such as \"budget_used > 80\"")
            .inside(error.column);
        match &error.unknown {
            Some(name) => problem.help(suggest::help(name, Rules::names())),
            None => problem,
        }
    })?;
    Ok((redirects, Some(Arc::new(compiled))))
}

/// For whom a rule holds.
fn scope(file: &RuleFile, at: &At, plan: &Plan, tenants: &[Tenant]) -> Result<RuleScope, Problem> {
    let RuleFile { tenant, team, customer, .. } = file;
    match (tenant, team, customer) {
        (None, None, None) => Ok(RuleScope::Global),
        (Some(name), None, None) => {
            let known = tenants.iter().map(|tenant| tenant.name.as_str());
            index(name, known, &at.key("tenant"), "tenant").map(RuleScope::Key)
        }
        (None, Some(name), None) => {
            let known = plan.teams.iter().map(|team| team.name.as_str());
            index(name, known, &at.key("team"), "team").map(RuleScope::Team)
        }
        (None, None, Some(name)) => {
            let known = plan.customers.iter().map(|(name, _)| name.as_str());
            index(name, known, &at.key("customer"), "customer").map(RuleScope::Customer)
        }
        _ => Err(Problem::new(at.clone(), "a rule has one scope".to_owned())
            .expected("expected one of `tenant`, `team` and `customer`, or none for everybody")),
    }
}

/// Where a rule leads: the routes of a selector, as far as each tenant may use them.
fn leg(
    text: &str,
    at: &At,
    plan: &Plan,
    tenants: &[Tenant],
    pool: &Pool,
    sets: &mut Sets,
) -> Result<Leg, Problem> {
    let routes = routes(&On::One(text.to_owned()), None, at, pool)?;
    let route = |at: u32| &pool.routes[at as usize];
    let first = route(routes[0]);
    let model = text.contains(':').then_some(first.model.0);
    if text.starts_with('*') {
        if model.is_none() || text.contains(['/', '@']) {
            return Err(Problem::new(at.clone(), format!("`{text}` is no place to lead to"))
                .expected(
                    "expected a provider, such as \"mistral\" or \"openai/key-1\", or \"*:small\"",
                ));
        }
        return Ok(Leg { provider: None, model, sets: Vec::new() });
    }
    let of_tenant = |tenant: &Tenant| {
        let configs = plan.keys.get(tenant.keys.start as usize).map_or(&[][..], |key| &key.configs);
        sets.narrowed(pool, configs, &routes)
    };
    let sets = tenants.iter().map(of_tenant).collect();
    Ok(Leg { provider: Some(first.provider.0), model, sets })
}
