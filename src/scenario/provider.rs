//! `[provider]`: who answers.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::region::REGIONS_MAX;
use crate::sim::spec::{Caching, Capacity, Latency, LimitRules};

use super::at::At;
use super::caching::CachingFile;
use super::error::Problem;
use super::keys::{Key, KeysFile};
use super::latency::LatencyFile;
use super::names;
use super::profile::{self, PROFILES, Profile};
use super::suggest;
use super::unit::{Count, Number, Quota, Share};

/// One provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderFile {
    /// Sourced latency, price and limit rules; `windtunnel list profiles` has them.
    #[schemars(extend("enum" = profile_names()))]
    profile: String,
    /// What was measured of its latency, in place of the profile's.
    latency: Option<LatencyFile>,
    /// What stands behind a route. Default "direct".
    kind: Option<KindFile>,
    /// How many keys, or a list of names or of { name, weight, tpm }. Default 1.
    keys: Option<KeysFile>,
    /// Models it serves. Default: all that are asked for.
    models: Option<Vec<String>>,
    /// Tokens per minute of all its keys together: "30M", or "200%" of its fair share of the
    /// offered tokens as its own rules charge them. Default: no limit.
    tpm: Option<Quota>,
    /// Requests per minute, likewise. Default: what the profile ties to `tpm`, or no limit.
    rpm: Option<Quota>,
    /// Name of a pool whose keys share one limit per model and region; other providers may be in it
    /// too. Default: each key has its own.
    pool: Option<String>,
    /// Regions; each key serves all of them, with limits, load and faults of their own. Of a
    /// "bedrock-cris": 2 to 4, the source region first, not seen by the gateway.
    regions: Option<Vec<String>>,
    /// Requests that each model serves at once in each region. Default: no capacity limit and no
    /// slowdown.
    concurrency: Option<Count>,
    /// Requests that may wait beyond that. Default 0.
    queue: Option<Count>,
    /// How load slows decoding: 1/(1 − load)^slowdown. Default 0; needs `concurrency`.
    slowdown: Option<Number>,
    /// What its models are good for, as an embedding of the length of `topics`, for semantic routing.
    /// Default: nothing is said, which makes it the catch-all.
    about: Option<Vec<Number>>,
    /// Static weight of its routes. Default 1.
    weight: Option<Number>,
    /// Share of attempts that fail by themselves with a 500. Default "0.05%".
    error_rate: Option<Share>,
    /// Share of attempts that never answer. Default "0.02%".
    hang_rate: Option<Share>,
    /// Its prompt cache, in place of the profile's.
    prompt_cache: Option<CachingFile>,
}

/// What stands behind a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum KindFile {
    /// The endpoint of one region; each region is a route of its own.
    #[default]
    Direct,
    /// A Bedrock cross-region profile: one route per key and model, whose `regions` the gateway does not
    /// see. Each region has a limit of its own and an even part of the provider's: with "150%" and three
    /// regions all of them together admit 1.5 fair shares, and the source region alone half of one. An
    /// attempt is served by the source region if its limit admits it, else 20 to 50 ms later by the next
    /// region whose limit does, else it is refused with a 429. The price is that of the source region. A
    /// fault hits all regions alike. Needs `regions`, a limit, and a profile of Bedrock.
    BedrockCris,
}

/// Background between incidents (our choice from probes at 0.015 % and fleets at 1.4–2 % with
/// clients' faults).
const ERROR_RATE: f64 = 0.000_5;
const HANG_RATE: f64 = 0.000_2;
/// How long a refusal or an error takes (our choice within the 50–200 ms of published incidents).
pub(super) const ERROR_AFTER: Span = Span::from_millis(80);
const SLOWDOWN_MAX: f64 = 5.0;

/// What the file says of a provider, checked; limits are still relative.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) at: At,
    pub(crate) profile: &'static Profile,
    pub(crate) latency: Latency,
    pub(crate) keys: Vec<Key>,
    /// Indices of models, in the order of the scenario.
    pub(crate) models: Vec<u16>,
    /// At least one, as routes name them; a single empty name where the file gives none or the
    /// gateway does not see them.
    pub(crate) regions: Vec<String>,
    /// Regions behind each route, the source region first; empty where a route is of one region.
    pub(crate) hidden: Vec<String>,
    pub(crate) tpm: Option<Quota>,
    pub(crate) rpm: Option<Quota>,
    pub(crate) pool: Option<String>,
    pub(crate) capacity: Option<Capacity>,
    pub(crate) about: Vec<f64>,
    pub(crate) error_rate: f64,
    pub(crate) hang_rate: f64,
    pub(crate) caching: Option<Caching>,
}

