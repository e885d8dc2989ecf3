//! What lies in a folder of results.

use std::fs;
use std::path::{Path, PathBuf};

use crate::record::bench::MEASUREMENTS_VERSION;
use crate::record::check::CHECK_VERSION;
use crate::record::claims::CLAIMS_VERSION;
use crate::record::comparison::COMPARISON_VERSION;
use crate::record::store::{self, ARRIVALS, SERIES, SUMMARY, TRANSITIONS};
use crate::record::sweep::{SWEEP_VERSION, Sweep};
use crate::record::tuning::{TUNING_VERSION, Tuning};
use crate::record::{
    CheckReport, Comparison, Made, Measurements, Scorecard, StoreError, StoredRun,
};

/// A result.
#[derive(Clone, Debug)]
pub enum Source {
    /// Of `run`.
    Run {
        /// Its folder.
        dir: PathBuf,
        /// What made it, where that was stored.
        manifest: Option<Made>,
        /// The run; without series where only the summary was kept.
        run: Box<StoredRun>,
    },
    /// Of `compare`.
    Comparison {
        /// Its folder.
        dir: PathBuf,
        /// What made it, where that was stored.
        manifest: Option<Made>,
        /// The tables.
        comparison: Box<Comparison>,
        /// Runs with their series: scenario and policy, in the order of the tables.
        shown: Vec<(String, String, StoredRun)>,
    },
    /// Of `claims`.
    Claims {
        /// Its folder.
        dir: PathBuf,
        /// What made it, where that was stored.
        manifest: Option<Made>,
        /// The scorecard.
        scorecard: Box<Scorecard>,
    },
    /// Of `tune`.
    Tuning {
        /// Its folder.
        dir: PathBuf,
        /// What made it, where that was stored.
        manifest: Option<Made>,
        /// The search.
        tuning: Box<Tuning>,
    },
    /// Of `sweep`.
    Sweep {
        /// Its folder.
        dir: PathBuf,
        /// What made it, where that was stored.
        manifest: Option<Made>,
        /// The points, and how the metrics answer.
        sweep: Box<Sweep>,
    },
    /// Of `check --format json`.
    Check {
        /// Its folder.
        dir: PathBuf,
        /// What made it, where that was stored.
        manifest: Option<Made>,
        /// The verdicts.
        check: Box<CheckReport>,
    },
    /// Of `bench`.
    Bench {
        /// Its folder.
        dir: PathBuf,
        /// What made it, where that was stored.
        manifest: Option<Made>,
        /// What was measured.
        bench: Box<Measurements>,
    },
}

/// Why there is nothing to report on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A folder does not exist.
    #[error(
        "there is no folder {}; `windtunnel run`, `compare`, `claims`, `sweep`, `tune` and `bench` make one each, e.g. \
         results/error-burst", dir.display()
    )]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// A folder holds no result, and neither do those in it.
    #[error(
        "no result in {}; expected one of {}, in it or in a folder of it", dir.display(), FILES.join(", ")
    )]
    Empty {
        /// The folder.
        dir: PathBuf,
    },
    /// A result cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const COMPARISON: &str = "comparison.json";
const CLAIMS: &str = "claims.json";
const TUNING: &str = "tuning.json";
const BENCH: &str = "bench.json";
const SWEEP: &str = "sweep.json";
const CHECK: &str = "check.json";
const FILES: [&str; 7] = [SUMMARY, COMPARISON, CLAIMS, TUNING, SWEEP, CHECK, BENCH];

/// The results in folders, in their order; a folder that is none itself stands for those in it, by name.
///
/// # Errors
/// [`SourceError`] of the first that cannot be read.
pub fn sources(dirs: &[PathBuf]) -> Result<Vec<Source>, SourceError> {
    let mut found = Vec::new();
    for dir in dirs {
        if !dir.is_dir() {
            return Err(SourceError::Missing { dir: dir.clone() });
        }
        let before = found.len();
        if holds_result(dir) {
            found.extend(read(dir)?);
        } else {
            for inner in folders(dir) {
                found.extend(read(&inner)?);
            }
        }
        if found.len() == before {
            return Err(SourceError::Empty { dir: dir.clone() });
        }
    }
    Ok(found)
}

fn holds_result(dir: &Path) -> bool {
    FILES.iter().any(|file| dir.join(file).exists())
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let mut folders: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort_unstable();
    folders
}

