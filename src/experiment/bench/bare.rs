//! The floor under the simulator: std's heap, the same arrivals, the same samplers, a fixed rotation over the
//! routes; no engine, no limits, no faults, no recorders.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::luck::{mix, name};
use crate::sim::latency::Sampler;
use crate::sim::spec::Spec;
use crate::sim::workload::Workload;

/// Runs it over a world's arrivals up to its horizon. Gives the number of requests and a checksum.
pub fn bare_loop(spec: &Spec, seed: u64) -> (u64, u64) {
    let mut workload = Workload::new(spec, seed);
    let latencies = spec.providers.iter().flat_map(|p| p.services.iter().map(|s| &s.latency));
    let samplers = Sampler::all(latencies);
    let routes = spec.pool.routes.len();
    let mut heap: BinaryHeap<Reverse<u128>> = BinaryHeap::new();
    let (mut requests, mut sum) = (0u64, 0u64);
    loop {
        let arrival = workload.peek().0;
        let end = heap.peek().map_or(u64::MAX, |end| (end.0 >> 64) as u64);
        if arrival.min(end) >= spec.horizon.0 {
            return (requests, sum);
        }
        if end <= arrival {
            let done = heap.pop().map_or(0, |end| end.0 as u64);
            sum = mix(sum, done);
            continue;
        }
        let request = workload.pop();
        requests += 1;
        let route = requests as usize % routes;
        let provider = usize::from(spec.pool.routes[route].provider.0);
        let luck = mix(request.luck, route as u64);
        let first = samplers[provider].ttft_s(mix(luck, TTFT), request.prompt);
        let decode = samplers[provider].decode_s(mix(luck, DECODE), request.output);
        let end = request.at.0 + ((first + decode) * 1e9) as u64;
        heap.push(Reverse(u128::from(end) << 64 | u128::from(requests)));
    }
}

const TTFT: u64 = name("time to first token");
const DECODE: u64 = name("decode rate");
