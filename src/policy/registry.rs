//! The one list of policies: parsing, help, docs and tests all read it.

use crate::engine::{Param, Settings, Time, Unit};

use super::contract::{Policy, Pool};
use super::{
    adaptive, bedrock, bifrost_oss, bifrost_v0, classic, cloudflare, field, kong, layer, litellm,
    oracle, plausible, proxy,
};

/// A policy as the registry knows it.
#[derive(Clone, Copy, Debug)]
pub struct PolicySpec {
    /// Name in files and on the command line.
    pub name: &'static str,
    /// Product and version that it models, or `windtunnel`.
    pub product: &'static str,
    /// Where its rule is written (vendor, page, date).
    pub source: &'static str,
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// Where it belongs in a comparison.
    pub family: Family,
    /// How well the model is known to match the product.
    pub grade: Grade,
    /// What of the product is not modelled; empty where nothing is known to be missing.
    pub left_out: &'static str,
    /// What running it takes.
    pub process: Process,
    /// What it may be given.
    pub params: &'static [Param],
    /// Values that differ from the table's defaults, in the order in which they are set.
    pub preset: &'static [&'static [(&'static str, f64)]],
    /// Makes the policy itself; [`PolicySpec::make`] is what callers want.
    pub build: Build,
}

/// Where a policy belongs in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// This project's own.
    Own,
    /// One of the five gateways of the vendors' comparison, as it ships.
    Vendor,
    /// One of the five, as its own documents would tune it.
    Tuned,
    /// A rule from the textbooks.
    Classic,
    /// Another gateway, proxy or paper.
    Field,
    /// Knows what nobody can know.
    Oracle,
}

/// How well a model is known to match what it models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Compared with traces of the real thing.
    Proven,
    /// From the source code of the product.
    Source,
    /// From documents.
    Documents,
    /// Ours, or a textbook's.
    Own,
}

/// What running a policy takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process {
    /// CPU time of the whole gateway per request, in microseconds; `None` if nobody measured it.
    pub cpu_us: Option<f64>,
    /// Requests per second that one worker process serves; `None` if one serves all.
    pub worker_rps: Option<f64>,
    /// What several workers or nodes share.
    pub shares: &'static str,
}

impl Process {
    /// One process that serves all.
    pub const ONE: Self = Self { cpu_us: None, worker_rps: None, shares: "one process" };
}

impl Family {
    /// Its word in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Vendor => "vendor",
            Self::Tuned => "tuned",
            Self::Classic => "classic",
            Self::Field => "field",
            Self::Oracle => "oracle",
        }
    }
}

impl Grade {
    /// Its words in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proven => "compared with the real thing",
            Self::Source => "from its source",
            Self::Documents => "from documents",
            Self::Own => "own or textbook",
        }
    }
}

/// Makes a policy from its parameters, or says why they contradict each other.
pub type Build = fn(&Settings, &Pool, Time, u64) -> Result<Box<dyn Policy>, String>;

/// All policies, in the order in which they are listed.
pub static POLICIES: &[PolicySpec] = &[
    adaptive::WINDTUNNEL,
    adaptive::BIFROST_PUBLISHED,
    adaptive::BIFROST_LITERAL,
    adaptive::BIFROST_2026,
    bifrost_v0::SPEC,
    bifrost_oss::SPEC,
    kong::presets::DEFAULT,
    kong::presets::DOCS_TUNED,
    kong::presets::CONSISTENT_HASHING,
    kong::presets::LOWEST_LATENCY,
    kong::presets::LOWEST_USAGE,
    kong::presets::LOWEST_COST,
    kong::presets::SEMANTIC,
    kong::presets::PRIORITY,
    litellm::SIMPLE_SHUFFLE,
    litellm::LEAST_BUSY,
    litellm::LATENCY_BASED,
    litellm::USAGE_BASED_V1,
    litellm::USAGE_BASED_V2,
    litellm::COST_BASED,
    litellm::DOCS_TUNED,
    cloudflare::FALLBACK,
    cloudflare::FALLBACK_RETRY,
    cloudflare::SPLIT_EVEN,
    cloudflare::SPLIT_LIMITED,
    bedrock::CRIS,
    bedrock::CRIS_DELAYED,
    classic::random::SPEC,
    classic::weighted_random::SPEC,
    classic::round_robin::SPEC,
    classic::smooth_weighted::SPEC,
    classic::least_outstanding::SPEC,
    classic::p2c::SPEC,
    classic::p2c_peak_ewma::SPEC,
    proxy::linkerd::LINKERD,
    proxy::linkerd::LINKERD_BREAKER,
    proxy::envoy::SPEC,
    proxy::agentgateway::SPEC,
    proxy::helicone::SPEC,
    proxy::haproxy::SPEC,
    field::c3::SPEC,
    field::grpc_wrr::SPEC,
    field::lmetric::SPEC,
    field::openrouter::classic::SPEC,
    field::openrouter::traffic::SPEC,
    field::prequal::SPEC,
    field::thompson::SPEC,
    oracle::SPEC,
];

/// The policy of this name.
pub fn find(name: &str) -> Option<&'static PolicySpec> {
    POLICIES.iter().find(|spec| spec.name == name)
}

