//! The engine's parameters: one table for scenarios, searches, help and docs, and the presets over it.
//!
//! Sources: *vendor* is the "Adaptive Load Balancing" page of docs.getbifrost.ai as published in December
//! 2025 (withdrawn in June 2026); *vendor 2026* is the page as of September 2026. Neither is code: the
//! vendor's engine is not public.

use super::param::{OURS, Param, ParamError, Settings, Unit};
use super::time::Span;

const V: &str = "vendor, Adaptive Load Balancing, 2025-12 (withdrawn 2026-06)";
const V26: &str = "vendor, Adaptive Load Balancing, 2026-09";
const DERIVED: &str = "derived from the vendor's \"90 % of the penalty gone in 30 s\": 30/ln 10";

macro_rules! params {
    ($($id:literal $field:ident $unit:expr, $default:expr, $min:expr, $max:expr, $source:expr, $doc:literal;)*) => {
        /// The engine's parameters, by field. Lengths of time are in seconds, shares in [0, 1].
        #[derive(Clone, Debug, PartialEq)]
        pub struct Params { $(#[doc = $doc] pub $field: f64,)* }

        /// The same as a table.
        pub const PARAMS: &[Param] = &[$(Param {
            id: $id, unit: $unit, default: $default, min: $min, max: $max, source: $source, doc: $doc,
        },)*];

        impl Params {
            fn read(settings: &Settings) -> Self {
                Self { $($field: settings.get($id),)* }
            }

            /// Every parameter with its value, in the order of [`PARAMS`].
            pub fn values(&self) -> impl Iterator<Item = (&'static Param, f64)> + use<> {
                PARAMS.iter().zip([$(self.$field,)*])
            }

            /// Checks every value against its own range.
            fn check_ranges(&self) -> Result<(), ParamError> {
                self.values().try_for_each(|(param, value)| param.check(value).map(drop))
            }

            /// Sets a parameter by its dotted name.
            ///
            /// # Errors
            /// [`ParamError`] for an unknown name or an illegal value; then nothing has changed.
            pub fn set(&mut self, id: &str, value: f64) -> Result<(), ParamError> {
                match id {
                    $($id => {
                        let param = PARAMS.iter().find(|param| param.id == id);
                        self.$field = param.expect("listed above").check(value)?;
                        Ok(())
                    })*
                    _ => Err(ParamError::Unknown { id: id.to_owned() }),
                }
            }
        }
    };
}

use Unit::{Choice, Count, Number, Ratio, Seconds, Switch};

params! {
    "interval" interval Seconds, 5.0, 0.1, 60.0, V, "Time between recomputations of weights and states.";
    "weight.min" weight_min Number, 1.0, 0.0, 1e6, V, "Least weight.";
    "weight.max" weight_max Number, 1000.0, 1.0, 1e6, V, "Greatest weight.";
    "score.error" score_error Ratio, 0.50, 0.0, 2.0, V, "Share of the error penalty in the score.";
    "score.latency" score_latency Ratio, 0.20, 0.0, 2.0, V, "Share of the latency penalty in the score.";
    "score.utilization" score_utilization Ratio, 0.05, 0.0, 2.0, V, "Share of the utilization penalty in the score.";
    "error.factor" error_factor Number, 2.5, 0.0, 100.0, V, "Factor of the error penalty: factor × R^exponent.";
    "error.exponent" error_exponent Number, 0.4, 0.05, 4.0, V, "Exponent of the error penalty.";
    "error.cap" error_cap Number, 1.0, 0.0, 10.0, OURS, "Greatest error penalty (the vendor's P_max, never published).";
    "error.mix_short" error_mix_short Ratio, 0.5, 0.0, 1.0, V, "Weight of the short window in R.";
    "error.mix_long" error_mix_long Ratio, 0.3, 0.0, 1.0, V, "Weight of the long window in R.";
    "error.mix_all" error_mix_all Ratio, 0.2, 0.0, 1.0, V, "Weight of the whole past in R.";
    "error.window_short" error_window_short Seconds, 60.0, 1.0, 3600.0, V, "The short error window.";
    "error.window_long" error_window_long Seconds, 300.0, 1.0, 7200.0, V, "The long error window.";
    "error.tau_fast" error_tau_fast Seconds, 13.028_834_457, 0.1, 3600.0, DERIVED, "Decay time of the error penalty since the last error, up to the knee.";
    "error.tau_slow" error_tau_slow Seconds, 300.0, 0.1, 86_400.0, OURS, "Decay time after the knee.";
    "error.knee" error_knee Seconds, 60.0, 0.0, 3600.0, V, "Where the fast decay ends.";
    "utilization.exponent" utilization_exponent Number, 1.5, 0.1, 10.0, V, "Exponent of the utilization penalty.";
    "utilization.by" utilization_by Choice(&["requests", "tokens"]), 0.0, 0.0, 1.0, OURS, "What a route's share of traffic is measured in.";
    "utilization.directions" utilization_directions Switch, 0.0, 0.0, 1.0, V26, "Whether providers, too, are scored on utilization.";
    "direction.by_usable" direction_by_usable Switch, 0.0, 0.0, 1.0, OURS, "Whether a provider's weight shrinks with the part of its keys that is usable; off = one key that comes back can draw the traffic of all.";
    "momentum.window" momentum_window Seconds, 20.0, 1.0, 3600.0, V, "Window of the success rate behind the bonus.";
    "momentum.pivot" momentum_pivot Ratio, 0.97, 0.0, 1.0, V, "Success rate at which the bonus is half.";
    "momentum.gamma" momentum_gamma Number, 150.0, 1.0, 1e4, OURS, "Steepness of the bonus around the pivot.";
    "momentum.lambda" momentum_lambda Ratio, 0.10, 0.0, 1.0, OURS, "Height of the bonus before its cap.";
    "momentum.cap" momentum_cap Ratio, 0.10, 0.0, 1.0, OURS, "Greatest bonus (the vendor's B_max, never published); 0 = no momentum.";
    "momentum.min_attempts" momentum_min_attempts Count, 5.0, 0.0, 1e6, OURS, "Fewest attempts in the window for a bonus.";
    "momentum.tail" momentum_tail Seconds, 60.0, 0.0, 3600.0, OURS, "How long after promotion a route keeps its bonus.";
    "state.window" state_window Seconds, 10.0, 0.1, 600.0, V, "Window of the error rate that moves states.";
    "state.degraded" state_degraded Ratio, 0.02, 0.0, 1.0, V, "Error rate above which a route is Degraded.";
    "state.failed" state_failed Ratio, 0.05, 0.0, 1.0, V, "Error rate above which a route is Failed.";
    "state.latency" state_latency Ratio, 0.25, 0.0, 1.0, V, "Latency penalty above which a route is Degraded.";
    "state.promote_error" state_promote_error Ratio, 0.02, 0.0, 1.0, V, "Error rate below which a route may become Healthy.";
    "state.promote_share" state_promote_share Ratio, 0.5, 0.0, 2.0, V, "Share of its expected traffic that a Recovering route must have served.";
    "state.promote_min" state_promote_min Count, 5.0, 0.0, 1e6, OURS, "Fewest attempts for promotion.";
    "state.min_attempts" state_min_attempts Count, 20.0, 1.0, 1e6, OURS, "Fewest attempts in the window for an error rate to count.";
    "state.min_errors" state_min_errors Count, 2.0, 1.0, 1e6, OURS, "Fewest errors in the window for an error rate to count.";
    "state.expected" state_expected Choice(&["snapshot", "fair"]), 0.0, 0.0, 1.0, OURS, "Expected traffic: what the published probabilities add up to, or the fair share 1/K.";
    "backoff.first" backoff_first Seconds, 5.0, 0.0, 3600.0, OURS, "First exclusion of a route that Failed by its error rate.";
    "backoff.factor" backoff_factor Number, 2.0, 1.0, 10.0, OURS, "Growth on each failure while Recovering.";
    "backoff.cap" backoff_cap Seconds, 120.0, 0.0, 86_400.0, OURS, "Longest exclusion.";
    "backoff.jitter" backoff_jitter Ratio, 0.10, 0.0, 1.0, OURS, "Exclusions vary by up to this share either way.";
    "backoff.reset" backoff_reset Seconds, 60.0, 0.0, 86_400.0, OURS, "Time Healthy after which the ladder starts again.";
    "backoff.limited_floor" backoff_limited_floor Seconds, 10.0, 0.0, 3600.0, V26, "Least exclusion after a 429, whatever the hint says.";
    "backoff.limited_default" backoff_limited_default Seconds, 30.0, 0.0, 3600.0, V26, "Exclusion after a 429 without a hint.";
    "recovering.ramp" recovering_ramp Number, 2.0, 1.0, 1e6, OURS, "Greatest growth of a Recovering route's weight per recomputation.";
    "recovering.progress" recovering_progress Switch, 0.0, 0.0, 1.0, V26, "Whether Recovering routes are scored on latency and progress instead of their old errors.";
    "selection.rule" selection_rule Choice(&["band", "smooth"]), 0.0, 0.0, 1.0, V, "`band`: weighted draw near the best plus exploration; `smooth`: proportional to weight with floors.";
    "selection.band" selection_band Ratio, 0.05, 0.0, 1.0, V, "Width of the band below the best weight.";
    "selection.explore" selection_explore Ratio, 0.25, 0.0, 1.0, V, "Probability of exploring outside the band.";
    "selection.floor" selection_floor Ratio, 0.01, 0.0, 0.5, OURS, "Least probability of a usable route under `smooth`, divided by nothing.";
    "selection.probe" selection_probe Ratio, 0.05, 0.0, 1.0, OURS, "Probability reserved for Recovering routes under `smooth`.";
    "latency.repair" latency_repair Switch, 1.0, 0.0, 1.0, OURS, "Fit on other providers' routes and on data older than `latency.age`; off = the published text taken literally, which does not see a slow provider.";
    "latency.k" latency_k Number, 1.0, 0.01, 100.0, OURS, "Steepness of the latency penalty beyond the margin.";
    "latency.rate" latency_rate Number, 0.02, 1e-4, 0.5, OURS, "Learning rate of the latency model.";
    "latency.huber" latency_huber Number, 0.5, 0.01, 10.0, OURS, "Where residuals are clipped, in log units.";
    "latency.margin_quantile" latency_margin_quantile Ratio, 0.9, 0.5, 0.999, OURS, "Quantile of positive residuals that makes the margin.";
    "latency.margin_min" latency_margin_min Number, 1.3, 1.01, 10.0, OURS, "Least margin, as a factor on latency.";
    "latency.margin_max" latency_margin_max Number, 3.0, 1.01, 100.0, OURS, "Greatest margin, as a factor on latency.";
    "latency.margin_start" latency_margin_start Number, 1.5, 1.01, 100.0, OURS, "Margin until 50 residuals are known, as a factor on latency.";
    "latency.percentile" latency_percentile Ratio, 0.8, 0.0, 1.0, V, "Which of a route's recent requests speaks for it.";
    "latency.smoothing" latency_smoothing Ratio, 0.3, 0.01, 1.0, OURS, "Weight of a new latency penalty per recomputation.";
    "latency.min_samples" latency_min_samples Count, 10.0, 1.0, 256.0, OURS, "Fewest answers in an interval for a new latency penalty.";
    "latency.baseline" latency_baseline Seconds, 300.0, 1.0, 86_400.0, OURS, "Time constant of a route's own baseline.";
    "latency.age" latency_age Seconds, 10.0, 0.0, 600.0, OURS, "Models learn only from answers older than this.";
    "latency.freeze" latency_freeze Ratio, 0.25, 0.0, 1.0, OURS, "Above this penalty a route teaches the models nothing.";
    "hold.enabled" hold_enabled Switch, 0.0, 0.0, 1.0, V26, "Whether lasting refusals hold the key at once.";
    "hold.limited" hold_limited Switch, 0.0, 0.0, 1.0, V26, "Whether a 429 holds the key as well, until a check is served, instead of excluding it for a time.";
    "hold.floor" hold_floor Seconds, 10.0, 0.0, 3600.0, V26, "Least hold when the provider gave a hint.";
    "hold.first" hold_first Seconds, 30.0, 0.1, 3600.0, V26, "First rung of the hold ladder.";
    "hold.factor" hold_factor Number, 2.0, 1.0, 10.0, V26, "Growth of the ladder after each failed check.";
    "hold.jitter" hold_jitter Ratio, 0.10, 0.0, 1.0, V26, "Ladder waits vary by up to this share either way; hinted waits do not.";
    "hold.cap_credential" hold_cap_credential Seconds, 900.0, 1.0, 86_400.0, V26, "Longest hold of a rejected key.";
    "hold.cap_quota" hold_cap_quota Seconds, 300.0, 1.0, 86_400.0, V26, "Longest hold for lack of quota.";
    "hold.cap_access" hold_cap_access Seconds, 300.0, 1.0, 86_400.0, V26, "Longest hold for lack of model access.";
    "hold.cap_gone" hold_cap_gone Seconds, 1800.0, 1.0, 86_400.0, V26, "Longest hold of a retired model.";
    "hold.cap_region" hold_cap_region Seconds, 900.0, 1.0, 86_400.0, V26, "Longest hold of a blocked region.";
    "hold.cap_limited" hold_cap_limited Seconds, 120.0, 1.0, 86_400.0, V26, "Longest hold of a rate-limited key.";
    "hold.memory" hold_memory Seconds, 600.0, 0.0, 86_400.0, V26, "Held again for the same reason within this of its release, a key resumes its old rung.";
    "hold.check_timeout" hold_check_timeout Seconds, 300.0, 1.0, 86_400.0, V26, "A check that never reports frees its place after this.";
    "silence.enabled" silence_enabled Switch, 0.0, 0.0, 1.0, OURS, "Whether a growing age of unanswered attempts counts as latency, so that a silent hang shows before its timeout.";
    "silence.margin" silence_margin Number, 2.0, 1.01, 100.0, OURS, "Growth of that age over its baseline that is still normal.";
    "silence.min_open" silence_min_open Count, 10.0, 1.0, 1e6, OURS, "Fewest unanswered attempts for it to count.";
    "headroom.floor" headroom_floor Ratio, 0.0, 0.0, 0.9, OURS, "A route whose headers say that less than this share of its limit remains is passed over; 0 = never.";
    "headroom.pause" headroom_pause Seconds, 1.0, 0.0, 60.0, OURS, "For how long.";
    "share.mode" share_mode Choice(&["none", "limits", "full"]), 0.0, 0.0, 2.0, V26, "What nodes take from each other: nothing, exclusions and holds, or windows too.";
    "fail_open" fail_open Switch, 1.0, 0.0, 1.0, V26, "With every route excluded, send to the one whose exclusion ends first instead of refusing.";
    "switch.direction_selection" switch_direction_selection Switch, 1.0, 0.0, 1.0, V26, "Whether the engine chooses providers.";
    "switch.route_selection" switch_route_selection Switch, 1.0, 0.0, 1.0, V26, "Whether keys are chosen adaptively; off = static weights (metrics and holds go on).";
    "switch.append_fallbacks_to_pinned" switch_append_fallbacks_to_pinned Switch, 0.0, 0.0, 1.0, V26, "Whether pinned requests get healthy providers as fallbacks too.";
    "switch.reroute_failed_directions" switch_reroute_failed_directions Switch, 0.0, 0.0, 1.0, V26, "Whether a pinned provider that is Failed is replaced by a healthy one.";
    "switch.prune_failed_fallbacks" switch_prune_failed_fallbacks Switch, 0.0, 0.0, 1.0, V26, "Whether Failed providers are dropped from configured fallbacks.";
}

/// A named set of values over the table.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Name.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Values that differ from the table's defaults.
    pub values: &'static [(&'static str, f64)],
}

