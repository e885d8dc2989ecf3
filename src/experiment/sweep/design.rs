//! Which points of the space of all axes are run.

use sobol_burley::sample;
use thiserror::Error;

use crate::engine::luck::{mix, name, unit};

use super::axis::{Axis, Level};

/// How points are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// All combinations of the values of all axes.
    Grid,
    /// Drawn at random.
    Random(u32),
    /// Spread evenly: a scrambled Sobol' sequence (Owen 1995, Burley 2020).
    Sobol(u32),
    /// For Sobol' indices: n pairs of points and their mixtures (Saltelli 2010), n × (axes + 2) in all.
    Saltelli(u32),
    /// For elementary effects: n walks that change one axis at a time (Morris 1991), n × (axes + 1) points in all.
    Morris(u32),
}

/// A design that cannot be made.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum DesignError {
    /// A grid needs to know how many values.
    #[error(
        "--vary '{path}=…': a grid needs a count, as in {path}=lo..hi/8; or choose --design sobol --points 64"
    )]
    NoCount {
        /// The axis.
        path: String,
    },
    /// A count has no meaning where points are drawn.
    #[error("--vary '{path}=…': a count belongs to a grid; leave `/n` out, and say --points N")]
    Count {
        /// The axis.
        path: String,
    },
    /// Two axes for one key.
    #[error("--vary '{path}=…' stands there twice")]
    Twice {
        /// The key.
        path: String,
    },
    /// More than anybody runs.
    #[error(
        "{points} points are too many: expected at most {POINTS_MAX}; take fewer values or axes, or --design sobol --points 64"
    )]
    TooMany {
        /// How many there would be.
        points: f64,
    },
    /// The sequence has no more dimensions.
    #[error("{axes} axes are too many: expected at most {AXES_MAX}")]
    TooManyAxes {
        /// How many there are.
        axes: usize,
    },
    /// Effects cannot be told apart from too few points.
    #[error("--points {points} is too few for this design: expected at least {least}")]
    TooFew {
        /// As asked.
        points: u32,
        /// Least number.
        least: u32,
    },
}

/// Points of a sweep; each is parsed before the first runs.
pub const POINTS_MAX: f64 = 100_000.0;
/// Half of the dimensions of the Sobol' sequence that we use.
const AXES_MAX: usize = 100;
/// Levels of a Morris walk: steps are of 2/3 of the range (Morris 1991 recommends p even, Δ = p/2(p−1)).
const STEP: f64 = 2.0 / 3.0;

/// A point: a value of each axis.
pub type Point = Vec<Level>;

impl Design {
    /// Its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Random(_) => "random",
            Self::Sobol(_) => "sobol",
            Self::Saltelli(_) => "saltelli",
            Self::Morris(_) => "morris",
        }
    }

    /// Its points, in order.
    ///
    /// # Errors
    /// A [`DesignError`].
    pub fn points(self, axes: &[Axis], seed: u64) -> Result<Vec<Point>, DesignError> {
        if let Some(at) =
            (1..axes.len()).find(|i| axes[..*i].iter().any(|axis| axis.path == axes[*i].path))
        {
            return Err(DesignError::Twice { path: axes[at].path.clone() });
        }
        if axes.len() > AXES_MAX {
            return Err(DesignError::TooManyAxes { axes: axes.len() });
        }
        if self == Self::Grid {
            return grid(axes);
        }
        if let Some(counted) = axes.iter().find(|axis| has_count(axis)) {
            return Err(DesignError::Count { path: counted.path.clone() });
        }
        let (n, each, least) = match self {
            Self::Grid => (0, 0, 0),
            Self::Random(n) | Self::Sobol(n) => (n, 1, 1),
            Self::Saltelli(n) => (n, axes.len() + 2, 8),
            Self::Morris(n) => (n, axes.len() + 1, 2),
        };
        let points = f64::from(n) * each as f64;
        // The sequence has 2^16 points.
        if points > POINTS_MAX || n > 1 << 16 {
            return Err(DesignError::TooMany { points });
        }
        if n < least {
            return Err(DesignError::TooFew { points: n, least });
        }
        let d = axes.len();
        let unit_points: Vec<Vec<f64>> = match self {
            Self::Grid => Vec::new(),
            Self::Random(n) => {
                (0..n).map(|i| (0..d).map(|axis| drawn(seed, i, axis)).collect()).collect()
            }
            Self::Sobol(n) => {
                (0..n).map(|i| (0..d).map(|axis| even(seed, i, axis)).collect()).collect()
            }
            Self::Saltelli(n) => saltelli(n, d, seed),
            Self::Morris(n) => morris(n, d, seed),
        };
        let place =
            |parts: Vec<f64>| axes.iter().zip(parts).map(|(axis, part)| axis.at(part)).collect();
        Ok(unit_points.into_iter().map(place).collect())
    }
}

fn has_count(axis: &Axis) -> bool {
    matches!(&axis.values, super::axis::Values::Range(range) if range.steps.is_some())
}

