//! A scenario as it is typed: one type per table, every key as it stands in the file, unknown keys
//! refused.

use schemars::JsonSchema;
use serde::Deserialize;

use super::change::ChangeFile;
use super::check::CheckFile;
use super::class::ClassFile;
use super::command::CommandFile;
use super::expect::ExpectFile;
use super::fault::FaultFile;
use super::gateway::GatewayFile;
use super::incidents::IncidentsFile;
use super::node_event::NodeEventFile;
use super::ordered::Ordered;
use super::policy::PolicyFile;
use super::provider::ProviderFile;
use super::rule::RuleFile;
use super::start::StartFile;
use super::tenant::{CustomerFile, GovernanceFile, TeamFile, TenantFile};
use super::trace::TraceFile;
use super::unit::{Count, Length, Number};
use super::workload::WorkloadFile;

/// One scenario of windtunnel: who asks, who answers, what goes wrong, which policy routes, and
/// what is expected of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "windtunnel scenario")]
pub(crate) struct ScenarioFile {
    /// Requests per second that clients ask for in all, before any curve of `workload.rate`. Not
    /// used by closed loops and traces, which bring their own rate.
    pub(crate) rps: Option<Number>,
    /// Length of the run.
    pub(crate) duration: Length,
    /// Length of the clean past that policies are told of instead of simulating it. Default "1h",
    /// the longest window of the published balancers.
    pub(crate) history: Option<Length>,
    /// Seed unless the command line gives one. Default 1.
    pub(crate) seed: Option<Count>,
    /// Who routes: a name, or a table with the name and parameters.
    pub(crate) policy: PolicyFile,
    /// What clients ask, and when.
    #[serde(default)]
    pub(crate) workload: WorkloadFile,
    /// Kinds of clients; each may say anything that `[workload]` says, which it then overrides.
    #[serde(default)]
    pub(crate) class: Vec<ClassFile>,
    /// Requests from a file instead of drawn ones.
    pub(crate) trace: Option<TraceFile>,
    /// Who answers, by name.
    pub(crate) provider: Ordered<ProviderFile>,
    /// Who the requests are of, by name: what they may use, and how much of it.
    pub(crate) tenant: Option<Ordered<TenantFile>>,
    /// Teams, by name: limits over all keys of their tenants.
    pub(crate) team: Option<Ordered<TeamFile>>,
    /// Customers, by name: limits over all their teams and keys.
    pub(crate) customer: Option<Ordered<CustomerFile>>,
    /// Limits for everybody, and how they count.
    #[serde(default)]
    pub(crate) governance: GovernanceFile,
    /// Routing rules: where requests go under which condition.
    #[serde(default)]
    pub(crate) rule: Vec<RuleFile>,
    /// When the run takes place.
    #[serde(default)]
    pub(crate) start: StartFile,
    /// Faults drawn at random, as the public status pages of 2021–2025 have them.
    pub(crate) incidents: Option<IncidentsFile>,
    /// The gateway: its processes and its nodes.
    #[serde(default)]
    pub(crate) gateway: GatewayFile,
    /// What goes wrong, and when.
    #[serde(default)]
    pub(crate) fault: Vec<FaultFile>,
    /// What an operator does meanwhile.
    #[serde(default)]
    pub(crate) change: Vec<ChangeFile>,
    /// What somebody does to the balancer meanwhile, such as in a dashboard session.
    #[serde(default)]
    pub(crate) command: Vec<CommandFile>,
    /// What happens to gateway nodes, and to the network between them.
    #[serde(default)]
    pub(crate) node_event: Vec<NodeEventFile>,
    /// The embedding of each prompt topic (`workload.topics`), for semantic routing, all of one length.
    /// Default: topics that have nothing in common.
    pub(crate) topics: Option<Vec<Vec<Number>>>,
    /// What must hold afterwards.
    #[serde(default)]
    pub(crate) expect: Vec<ExpectFile>,
    /// How `windtunnel check` runs it.
    #[serde(default)]
    pub(crate) check: CheckFile,
}
