//! The optimiser: a multi-objective tree-structured Parzen estimator of the crate `optimizer`, behind ask and
//! tell.
//!
//! Every axis is asked for in a range of its own, [n, n + 1): the sampler tells parameters apart by their ranges.

use optimizer::multi_objective::MultiObjectiveStudy;
use optimizer::parameter::{FloatParam, Parameter};
use optimizer::sampler::motpe::MotpeSampler;
use optimizer::{Direction, Trial};

/// A search in the unit cube.
pub(super) struct Study {
    study: MultiObjectiveStudy,
    params: Vec<FloatParam>,
}

/// A point that was asked for.
pub(super) struct Asked {
    trial: Trial,
    /// Parts of the way on each axis, in [0, 1].
    pub(super) parts: Vec<f64>,
}

impl Study {
    /// Over so many axes, for so many objectives of which less is better.
    pub(super) fn new(axes: usize, objectives: usize, seed: u64) -> Self {
        let sampler = MotpeSampler::builder().seed(seed).n_startup_trials(2 * axes + 1).build();
        let study =
            MultiObjectiveStudy::with_sampler(vec![Direction::Minimize; objectives], sampler);
        let param = |n: usize| FloatParam::new(n as f64, n as f64 + 1.0);
        Self { study, params: (0..axes).map(param).collect() }
    }

    /// The next point.
    pub(super) fn ask(&self) -> Asked {
        let mut trial = self.study.ask();
        let parts = self.params.iter().enumerate().map(|(n, param)| {
            let value = param.suggest(&mut trial).unwrap_or(n as f64 + 0.5);
            value - n as f64
        });
        let parts = parts.collect();
        Asked { trial, parts }
    }

    /// What a point gave; `None` where it could not be tried.
    pub(super) fn tell(&self, asked: Asked, objectives: Option<Vec<f64>>) {
        let told = self.study.tell(asked.trial, objectives.ok_or("refused"));
        told.expect("the number of objectives does not change");
    }
}