/// The presets.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "windtunnel",
        doc: "Our own engine: the published score, with silent hangs seen by the age of unanswered \
              attempts, lasting refusals held, remaining-capacity headers heeded, and thresholds that a search \
              found (results/tuned).",
        values: &[
            ("hold.enabled", 1.0),
            ("silence.enabled", 1.0),
            ("headroom.floor", 0.05),
            ("direction.by_usable", 1.0),
            ("switch.reroute_failed_directions", 1.0),
            // Found by `tune`, but for how latency is noticed: docs/tuning.md says how, and why.
            ("state.window", 5.0),
            ("state.degraded", 0.0136),
            ("state.failed", 0.2),
            ("state.latency", 0.75),
            ("state.min_attempts", 6.0),
            ("state.min_errors", 7.0),
            ("backoff.first", 2.35),
            ("backoff.factor", 5.51),
            ("backoff.cap", 241.0),
            ("recovering.ramp", 8.0),
            ("selection.band", 0.0842),
            ("selection.explore", 0.0357),
            ("latency.smoothing", 0.25),
            ("latency.min_samples", 19.0),
            ("silence.margin", 3.08),
            ("silence.min_open", 15.0),
        ],
    },
    Preset {
        name: "bifrost-published",
        doc: "What the vendor published in 2025 and withdrew in June 2026, with our choices where the \
              text is silent; not what its product runs today.",
        values: &[("utilization.directions", 1.0), ("share.mode", 2.0)],
    },
    Preset {
        name: "bifrost-literal",
        doc: "The same text taken to the letter: one error is enough for a rate, expected traffic is the \
              fair share, the latency model learns from everything at once.",
        values: &[
            ("utilization.directions", 1.0),
            ("state.min_attempts", 1.0),
            ("state.min_errors", 1.0),
            ("state.expected", 1.0),
            ("latency.repair", 0.0),
            ("share.mode", 2.0),
        ],
    },
    Preset {
        name: "bifrost-2026",
        doc: "The vendor's text of 2026: held keys, no momentum, recovering routes scored on latency and \
              progress, smooth selection with a small probe budget.",
        values: &[
            ("hold.enabled", 1.0),
            ("hold.limited", 1.0),
            ("momentum.cap", 0.0),
            ("recovering.progress", 1.0),
            ("selection.rule", 1.0),
            ("share.mode", 1.0),
        ],
    },
];

