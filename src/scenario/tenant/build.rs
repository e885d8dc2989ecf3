//! Tables of tenants become a plan, and the sets of routes that requests are confined to.

use crate::engine::Span;
use crate::governance::{
    Charging, Eligible, List, ModelLimit, Owner, Plan, ProviderConfig, Scope, Team, VirtualKey,
};
use crate::policy::{Pool, RouteId, RouteInfo, SetId};
use crate::sim::spec::{Change, Class, What};
use crate::sim::tenancy::{Tenancy, Tenant};

use super::super::at::At;
use super::super::error::Problem;
use super::super::ordered::Ordered;
use super::super::rule::{self, RuleFile};
use super::super::suggest;
use super::{AccessFile, ChargingFile, CustomerFile, GovernanceFile, TeamFile, TenantFile};

/// Virtual keys of one scenario (our choice: a run of minutes does not reach more).
const KEYS_MAX: u64 = 1_000_000;
/// Providers of a tenant whose eligibility may change: every subset of them is a set of routes.
const NARROWED_MAX: usize = 8;

/// How often processes tell each other what tenants have used (our choice).
const SYNC: Span = Span::from_secs(1);

/// Clocks that are further apart are no clocks (our choice).
const SKEW_MAX: Span = Span::from_secs(3_600);

/// What a scenario says of tenants.
pub(crate) struct Tables {
    pub(crate) tenant: Option<Ordered<TenantFile>>,
    pub(crate) team: Option<Ordered<TeamFile>>,
    pub(crate) customer: Option<Ordered<CustomerFile>>,
    pub(crate) governance: GovernanceFile,
    pub(crate) rule: Vec<RuleFile>,
}

impl Tables {
    /// Who may use what; the sets of routes go into the pool. `None` without tenants.
    pub(crate) fn tenancy(
        &self,
        pool: &mut Pool,
        classes: &[Class],
        changes: &[Change],
        epoch: u64,
    ) -> Result<Option<Tenancy>, Problem> {
        let Some(tenants) = self.tenant.as_ref().filter(|tenants| !tenants.0.is_empty()) else {
            return self.without_tenants();
        };
        let mut plan = Plan {
            providers: pool.providers.clone(),
            models: pool.models.clone(),
            epoch,
            charging: match self.governance.charging {
                Some(ChargingFile::Reserved) => Charging::Reserved,
                Some(ChargingFile::PostPaid) | None => Charging::PostPaid,
            },
            ..Plan::default()
        };
        for (name, customer) in entries(self.customer.as_ref()) {
            let at = At::top().key("customer").key(name).key("limits");
            plan.customers.push((name.clone(), customer.limits.limits(&at)?));
        }
        for (name, team) in entries(self.team.as_ref()) {
            let at = At::top().key("team").key(name);
            let customer = team.customer.as_ref();
            let customer = customer.map(|of| self.customer(of, &at.key("customer"))).transpose()?;
            let limits = team.limits.limits(&at.key("limits"))?;
            plan.teams.push(Team { name: name.clone(), customer, limits });
        }
        self.everybody(&mut plan)?;
        let mut sets = Sets::default();
        let mut list = Vec::with_capacity(tenants.0.len());
        let replaced = replaced(changes, pool);
        for (name, file) in &tenants.0 {
            let at = At::top().key("tenant").key(name);
            let tenant =
                self.tenant(name, file, &at, (pool, &replaced), classes, &mut plan, &mut sets)?;
            list.push(tenant);
        }
        for (class, at) in (0..classes.len() as u16).zip(0..) {
            if !list.iter().any(|tenant: &Tenant| tenant.class.is_none_or(|own| own == class)) {
                let name = &classes[at].name;
                let what = format!("requests of class `{name}` are of no tenant");
                return Err(Problem::new(At::top().key("tenant"), what).expected(
                    "expected a tenant with this class, or one without a class of its own",
                ));
            }
        }
        let sync = self.governance.sync.map_or(Some(SYNC), |sync| sync.0);
        let skew = self.skew()?;
        let (rules, conditions) = rule::rules(&self.rule, &plan, &list, pool, &mut sets)?;
        pool.sets = sets.0.into();
        // What the plan can find wrong has been looked at above, apart from numbers out of range.
        crate::governance::Ledger::new(&plan)
            .map_err(|error| Problem::new(At::top().key("tenant"), error.to_string()))?;
        Ok(Some(Tenancy { plan, tenants: list, rules, conditions, sync, skew }))
    }

