//! What a comparison found: over all scenarios, and scenario by scenario.

use super::outline::{Block, Figure, Part, Section};
use super::source::Source;
use super::words::code;
use super::{compared, standings};
use crate::record::comparison::{Comparison, ScenarioTable, Shown};
use crate::record::{Made, StoredRun};
use crate::report::figure::{compare, together};
use crate::report::page::Page;

/// Up to so many scenarios have their series in the page; the page of a catalogue stays small.
const SERIES_MOST: usize = 4;

/// Runs with their series: scenario, policy, run.
type Runs = [(String, String, StoredRun)];

pub(super) fn part(source: &Source, comparison: &Comparison, runs: &Runs) -> Part {
    let scenarios = comparison.tables.first().map_or(&[][..], |table| &table.scenarios);
    let several = scenarios.len() > 1;
    let names: Vec<String> = scenarios.iter().map(|table| code(&table.scenario)).collect();
    let (title, subject) = match &names[..] {
        [one] => (format!("{} compared", scenarios[0].scenario), format!("scenario {one}")),
        _ => (format!("{} scenarios compared", names.len()), format!("{} scenarios", names.len())),
    };
    let lead = format!(
        "{} policies met the same requests and the same luck in {subject}, {} each, from seed {}.",
        comparison.policies.len(),
        match comparison.replications {
            1 => "once".to_owned(),
            n => format!("{n} times"),
        },
        comparison.seed
    );
    let commands = Commands { manifest: source.manifest(), comparison };
    let mut sections = Vec::new();
    if several {
        sections.push(overall(comparison));
    }
    let of_scenario = |table: &ScenarioTable| scenario(source, table, runs, &commands, several);
    if several {
        sections.push(Section {
            id: "scenarios".to_owned(),
            title: "Scenario by scenario".to_owned(),
            lead: "Open one to see its figures and tables.".to_owned(),
            blocks: Vec::new(),
            inner: scenarios.iter().map(of_scenario).collect(),
        });
    } else {
        sections.extend(scenarios.iter().map(of_scenario));
    }
    let mut about = vec![Block::Grid(standings::policies(comparison))];
    about.extend(comparison.tables.iter().filter_map(standings::choices).map(Block::Grid));
    sections.push(Section {
        id: "policies-section".to_owned(),
        title: "Policies".to_owned(),
        lead: String::new(),
        blocks: about,
        inner: Vec::new(),
    });
    Part {
        title,
        lead,
        findings: compared::findings(comparison),
        sections,
        warnings: comparison.warnings.clone(),
        manifest: manifest(comparison, source.manifest()),
        again: vec![commands.compare()],
    }
}

fn manifest(comparison: &Comparison, manifest: Option<&Made>) -> Vec<(String, String)> {
    let mut lines = vec![
        ("seed".to_owned(), comparison.seed.to_string()),
        ("replications".to_owned(), comparison.replications.to_string()),
        ("digest of all runs".to_owned(), comparison.digest.clone()),
        ("windtunnel".to_owned(), comparison.tool_version.clone()),
        ("schema of the comparison".to_owned(), comparison.schema_version.to_string()),
    ];
    for input in manifest.iter().flat_map(|manifest| &manifest.inputs) {
        lines.push((format!("`{}`", input.file), format!("digest {}", input.digest)));
    }
    lines
}

/// What to type for a run of the comparison.
struct Commands<'a> {
    manifest: Option<&'a Made>,
    comparison: &'a Comparison,
}

impl Commands<'_> {
    fn compare(&self) -> String {
        match self.manifest {
            Some(manifest) => manifest.command.clone(),
            None => {
                let scenarios =
                    self.comparison.tables.first().map_or(&[][..], |table| &table.scenarios);
                let files: Vec<_> =
                    scenarios.iter().map(|table| self.file(&table.scenario)).collect();
                let (n, seed) = (self.comparison.replications, self.comparison.seed);
                format!("windtunnel compare {} -R {n} --seed {seed}", files.join(" "))
            }
        }
    }

    /// The file of a scenario, as the command named it.
    fn file(&self, scenario: &str) -> String {
        let is_it = |file: &&String| {
            let name = file.rsplit('/').next().unwrap_or_default();
            name.strip_suffix(".toml") == Some(scenario)
        };
        let inputs = self.manifest.iter().flat_map(|manifest| &manifest.inputs);
        let found = inputs.map(|input| &input.file).find(is_it);
        found.cloned().unwrap_or_else(|| format!("scenarios/{scenario}.toml"))
    }

    /// The run of a policy that is shown.
    fn run(&self, scenario: &str, shown: &Shown, policy: &str) -> Option<String> {
        let policy = shown.policies.iter().find(|known| known.policy == policy)?;
        let sets: String = policy.sets.iter().map(|set| format!(" --set '{set}'")).collect();
        Some(format!(
            "windtunnel run {} --policy {}{sets}{} -R {} --only {} --seed {}",
            self.file(scenario),
            policy.of,
            self.common_sets(),
            self.comparison.replications,
            shown.replication,
            self.comparison.seed
        ))
    }

    /// What the comparison changed in every scenario.
    fn common_sets(&self) -> String {
        let Some(manifest) = self.manifest else { return String::new() };
        let mut words = manifest.command.split(" --set ").skip(1);
        let one = |rest: &str| {
            // A quoted word ends at its quote, a plain one at a blank.
            let end = match rest.strip_prefix('\'') {
                Some(inside) => inside.find('\'').map_or(rest.len(), |at| at + 2),
                None => rest.find(' ').unwrap_or(rest.len()),
            };
            format!(" --set {}", &rest[..end])
        };
        words.by_ref().map(one).collect()
    }
}

