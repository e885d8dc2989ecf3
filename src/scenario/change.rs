//! `[[change]]`: what an operator does meanwhile.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::{Span, Time};
use crate::governance::{Ledger, Whose};
use crate::policy::Pool;
use crate::sim::spec::{Change, Place, What};
use crate::sim::tenancy::Tenancy;

use super::at::At;
use super::error::Problem;
use super::fault::{On, routes};
use super::provider::Draft;
use super::suggest;
use super::tenant::{LimitsFile, index};
use super::unit::{Length, Share};

/// An operator changes the gateway's configuration, or what providers and tenants are allowed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeFile {
    /// When, after the start of the run.
    at: Length,
    /// What is done.
    kind: KindFile,
    /// Which routes, as for faults: "azure", "azure/key-2", "azure:chat", …; to rotate, one key.
    on: Option<On>,
    /// What providers admit from then on, as a multiple of what they admitted at the start; for a quota.
    to: Option<Share>,
    /// Whose limit, for a limit: this tenant's (of each of its keys),
    tenant: Option<String>,
    /// this team's,
    team: Option<String>,
    /// this customer's,
    customer: Option<String>,
    /// or this provider's for everybody.
    provider: Option<String>,
    /// The new maxima of limits that it has from the start, such as { budget = { "1d" = "5 USD" } }.
    limits: Option<LimitsFile>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum KindFile {
    /// Routes leave the configuration: nothing is sent there any more, attempts under way go on. A change at
    /// "0s" makes routes that come later.
    Remove,
    /// They are put (back) into the configuration.
    Add,
    /// A new key takes the place of one: nobody has seen it before, and unless it is in a pool its limit is unused. It
    /// is called "…-new", and what is on the old key alone, such as a fault, is not on it.
    Rotate,
    /// Providers raise or lower their limits. The gateway is not told; headers say so.
    Quota,
    /// A tenant's limits are raised or lowered; what was used stays used.
    Limit,
    /// The gateway reads its configuration again: policies forget what they have learnt, attempts under way go on.
    Reload,
}

impl ChangeFile {
    /// A kind takes certain keys, and needs the first of them.
    fn check(&self, at: &At) -> Result<(), Problem> {
        let Self { at: _, kind, on, to, tenant, team, customer, provider, limits } = self;
        let keys = [
            ("on", on.is_some()),
            ("to", to.is_some()),
            ("tenant", tenant.is_some()),
            ("team", team.is_some()),
            ("customer", customer.is_some()),
            ("provider", provider.is_some()),
            ("limits", limits.is_some()),
        ];
        let (word, takes, needs): (_, &[&str], &[&str]) = match kind {
            KindFile::Remove => ("remove", &["on"], &["on"]),
            KindFile::Add => ("add", &["on"], &["on"]),
            KindFile::Rotate => ("rotate", &["on"], &["on"]),
            KindFile::Quota => ("quota", &["on", "to"], &["on", "to"]),
            KindFile::Limit => {
                ("limit", &["tenant", "team", "customer", "provider", "limits"], &["limits"])
            }
            KindFile::Reload => ("reload", &[], &[]),
        };
        for (key, is_there) in keys {
            if is_there && !takes.contains(&key) {
                let at = at.key(key);
                let what = format!("`{at}` has no effect on a change of kind \"{word}\"");
                return Err(Problem::new(at, what).expected("not a key here"));
            }
            if !is_there && needs.contains(&key) {
                let what = format!("`{at}`: a change of kind \"{word}\" needs `{key}`");
                let example = match key {
                    "on" => "on = \"azure/key-2\"",
                    "to" => "to = \"150%\"",
                    _ => "limits = { budget = { \"1d\" = \"5 USD\" } }",
                };
                return Err(Problem::new(at.clone(), what).expected(format!("expected {example}")));
            }
        }
        Ok(())
    }

