//! The parts of a document, and how several results become one.

use super::source::Source;
use super::{bench, check, claims, comparison, method, run, sweep, tuning};
use crate::report::page::Page;

/// A report. Text may hold `code` between backticks.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What it is about.
    pub title: String,
    /// What was done, in a sentence or two.
    pub lead: String,
    /// The most important first.
    pub findings: Vec<Finding>,
    /// Figures and tables.
    pub sections: Vec<Section>,
    /// How it was measured.
    pub method: Vec<String>,
    /// What the model leaves out.
    pub limits: Vec<String>,
    /// What to beware of.
    pub warnings: Vec<String>,
    /// What it was made from.
    pub manifest: Vec<(String, String)>,
    /// The commands that make it again.
    pub again: Vec<String>,
}

/// A sentence, and what it stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What was found.
    pub sentence: String,
    /// The figures behind it, with intervals.
    pub evidence: String,
    /// The figure or table that shows it.
    pub shown: Option<String>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its name in links.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What stands under the heading.
    pub lead: String,
    /// Figures and tables of the section itself.
    pub blocks: Vec<Block>,
    /// Sections inside, closed until somebody opens them.
    pub inner: Vec<Self>,
}

/// A figure or a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A figure.
    Figure(Figure),
    /// A table.
    Grid(Grid),
}

/// A figure in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name in links, and of its files.
    pub id: String,
    /// What it shows.
    pub page: Page,
    /// What to see in it.
    pub caption: String,
    /// (what, command): how to make its runs again, and to look into them.
    pub commands: Vec<(String, String)>,
}

/// A table. Rows are as long as the header.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Its name in links, and of its files.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// What to know before reading it.
    pub note: String,
    /// Columns; numbers stand at the right of theirs.
    pub header: Vec<String>,
    /// How many of the first columns are text.
    pub texts: usize,
    /// Cells.
    pub rows: Vec<Vec<String>>,
}

impl Section {
    /// All figures and tables, those of inner sections too.
    pub fn blocks(&self) -> Vec<&Block> {
        let inner = self.inner.iter().flat_map(Self::blocks);
        self.blocks.iter().chain(inner).collect()
    }
}

impl Document {
    /// All figures in their order.
    pub fn figures(&self) -> Vec<&Figure> {
        let blocks = self.sections.iter().flat_map(Section::blocks);
        let figure = blocks.filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            Block::Grid(_) => None,
        });
        figure.collect()
    }

    /// All tables in their order.
    pub fn grids(&self) -> Vec<&Grid> {
        let blocks = self.sections.iter().flat_map(Section::blocks);
        let grid = blocks.filter_map(|block| match block {
            Block::Grid(grid) => Some(grid),
            Block::Figure(_) => None,
        });
        grid.collect()
    }
}

/// What one result contributes. Names in links are its own; a document of several puts a number before them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Part {
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) findings: Vec<Finding>,
    pub(super) sections: Vec<Section>,
    pub(super) warnings: Vec<String>,
    pub(super) manifest: Vec<(String, String)>,
    pub(super) again: Vec<String>,
}

/// The document of some results, in their order.
pub fn document(sources: &[Source]) -> Document {
    let mut parts: Vec<Part> = sources.iter().map(part).collect();
    let again = parts.iter().flat_map(|part| part.again.clone()).chain([report(sources)]).collect();
    let (title, lead) = match &parts[..] {
        [one] => (one.title.clone(), one.lead.clone()),
        several => {
            let titles: Vec<&str> = several.iter().map(|part| part.title.as_str()).collect();
            (format!("{} results", several.len()), format!("{}.", titles.join("; ")))
        }
    };
    if parts.len() > 1 {
        for (i, part) in parts.iter_mut().enumerate() {
            part.number(i + 1);
        }
    }
    let kinds = method::Kinds::of(sources);
    let mut document = Document {
        title,
        lead,
        findings: Vec::new(),
        sections: Vec::new(),
        method: method::method(kinds),
        limits: method::limits(kinds),
        warnings: Vec::new(),
        manifest: Vec::new(),
        again,
    };
    for part in parts {
        document.findings.extend(part.findings);
        document.sections.extend(part.sections);
        document.warnings.extend(part.warnings);
        document.manifest.extend(part.manifest);
    }
    document
}

fn part(source: &Source) -> Part {
    let mut part = match source {
        Source::Run { run, .. } => run::part(source, run),
        Source::Comparison { comparison, shown, .. } => comparison::part(source, comparison, shown),
        Source::Claims { scorecard, .. } => claims::part(scorecard),
        Source::Tuning { tuning, .. } => tuning::part(tuning),
        Source::Sweep { sweep, .. } => sweep::part(sweep),
        Source::Check { check, .. } => check::part(check),
        Source::Bench { bench, .. } => bench::part(bench),
    };
    part.manifest.insert(0, ("folder".to_owned(), source.dir().display().to_string()));
    if let Some(manifest) = source.manifest() {
        part.again = vec![manifest.command.clone()];
    }
    part
}

/// The command that makes the report.
fn report(sources: &[Source]) -> String {
    let dirs: Vec<String> =
        sources.iter().map(|source| source.dir().display().to_string()).collect();
    format!("windtunnel report {}", dirs.join(" "))
}

impl Part {
    /// Puts a number before all names in links, and the title before what would else be without subject.
    fn number(&mut self, number: usize) {
        let numbered = |id: &str| format!("r{number}-{id}");
        for finding in &mut self.findings {
            finding.shown = finding.shown.as_deref().map(numbered);
            finding.evidence = format!("{}: {}", self.title, finding.evidence);
        }
        for section in &mut self.sections {
            section.title = format!("{}: {}", self.title, section.title);
            section.number(&numbered);
        }
        for warning in &mut self.warnings {
            *warning = format!("{}: {warning}", self.title);
        }
    }
}

impl Section {
    fn number(&mut self, numbered: &impl Fn(&str) -> String) {
        self.id = numbered(&self.id);
        for block in &mut self.blocks {
            let id = match block {
                Block::Figure(figure) => &mut figure.id,
                Block::Grid(grid) => &mut grid.id,
            };
            *id = numbered(id);
        }
        self.inner.iter_mut().for_each(|section| section.number(numbered));
    }
}
