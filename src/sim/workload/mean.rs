//! How many requests per second a class brings on average: what fair shares and headroom are
//! counted from.

use crate::sim::latency;
use crate::sim::spec::{Arrivals, Class, Rate, Spec};
use crate::sim::tokens::TokenSampler;

use super::replay;

/// Mean requests per second of a class over the horizon.
///
/// Open loop: the mean of the rate curve. Trace: the target, or the rate of the part that is
/// replayed. Closed loop: clients over think time plus the mean unloaded answer, averaged over the
/// routes that serve the models asked for; an estimate, since real answers depend on the run.
pub fn mean_rate(spec: &Spec, class: u16) -> f64 {
    let class = &spec.classes[usize::from(class)];
    match &class.arrivals {
        Arrivals::Open { rate, .. } => mean_of(rate, spec.horizon.as_secs_f64()),
        Arrivals::Trace(trace) => match trace.scale {
            Some((target, _)) => target,
            None => replay::Part::of(trace).rate(),
        },
        Arrivals::Closed { clients, think } => {
            f64::from(*clients) / (think.as_secs_f64() + answer_s(spec, class))
        }
    }
}

fn mean_of(rate: &Rate, horizon_s: f64) -> f64 {
    let curve = super::rate::Curve::new(rate);
    if horizon_s > 0.0 { curve.due(horizon_s) / horizon_s } else { rate.0[0].1 }
}

/// Mean seconds of an unloaded answer to a request of this class.
fn answer_s(spec: &Spec, class: &Class) -> f64 {
    let prompt = TokenSampler::new(&class.prompt).mean();
    let output = TokenSampler::new(&class.output).capped_mean(class.max_tokens);
    let mut mean = 0.0;
    for &(model, share) in &class.models {
        let (mut sum, mut count) = (0.0, 0.0);
        for (route, place) in spec.pool.routes.iter().zip(&spec.places) {
            if route.model.0 == model {
                let provider = &spec.providers[usize::from(route.provider.0)];
                let service = &provider.services[place.service as usize];
                sum += latency::mean_s(&service.latency, prompt, output);
                count += 1.0;
            }
        }
        if count > 0.0 {
            mean += share * sum / count;
        }
    }
    mean
}