impl Default for Params {
    fn default() -> Self {
        Self::read(&Settings::defaults(PARAMS))
    }
}

impl Params {
    /// The parameters of a preset.
    ///
    /// # Errors
    /// [`ParamError::Unknown`] if there is no preset of this name.
    pub fn from_preset(name: &str) -> Result<Self, ParamError> {
        let preset = PRESETS
            .iter()
            .find(|preset| preset.name == name)
            .ok_or_else(|| ParamError::Unknown { id: name.to_owned() })?;
        let mut params = Self::default();
        for (id, value) in preset.values {
            params.set(id, *value)?;
        }
        Ok(params)
    }

    /// Parameters from settings over [`PARAMS`].
    ///
    /// # Errors
    /// [`ParamError::Contradiction`], see [`Params::check`].
    pub fn from_settings(settings: &Settings) -> Result<Self, ParamError> {
        let params = Self::read(settings);
        params.check()?;
        Ok(params)
    }

    /// Checks every range, and what no single range can say: every window is a whole number of intervals,
    /// thresholds are in order.
    ///
    /// # Errors
    /// [`ParamError::OutOfRange`] or [`ParamError::Malformed`] for a field set to what its table forbids (NaN
    /// too); [`ParamError::Contradiction`] with the nearest legal values.
    pub fn check(&self) -> Result<(), ParamError> {
        self.check_ranges()?;
        let windows = [
            ("state.window", self.state_window),
            ("momentum.window", self.momentum_window),
            ("error.window_short", self.error_window_short),
            ("error.window_long", self.error_window_long),
        ];
        for (id, window) in windows {
            let buckets = window / self.interval;
            if buckets < 0.999_999 || (buckets - buckets.round()).abs() > 1e-6 {
                let below = (buckets.floor().max(1.0)) * self.interval;
                let above = (buckets.ceil().max(1.0)) * self.interval;
                return Err(ParamError::Contradiction {
                    what: format!(
                        "`{id}` of {window} s is not a whole number of intervals of {} s: nearest are \
                         {below} s and {above} s",
                        self.interval
                    ),
                });
            }
            if buckets > 4096.0 {
                return Err(ParamError::Contradiction {
                    what: format!("`{id}` spans more than 4096 intervals: lengthen `interval`"),
                });
            }
        }
        if self.state_degraded > self.state_failed {
            return Err(ParamError::Contradiction {
                what: format!(
                    "`state.degraded` ({}) is above `state.failed` ({}): a route would fail first",
                    self.state_degraded, self.state_failed
                ),
            });
        }
        if self.weight_min > self.weight_max {
            return Err(ParamError::Contradiction {
                what: "`weight.min` is above `weight.max`".to_owned(),
            });
        }
        if self.latency_margin_min > self.latency_margin_max {
            return Err(ParamError::Contradiction {
                what: "`latency.margin_min` is above `latency.margin_max`".to_owned(),
            });
        }
        Ok(())
    }