    /// The provider and the key of a rotation.
    fn key(&self, at: &At) -> Result<Option<(&str, &str)>, Problem> {
        if self.kind != KindFile::Rotate {
            return Ok(None);
        }
        let one = match &self.on {
            Some(On::One(text)) => text.split_once('/').filter(|(provider, key)| {
                !provider.contains(['*', ':', '@']) && !key.contains([':', '@'])
            }),
            _ => None,
        };
        one.map(Some).ok_or_else(|| {
            let at = at.key("on");
            Problem::new(at.clone(), format!("`{at}` is not one key"))
                .expected("expected a provider and its key, such as \"azure/key-2\"")
        })
    }
}

fn place(index: usize) -> At {
    At::top().key("change").item(index)
}

/// Adds the keys that take the place of others.
pub(crate) fn new_keys(files: &[ChangeFile], drafts: &mut [Draft]) -> Result<(), Problem> {
    for (number, file) in files.iter().enumerate() {
        let at = place(number);
        let Some((provider, key)) = file.key(&at)? else { continue };
        let names: Vec<String> = drafts.iter().map(|draft| draft.name.clone()).collect();
        let names = names.iter().map(String::as_str);
        let draft = &mut drafts[index(provider, names, &at.key("on"), "provider")? as usize];
        if draft.replace(key).is_none() {
            let known: Vec<&str> = draft.keys.iter().map(|key| key.name.as_str()).collect();
            return Err(Problem::new(at.key("on"), format!("there is no key `{key}`"))
                .expected("expected a key of this provider")
                .help(suggest::help(key, &known)));
        }
    }
    Ok(())
}

/// The changes of the gateway and its providers.
pub(crate) fn changes(
    files: &[ChangeFile],
    pool: &Pool,
    places: &[Place],
    horizon: Span,
) -> Result<Vec<Change>, Problem> {
    let mut changes = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let at = place(index);
        if file.at.0 >= horizon {
            return Err(Problem::new(at.key("at"), format!("`{}` is after the run", at.key("at")))
                .expected(format!("the run ends at {horizon}")));
        }
        file.check(&at)?;
        let on = |on: &Option<On>| {
            let on = on.as_ref().expect("checked");
            routes(on, None, &at.key("on"), pool)
        };
        let what = match file.kind {
            KindFile::Remove => What::Routes { routes: on(&file.on)?, present: false },
            KindFile::Add => What::Routes { routes: on(&file.on)?, present: true },
            KindFile::Rotate => {
                let (provider, key) = file.key(&at)?.expect("it rotates");
                let new = Some(On::One(format!("{provider}/{key}-new")));
                What::Key { old: on(&file.on)?, new: on(&new)? }
            }
            KindFile::Quota => quota(file, &on(&file.on)?, places, &at)?,
            KindFile::Limit => continue,
            KindFile::Reload => What::Reload,
        };
        changes.push(Change { at: Time::ZERO + file.at.0, what });
    }
    changes.sort_by_key(|change| change.at);
    Ok(changes)
}

/// Routes that draw on one limit have it raised together.
fn quota(file: &ChangeFile, on: &[u32], places: &[Place], at: &At) -> Result<What, Problem> {
    let factor = file.to.map_or(1.0, |share| share.0);
    if factor <= 0.0 || factor > QUOTA_MAX {
        let at = at.key("to");
        return Err(Problem::new(at.clone(), format!("`{at}` cannot be {}%", 100.0 * factor))
            .expected("expected a multiple above 0 and up to 100 times, such as \"150%\""));
    }
    let mut drawn: Vec<u32> =
        on.iter().flat_map(|&route| places[route as usize].limits()).collect();
    drawn.sort_unstable();
    drawn.dedup();
    if drawn.is_empty() {
        let at = at.key("on");
        return Err(Problem::new(at.clone(), format!("`{at}` has no limits"))
            .expected("expected a provider with a `tpm` or an `rpm`"));
    }
    let shares = |place: &Place| place.limits().any(|limit| drawn.binary_search(&limit).is_ok());
    let routes = (0..places.len() as u32).filter(|&route| shares(&places[route as usize]));
    Ok(What::Quota { routes: routes.collect(), factor })
}