/// The registry as a Markdown page, `docs/policies.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Policies\n\n\
         Generated from the registry of the program; do not edit: \
         `cargo test --test it docs::renew -- --ignored` renews it.\n\n\
         A policy is one way to route. Name it in a scenario (`policy = \"NAME\"`, or \
         `policy = { name = \"NAME\", parameter = value }`), or on the command line (`--policy NAME`, \
         `--set policy.parameter=value`). *Source* says where a value or rule is written; \"our choice\" \
         means that the public text is silent.\n",
    );
    for (index, policy) in POLICIES.iter().enumerate() {
        page.push_str(&format!(
            "\n## `{}`\n\n{}\n\n- models: {}\n- source: {}\n- fidelity: {}\n",
            policy.name,
            policy.doc,
            policy.product,
            policy.source,
            policy.grade.name()
        ));
        if !policy.left_out.is_empty() {
            page.push_str(&format!("- left out: {}\n", policy.left_out));
        }
        page.push_str(&process(&policy.process));
        let same = POLICIES[..index].iter().find(|other| same_table(other, policy));
        match same {
            _ if policy.params.is_empty() => page.push_str("- parameters: none\n"),
            Some(first) => presets(&mut page, policy, first),
            None => parameters(&mut page, policy, policy.params),
        }
    }
    page.push_str(
        "\n## Layers\n\nThey go around any policy, and are set like its own parameters. At the defaults \
         nothing is put around it.\n",
    );
    parameters(&mut page, &POLICIES[0], &layer::TABLE);
    page.push_str(&plausible::markdown());
    page
}

fn process(process: &Process) -> String {
    let mut line = String::new();
    if let Some(cpu) = process.cpu_us {
        line.push_str(&format!("- CPU per request: {cpu} µs\n"));
    }
    if let Some(rps) = process.worker_rps {
        line.push_str(&format!(
            "- one worker serves {rps} requests per second; shared: {}\n",
            process.shares
        ));
    }
    line
}

/// Whether two policies take the same parameters.
fn same_table(one: &PolicySpec, other: &PolicySpec) -> bool {
    let ids = |spec: &PolicySpec| spec.params.iter().map(|param| param.id).collect::<Vec<_>>();
    ids(one) == ids(other)
}

/// The parameters that differ from those of a policy with the same table.
fn presets(page: &mut String, policy: &PolicySpec, first: &PolicySpec) {
    page.push_str(&format!("- parameters: as `{}`, but\n", first.name));
    page.push_str("\n| parameter | value | there |\n| --- | --- | --- |\n");
    let (own, there) = (policy.settings(), first.settings());
    for ((param, value), (_, other)) in own.iter().zip(there.iter()) {
        if value.to_bits() != other.to_bits() {
            let (value, other) = (param.show(value), param.show(other));
            page.push_str(&format!("| `{}` | {value} | {other} |\n", param.id));
        }
    }
}

/// The parameters of a table at the values of a policy's preset.
fn parameters(page: &mut String, policy: &PolicySpec, table: &[Param]) {
    page.push_str(
        "\n| parameter | value | range | meaning | source |\n| --- | --- | --- | --- | --- |\n",
    );
    let settings = policy.settings();
    for param in table {
        let value = settings.get(param.id);
        let range = match param.unit {
            Unit::Switch => "true, false".to_owned(),
            Unit::Choice(words) => words.join(", "),
            Unit::Ratio | Unit::Number | Unit::Count | Unit::Seconds => {
                format!("{} to {}", param.show(param.min), param.show(param.max))
            }
        };
        let value = param.show(value);
        let row = [value, range, param.doc.to_owned(), param.source.to_owned()];
        page.push_str(&format!("| `{}` | {} |\n", param.id, row.join(" | ")));
    }
}

impl PolicySpec {
    /// Makes one for a gateway, with the layers that its settings ask for. `key` seeds whatever it draws at
    /// build time.
    ///
    /// # Errors
    /// A sentence, if the settings contradict each other.
    pub fn make(
        &self,
        settings: &Settings,
        pool: &Pool,
        now: Time,
        key: u64,
    ) -> Result<Box<dyn Policy>, String> {
        let inner = (self.build)(settings, &layer::pool(pool, settings), now, key)?;
        Ok(layer::around(inner, settings, pool.sets.len() as u32))
    }

    /// In a mutation run, one default is another.
    #[cfg(test)]
    fn mutate(&self, settings: &mut Settings) {
        for param in self.params {
            let value = super::mutation::default_of(self.product, param);
            settings.set(param.id, value).expect("mutations are legal values");
        }
    }

    /// Its parameters, and those of the layers that go around any policy, at the values of its preset.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::defaults(self.params).and(&layer::TABLE);
        #[cfg(test)]
        self.mutate(&mut settings);
        for (id, value) in self.preset.iter().copied().flatten() {
            settings.set(id, *value).expect("presets are tested against their table");
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_listed_once_with_a_legal_preset() {
        for (i, spec) in POLICIES.iter().enumerate() {
            assert!(POLICIES[..i].iter().all(|other| other.name != spec.name), "{}", spec.name);
            let settings = spec.settings();
            let pool = Pool::default();
            assert!(spec.make(&settings, &pool, Time::ZERO, 1).is_ok(), "{}", spec.name);
            assert!(!spec.source.is_empty() && spec.doc.ends_with('.'), "{}", spec.name);
        }
    }
}
