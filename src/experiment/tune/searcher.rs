//! Who says what to try next: the optimiser in this process, or a study that is shared.

use super::axes::Axis;
use super::search::Plan;
use super::shared::{Point, Shared, SharedError};
use super::study::{self, Study};
use crate::metrics::metric::Direction;

/// What says what to try next.
pub(super) enum Searcher<'a> {
    /// The optimiser here: the same plan asks for the same points.
    Own { study: Study, axes: &'a [Axis], next: u32, trials: u32 },
    /// A study that others may be using too.
    Shared { shared: Shared, plan: &'a Plan<'a> },
}

/// A point to try.
pub(super) struct Asked {
    /// Its number, from 1.
    pub(super) number: u32,
    /// A value an axis.
    pub(super) values: Vec<f64>,
    own: Option<study::Asked>,
}

impl<'a> Searcher<'a> {
    /// For a plan.
    pub(super) fn new(plan: &'a Plan<'a>) -> Result<Self, SharedError> {
        let Some(storage) = plan.storage else {
            let study = Study::new(plan.axes.len(), plan.objectives.len(), plan.seed);
            return Ok(Self::Own { study, axes: plan.axes, next: 1, trials: plan.trials });
        };
        let problem = plan.problem();
        let shared = Shared::open(storage, &problem, plan.trials, plan.axes, plan.objectives)?;
        Ok(Self::Shared { shared, plan })
    }

    /// At most `n` points; none when there have been as many trials as were planned.
    pub(super) fn ask(&mut self, n: u32) -> Result<Vec<Asked>, SharedError> {
        match self {
            Self::Own { study, axes, next, trials } => {
                let first = *next;
                *next = (first + n).min(*trials + 1);
                let ask = |number| {
                    let own = study.ask();
                    let values = axes.iter().zip(&own.parts).map(|(axis, part)| axis.at(*part));
                    Asked { number, values: values.collect(), own: Some(own) }
                };
                Ok((first..*next).map(ask).collect())
            }
            Self::Shared { shared, plan } => {
                Ok(shared.ask(n)?.into_iter().map(|point| Asked::of(point, plan.axes)).collect())
            }
        }
    }

    /// What a point gave, less being better; `None` where it could not be tried. `stopped`: it had some of its runs.
    pub(super) fn tell(
        &mut self,
        asked: Asked,
        means: Option<Vec<f64>>,
        stopped: bool,
    ) -> Result<(), SharedError> {
        match (self, asked.own) {
            (Self::Own { study, .. }, Some(own)) => {
                study.tell(own, means);
                Ok(())
            }
            (Self::Own { .. }, None) => Ok(()),
            (Self::Shared { shared, plan }, _) => {
                let means = means.map(|means| -> Vec<f64> {
                    let signed = means.into_iter().zip(plan.objectives);
                    signed
                        .map(|(mean, metric)| match metric.better {
                            Direction::Higher => -mean,
                            Direction::Lower | Direction::Neither => mean,
                        })
                        .collect()
                });
                shared.tell(asked.number - 1, means.as_deref(), stopped)
            }
        }
    }

    /// Points of the front of a shared study that were asked for by others, or here before a restart.
    pub(super) fn others(&mut self) -> Result<Vec<Asked>, SharedError> {
        match self {
            Self::Own { .. } => Ok(Vec::new()),
            Self::Shared { shared, plan } => {
                Ok(shared.others()?.into_iter().map(|point| Asked::of(point, plan.axes)).collect())
            }
        }
    }
}

impl Asked {
    /// Numbers of a shared study begin at 0, which is the start here.
    fn of(point: Point, axes: &[Axis]) -> Self {
        let values = axes.iter().zip(point.values).map(|(axis, value)| axis.rounded(value));
        Self { number: point.number + 1, values: values.collect(), own: None }
    }
}
