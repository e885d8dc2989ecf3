//! `gateway.nodes` and what goes with it: who the nodes are, how clients are spread over them, what they share,
//! and the network between them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};

use crate::engine::Span;
use crate::policy::Share;
use crate::sim::fleet::spec::{NODE_REGIONS_MAX, PROCESSES_MAX};
use crate::sim::fleet::{Delay, Fleet, Network, NodeSpec, Spread};

use super::at::At;
use super::error::Problem;
use super::one_or_more::OneOrMore;
use super::unit::{self, Count, Length, Number};

/// A number of nodes, or groups of nodes.
#[derive(Debug)]
pub(crate) enum NodesFile {
    /// So many alike.
    Count(Count),
    /// Groups.
    List(Vec<NodeFile>),
}

/// Nodes that are alike.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeFile {
    /// Name, unique. Default "node-1", "node-2", …; only for a single node.
    name: Option<String>,
    /// How many. Default 1.
    count: Option<Count>,
    /// Region. Default: all nodes without one are in one region.
    region: Option<String>,
    /// Part of the traffic of each, in proportion to the other nodes'. Default 1.
    weight: Option<Number>,
}

/// How clients are spread over nodes.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SpreadFile {
    /// One after the other, by weight.
    RoundRobin,
    /// By session (without sessions: by request; in closed loop: by client), by weight. A session moves only when its
    /// node goes.
    Sticky,
}

/// What nodes share.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ShareFile {
    /// Nothing.
    None,
    /// Rate limits within a region, held keys everywhere (Bifrost, documentation of 2026).
    TpmInRegion,
    /// Counters of all, so that weights follow (Bifrost, documentation of 2025).
    Full,
}

/// The network between nodes. Delays, losses and copies are each message's own luck.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkFile {
    /// One-way delay within a region. Default { median = "50ms", p90 = "90ms" } (our choice).
    delay: Option<DelayFile>,
    /// One-way delay between regions. Default { median = "150ms", p90 = "220ms" } (our choice).
    across: Option<DelayFile>,
    /// Share of messages that get lost. Default "0%".
    loss: Option<unit::Share>,
    /// Share of messages that arrive twice. Default "0%".
    duplicate: Option<unit::Share>,
}

/// A lognormal delay.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DelayFile {
    /// Median, above 0.
    median: Length,
    /// 90 % are at most this.
    p90: Length,
}

/// z of the 90 % quantile of the normal distribution.
const Z90: f64 = 1.281_551_565_544_600_4;
const NEAR: Delay = Delay { median: Span::from_millis(50), sigma: 0.458_652 };
const FAR: Delay = Delay { median: Span::from_millis(150), sigma: 0.298_850 };
/// Bifrost, clustering, 2025: gossip every second.
const SHARE_EVERY: Span = Span::from_secs(1);

/// What `[gateway]` says of nodes.
pub(crate) struct FleetFile<'a> {
    pub(crate) nodes: Option<&'a NodesFile>,
    pub(crate) workers: Option<Count>,
    pub(crate) spread: Option<SpreadFile>,
    pub(crate) share: Option<ShareFile>,
    pub(crate) share_every: Option<Length>,
    pub(crate) network: Option<&'a NetworkFile>,
}

impl FleetFile<'_> {
    pub(crate) fn fleet(&self) -> Result<Fleet, Problem> {
        let Self { nodes, workers, spread, share, share_every, network } = self;
        let at = At::top().key("gateway");
        let (nodes, regions) = match nodes {
            None => (Fleet::single().nodes, Fleet::single().regions),
            Some(file) => file.nodes(&at.key("nodes"))?,
        };
        let workers = workers.map(|count| at_least_one(count.0, &at.key("workers"))).transpose()?;
        let processes = nodes.len() * workers.unwrap_or(1) as usize;
        if processes > PROCESSES_MAX {
            let key = if workers.is_some() { "workers" } else { "nodes" };
            return Err(Problem::new(at.key(key), format!("{processes} processes are too many"))
                .expected(format!("expected at most {PROCESSES_MAX}: nodes × workers")));
        }
        let every = share_every.map_or(SHARE_EVERY, |length| length.0);
        if !(Span::from_millis(10)..=Span::from_secs(3_600)).contains(&every) {
            let at = at.key("share_every");
            return Err(Problem::new(at.clone(), format!("`{at}` cannot be {every}"))
                .expected("expected a length of time from \"10ms\" to \"1h\", such as \"1s\""));
        }
        Ok(Fleet {
            nodes,
            regions,
            workers,
            spread: match spread {
                None | Some(SpreadFile::RoundRobin) => Spread::RoundRobin,
                Some(SpreadFile::Sticky) => Spread::Sticky,
            },
            share: share.map(|share| match share {
                ShareFile::None => Share::Nothing,
                ShareFile::TpmInRegion => Share::LimitsInRegion,
                ShareFile::Full => Share::Everything,
            }),
            share_every: every,
            network: match network {
                None => Network { near: NEAR, far: FAR, ..Network::default() },
                Some(file) => file.network(&at.key("network"))?,
            },
            events: Vec::new(),
        })
    }
}

fn at_least_one(count: u64, at: &At) -> Result<u32, Problem> {
    u32::try_from(count).ok().filter(|&count| count > 0).ok_or_else(|| {
        Problem::new(at.clone(), format!("`{at}` cannot be {count}"))
            .expected("expected a whole number of at least 1, such as 2")
    })
}

