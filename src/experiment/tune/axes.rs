//! What is searched: parameters with a range each.

use crate::engine::{Param, Settings, Unit};
use crate::policy::settable::Product;
use crate::scenario::suggest;

/// A parameter and the values that are tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Its name.
    pub id: &'static str,
    /// Least value.
    pub low: f64,
    /// Greatest value.
    pub high: f64,
    by_ratio: bool,
    whole: bool,
}

/// What is searched of the engine unless told otherwise: what decides when a route goes and when it is back.
pub const ENGINE: &[&str] = &[
    "state.window",
    "state.degraded",
    "state.failed",
    "state.min_attempts",
    "state.min_errors",
    "backoff.first",
    "backoff.factor",
    "backoff.cap",
    "recovering.ramp",
    "selection.explore",
    "error.tau_fast",
    "silence.margin",
];

/// More than this is too much for the trials that anybody waits for (our choice).
const AXES_MAX: usize = 40;

/// The axes that `search` (names or patterns such as `state.*`) and `ranges` (`id=low..high`) name; where neither
/// does, those of the product or of the engine.
///
/// # Errors
/// A sentence: a name that does not exist, a range that is none, nothing to search.
pub fn axes(
    settings: &Settings,
    search: &[String],
    ranges: &[String],
    product: Option<&Product>,
) -> Result<Vec<Axis>, String> {
    let ids: Vec<&str> = settings.table().iter().map(|param| param.id).collect();
    let mut given: Vec<(&'static Param, f64, f64)> = Vec::new();
    for range in ranges {
        let (param, low, high) = read_range(settings, range)?;
        if given.iter().any(|(other, ..)| other.id == param.id) {
            return Err(format!("two ranges for `{}`", param.id));
        }
        given.push((param, low, high));
    }
    let usual: Vec<String> = match product {
        Some(product) => product.search.iter().map(|id| (*id).to_owned()).collect(),
        None if ids.contains(&"state.failed") => ENGINE.iter().map(|id| (*id).to_owned()).collect(),
        None => Vec::new(),
    };
    let search = if search.is_empty() && given.is_empty() { &usual } else { search };
    for pattern in search {
        if !ids.iter().any(|id| fits(pattern, id)) {
            let help = suggest::help(pattern, &ids);
            return Err(format!("no parameter is `{pattern}`: {help}"));
        }
    }
    let mut axes = Vec::new();
    for (param, now) in settings.iter() {
        let range = given.iter().find(|(other, ..)| other.id == param.id);
        let is_searched = search.iter().any(|pattern| fits(pattern, param.id));
        let (low, high) = match range {
            Some((_, low, high)) => (*low, *high),
            None if is_searched => around(param, now),
            None => continue,
        };
        if let Some(knob) = product.and_then(|product| product.knob(param.id)) {
            if !knob.by.is_settable() {
                return Err(format!("`{}` {}", param.id, knob.by.words()));
            }
        } else if let Some(product) = product {
            return Err(format!("`{}` is nothing that {} has", param.id, product.name));
        }
        let by_ratio = low > 0.0
            && matches!(param.unit, Unit::Ratio | Unit::Number | Unit::Seconds | Unit::Count);
        let whole = matches!(param.unit, Unit::Count | Unit::Switch | Unit::Choice(_));
        axes.push(Axis { id: param.id, low, high, by_ratio, whole });
    }
    if axes.is_empty() {
        return Err(format!(
            "nothing to search: say --search 'PATTERN,…' or --range id=low..high; {}",
            suggest::help("", &ids)
        ));
    }
    if axes.len() > AXES_MAX {
        return Err(format!(
            "{} parameters are too many for one search: at most {AXES_MAX}; name those that matter",
            axes.len()
        ));
    }
    Ok(axes)
}

/// Whether a pattern with at most one `*` fits.
fn fits(pattern: &str, id: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == id,
        Some((before, after)) => {
            id.len() >= before.len() + after.len() && id.starts_with(before) && id.ends_with(after)
        }
    }
}