    pub(super) fn interval_span(&self) -> Span {
        Span::from_secs_f64(self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_legal() {
        for preset in PRESETS {
            let params = Params::from_preset(preset.name).unwrap();
            params.check().unwrap();
        }
        assert!(Params::from_preset("bifrost").is_err());
    }

    #[test]
    fn a_window_between_two_intervals_is_refused_with_the_nearest_ones() {
        let params = Params { state_window: 12.0, ..Params::default() };
        let error = params.check().unwrap_err().to_string();
        assert!(error.contains("10 s") && error.contains("15 s"), "{error}");
    }

    #[test]
    fn least_and_greatest_values_do_not_cross() {
        let refused = |params: Params| params.check().unwrap_err().to_string();
        let margins = Params { latency_margin_min: 3.9, ..Params::default() };
        assert!(refused(margins).contains("latency.margin_max"));
        let weights = Params { weight_min: 3.0, weight_max: 2.0, ..Params::default() };
        assert!(refused(weights).contains("weight.max"));
    }

    #[test]
    fn defaults_are_within_their_own_ranges_and_named_once() {
        for (i, param) in PARAMS.iter().enumerate() {
            assert!(param.check(param.default).is_ok(), "{}", param.id);
            assert!(PARAMS[..i].iter().all(|other| other.id != param.id), "{}", param.id);
            assert!(param.doc.ends_with('.') && !param.source.is_empty(), "{}", param.id);
        }
    }
}