/// Most that a limit grows to (our choice).
const QUOTA_MAX: f64 = 100.0;

/// The changes of what tenants are allowed.
pub(crate) fn limits(
    files: &[ChangeFile],
    tenancy: Option<&Tenancy>,
) -> Result<Vec<Change>, Problem> {
    let mut changes = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let (KindFile::Limit, Some(limits)) = (file.kind, &file.limits) else { continue };
        let at = place(number);
        let Some(tenancy) = tenancy else {
            return Err(Problem::new(at, "nobody has limits to change")
                .expected("expected a [tenant.NAME] with limits"));
        };
        let owner = Owner::of(file, tenancy, &at)?;
        let wanted = limits.limits(&at.key("limits"))?;
        if wanted.iter().any(|new| new.used > 0 || new.running > Span::ZERO || new.window.aligned) {
            let at = at.key("limits");
            return Err(Problem::new(at, "only how much may be used can change meanwhile")
                .expected("expected `budget`, `requests` and `tokens` only"));
        }
        let mut ledger = Ledger::new(&tenancy.plan).expect("the plan has been checked");
        let own: Vec<_> = (ledger.readings(Time::ZERO).enumerate())
            .filter(|(_, of)| owner.has(of.whose, tenancy))
            .collect();
        let mut maxima = Vec::new();
        for new in &wanted {
            let same = own
                .iter()
                .filter(|(_, of)| of.kind == new.kind && of.window.length == new.window.length);
            let before = maxima.len();
            maxima.extend(same.map(|(place, _)| (*place, new.max)));
            if maxima.len() == before {
                let at = at.key("limits");
                let (kind, window) = (new.kind.name(), new.window.length.name());
                return Err(Problem::new(
                    at,
                    format!("there is no {kind} of \"{window}\" to change"),
                )
                .expected("expected a limit that it has from the start"));
            }
        }
        if maxima.is_empty() {
            return Err(Problem::new(at.key("limits"), "there is nothing to change")
                .expected("expected such as { budget = { \"1d\" = \"5 USD\" } }"));
        }
        changes.push(Change { at: Time::ZERO + file.at.0, what: What::Limits(maxima) });
    }
    Ok(changes)
}

/// Whose limits change.
enum Owner {
    Tenant(u32),
    Team(u32),
    Customer(u32),
    Provider(u16),
}

impl Owner {
    fn of(file: &ChangeFile, tenancy: &Tenancy, at: &At) -> Result<Self, Problem> {
        let plan = &tenancy.plan;
        let tenants = tenancy.tenants.iter().map(|tenant| tenant.name.as_str());
        match (&file.tenant, &file.team, &file.customer, &file.provider) {
            (Some(name), None, None, None) => {
                index(name, tenants, &at.key("tenant"), "tenant").map(Self::Tenant)
            }
            (None, Some(name), None, None) => {
                let known = plan.teams.iter().map(|team| team.name.as_str());
                index(name, known, &at.key("team"), "team").map(Self::Team)
            }
            (None, None, Some(name), None) => {
                let known = plan.customers.iter().map(|(name, _)| name.as_str());
                index(name, known, &at.key("customer"), "customer").map(Self::Customer)
            }
            (None, None, None, Some(name)) => {
                let known = plan.providers.iter().map(String::as_str);
                let at = index(name, known, &at.key("provider"), "provider")?;
                Ok(Self::Provider(at as u16))
            }
            _ => Err(Problem::new(at.clone(), "a limit is somebody's")
                .expected("expected one of `tenant`, `team`, `customer` and `provider`")),
        }
    }

    fn has(&self, whose: Whose, tenancy: &Tenancy) -> bool {
        match (self, whose) {
            (Self::Tenant(at), Whose::Key(key)) => {
                tenancy.tenants[*at as usize].keys.contains(&key)
            }
            (Self::Team(at), Whose::Team(of)) => *at == of,
            (Self::Customer(at), Whose::Customer(of)) => *at == of,
            (Self::Provider(at), Whose::Provider(of)) => *at == of,
            _ => false,
        }
    }
}