/// All combinations, the last axis fastest.
fn grid(axes: &[Axis]) -> Result<Vec<Point>, DesignError> {
    let levels = axes
        .iter()
        .map(|axis| axis.levels().ok_or_else(|| DesignError::NoCount { path: axis.path.clone() }));
    let levels: Vec<Vec<Level>> = levels.collect::<Result<_, _>>()?;
    let points: f64 = levels.iter().map(|levels| levels.len() as f64).product();
    if points > POINTS_MAX {
        return Err(DesignError::TooMany { points });
    }
    let mut all: Vec<Point> = vec![Vec::new()];
    for levels in &levels {
        let longer = |point: &Point| -> Vec<Point> {
            levels.iter().map(|level| [&point[..], std::slice::from_ref(level)].concat()).collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    Ok(all)
}

fn drawn(seed: u64, point: u32, axis: usize) -> f64 {
    unit(mix(mix(mix(seed, name("design")), u64::from(point)), axis as u64))
}

fn even(seed: u64, point: u32, axis: usize) -> f64 {
    f64::from(sample(point, axis as u32, seed as u32))
}

/// For each of n: A, B, then A with one coordinate of B, axis by axis.
fn saltelli(n: u32, d: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut points = Vec::new();
    for i in 0..n {
        let a: Vec<f64> = (0..d).map(|axis| even(seed, i, axis)).collect();
        let b: Vec<f64> = (0..d).map(|axis| even(seed, i, d + axis)).collect();
        points.extend([a.clone(), b.clone()]);
        for axis in 0..d {
            let mut mixed = a.clone();
            mixed[axis] = b[axis];
            points.push(mixed);
        }
    }
    points
}

/// Walks over the levels 0, 1/3, 2/3, 1: one axis a step, in an order and a direction that are drawn.
fn morris(n: u32, d: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut points = Vec::new();
    for walk in 0..n {
        let draw =
            |what: &str, axis: usize| mix(mix(mix(seed, name(what)), u64::from(walk)), axis as u64);
        let start = |axis: usize| {
            let low = f64::from(u32::from(unit(draw("level", axis)) < 0.5)) / 3.0;
            if unit(draw("side", axis)) < 0.5 { low } else { low + STEP }
        };
        let mut at: Vec<f64> = (0..d).map(start).collect();
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by_key(|axis| (draw("order", *axis), *axis));
        points.push(at.clone());
        for axis in order {
            at[axis] += if at[axis] < 0.5 { STEP } else { -STEP };
            points.push(at.clone());
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(texts: &[&str]) -> Vec<Axis> {
        texts.iter().map(|text| Axis::parse(text).unwrap()).collect()
    }

    fn rows(design: Design, texts: &[&str]) -> Vec<String> {
        let points = design.points(&axes(texts), 1).unwrap();
        let row = |point: &Point| {
            point.iter().map(|level| level.text.as_str()).collect::<Vec<_>>().join(" ")
        };
        points.iter().map(row).collect()
    }

    #[test]
    fn a_grid_has_all_combinations() {
        assert_eq!(
            rows(Design::Grid, &["a=1..2/2", "b=x,y,z"]),
            ["1 x", "1 y", "1 z", "2 x", "2 y", "2 z"]
        );
    }

    #[test]
    fn sobol_points_fill_every_strip() {
        let points = Design::Sobol(64).points(&axes(&["a=0..64", "b=0..64"]), 7).unwrap();
        for axis in 0..2 {
            let mut strips: Vec<u32> =
                points.iter().map(|p| p[axis].number.unwrap() as u32).collect();
            strips.sort_unstable();
            assert_eq!(strips, (0..64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn walks_change_one_axis_at_a_time_and_each_once() {
        let points = Design::Morris(5).points(&axes(&["a=0..3", "b=0..3", "c=u,v"]), 3).unwrap();
        assert_eq!(points.len(), 20);
        for walk in points.chunks(4) {
            let mut changed: Vec<usize> = (walk.windows(2))
                .map(|pair| {
                    let differs: Vec<usize> =
                        (0..3).filter(|i| pair[0][*i] != pair[1][*i]).collect();
                    assert_eq!(differs.len(), 1);
                    differs[0]
                })
                .collect();
            changed.sort_unstable();
            assert_eq!(changed, [0, 1, 2]);
        }
    }

    #[test]
    fn mixtures_take_one_coordinate_of_the_other_point() {
        let points = Design::Saltelli(8).points(&axes(&["a=0..1", "b=0..1"]), 1).unwrap();
        assert_eq!(points.len(), 32);
        for group in points.chunks(4) {
            let [a, b, ab, ba] = group else { panic!("four") };
            assert_eq!((&ab[0], &ab[1]), (&b[0], &a[1]));
            assert_eq!((&ba[0], &ba[1]), (&a[0], &b[1]));
        }
    }

    #[test]
    fn designs_that_cannot_be_are_refused() {
        let error = |design: Design, texts: &[&str]| {
            design.points(&axes(texts), 1).unwrap_err().to_string()
        };
        assert!(error(Design::Grid, &["a=1..2"]).contains("a grid needs a count"));
        assert!(error(Design::Sobol(8), &["a=1..2/3"]).contains("leave `/n` out"));
        assert!(error(Design::Grid, &["a=1,2", "a=3,4"]).contains("twice"));
        assert!(
            error(Design::Grid, &["a=1..2/1000", "b=1..2/1000"])
                .contains("1000000 points are too many")
        );
        assert!(error(Design::Random(4_000_000), &["a=1..2"]).contains("too many"));
        assert!(error(Design::Morris(1), &["a=1..2"]).contains("at least 2"));
    }
}
