//! The clean past that a policy is told of before the first request: traffic shared evenly, typical answers
//! drawn from the very services, background errors at their rate.

use crate::engine::Span;
use crate::engine::luck::{mix, name};
use crate::policy::{RouteHistory, RouteId};

use super::latency::Sampler;
use super::spec::{Spec, What};
use super::tokens::TokenSampler;
use super::workload::mean_rate;

/// Typical answers per route.
const SAMPLES: u64 = 256;

const PAST: u64 = name("clean past");

/// One history per route that is there from the start.
pub(super) fn clean_past(spec: &Spec, seed: u64) -> Vec<RouteHistory> {
    let mut rate = vec![0.0; spec.pool.models.len()];
    for (index, class) in spec.classes.iter().enumerate() {
        let total = mean_rate(spec, index as u16);
        for &(model, share) in &class.models {
            rate[usize::from(model)] += total * share;
        }
    }
    // Keys that come later have no past.
    let mut is_new = vec![false; spec.pool.routes.len()];
    for change in &spec.changes {
        if let What::Key { new, .. } = &change.what {
            new.iter().for_each(|&route| is_new[route as usize] = true);
        }
    }
    let mut routes = vec![0u32; spec.pool.models.len()];
    for (route, _) in spec.pool.routes.iter().zip(&is_new).filter(|(_, is_new)| !**is_new) {
        routes[usize::from(route.model.0)] += 1;
    }
    // Tokens as the class with the most traffic has them.
    let class = &spec.classes[heaviest(spec)];
    let (prompts, outputs) = (TokenSampler::new(&class.prompt), TokenSampler::new(&class.output));
    let samples = if spec.pool.routes.len() > 1_000 { SAMPLES / 8 } else { SAMPLES };
    let latencies = spec.providers.iter().flat_map(|p| p.services.iter().map(|s| &s.latency));
    let samplers = Sampler::all(latencies);
    let mut first = Vec::new();
    let mut sum = 0;
    for provider in &spec.providers {
        first.push(sum);
        sum += provider.services.len();
    }
    (spec.pool.routes.iter().zip(&spec.places).enumerate())
        .filter(|(at, _)| !is_new[*at])
        .map(|(at, (route, place))| {
            let provider = usize::from(route.provider.0);
            let service = &spec.providers[provider].services[place.service as usize];
            let sampler = &samplers[first[provider] + place.service as usize];
            let own = mix(mix(seed, PAST), name(&route.name));
            let sample = |i: u64| {
                let word = |purpose| mix(mix(own, i), purpose);
                let said = class.conversation.map_or(0, |conversation| {
                    conversation.system + conversation.past(word(5), &prompts, &outputs)
                });
                let prompt = prompts.draw(word(1)).saturating_add(said);
                let output = outputs.draw(word(2)).min(class.max_tokens);
                let seconds = sampler.ttft_s(word(3), prompt) + sampler.decode_s(word(4), output);
                let latency =
                    Span::from_secs_f64(seconds) + service.latency.network + spec.gateway.overhead;
                (latency, prompt, output)
            };
            let provider = &spec.providers[provider];
            let model = usize::from(route.model.0);
            RouteHistory {
                route: RouteId(at as u32),
                rate: rate[model] / f64::from(routes[model]),
                error_rate: provider.error_rate + provider.hang_rate,
                samples: (0..samples).map(sample).collect(),
            }
        })
        .collect()
}

fn heaviest(spec: &Spec) -> usize {
    let rates: Vec<f64> = (0..spec.classes.len()).map(|i| mean_rate(spec, i as u16)).collect();
    (0..rates.len()).max_by(|&a, &b| rates[a].total_cmp(&rates[b])).unwrap_or(0)
}
