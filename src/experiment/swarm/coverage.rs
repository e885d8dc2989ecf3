//! What the worlds of a swarm had in them, read off the scenarios themselves.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Item};

use crate::governance::{Charging, Kind, Limit};
use crate::policy::{POLICIES, Share};
use crate::scenario::Scenario;
use crate::scenario::fault::FAULTS;
use crate::sim::fleet::{NodeChange, Spread};
use crate::sim::spec::{Act, Arrivals, Gaps, LimitRules, What};
use crate::sim::tenancy::Redirect;

/// How many worlds had what.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Worlds counted.
    pub worlds: u64,
    /// One row a feature, those of a kind together.
    pub rows: Vec<Row>,
}

/// One feature.
#[derive(Clone, Debug)]
pub struct Row {
    /// What kind of feature.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Worlds that had it.
    pub worlds: u64,
    /// It must be in [`Coverage::LEAST`] of the worlds.
    pub must: bool,
}

const POLICY: &str = "policy";
const FAULT: &str = "fault";
const LIMIT: &str = "provider limit";
const TENANT: &str = "tenant limit";
const CLUSTER: &str = "cluster";
const OTHER: &str = "also";

const LIMITS: [&str; 6] =
    ["openai", "azure", "anthropic", "bedrock", "bedrock cross-region", "vertex"];
const TENANTS: [&str; 7] =
    ["requests", "tokens", "budget", "post-paid", "reserved", "calendar window", "partly spent"];
const CLUSTERS: [&str; 5] = ["one process", "workers", "none", "tpm-in-region", "full"];
const OTHERS: [&str; 30] = [
    "gamma, weibull arrivals",
    "on-off arrivals",
    "even arrivals",
    "closed loop",
    "changing rate",
    "several classes",
    "several models",
    "stored answers",
    "client gives up",
    "client SDK retries",
    "not streamed",
    "sessions",
    "topics",
    "capacity",
    "incidents",
    "attempts cut",
    "seen from a region",
    "routes removed",
    "keys rotated",
    "quota changed",
    "tenant limit changed",
    "rules",
    "fallbacks of rules",
    "parameters set",
    "holds released",
    "partition",
    "node dies",
    "node starts",
    "sticky spread",
    "session affinity",
];

impl Coverage {
    /// The least share of worlds that must have each feature of the catalogues.
    pub const LEAST: f64 = 0.02;

    /// Nothing counted yet.
    pub fn none() -> Self {
        let row =
            |kind, must| move |name: &str| Row { kind, name: name.to_owned(), worlds: 0, must };
        let policies = POLICIES.iter().map(|policy| policy.name);
        let faults = FAULTS.iter().map(|fault| format!("{} {}", fault.id, fault.name));
        let faults: Vec<String> = faults.collect();
        let rows = (policies.map(row(POLICY, true)))
            .chain(faults.iter().map(String::as_str).map(row(FAULT, true)))
            .chain(LIMITS.into_iter().map(row(LIMIT, true)))
            .chain(TENANTS.into_iter().map(row(TENANT, true)))
            .chain(CLUSTERS.into_iter().map(row(CLUSTER, true)))
            .chain(OTHERS.into_iter().map(row(OTHER, false)))
            .collect();
        Self { worlds: 0, rows }
    }

    /// Counts a world.
    pub fn add(&mut self, scenario: &Scenario) {
        self.worlds += 1;
        let has = features(scenario);
        for row in &mut self.rows {
            row.worlds += u64::from(has.contains(&(row.kind, row.name.clone())));
        }
    }

    /// Adds what another counted.
    pub fn join(&mut self, other: &Self) {
        self.worlds += other.worlds;
        for (row, other) in self.rows.iter_mut().zip(&other.rows) {
            row.worlds += other.worlds;
        }
    }

    /// Features that must be in more worlds than they are.
    pub fn missing(&self) -> impl Iterator<Item = &Row> {
        let least = Self::LEAST * self.worlds as f64;
        self.rows.iter().filter(move |row| row.must && (row.worlds as f64) < least)
    }
}

/// What a world has.
fn features(scenario: &Scenario) -> BTreeSet<(&'static str, String)> {
    let mut has = BTreeSet::new();
    let spec = &scenario.spec;
    has.insert((POLICY, scenario.policy.spec.name.to_owned()));
    for kind in fault_kinds(&scenario.source) {
        let known = FAULTS.iter().find(|fault| fault.name == kind || fault.id == kind);
        has.extend(known.map(|fault| (FAULT, format!("{} {}", fault.id, fault.name))));
    }
    for place in &spec.places {
        let rules = place.limit.map(|limit| spec.limits[limit as usize].rules);
        let name = match rules {
            None => continue,
            Some(LimitRules::OpenAi) => "openai",
            Some(LimitRules::Azure { .. }) => "azure",
            Some(LimitRules::Anthropic { .. }) => "anthropic",
            Some(LimitRules::Bedrock { .. }) if place.more > 0 => "bedrock cross-region",
            Some(LimitRules::Bedrock { .. }) => "bedrock",
            Some(LimitRules::Vertex { .. }) => "vertex",
        };
        has.insert((LIMIT, name.to_owned()));
    }
    has.extend(tenants(scenario).map(|name| (TENANT, name.to_owned())));
    has.insert((CLUSTER, cluster(scenario).to_owned()));
    has.extend(others(scenario).into_iter().map(|name| (OTHER, name.to_owned())));
    has
}

