//! `[[node_event]]`: what happens to gateway nodes and to the network between them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::{Span, Time};
use crate::sim::fleet::{Fleet, NodeChange, NodeEvent, Partition};

use super::at::At;
use super::error::Problem;
use super::one_or_more::OneOrMore;
use super::suggest;
use super::unit::Length;

/// Something happens to gateway nodes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeEventFile {
    /// What happens.
    kind: KindFile,
    /// Which nodes: names ("node-2"), regions, "*", or a list of these.
    on: OneOrMore,
    /// When.
    start: Length,
    /// How long; a restart is over, a crashed node is back after it. Default: "20s" for a restart, for ever for a
    /// crash and a partition.
    lasts: Option<Length>,
    /// Each further node of `on` has its turn so much later (not for a partition). Default "0s".
    stagger: Option<Length>,
    /// How long a node that restarts or leaves may finish what is under way. Default "10s" (our choice).
    drain: Option<Length>,
    /// How long the front balancer goes on sending to a node that crashed. Default "2s" (our choice).
    noticed: Option<Length>,
    /// What a node that comes back begins with. Default "nothing".
    knows: Option<KnowsFile>,
    /// The other side of a partition, as `on`. Default: all other nodes.
    to: Option<OneOrMore>,
    /// Which messages a partition stops. Default "both".
    direction: Option<DirectionFile>,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum KindFile {
    /// Messages between the nodes and the others get lost. Clients and providers are still reached.
    Partition,
    /// The nodes die with all that is under way in them.
    Crash,
    /// The nodes drain, stop, and start anew.
    Restart,
    /// The nodes drain and stop for good.
    Leave,
    /// The nodes are there only from `start` on.
    Join,
}

/// What a node that comes back begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum KnowsFile {
    /// Its configuration only.
    Nothing,
    /// The held keys that the cluster stored last: every 30 s, if it shares anything (Bifrost, documentation of 2026).
    Holds,
}

/// Which messages a partition stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum DirectionFile {
    /// In both directions.
    Both,
    /// From the nodes of `on`.
    Out,
    /// To the nodes of `on`.
    In,
}

const DRAIN: Span = Span::from_secs(10);
const RESTART: Span = Span::from_secs(20);
const NOTICED: Span = Span::from_secs(2);

/// Adds the events to the gateway.
pub(crate) fn events(
    files: &[NodeEventFile],
    fleet: &mut Fleet,
    horizon: Span,
) -> Result<(), Problem> {
    for (index, file) in files.iter().enumerate() {
        let at = At::top().key("node_event").item(index);
        check_keys(file, &at)?;
        if file.start.0 >= horizon {
            let at = at.key("start");
            return Err(Problem::new(at.clone(), format!("`{at}` is after the run"))
                .expected(format!("the run ends at {horizon}")));
        }
        let on = nodes(&file.on, &at.key("on"), fleet)?;
        if fleet.nodes.len() == 1 {
            return Err(Problem::new(at.key("on"), "the gateway has one node")
                .expected("expected several nodes, such as gateway.nodes = 3"));
        }
        if file.kind == KindFile::Partition {
            let partition = partition(file, &on, &at, fleet)?;
            fleet.network.partitions.push(partition);
            continue;
        }
        let stagger = file.stagger.map_or(Span::ZERO, |length| length.0);
        for (turn, &node) in on.iter().enumerate() {
            let start = Time::ZERO + file.start.0 + stagger.times(turn as f64);
            life(file, node, start, &at, &mut fleet.events)?;
        }
    }
    fleet.events.sort_by_key(|event| event.at);
    Ok(())
}

fn life(
    file: &NodeEventFile,
    node: usize,
    start: Time,
    at: &At,
    events: &mut Vec<NodeEvent>,
) -> Result<(), Problem> {
    let drain = file.drain.map_or(DRAIN, |length| length.0);
    let with_holds = file.knows == Some(KnowsFile::Holds);
    let mut add = |at, what| events.push(NodeEvent { at, node, what });
    match file.kind {
        KindFile::Partition => {}
        KindFile::Crash => {
            let noticed = file.noticed.map_or(NOTICED, |length| length.0);
            add(start, NodeChange::Dies);
            let lasts = file.lasts.map(|length| length.0);
            if lasts.is_none_or(|lasts| lasts > noticed) {
                add(start + noticed, NodeChange::Closes);
            }
            if let Some(lasts) = lasts {
                add(start + lasts, NodeChange::Starts { with_holds });
            }
        }
        KindFile::Restart => {
            let lasts = file.lasts.map_or(RESTART, |length| length.0);
            if lasts < drain {
                return Err(Problem::new(
                    at.key("lasts"),
                    format!("a restart of {lasts} is over before {drain} of draining"),
                )
                .expected("expected at least `drain`, such as lasts = \"20s\""));
            }
            add(start, NodeChange::Closes);
            add(start + drain, NodeChange::Dies);
            add(start + lasts, NodeChange::Starts { with_holds });
        }
        KindFile::Leave => {
            add(start, NodeChange::Closes);
            add(start + drain, NodeChange::Dies);
        }
        KindFile::Join => {
            add(Time::ZERO, NodeChange::Closes);
            add(Time::ZERO, NodeChange::Dies);
            add(start, NodeChange::Starts { with_holds });
        }
    }
    Ok(())
}

