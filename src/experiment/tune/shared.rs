//! A study that several workers share: kept by Optuna in a database, asked through the Python package in `python/`.
//!
//! The program that searches starts `python -m windtunnel_optuna` and asks it for points; runs, early stopping and the
//! proof stay here. What is learned of a point does not depend on who runs it, so workers on many machines may share a
//! study; which points are asked for does depend on their order.

use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::experiment::child::Child;
use crate::metrics::Metric;
use crate::metrics::metric::Direction;

use super::axes::Axis;

/// How long a question may stay open: a database may be far away, and busy (our choice).
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a study is kept.
#[derive(Clone, Debug)]
pub struct Storage {
    /// As SQLAlchemy writes it, such as `postgresql://host/name` or `sqlite:///file.db`.
    pub url: String,
    /// Its name there.
    pub study: String,
    /// Who asks: the same after a restart, and nobody else's.
    pub worker: String,
    /// The Python that has the package.
    pub python: String,
}

/// Why a shared study is of no use.
#[derive(Debug, Error)]
pub enum SharedError {
    /// There is no Optuna to ask.
    #[error(
        "`{python}` cannot keep a study: {why}\n(pip install './python[optuna]', and for PostgreSQL './python[optuna,postgresql]'; or name another Python with --python)"
    )]
    Package {
        /// The Python.
        python: String,
        /// What it said.
        why: String,
    },
    /// It said what is wrong.
    #[error("the study `{study}`: {what}")]
    Said {
        /// Its name.
        study: String,
        /// What it said.
        what: String,
    },
}

/// A study that others may be using too.
pub(super) struct Shared {
    child: Child,
    storage: Storage,
}

/// A point of it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Point {
    /// Its number there.
    pub(super) number: u32,
    /// A value an axis.
    pub(super) values: Vec<f64>,
}

/// An axis as Optuna is told of it.
#[derive(Serialize)]
struct Distribution {
    id: &'static str,
    low: f64,
    high: f64,
    log: bool,
    whole: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Question<'a> {
    Open {
        storage: &'a str,
        study: &'a str,
        worker: &'a str,
        problem: &'a str,
        trials: u32,
        axes: Vec<Distribution>,
        objectives: Vec<&'static str>,
        directions: Vec<&'static str>,
    },
    Ask {
        n: u32,
    },
    Tell {
        number: u32,
        objectives: Option<&'a [f64]>,
        stopped: bool,
    },
    Others,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    Opened,
    Asked { trials: Vec<Point> },
    Told,
    Others { trials: Vec<Point> },
    Error { what: String },
}

impl Shared {
    /// Opens a study for so many trials of a problem, or joins it.
    pub(super) fn open(
        storage: &Storage,
        problem: &str,
        trials: u32,
        axes: &[Axis],
        objectives: &[&'static Metric],
    ) -> Result<Self, SharedError> {
        let mut command = Command::new(&storage.python);
        let package = |why| SharedError::Package { python: storage.python.clone(), why };
        let child =
            Child::start(command.args(["-m", "windtunnel_optuna"]), PATIENCE).map_err(package)?;
        let mut shared = Self { child, storage: storage.clone() };
        let direction = |metric: &&'static Metric| match metric.better {
            Direction::Higher => "maximize",
            Direction::Lower | Direction::Neither => "minimize",
        };
        let open = Question::Open {
            storage: &storage.url,
            study: &storage.study,
            worker: &storage.worker,
            problem,
            trials,
            axes: axes.iter().map(Distribution::of).collect(),
            objectives: objectives.iter().map(|metric| metric.id).collect(),
            directions: objectives.iter().map(direction).collect(),
        };
        match shared.put(&open) {
            Ok(Answer::Opened) => Ok(shared),
            Ok(_) => Err(shared.said("it answered something else".to_owned())),
            // The first question is where a package that is missing shows.
            Err(SharedError::Said { what, .. }) if what.contains("question 1") => {
                Err(package(what))
            }
            Err(error) => Err(error),
        }
    }

    /// At most `n` new points; none when the study has all its trials.
    pub(super) fn ask(&mut self, n: u32) -> Result<Vec<Point>, SharedError> {
        match self.put(&Question::Ask { n })? {
            Answer::Asked { trials } => Ok(trials),
            _ => Err(self.said("it answered something else".to_owned())),
        }
    }

    /// What a point gave, as the metrics are; `None` where it could not be tried.
    pub(super) fn tell(
        &mut self,
        number: u32,
        objectives: Option<&[f64]>,
        stopped: bool,
    ) -> Result<(), SharedError> {
        self.put(&Question::Tell { number, objectives, stopped }).map(drop)
    }

    /// Points of the front that this process has not asked for.
    pub(super) fn others(&mut self) -> Result<Vec<Point>, SharedError> {
        match self.put(&Question::Others)? {
            Answer::Others { trials } => Ok(trials),
            _ => Err(self.said("it answered something else".to_owned())),
        }
    }

    fn put(&mut self, question: &Question<'_>) -> Result<Answer, SharedError> {
        let line = serde_json::to_string(question).expect("a question is plain JSON");
        let answer = self.child.ask(&format!("{line}\n")).map_err(|what| self.said(what))?;
        match serde_json::from_str(&answer) {
            Ok(Answer::Error { what }) => Err(self.said(what)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.said(format!("it answered what is no answer: {error}"))),
        }
    }

    fn said(&self, what: String) -> SharedError {
        SharedError::Said { study: self.storage.study.clone(), what }
    }
}

impl Distribution {
    fn of(axis: &Axis) -> Self {
        Self {
            id: axis.id,
            low: axis.low,
            high: axis.high,
            log: axis.is_by_ratio(),
            whole: axis.is_whole(),
        }
    }
}
