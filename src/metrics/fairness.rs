//! How evenly the load was spread over the routes that could carry it.

use crate::policy::Pool;

use super::tape::Tape;
use super::value::Value;

/// Jain's index of `loads`: (Σx)² / (n Σx²), from 1/n (one carries all) to 1 (all carry alike).
/// Undefined for no loads at all. (Jain, Chiu, Hawe: A Quantitative Measure of Fairness, DEC
/// TR-301, 1984.)
pub fn jain(loads: &[f64]) -> Value {
    let sum: f64 = loads.iter().sum();
    let squares: f64 = loads.iter().map(|load| load * load).sum();
    if squares > 0.0 {
        Value::Known(sum * sum / (loads.len() as f64 * squares))
    } else {
        Value::Undefined { reason: "no traffic to routes without a fault" }
    }
}

/// First attempts at the busiest route of each model over all first attempts.
pub fn top_share(tape: &Tape, pool: &Pool) -> Value {
    let mut busiest = vec![0; pool.models.len()];
    let mut all = 0;
    for (route, total) in pool.routes.iter().zip(&tape.route_totals) {
        let first = u64::from(total.first);
        let most = &mut busiest[usize::from(route.model.0)];
        *most = first.max(*most);
        all += first;
    }
    Value::ratio(busiest.iter().sum(), all, "no traffic")
}

/// [`jain`] over the routes that had no fault: attempts done over capacity, relative to the mean of
/// the model's routes. Capacity is the configured token limit where all routes of the model have
/// one, else the static weight (our choice); a route without capacity is left out.
pub fn jain_routes(tape: &Tape, pool: &Pool) -> Value {
    let faulted =
        |r: usize| tape.faults.iter().any(|f| f.routes.binary_search(&(r as u32)).is_ok());
    let calm: Vec<usize> = (0..pool.routes.len()).filter(|r| !faulted(*r)).collect();
    let mut loads = Vec::with_capacity(calm.len());
    for model in 0..pool.models.len() {
        let peers: Vec<_> = calm
            .iter()
            .copied()
            .filter(|r| usize::from(pool.routes[*r].model.0) == model)
            .collect();
        let limited = peers.iter().all(|r| pool.routes[*r].tpm.is_some());
        let capacity = |r: usize| match pool.routes[r].tpm {
            Some(tpm) if limited => tpm as f64,
            _ => pool.routes[r].weight,
        };
        let of_model: Vec<f64> = peers
            .iter()
            .filter(|r| capacity(**r) > 0.0)
            .map(|r| f64::from(tape.route_totals[*r].good) / capacity(*r))
            .collect();
        let mean = of_model.iter().sum::<f64>() / of_model.len() as f64;
        if mean > 0.0 {
            loads.extend(of_model.iter().map(|load| load / mean));
        }
    }
    jain(&loads)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::calm;
    use super::*;
    use crate::policy::{ModelId, ProviderId, RouteInfo};

    #[test]
    fn even_loads_are_fair_and_one_carrier_is_one_nth() {
        assert_eq!(jain(&[3.0, 3.0, 3.0]), Value::Known(1.0));
        assert_eq!(jain(&[5.0, 0.0, 0.0, 0.0]), Value::Known(0.25));
        assert_eq!(jain(&[1.0, 3.0]), Value::Known(0.8));
        assert!(matches!(jain(&[]), Value::Undefined { .. }));
        assert!(matches!(jain(&[0.0, 0.0]), Value::Undefined { .. }));
    }

    #[test]
    fn the_busiest_route_is_looked_for_model_by_model() {
        let route = |model| RouteInfo {
            name: String::new(),
            provider: ProviderId(0),
            model: ModelId(model),
            key: String::new(),
            region: String::new(),
            pool: String::new(),
            weight: 1.0,
            tpm: None,
            rpm: None,
            price_prompt: 0,
            price_output: 0,
            about: Vec::new(),
        };
        let pool = Pool {
            models: vec!["chat".to_owned(), "small".to_owned()],
            routes: [0, 0, 1, 1].map(route).to_vec(),
            ..Pool::default()
        };
        let mut tape = calm(10, 4, 100);
        for (total, first) in tape.route_totals.iter_mut().zip([500, 100, 150, 250]) {
            total.first = first;
        }
        assert_eq!(top_share(&tape, &pool), Value::Known(0.75));
        tape.route_totals.iter_mut().for_each(|total| total.first = 0);
        assert!(matches!(top_share(&tape, &pool), Value::Undefined { .. }));
    }
}
