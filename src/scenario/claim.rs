//! A claim of a vendor, as a file: what is said, where, and what would show it to be true.
//!
//! Three kinds. A *scenario* is run, and its metrics must lie within bounds. An *overhead* is measured on the
//! real clock. *Documents* are the vendor's own word against the claim, or the reason why nobody outside can
//! test it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::engine::Params;
use crate::policy::registry::POLICIES;

use super::at::At;
use super::error::{Problem, ScenarioError};
use super::expect::{self, Expect, ExpectFile, Stat};
use super::policy::{PolicyChoice, PolicyFile};
use super::unit::Count;
use super::{Scenario, load as load_scenario, reading, source};

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;

/// What a claim on the overhead is measured by: the time of one decision.
pub const DECISION_TIME: &str = "decision_time";

/// A claim, and how it is tested.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The file's name without its ending.
    pub name: String,
    /// Whose claim it is.
    pub system: System,
    /// What is said, in our words.
    pub says: String,
    /// Where: vendor, page, date.
    pub source: String,
    /// What to beware of in the result.
    pub note: Option<String>,
    /// How it is tested.
    pub test: Test,
    /// What must hold, for scenarios and overheads.
    pub expects: Vec<Expect>,
}

/// The five systems whose claims are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum System {
    /// Bifrost of Maxim.
    Bifrost,
    /// Kong AI Gateway.
    Kong,
    /// LiteLLM's router.
    #[serde(rename = "LiteLLM")]
    LiteLlm,
    /// Cloudflare AI Gateway.
    Cloudflare,
    /// Amazon Bedrock's cross-region inference.
    Bedrock,
}

/// How a claim is tested.
#[derive(Clone, Debug)]
pub enum Test {
    /// By running a scenario.
    Scenario {
        /// The world.
        scenario: Box<Scenario>,
        /// Its file as the claim names it.
        file: String,
        /// What the claim changes in it.
        sets: Vec<String>,
        /// Who routes.
        policy: PolicyChoice,
        /// How often.
        replications: u32,
    },
    /// By the real clock.
    Overhead {
        /// Which engine.
        policy: PolicyChoice,
        /// Over how many routes it decides.
        routes: u32,
    },
    /// By what the vendor writes elsewhere.
    Documents {
        /// What that comes to.
        finding: Finding,
        /// What is written there, in our words, or why it cannot be tested.
        says: String,
        /// Where.
        source: String,
    },
}

/// What documents come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// The vendor's own documents say the opposite.
    Contradicted,
    /// Nobody outside can test it.
    Untestable,
}

impl System {
    /// As the vendor writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bifrost => "Bifrost",
            Self::Kong => "Kong",
            Self::LiteLlm => "LiteLLM",
            Self::Cloudflare => "Cloudflare",
            Self::Bedrock => "Bedrock",
        }
    }
}

/// A claim as it is typed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimFile {
    claim: StatementFile,
    scenario: Option<WorldFile>,
    overhead: Option<OverheadFile>,
    documents: Option<DocumentsFile>,
    #[serde(default)]
    expect: Vec<ExpectFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementFile {
    system: System,
    says: String,
    source: String,
    kind: Kind,
    policy: Option<PolicyFile>,
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Scenario,
    Overhead,
    Documents,
}