    fn skew(&self) -> Result<Span, Problem> {
        let skew = self.governance.skew.map_or(Span::ZERO, |length| length.0);
        if skew > SKEW_MAX {
            let at = At::top().key("governance").key("skew");
            return Err(Problem::new(at.clone(), format!("`{at}` cannot be {skew}"))
                .expected("expected a length of time up to \"1h\", such as \"500ms\""));
        }
        Ok(skew)
    }

    fn without_tenants(&self) -> Result<Option<Tenancy>, Problem> {
        let GovernanceFile { charging, sync, skew, provider, model } = &self.governance;
        let governance = charging.is_some()
            || sync.is_some()
            || skew.is_some()
            || provider.is_some()
            || model.is_some();
        let tables = [
            ("team", self.team.is_some()),
            ("customer", self.customer.is_some()),
            ("governance", governance),
            ("rule", !self.rule.is_empty()),
        ];
        match tables.into_iter().find(|(_, said)| *said) {
            None => Ok(None),
            Some((key, _)) => Err(Problem::new(
                At::top().key(key),
                format!("`{key}` has no effect without tenants"),
            )
            .expected("expected a [tenant.NAME] as well")
            .help("[tenant.all] with nothing in it may use everything")),
        }
    }

    fn customer(&self, name: &str, at: &At) -> Result<u32, Problem> {
        index(name, entries(self.customer.as_ref()).map(|(name, _)| name.as_str()), at, "customer")
    }