fn overall(comparison: &Comparison) -> Section {
    let mut blocks = Vec::new();
    for table in &comparison.tables {
        if let Some(page) = compare::overall(comparison, table) {
            blocks.push(figure(&format!("regret-{}", table.layer), page, "", Vec::new()));
        }
    }
    blocks.extend(comparison.tables.iter().map(|table| Block::Grid(standings::overall(table))));
    Section {
        id: "overall".to_owned(),
        title: "Over all scenarios".to_owned(),
        lead: String::new(),
        blocks,
        inner: Vec::new(),
    }
}

fn figure(id: &str, page: Page, caption: &str, commands: Vec<(String, String)>) -> Block {
    Block::Figure(Figure { id: id.to_owned(), page, caption: caption.to_owned(), commands })
}

/// What to see in each figure of a scenario.
fn caption(name: &str) -> &'static str {
    match name {
        "share-together" => {
            "Down at once and up at once is what one would wish for. A line that stays up through the shaded time \
             sends requests into the fault; one that stays down after it gives nothing back."
        }
        "good-spread" => "Bands are 95 % intervals of the mean over replications, bin by bin.",
        "regret-spread" => {
            "Paired differences: the same requests under the policy and under the oracle. 0 is as good as the \
             oracle."
        }
        "recovery" => {
            "By arrival: until the last window of 5 s that was served worse than before the fault."
        }
        "return" => {
            "Until the faulted routes have 90 % of their share again. 0 s: it had never left, or was back at once. An arrow: not while watched."
        }
        "leak" => {
            "1 is what blind routing would have sent into the fault; above 1 the fault attracts traffic."
        }
        _ => "",
    }
}

fn scenario(
    source: &Source,
    table: &ScenarioTable,
    runs: &Runs,
    commands: &Commands<'_>,
    several: bool,
) -> Section {
    let comparison = commands.comparison;
    let own: Vec<together::Named<'_>> = runs
        .iter()
        .filter(|(scenario, ..)| *scenario == table.scenario)
        .map(|(_, policy, run)| (policy.as_str(), run))
        .collect();
    let scenarios = comparison.tables.first().map_or(0, |table| table.scenarios.len());
    let in_full = scenarios <= SERIES_MOST;
    let id = |name: &str| {
        if several { format!("{}-{name}", table.scenario) } else { name.to_owned() }
    };
    let lines: Vec<(String, String)> = table
        .shown
        .iter()
        .flat_map(|shown| shown.policies.iter().map(move |policy| (shown, &policy.policy)))
        .filter_map(|(shown, policy)| {
            Some((policy.clone(), commands.run(&table.scenario, shown, policy)?))
        })
        .collect();
    let mut blocks = Vec::new();
    for (name, page) in together::pages(table, &own, comparison.replications) {
        blocks.push(figure(&id(name), page, caption(name), lines.clone()));
    }
    if let Some(first) = comparison.tables.first() {
        for (name, page) in compare::of_scenario(comparison, first, table) {
            blocks.push(figure(&id(name), page, caption(name), Vec::new()));
        }
    }
    for layer in &comparison.tables {
        let same = layer.scenarios.iter().find(|other| other.scenario == table.scenario);
        blocks.extend(
            same.map(|t| Block::Grid(standings::scenario(layer, t, comparison.replications))),
        );
    }
    let inner = own.iter().filter(|_| in_full).map(|(policy, run)| {
        let line = table.shown.as_ref().and_then(|s| commands.run(&table.scenario, s, policy));
        let folder = Comparison::folder(source.dir(), &table.scenario, policy);
        let replication = table.shown.as_ref().map(|shown| shown.replication);
        let explain = super::run::explain(&folder, run, replication);
        inside(&id(&slug(policy)), policy, run, &[line.unwrap_or_default(), explain])
    });
    Section {
        id: id("scenario"),
        title: table.scenario.clone(),
        lead: String::new(),
        inner: inner.collect(),
        blocks,
    }
}

fn slug(policy: &str) -> String {
    policy.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// The figures of one run behind those of its comparison.
fn inside(id: &str, policy: &str, run: &StoredRun, lines: &[String; 2]) -> Section {
    let mut blocks = super::run::figures(run, &lines[0], Some(&lines[1]));
    for block in &mut blocks {
        if let Block::Figure(figure) = block {
            figure.id = format!("{id}-{}", figure.id);
        }
    }
    Section {
        id: id.to_owned(),
        title: format!("Inside {policy}"),
        lead: format!(
            "The replication that the figures above show, with seed {}.",
            run.summary.seed
        ),
        blocks,
        inner: Vec::new(),
    }
}