impl Draft {
    /// Adds a key that will take the place of another, and gives its name; `None` if there is no such key.
    pub(crate) fn replace(&mut self, old: &str) -> Option<String> {
        let at = self.keys.iter().position(|key| key.name == old)?;
        let name = format!("{old}-new");
        let new = Key { name: name.clone(), replaces: Some(at), ..self.keys[at].clone() };
        self.keys.push(new);
        Some(name)
    }

    /// Keys at one time.
    pub(crate) fn keys_at_once(&self) -> usize {
        self.keys.iter().filter(|key| key.replaces.is_none()).count()
    }
}

impl ProviderFile {
    /// Checks the provider on its own.
    pub(crate) fn draft(self, name: &str, known_models: &[String]) -> Result<Draft, Problem> {
        let Self {
            profile: profile_name,
            latency,
            kind,
            keys,
            models,
            tpm,
            rpm,
            pool,
            regions,
            concurrency,
            queue,
            slowdown,
            about,
            weight,
            error_rate,
            hang_rate,
            prompt_cache,
        } = self;
        let at = At::top().key("provider").key(name);
        names::check(name, &at, "provider")?;
        let profile = profile::find(&profile_name).ok_or_else(|| {
            Problem::new(at.key("profile"), format!("there is no profile `{profile_name}`"))
                .expected("expected a profile such as \"azure/gpt-4o\"")
                .help(suggest::help(&profile_name, &profile_names()))
        })?;
        if let Some(pool) = &pool {
            names::check(pool, &at.key("pool"), "pool")?;
        }
        let weight = weight.map_or(1.0, |weight| weight.0);
        if weight < 0.0 {
            let message = format!("`{}` cannot be {weight}", at.key("weight"));
            return Err(Problem::new(at.key("weight"), message)
                .expected("expected a weight of at least 0, such as 2"));
        }
        let named = places(regions, &at.key("regions"))?;
        let (tpm, rpm) = (positive(tpm, &at.key("tpm"))?, positive(rpm, &at.key("rpm"))?);
        let (regions, hidden) = match kind.unwrap_or_default() {
            KindFile::Direct => (named, Vec::new()),
            KindFile::BedrockCris => {
                check_cris(profile, &named, tpm.is_some() || rpm.is_some(), &at)?;
                (vec![String::new()], named)
            }
        };
        Ok(Draft {
            name: name.to_owned(),
            latency: latency.unwrap_or_default().over(&profile.latency, &at.key("latency"))?,
            profile,
            keys: keys.unwrap_or_default().keys(&at.key("keys"), weight)?,
            models: served(models, &at.key("models"), known_models)?,
            regions,
            hidden,
            tpm,
            rpm,
            pool,
            about: about.unwrap_or_default().iter().map(|x| x.0).collect(),
            capacity: capacity(concurrency, queue, slowdown, &at)?,
            error_rate: part(error_rate, ERROR_RATE, &at.key("error_rate"))?,
            hang_rate: part(hang_rate, HANG_RATE, &at.key("hang_rate"))?,
            caching: match prompt_cache {
                None => profile.caching,
                Some(file) => Some(file.over(profile.caching, &at.key("prompt_cache"))?),
            },
            at,
        })
    }
}

fn profile_names() -> Vec<&'static str> {
    PROFILES.iter().map(|profile| profile.name).collect()
}

fn served(models: Option<Vec<String>>, at: &At, known: &[String]) -> Result<Vec<u16>, Problem> {
    let Some(models) = models else { return Ok((0..known.len() as u16).collect()) };
    let names: Vec<_> = known.iter().map(String::as_str).collect();
    let mut indices = Vec::with_capacity(models.len());
    for (index, model) in models.iter().enumerate() {
        let found = known.iter().position(|name| name == model).ok_or_else(|| {
            Problem::new(at.item(index), format!("nobody asks for a model `{model}`"))
                .expected("expected a model of the workload")
                .help(suggest::help(model, &names))
        })?;
        indices.push(found as u16);
    }
    indices.sort_unstable();
    indices.dedup();
    if indices.is_empty() {
        return Err(Problem::new(at.clone(), format!("`{at}` is empty"))
            .expected("expected at least one model, such as [\"chat\"]"));
    }
    Ok(indices)
}