/// A scenario to run, relative to the claim's folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldFile {
    file: String,
    #[serde(default)]
    set: Vec<String>,
    replications: Option<Count>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverheadFile {
    routes: Count,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentsFile {
    finding: Finding,
    says: String,
    source: String,
}

/// What is wrong with a claim: its own text, or the scenario that it names.
enum Wrong {
    Here(Problem),
    There(ScenarioError),
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Self {
        Self::Here(problem)
    }
}

/// Reads a claim and the scenario that it names.
///
/// # Errors
/// [`ScenarioError`] if one of the two cannot be read, or is not valid.
pub fn load(path: &Path) -> Result<Claim, ScenarioError> {
    let text = source::read(path)?;
    parse(path, &text)
}

/// Reads a claim from text that stands at `path`.
///
/// # Errors
/// [`ScenarioError`] if it, or the scenario that it names, is not valid.
pub fn parse(path: &Path, text: &str) -> Result<Claim, ScenarioError> {
    let name = path.display().to_string();
    reading::read(text).map_err(Wrong::Here).and_then(|file| build(file, path)).map_err(|wrong| {
        match wrong {
            Wrong::Here(problem) => ScenarioError::new(problem, &name, text),
            Wrong::There(error) => error,
        }
    })
}

fn build(file: ClaimFile, path: &Path) -> Result<Claim, Wrong> {
    check_tables(&file)?;
    let ClaimFile { claim, scenario, overhead, documents, expect } = file;
    let policy = claim.policy;
    let (test, expects) = match (scenario, overhead, documents) {
        (Some(world), _, _) => of_scenario(world, policy, &expect, path)?,
        (_, Some(overhead), _) => of_overhead(&overhead, policy.as_ref(), &expect)?,
        (_, _, Some(DocumentsFile { finding, says, source })) => {
            (Test::Documents { finding, says, source }, Vec::new())
        }
        (None, None, None) => unreachable!("the table of its kind is there"),
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let StatementFile { system, says, source, note, .. } = claim;
    Ok(Claim { name, system, says, source, note, test, expects })
}

/// A claim has the table of its kind, and no other; documents need neither policy nor expectations.
fn check_tables(file: &ClaimFile) -> Result<(), Problem> {
    let tables = [
        (Kind::Scenario, "scenario", file.scenario.is_some()),
        (Kind::Overhead, "overhead", file.overhead.is_some()),
        (Kind::Documents, "documents", file.documents.is_some()),
    ];
    for (kind, name, is_there) in tables {
        if kind == file.claim.kind && !is_there {
            let at = At::top().key("claim").key("kind");
            return Err(Problem::new(at, format!("there is no table `{name}`"))
                .expected(format!("a claim of this kind has a table [{name}]")));
        }
        if kind != file.claim.kind && is_there {
            return Err(Problem::new(At::top().key(name), format!("`{name}` is not its kind"))
                .expected("a claim has the table that `claim.kind` names, and no other"));
        }
    }
    let is_documents = file.claim.kind == Kind::Documents;
    if is_documents && file.claim.policy.is_some() {
        return Err(Problem::new(policy_at(), "documents are not run")
            .expected("a claim on documents has no policy"));
    }
    if is_documents && !file.expect.is_empty() {
        return Err(Problem::new(At::top().key("expect"), "documents are not measured")
            .expected("a claim on documents expects nothing"));
    }
    if !is_documents && file.expect.is_empty() {
        return Err(Problem::new(At::top().key("claim"), "nothing is expected")
            .expected("expected at least one [[expect]]")
            .help("for example metric = \"time_to_state\", stat = \"p95\", max = \"15s\""));
    }
    Ok(())
}

fn policy_at() -> At {
    At::top().key("claim").key("policy")
}

fn chosen(policy: Option<&PolicyFile>) -> Result<PolicyChoice, Problem> {
    let missing = || {
        Problem::new(At::top().key("claim"), "`claim`: `policy` is missing")
            .expected("expected a policy such as \"bifrost-published\"")
    };
    policy.ok_or_else(missing)?.choice(&policy_at(), POLICIES)
}

fn of_scenario(
    world: WorldFile,
    policy: Option<PolicyFile>,
    expect: &[ExpectFile],
    path: &Path,
) -> Result<(Test, Vec<Expect>), Wrong> {
    let choice = chosen(policy.as_ref())?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let place: PathBuf = folder.join(&world.file);
    if !place.is_file() {
        let at = At::top().key("scenario").key("file");
        let problem = Problem::new(at, format!("there is no scenario {}", place.display()))
            .expected("expected a file, relative to the folder of the claim");
        return Err(problem.into());
    }
    let scenario = load_scenario(&place, &world.set).map_err(Wrong::There)?;
    if let Some(policy) = policy {
        policy.check(&policy_at(), &choice, &scenario.spec.pool)?;
    }
    let expects = expect::of_claim(expect, &scenario.spec.faults)?;
    let replications = replications(world.replications)?;
    let WorldFile { file, set: sets, .. } = world;
    let scenario = Box::new(scenario);
    Ok((Test::Scenario { scenario, file, sets, policy: choice, replications }, expects))
}

/// Replications unless the claim says how many.
const REPLICATIONS: u32 = 10;

fn replications(count: Option<Count>) -> Result<u32, Problem> {
    let Some(count) = count else { return Ok(REPLICATIONS) };
    u32::try_from(count.0).ok().filter(|count| (1..=1_000).contains(count)).ok_or_else(|| {
        let at = At::top().key("scenario").key("replications");
        Problem::new(at, format!("it cannot run {} times", count.0)).expected("from 1 to 1,000")
    })
}

fn of_overhead(
    overhead: &OverheadFile,
    policy: Option<&PolicyFile>,
    expect: &[ExpectFile],
) -> Result<(Test, Vec<Expect>), Wrong> {
    let choice = chosen(policy)?;
    if Params::from_preset(choice.spec.name).is_err() {
        let problem = Problem::new(policy_at(), "only the adaptive engine has a real clock")
            .expected("expected one of its presets, such as \"bifrost-published\"");
        return Err(problem.into());
    }
    let routes = u32::try_from(overhead.routes.0).ok().filter(|n| (4..=10_000).contains(n));
    let routes = routes.ok_or_else(|| {
        Problem::new(At::top().key("overhead").key("routes"), "not so many routes")
            .expected("from 4 to 10,000")
    })?;
    let expects = expect::of_clock(expect, DECISION_TIME)?;
    for (index, expect) in expects.iter().enumerate() {
        if !matches!(expect.stat, Stat::P50 | Stat::P99) {
            let at = At::top().key("expect").item(index).key("stat");
            let problem = Problem::new(at, "not measured on the real clock")
                .expected("expected \"p50\" or \"p99\" of decisions");
            return Err(problem.into());
        }
    }
    Ok((Test::Overhead { policy: choice, routes }, expects))
}