fn read(dir: &Path) -> Result<Vec<Source>, StoreError> {
    let manifest = Made::read(dir)?;
    let here = |file: &str| dir.join(file).exists().then(|| dir.join(file));
    let mut found = Vec::new();
    if let Some(path) = here(COMPARISON) {
        let comparison: Comparison = store::read_versioned(&path, COMPARISON_VERSION)?;
        let shown = shown(dir, &comparison)?;
        let (dir, manifest, comparison) = (dir.to_owned(), manifest.clone(), Box::new(comparison));
        found.push(Source::Comparison { dir, manifest, comparison, shown });
    }
    if here(SUMMARY).is_some() {
        let (dir, manifest, run) = (dir.to_owned(), manifest.clone(), Box::new(run(dir)?));
        found.push(Source::Run { dir, manifest, run });
    }
    if let Some(path) = here(CLAIMS) {
        let scorecard = Box::new(store::read_versioned(&path, CLAIMS_VERSION)?);
        let (dir, manifest) = (dir.to_owned(), manifest.clone());
        found.push(Source::Claims { dir, manifest, scorecard });
    }
    if let Some(path) = here(TUNING) {
        let tuning = Box::new(store::read_versioned(&path, TUNING_VERSION)?);
        let (dir, manifest) = (dir.to_owned(), manifest.clone());
        found.push(Source::Tuning { dir, manifest, tuning });
    }
    if let Some(path) = here(SWEEP) {
        let sweep = Box::new(store::read_versioned(&path, SWEEP_VERSION)?);
        let (dir, manifest) = (dir.to_owned(), manifest.clone());
        found.push(Source::Sweep { dir, manifest, sweep });
    }
    if let Some(path) = here(CHECK) {
        let check = Box::new(store::read_versioned(&path, CHECK_VERSION)?);
        let (dir, manifest) = (dir.to_owned(), manifest.clone());
        found.push(Source::Check { dir, manifest, check });
    }
    if let Some(path) = here(BENCH) {
        let bench = Box::new(store::read_versioned(&path, MEASUREMENTS_VERSION)?);
        found.push(Source::Bench { dir: dir.to_owned(), manifest, bench });
    }
    Ok(found)
}

/// A run, whole or its summary alone.
fn run(dir: &Path) -> Result<StoredRun, StoreError> {
    if [SERIES, ARRIVALS, TRANSITIONS].iter().all(|file| dir.join(file).exists()) {
        return store::read(dir);
    }
    let summary = store::read_summary(&dir.join(SUMMARY))?;
    let (series, arrivals, transitions) = (Vec::new(), Vec::new(), Vec::new());
    Ok(StoredRun { summary, series, arrivals, transitions, timing: None })
}

/// The runs of a comparison that were stored with their series.
fn shown(
    dir: &Path,
    comparison: &Comparison,
) -> Result<Vec<(String, String, StoredRun)>, StoreError> {
    let mut runs = Vec::new();
    for scenario in comparison.tables.first().map_or(&[][..], |table| &table.scenarios) {
        for policy in scenario.shown.iter().flat_map(|shown| &shown.policies) {
            let folder = Comparison::folder(dir, &scenario.scenario, &policy.policy);
            if folder.join(SUMMARY).exists() {
                runs.push((scenario.scenario.clone(), policy.policy.clone(), run(&folder)?));
            }
        }
    }
    Ok(runs)
}

impl Source {
    /// Its folder.
    pub fn dir(&self) -> &Path {
        match self {
            Self::Run { dir, .. }
            | Self::Comparison { dir, .. }
            | Self::Claims { dir, .. }
            | Self::Tuning { dir, .. }
            | Self::Sweep { dir, .. }
            | Self::Check { dir, .. }
            | Self::Bench { dir, .. } => dir,
        }
    }

    /// What made it, where that was stored.
    pub const fn manifest(&self) -> Option<&Made> {
        match self {
            Self::Run { manifest, .. }
            | Self::Comparison { manifest, .. }
            | Self::Claims { manifest, .. }
            | Self::Tuning { manifest, .. }
            | Self::Sweep { manifest, .. }
            | Self::Check { manifest, .. }
            | Self::Bench { manifest, .. } => manifest.as_ref(),
        }
    }
}