fn fault_kinds(source: &str) -> Vec<String> {
    let document: Result<DocumentMut, _> = source.parse();
    let faults = document.ok().and_then(|document| {
        let list = document.get("fault").and_then(Item::as_array_of_tables)?;
        let kind = |table: &toml_edit::Table| Some(table.get("kind")?.as_str()?.to_owned());
        Some(list.iter().filter_map(kind).collect())
    });
    faults.unwrap_or_default()
}

/// What a policy that shares nothing is told to share has no effect.
fn cluster(scenario: &Scenario) -> &'static str {
    let fleet = &scenario.spec.gateway.fleet;
    let shares = scenario.policy.spec.params.iter().any(|param| param.id == "share.mode");
    match (fleet.nodes.len(), fleet.share) {
        (1, _) if fleet.workers.is_some_and(|workers| workers > 1) => "workers",
        (1, _) => "one process",
        (_, Some(Share::LimitsInRegion)) if shares => "tpm-in-region",
        (_, Some(Share::Everything)) if shares => "full",
        _ => "none",
    }
}

fn tenants(scenario: &Scenario) -> impl Iterator<Item = &'static str> {
    let plan = scenario.spec.tenancy.as_ref().map(|tenancy| &tenancy.plan);
    let limits: Vec<&Limit> = plan.map(all_limits).unwrap_or_default();
    let any = |what: fn(&Limit) -> bool| limits.iter().any(|limit| what(limit));
    let has = [
        any(|limit| limit.kind == Kind::Requests),
        any(|limit| limit.kind == Kind::Tokens),
        any(|limit| limit.kind == Kind::Budget),
        plan.is_some_and(|plan| plan.charging == Charging::PostPaid),
        plan.is_some_and(|plan| plan.charging == Charging::Reserved),
        any(|limit| limit.window.aligned),
        any(|limit| limit.used > 0),
    ];
    TENANTS.into_iter().zip(has).filter(|(_, has)| *has).map(|(name, _)| name)
}

/// Every limit of a plan.
fn all_limits(plan: &crate::governance::Plan) -> Vec<&Limit> {
    let customers = plan.customers.iter().flat_map(|(_, limits)| limits);
    let teams = plan.teams.iter().flat_map(|team| &team.limits);
    let keys = plan.keys.iter().flat_map(|key| {
        key.limits.iter().chain(key.configs.iter().flat_map(|config| &config.limits))
    });
    let providers = plan.provider_limits.iter().map(|(_, limit)| limit);
    let models = plan.model_limits.iter().map(|of| &of.limit);
    customers.chain(teams).chain(keys).chain(providers).chain(models).collect()
}

fn others(scenario: &Scenario) -> Vec<&'static str> {
    let spec = &scenario.spec;
    let (fleet, classes) = (&spec.gateway.fleet, &spec.classes);
    let gaps = |which: fn(&Gaps) -> bool| {
        classes
            .iter()
            .any(|class| matches!(&class.arrivals, Arrivals::Open { gaps, .. } if which(gaps)))
    };
    let client = |which: fn(&crate::sim::spec::Class) -> bool| classes.iter().any(which);
    let happens =
        |which: fn(NodeChange) -> bool| fleet.events.iter().any(|event| which(event.what));
    let changed = |which: fn(&What) -> bool| spec.changes.iter().any(|change| which(&change.what));
    let redirects = |which: fn(&Redirect) -> bool| {
        spec.tenancy.as_ref().is_some_and(|tenancy| tenancy.rules.iter().any(which))
    };
    let has = [
        gaps(|gaps| matches!(gaps, Gaps::Gamma { .. } | Gaps::Weibull { .. })),
        gaps(|gaps| matches!(gaps, Gaps::OnOff { .. })),
        gaps(|gaps| *gaps == Gaps::Even),
        client(|class| matches!(class.arrivals, Arrivals::Closed { .. })),
        client(|class| matches!(&class.arrivals, Arrivals::Open { rate, .. } if rate.0.len() > 1)),
        classes.len() > 1,
        spec.pool.models.len() > 1,
        client(|class| class.cache.is_some()),
        client(|class| class.client.gives_up.is_some()),
        client(|class| class.client.sdk_retries > 0),
        client(|class| class.streamed < 1.0),
        client(|class| class.sessions > 0),
        client(|class| class.topics.len() > 1),
        spec.providers
            .iter()
            .any(|provider| provider.services.iter().any(|s| s.capacity.is_some())),
        spec.incidents.is_some(),
        spec.faults.iter().any(|fault| fault.in_flight == crate::sim::fault::InFlight::Cut),
        spec.faults.iter().any(|fault| fault.seen_from.is_some()),
        changed(|what| matches!(what, What::Routes { present: false, .. })),
        changed(|what| matches!(what, What::Key { .. })),
        changed(|what| matches!(what, What::Quota { .. })),
        changed(|what| matches!(what, What::Limits(_))),
        redirects(|_| true),
        redirects(|redirect| !redirect.fallbacks.is_empty()),
        spec.commands.iter().any(|command| matches!(command.act, Act::Set(_))),
        spec.commands.iter().any(|command| matches!(command.act, Act::Release(_))),
        !fleet.network.partitions.is_empty(),
        happens(|what| what == NodeChange::Dies),
        happens(|what| matches!(what, NodeChange::Starts { .. })),
        fleet.nodes.len() > 1 && fleet.spread == Spread::Sticky,
        scenario.policy.settings.on("layer.affinity"),
    ];
    OTHERS.into_iter().zip(has).filter(|(_, has)| *has).map(|(name, _)| name).collect()
}