    fn everybody(&self, plan: &mut Plan) -> Result<(), Problem> {
        let at = At::top().key("governance");
        for (name, file) in entries(self.governance.provider.as_ref()) {
            let at = at.key("provider").key(name);
            let provider = index(name, plan.providers.iter().map(String::as_str), &at, "provider")?;
            let limits = file.limits(&at)?;
            plan.provider_limits.extend(limits.into_iter().map(|limit| (provider as u16, limit)));
        }
        for (name, file) in entries(self.governance.model.as_ref()) {
            let at = at.key("model").key(name);
            let model = index(name, plan.models.iter().map(String::as_str), &at, "model")?;
            plan.model_limits.extend(file.limits(&at)?.into_iter().map(|limit| ModelLimit {
                scope: Scope::Global,
                model: Some(model as u16),
                provider: None,
                limit,
            }));
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one caller, and all of it is read")]
    fn tenant(
        &self,
        name: &str,
        file: &TenantFile,
        at: &At,
        (pool, replaced): (&Pool, &[Replaced<'_>]),
        classes: &[Class],
        plan: &mut Plan,
        sets: &mut Sets,
    ) -> Result<Tenant, Problem> {
        let class = match &file.class {
            None => None,
            Some(class) => {
                let known = classes.iter().map(|class| class.name.as_str());
                Some(index(class, known, &at.key("class"), "class")? as u16)
            }
        };
        let share = file.share.map_or(1.0, |share| share.0);
        if share <= 0.0 || (class.is_some() && file.share.is_some()) {
            let at = at.key("share");
            return Err(Problem::new(at.clone(), format!("`{at}` cannot be {share} here"))
                .expected(
                    "expected a weight above 0, and none for a tenant that has a class of its own",
                ));
        }
        let keys = file.keys.map_or(1, |keys| keys.0);
        if keys == 0 || keys + plan.keys.len() as u64 > KEYS_MAX {
            let at = at.key("keys");
            return Err(Problem::new(at.clone(), format!("`{at}` cannot be {keys}"))
                .expected("expected 1 to 1_000_000 virtual keys in all, such as 1_000"));
        }
        let owner = match (&file.team, &file.customer) {
            (Some(_), Some(_)) => {
                let at = at.key("customer");
                return Err(Problem::new(at.clone(), format!("`{at}` is said by its team"))
                    .expected("expected a team or a customer, not both"));
            }
            (Some(team), None) => {
                let known = entries(self.team.as_ref()).map(|(name, _)| name.as_str());
                Owner::Team(index(team, known, &at.key("team"), "team")?)
            }
            (None, Some(of)) => Owner::Customer(self.customer(of, &at.key("customer"))?),
            (None, None) => Owner::Nobody,
        };
        let mut configs = configs(file, at, pool)?;
        for config in &mut configs {
            config.keys = succeeded(&config.keys, config.provider, replaced);
        }
        let limits = file.limits.limits(&at.key("limits"))?;
        let first = plan.keys.len() as u32;
        for key in 0..keys {
            plan.keys.push(VirtualKey {
                name: if keys == 1 { name.to_owned() } else { format!("{name}/{}", key + 1) },
                owner,
                active: true,
                expires: None,
                configs: configs.clone(),
                limits: limits.clone(),
            });
        }
        let draws = configs.iter().any(|config| config.weight.is_some_and(|weight| weight > 0.0));
        let narrows = draws
            || configs.iter().any(|config| {
                let provider = config.provider;
                let everybodys = plan.provider_limits.iter().any(|(of, _)| *of == provider);
                !config.limits.is_empty() || everybodys
            })
            || plan.charging == Charging::Reserved;
        if narrows && configs.len() > NARROWED_MAX {
            let at = at.key("provider");
            let what =
                format!("`{at}` has {} providers whose eligibility may change", configs.len());
            return Err(Problem::new(at, what).expected("expected at most 8, or none with limits"));
        }
        let mut numbers = vec![None; pool.providers.len()];
        for (number, config) in configs.iter().enumerate() {
            numbers[usize::from(config.provider)] = Some(number as u8);
        }
        let subsets = if narrows { 0..1u64 << configs.len() } else { 0..1 };
        let all = Eligible::all(configs.len());
        let set = |bits: u64| {
            let eligible = if narrows { Eligible(bits) } else { all };
            sets.of(pool, &configs, eligible)
        };
        Ok(Tenant {
            name: name.to_owned(),
            class,
            share,
            keys: first..first + keys as u32,
            skew: file.skew.map_or(1.0, |skew| skew.0),
            sets: subsets.map(set).collect(),
            configs: numbers,
            draws,
        })
    }
}

/// A provider, a key of it, and the one that will take its place.
type Replaced<'a> = (u16, &'a str, &'a str);

fn replaced<'a>(changes: &[Change], pool: &'a Pool) -> Vec<Replaced<'a>> {
    let of = |change: &Change| match &change.what {
        What::Key { old, new } => {
            let [old, new] = [old[0], new[0]].map(|route| &pool.routes[route as usize]);
            Some((old.provider.0, old.key.as_str(), new.key.as_str()))
        }
        _ => None,
    };
    changes.iter().filter_map(of).collect()
}

/// A list of keys, with those that will take the place of some of them.
fn succeeded(keys: &List<String>, provider: u16, replaced: &[Replaced<'_>]) -> List<String> {
    let mut keys = keys.clone();
    if let List::Only(list) = &mut keys {
        for (of, old, new) in replaced {
            if *of == provider && list.iter().any(|key| key == old) {
                list.push((*new).to_owned());
            }
        }
    }
    keys
}

/// What a tenant may use, provider by provider.
fn configs(file: &TenantFile, at: &At, pool: &Pool) -> Result<Vec<ProviderConfig>, Problem> {
    let Some(list) = &file.provider else {
        let all = |provider| ProviderConfig {
            provider,
            weight: None,
            models: List::All,
            blacklist: Vec::new(),
            keys: List::All,
            limits: Vec::new(),
        };
        return Ok((0..pool.providers.len() as u16).map(all).collect());
    };
    let at = at.key("provider");
    let is_weighted = list.0.iter().any(|(_, access)| access.weight.is_some());
    let mut configs = Vec::with_capacity(list.0.len());
    for (name, access) in &list.0 {
        let at = at.key(name);
        let known = pool.providers.iter().map(String::as_str);
        let provider = index(name, known, &at, "provider")? as u16;
        if is_weighted && access.weight.is_none() {
            continue;
        }
        configs.push(config(access, provider, &at, pool)?);
    }
    configs.sort_by_key(|config| config.provider);
    Ok(configs)
}

fn config(
    access: &AccessFile,
    provider: u16,
    at: &At,
    pool: &Pool,
) -> Result<ProviderConfig, Problem> {
    let AccessFile { weight, models, blacklist, keys, limits } = access;
    let model = |name: &String, key: &str| {
        let known = pool.models.iter().map(String::as_str);
        index(name, known, &at.key(key), "model").map(|model| model as u16)
    };
    let own = pool.routes.iter().filter(|route| route.provider.0 == provider);
    let known: Vec<&str> = own.map(|route| route.key.as_str()).collect();
    for key in keys.iter().flatten() {
        index(key, known.iter().copied(), &at.key("keys"), "key")?;
    }
    let models = match models {
        None => List::All,
        Some(list) => {
            List::Only(list.iter().map(|name| model(name, "models")).collect::<Result<_, _>>()?)
        }
    };
    Ok(ProviderConfig {
        provider,
        weight: weight.map(|weight| weight.0),
        models,
        blacklist: blacklist
            .iter()
            .map(|name| model(name, "blacklist"))
            .collect::<Result<_, _>>()?,
        keys: keys.clone().map_or(List::All, List::Only),
        limits: limits.limits(&at.key("limits"))?,
    })
}

/// Sets of routes, each once.
#[derive(Default)]
pub(crate) struct Sets(Vec<Vec<RouteId>>);

impl Sets {
    /// The routes that these configurations allow, as far as they are eligible.
    fn of(&mut self, pool: &Pool, configs: &[ProviderConfig], eligible: Eligible) -> SetId {
        let may = |at: &usize| {
            let route = &pool.routes[*at];
            let mut own = configs.iter().enumerate().filter(|(at, _)| eligible.has(*at));
            own.any(|(_, config)| serves(config, route))
        };
        let routes: Vec<RouteId> =
            (0..pool.routes.len()).filter(may).map(|at| RouteId(at as u32)).collect();
        self.add(pool, routes)
    }

    /// Those of these routes that one of the configurations allows; `None` if there are none.
    pub(crate) fn narrowed(
        &mut self,
        pool: &Pool,
        configs: &[ProviderConfig],
        routes: &[u32],
    ) -> Option<SetId> {
        let may = |route: &&u32| {
            let info = &pool.routes[**route as usize];
            configs.iter().any(|config| serves(config, info))
        };
        let routes: Vec<RouteId> = routes.iter().filter(may).map(|at| RouteId(*at)).collect();
        (!routes.is_empty()).then(|| self.add(pool, routes))
    }

    fn add(&mut self, pool: &Pool, routes: Vec<RouteId>) -> SetId {
        if routes.len() == pool.routes.len() {
            return SetId::ALL;
        }
        let at = self.0.iter().position(|set| *set == routes).unwrap_or_else(|| {
            self.0.push(routes);
            self.0.len() - 1
        });
        SetId(at as u32 + 1)
    }
}

/// Whether a configuration allows a route.
fn serves(config: &ProviderConfig, route: &RouteInfo) -> bool {
    config.provider == route.provider.0
        && config.keys.has(route.key.as_str())
        && config.models.has(&route.model.0)
        && !config.blacklist.contains(&route.model.0)
}

fn entries<T>(table: Option<&Ordered<T>>) -> impl Iterator<Item = &(String, T)> {
    table.into_iter().flat_map(|table| &table.0)
}

/// Where a name stands among those known.
pub(crate) fn index<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str>,
    at: &At,
    what: &str,
) -> Result<u32, Problem> {
    let known: Vec<&str> = known.collect();
    known.iter().position(|other| *other == name).map(|at| at as u32).ok_or_else(|| {
        Problem::new(at.clone(), format!("there is no {what} `{name}`"))
            .expected(format!("expected a {what} of this scenario"))
            .help(suggest::help(name, &known))
    })
}
