//! `windtunnel report`: stored results as one page.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::style;
use crate::record;
use crate::report::document::{self, Document, SourceError};
use crate::report::{publish, terminal};

/// Stored results as one page.
///
/// Reads what `run`, `compare`, `claims`, `sweep`, `tune` and `bench` have stored, and `check.json`, and writes `report.html`, one file that needs
/// no network, and the same as `report.md` with its figures in `report/`. Nothing is simulated. The same input
/// gives the same bytes.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Report {
    /// Folders of results, or a folder of such folders
    #[arg(required = true, value_name = "RESULTS")]
    results: Vec<PathBuf>,
    /// Folder for the report [default: the folder of results; results/report for several]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also write papers/: each figure as wide as a column of print with its values as CSV, and all tables as
    /// LaTeX
    #[arg(long)]
    papers: bool,
    /// What to print on stdout: the findings
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn report(args: &Report) -> Result<(), Failure> {
    let sources = document::sources(&args.results).map_err(|error| {
        let exit = match error {
            SourceError::Empty { .. } => Exit::NothingRun,
            _ => Exit::Usage,
        };
        Failure::new(exit, error).reproduce(again(args))
    })?;
    let dir = args.out.clone().unwrap_or_else(|| match &args.results[..] {
        [one] => one.clone(),
        _ => Path::new("results").join("report"),
    });
    record::writable(&dir).map_err(|error| Failure::new(Exit::Usage, error))?;
    let document = document::document(&sources);
    let failed = |error| Failure::new(Exit::Unexpected, error).reproduce(again(args));
    let mut files = publish::publish(&dir, &document).map_err(failed)?;
    if args.papers {
        files.extend(publish::papers(&dir, &document).map_err(failed)?);
    }
    match args.format {
        Format::Text => style::tables(&terminal::findings(&document)),
        Format::Json => style::data(&json(&document)),
    }
    style::note(&format!("{} files; open {}", files.len(), files[0].display()));
    Ok(())
}

/// The findings as a program reads them.
fn json(document: &Document) -> String {
    let finding = |finding: &document::Finding| {
        serde_json::json!({
            "sentence": finding.sentence,
            "evidence": finding.evidence,
            "shown": finding.shown,
        })
    };
    let findings: Vec<_> = document.findings.iter().map(finding).collect();
    record::to_json(&serde_json::json!({
        "title": document.title,
        "findings": findings,
        "warnings": document.warnings,
        "again": document.again,
    }))
}

/// The command that does the same again.
fn again(args: &Report) -> String {
    let mut line = "windtunnel report".to_owned();
    for path in &args.results {
        line += &format!(" {}", quote(&path.to_string_lossy()));
    }
    if let Some(out) = &args.out {
        line += &format!(" --out {}", quote(&out.to_string_lossy()));
    }
    if args.papers {
        line += " --papers";
    }
    line
}