fn partition(
    file: &NodeEventFile,
    on: &[usize],
    at: &At,
    fleet: &Fleet,
) -> Result<Partition, Problem> {
    let to = match &file.to {
        Some(to) => nodes(to, &at.key("to"), fleet)?,
        None => (0..fleet.nodes.len()).filter(|node| !on.contains(node)).collect(),
    };
    if to.is_empty() || to.iter().any(|node| on.contains(node)) {
        let key = if file.to.is_some() { at.key("to") } else { at.key("on") };
        return Err(Problem::new(key, "a partition has two sides, and no node is on both")
            .expected("expected some of the nodes, such as on = \"node-1\""));
    }
    let start = Time::ZERO + file.start.0;
    let direction = file.direction.unwrap_or(DirectionFile::Both);
    let bits = |nodes: &[usize]| nodes.iter().fold(0u64, |bits, node| bits | 1 << node);
    Ok(Partition {
        start,
        end: file.lasts.map_or(Time::NEVER, |length| start + length.0),
        on: bits(on),
        to: bits(&to),
        out: direction != DirectionFile::In,
        into: direction != DirectionFile::Out,
    })
}

/// Keys that a kind does not take.
fn check_keys(file: &NodeEventFile, at: &At) -> Result<(), Problem> {
    let NodeEventFile {
        kind,
        on: _,
        start: _,
        lasts,
        stagger,
        drain,
        noticed,
        knows,
        to,
        direction,
    } = file;
    let (name, takes): (_, &[&str]) = match kind {
        KindFile::Partition => ("partition", &["lasts", "to", "direction"]),
        KindFile::Crash => ("crash", &["lasts", "stagger", "noticed", "knows"]),
        KindFile::Restart => ("restart", &["lasts", "stagger", "drain", "knows"]),
        KindFile::Leave => ("leave", &["stagger", "drain"]),
        KindFile::Join => ("join", &["stagger", "knows"]),
    };
    let given = [
        ("lasts", lasts.is_some()),
        ("stagger", stagger.is_some()),
        ("drain", drain.is_some()),
        ("noticed", noticed.is_some()),
        ("knows", knows.is_some()),
        ("to", to.is_some()),
        ("direction", direction.is_some()),
    ];
    match given.into_iter().find(|(key, given)| *given && !takes.contains(key)) {
        None => Ok(()),
        Some((key, _)) => {
            Err(Problem::new(at.key(key), format!("a node event of kind {name} has no `{key}`"))
                .expected("not a key of this kind")
                .help(suggest::help(key, takes)))
        }
    }
}

/// The nodes that these words name, ascending.
fn nodes(on: &OneOrMore, at: &At, fleet: &Fleet) -> Result<Vec<usize>, Problem> {
    let mut chosen = std::collections::BTreeSet::new();
    for (at, word) in on.words(at) {
        let takes = |node: &&crate::sim::fleet::NodeSpec| {
            word == "*" || node.name == word || fleet.regions[usize::from(node.region)] == word
        };
        let before = chosen.len();
        chosen
            .extend(fleet.nodes.iter().enumerate().filter(|(_, node)| takes(node)).map(|(i, _)| i));
        if chosen.len() == before {
            let mut names: Vec<_> = fleet.nodes.iter().map(|node| node.name.as_str()).collect();
            names.extend(fleet.regions.iter().map(String::as_str).filter(|name| !name.is_empty()));
            return Err(Problem::new(
                at,
                format!("no gateway node, and no region of one, is `{word}`"),
            )
            .expected("expected a node such as \"node-2\", a region, or \"*\"")
            .help(suggest::help(word, &names)));
        }
    }
    Ok(chosen.into_iter().collect())
}