fn places(regions: Option<Vec<String>>, at: &At) -> Result<Vec<String>, Problem> {
    let Some(regions) = regions else { return Ok(vec![String::new()]) };
    for (index, region) in regions.iter().enumerate() {
        names::check(region, &at.item(index), "region")?;
        if regions[..index].contains(region) {
            return Err(Problem::new(at.item(index), format!("region `{region}` comes twice"))
                .expected("expected another name"));
        }
    }
    if regions.is_empty() {
        return Err(Problem::new(at.clone(), format!("`{at}` is empty"))
            .expected("expected at least one region, such as [\"us-east-1\"]"));
    }
    Ok(regions)
}

/// What a cross-region profile needs.
fn check_cris(
    profile: &Profile,
    regions: &[String],
    is_limited: bool,
    at: &At,
) -> Result<(), Problem> {
    if !matches!(profile.rules, LimitRules::Bedrock { .. }) {
        let message = format!("`{}` is not of Bedrock", profile.name);
        return Err(Problem::new(at.key("profile"), message)
            .expected("expected a profile of Bedrock for a \"bedrock-cris\"")
            .help("for example profile = \"bedrock/sonnet\""));
    }
    if !(2..=REGIONS_MAX).contains(&regions.len()) {
        let message = format!("a \"bedrock-cris\" cannot have {} regions", regions.len());
        return Err(Problem::new(at.key("regions"), message)
            .expected("expected 2 to 4 regions, the source region first")
            .help("for example regions = [\"us-east-1\", \"us-west-2\"]"));
    }
    if !is_limited {
        let message = format!("`{}` has no effect without a limit", at.key("kind"));
        return Err(Problem::new(at.key("kind"), message)
            .expected("regions are tried as their limits fill")
            .help("for example tpm = \"200%\""));
    }
    Ok(())
}

fn positive(quota: Option<Quota>, at: &At) -> Result<Option<Quota>, Problem> {
    match quota {
        Some(Quota::Absolute(0)) => Err(Problem::new(at.clone(), format!("`{at}` cannot be 0"))
            .expected("expected a limit per minute such as \"30M\" or \"200%\"")),
        Some(Quota::Relative(share)) if share <= 0.0 || share > 1e6 => {
            Err(Problem::new(at.clone(), format!("`{at}` cannot be {}%", share * 100.0))
                .expected("expected a multiple of the fair share such as \"200%\""))
        }
        Some(_) | None => Ok(quota),
    }
}

fn part(share: Option<Share>, default: f64, at: &At) -> Result<f64, Problem> {
    let share = share.map_or(default, |share| share.0);
    if share <= 1.0 {
        return Ok(share);
    }
    Err(Problem::new(at.clone(), format!("`{at}` cannot be {}%", share * 100.0))
        .expected("expected a share up to \"100%\", such as \"0.05%\""))
}

fn capacity(
    concurrency: Option<Count>,
    queue: Option<Count>,
    slowdown: Option<Number>,
    at: &At,
) -> Result<Option<Capacity>, Problem> {
    let whole = |count: Count, key: &str| {
        u32::try_from(count.0).map_err(|_| {
            Problem::new(at.key(key), format!("`{}` cannot be {}", at.key(key), count.0))
                .expected("expected a whole number such as 2_000")
        })
    };
    let Some(concurrency) = concurrency else {
        for (key, given) in [("queue", queue.is_some()), ("slowdown", slowdown.is_some())] {
            if given {
                let message = format!("`{}` has no effect without `concurrency`", at.key(key));
                return Err(Problem::new(at.key(key), message)
                    .expected("load is measured against `concurrency`")
                    .help("for example concurrency = 2_000"));
            }
        }
        return Ok(None);
    };
    if concurrency.0 == 0 {
        let message = format!("`{}` cannot be 0", at.key("concurrency"));
        return Err(Problem::new(at.key("concurrency"), message)
            .expected("expected at least 1, such as 2_000"));
    }
    let slowdown = slowdown.map_or(0.0, |number| number.0);
    if !(0.0..=SLOWDOWN_MAX).contains(&slowdown) {
        let message = format!("`{}` cannot be {slowdown}", at.key("slowdown"));
        return Err(Problem::new(at.key("slowdown"), message)
            .expected("expected an exponent from 0 to 5, such as 0.5"));
    }
    Ok(Some(Capacity {
        concurrency: whole(concurrency, "concurrency")?,
        queue: whole(queue.unwrap_or(Count(0)), "queue")?,
        slowdown,
    }))
}