fn read_range(settings: &Settings, text: &str) -> Result<(&'static Param, f64, f64), String> {
    let example = "such as state.failed=1%..20%";
    let (id, range) =
        text.split_once('=').ok_or_else(|| format!("`{text}` is no range: {example}"))?;
    let param = settings.param(id.trim()).ok_or_else(|| {
        let ids: Vec<&str> = settings.table().iter().map(|param| param.id).collect();
        format!("no parameter is `{}`: {}", id.trim(), suggest::help(id.trim(), &ids))
    })?;
    let (low, high) =
        range.split_once("..").ok_or_else(|| format!("`{text}` is no range: {example}"))?;
    let read = |text: &str| param.parse(text).map_err(|error| error.to_string());
    let (low, high) = (read(low)?, read(high)?);
    if low < high {
        return Ok((param, low, high));
    }
    Err(format!(
        "the bounds of `{}` contradict each other: {} is not below {}",
        param.id,
        param.show(low),
        param.show(high)
    ))
}

/// Values around the present one, where the legal range is wider than anybody would go: a quarter to four times.
fn around(param: &Param, now: f64) -> (f64, f64) {
    let (min, max) = (param.min, param.max);
    match param.unit {
        Unit::Switch | Unit::Choice(_) => (min, max),
        Unit::Count => {
            (min.max((now / 4.0).floor().max(1.0)).min(now), max.min((now * 4.0).max(8.0)))
        }
        Unit::Ratio if now <= 0.0 => (min, max.min(1.0)),
        Unit::Ratio => (min.max(now / 4.0), max.min((now * 4.0).min(1.0))),
        Unit::Number | Unit::Seconds if now <= 0.0 => (min, max.min(60.0)),
        Unit::Number | Unit::Seconds => (min.max(now / 4.0), max.min(now * 4.0)),
    }
}

impl Axis {
    /// The value at a part of the way from the least to the greatest, as people would write it: three digits,
    /// whole where it must be.
    pub(super) fn at(&self, part: f64) -> f64 {
        let part = part.clamp(0.0, 1.0);
        let value = if self.whole && !self.by_ratio {
            // Each whole value has the same part of the way.
            (self.low + (self.high - self.low + 1.0) * part).floor()
        } else if self.by_ratio {
            self.low * libm::pow(self.high / self.low, part)
        } else {
            self.low + (self.high - self.low) * part
        };
        self.rounded(value)
    }

    /// A value as people would write it: three digits, whole where it must be.
    pub(super) fn rounded(&self, value: f64) -> f64 {
        let short = if self.whole {
            value.round()
        } else {
            format!("{value:.2e}").parse().unwrap_or(value)
        };
        short.clamp(self.low, self.high)
    }

    /// Whether equal steps on it are equal ratios.
    pub(super) const fn is_by_ratio(&self) -> bool {
        self.by_ratio
    }

    /// Whether its values are whole numbers.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }
}

/// The settings with these values on the axes. What the policy would refuse for a reason that is known
/// is mended: windows are whole numbers of intervals, and Degraded comes before Failed.
pub(super) fn candidate(start: &Settings, axes: &[Axis], values: &[f64]) -> Settings {
    let mut settings = start.clone();
    for (axis, value) in axes.iter().zip(values) {
        settings.set(axis.id, *value).expect("axes stay within the table");
    }
    let has = |id: &str| start.param(id).is_some();
    if has("interval") {
        let interval = settings.get("interval");
        for id in ["state.window", "momentum.window", "error.window_short", "error.window_long"] {
            if has(id) {
                let buckets = (settings.get(id) / interval).round().max(1.0);
                // A window that its range forbids stays, and is refused when the policy is built.
                let _ = settings.set(id, buckets * interval);
            }
        }
    }
    if has("state.degraded") && settings.get("state.degraded") > settings.get("state.failed") {
        let (degraded, failed) = (settings.get("state.degraded"), settings.get("state.failed"));
        settings.set("state.degraded", failed).expect("both are shares");
        settings.set("state.failed", degraded).expect("both are shares");
    }
    settings
}