impl NodesFile {
    fn nodes(&self, at: &At) -> Result<(Vec<NodeSpec>, Vec<String>), Problem> {
        let (mut nodes, mut regions) = (Vec::new(), Vec::<String>::new());
        match self {
            Self::Count(count) => {
                let many = count.0.min(NODES_MAX as u64 + 1);
                nodes.extend((1..=many).map(|n| named(format!("node-{n}"), 0, 1.0)));
                regions.push(String::new());
            }
            Self::List(list) => {
                for (index, file) in list.iter().enumerate() {
                    file.add(&at.item(index), &mut nodes, &mut regions)?;
                }
            }
        }
        if nodes.is_empty() || nodes.len() > NODES_MAX || regions.len() > NODE_REGIONS_MAX {
            let (n, r) = (nodes.len(), regions.len());
            return Err(Problem::new(at.clone(), format!("{n} nodes in {r} regions"))
                .expected("expected 1 to 64 nodes in at most 63 regions, such as nodes = 3"));
        }
        Ok((nodes, regions))
    }
}

const fn named(name: String, region: u8, weight: f64) -> NodeSpec {
    NodeSpec { name, region, weight }
}

impl NodeFile {
    /// Adds its nodes.
    fn add(
        &self,
        at: &At,
        nodes: &mut Vec<NodeSpec>,
        regions: &mut Vec<String>,
    ) -> Result<(), Problem> {
        let Self { name, count, region, weight } = self;
        let count = count.map_or(Ok(1), |count| at_least_one(count.0, &at.key("count")))?;
        let weight = weight.map_or(1.0, |number| number.0);
        if !(weight > 0.0 && weight <= 1e6) {
            return Err(Problem::new(at.key("weight"), format!("a node cannot weigh {weight}"))
                .expected("expected a weight above 0 and up to 1_000_000, such as 2"));
        }
        if name.is_some() && count > 1 {
            return Err(Problem::new(at.key("name"), format!("{count} nodes of one name"))
                .expected("expected a name for each, or none: they are \"node-1\", …"));
        }
        let region = region.as_deref().unwrap_or_default();
        let known = regions.iter().position(|known| known == region);
        let region = known.unwrap_or_else(|| {
            regions.push(region.to_owned());
            regions.len() - 1
        }) as u8;
        for _ in 0..count.min(NODES_MAX as u32 + 1) {
            let name = name.clone().unwrap_or_else(|| format!("node-{}", nodes.len() + 1));
            if nodes.iter().any(|node| node.name == name) || name.is_empty() {
                return Err(Problem::new(at.clone(), format!("two nodes are named `{name}`"))
                    .expected("expected a name of its own, such as name = \"east-1\""));
            }
            nodes.push(named(name, region, weight));
        }
        Ok(())
    }
}

struct NodesVisitor;

impl<'de> Visitor<'de> for NodesVisitor {
    type Value = NodesFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a number of nodes such as 3, or a list such as \
             [{ count = 2, region = \"us-east\" }, { region = \"eu-west\" }]",
        )
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<NodesFile, E> {
        let count = u64::try_from(whole);
        let count = count.map_err(|_| E::invalid_value(Unexpected::Signed(whole), &self))?;
        Ok(NodesFile::Count(Count(count)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<NodesFile, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(seq)).map(NodesFile::List)
    }
}

impl<'de> Deserialize<'de> for NodesFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NodesVisitor)
    }
}

impl JsonSchema for NodesFile {
    fn schema_name() -> Cow<'static, str> {
        "Nodes".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let count = generator.subschema_for::<Count>();
        let list = generator.subschema_for::<Vec<NodeFile>>();
        json_schema!({ "anyOf": [count, list] })
    }
}

const NODES_MAX: usize = 64;

impl NetworkFile {
    fn network(&self, at: &At) -> Result<Network, Problem> {
        let Self { delay, across, loss, duplicate } = self;
        let share = |given: Option<unit::Share>, key: &str| {
            let share = given.map_or(0.0, |share| share.0);
            if share <= 1.0 {
                return Ok(share);
            }
            let at = at.key(key);
            Err(Problem::new(at.clone(), format!("`{at}` cannot be {}%", share * 100.0))
                .expected("expected a share up to \"100%\", such as \"1%\""))
        };
        Ok(Network {
            near: delay.map_or(Ok(NEAR), |file| file.delay(&at.key("delay")))?,
            far: across.map_or(Ok(FAR), |file| file.delay(&at.key("across")))?,
            loss: share(*loss, "loss")?,
            duplicate: share(*duplicate, "duplicate")?,
            partitions: Vec::new(),
        })
    }
}

impl DelayFile {
    fn delay(self, at: &At) -> Result<Delay, Problem> {
        let (median, p90) = (self.median.0, self.p90.0);
        if median == Span::ZERO || p90 < median {
            return Err(Problem::new(at.key("p90"), format!("not a delay: {median}, {p90}"))
                .expected("expected a median above 0 and a p90 of at least the median")
                .help("such as { median = \"50ms\", p90 = \"90ms\" }"));
        }
        let sigma = libm::log(p90.as_secs_f64() / median.as_secs_f64()) / Z90;
        Ok(Delay { median, sigma })
    }
}

/// The regions that these words name, as bits.
pub(crate) fn regions(on: &OneOrMore, at: &At, fleet: &Fleet) -> Result<u64, Problem> {
    let mut bits = 0;
    for (at, word) in on.words(at) {
        let known = fleet.regions.iter().position(|region| !region.is_empty() && region == word);
        let Some(region) = known else {
            let names: Vec<_> = fleet.regions.iter().map(String::as_str).collect();
            return Err(Problem::new(at, format!("no gateway node is in a region `{word}`"))
                .expected("expected a region of `gateway.nodes`, such as \"eu-west\"")
                .help(super::suggest::help(word, &names)));
        };
        bits |= 1 << region;
    }
    Ok(bits)
}
