//! Tables against their laws, and the laws against independent implementations.

use super::*;
use crate::engine::luck::mix;
use crate::sim::spec::Mix;

#[test]
fn a_table_is_within_a_thousandth_of_its_law_or_of_a_twentieth_of_the_mean() {
    let laws = [
        Law::Exponential,
        Law::Lognormal { median: 1020.0, sigma: 1.0 },
        Law::gamma_of_cv(0.5),
        Law::gamma_of_cv(2.0),
        Law::weibull_of_cv(2.0),
        Law::Mix(Mix { s: 0.28, w: 0.04, m: 4.0, s2: 0.5 }),
    ];
    for law in laws {
        let table = Table::new(law.clone());
        for n in 0..20_000 {
            let luck = mix(n, 7);
            let (table, exact) = (table.at(luck), law.at(luck));
            let scale = exact.max(0.05);
            assert!((table - exact).abs() <= 1e-3 * scale, "{law:?}: {table} for {exact}");
        }
    }
}

#[test]
fn a_table_never_falls_and_has_no_gap_where_the_law_takes_over() {
    let table = Table::new(Law::Lognormal { median: 1.0, sigma: 1.0 });
    let mut last = 0.0;
    for n in 0..(1u64 << 18) {
        let value = table.at(n << 46);
        assert!(value >= last, "falls at {n}");
        last = value;
    }
    for edge in [1u64 << 47, 1 << 63, u64::MAX - (1 << 47)] {
        let (below, above) = (table.at(edge - 1), table.at(edge + 1));
        assert!((above / below - 1.0).abs() < 1e-6, "{below} and {above}");
    }
    assert!(table.at(0) > 0.0 && table.at(u64::MAX).is_finite());
}

#[test]
fn the_table_s_mean_is_the_law_s() {
    // 2^20 evenly spaced words: a midpoint rule over the probability.
    let mean = |law| {
        let table = Table::new(law);
        let sum: f64 = (0..1u64 << 20).map(|n| table.at((n << 44) + (1 << 43))).sum();
        sum / (1u64 << 20) as f64
    };
    let bounds = [
        (Law::Exponential, 1.0, 1e-4),
        (Law::gamma_of_cv(2.0), 1.0, 1e-3),
        (Law::gamma_of_cv(13.0), 1.0, 1e-2),
        (Law::weibull_of_cv(2.0), 1.0, 1e-3),
        (Law::weibull_of_cv(0.3), 1.0, 1e-4),
        (Law::Lognormal { median: 1.0, sigma: 1.0 }, libm::exp(0.5), 1e-3),
    ];
    for (law, expected, bound) in bounds {
        let mean = mean(law.clone());
        assert!((mean / expected - 1.0).abs() < bound, "{law:?}: mean {mean}");
    }
}

#[test]
fn the_weibull_has_the_variation_asked_for() {
    for cv in [0.1, 0.5, 1.0, 2.0, 5.0] {
        let Law::Weibull { shape, scale } = Law::weibull_of_cv(cv) else { panic!("a Weibull") };
        let moment = |n: f64| libm::pow(scale, n) * libm::tgamma(1.0 + n / shape);
        let (mean, square) = (moment(1.0), moment(2.0));
        assert!((mean - 1.0).abs() < 1e-9);
        assert!((libm::sqrt(square - mean * mean) - cv).abs() < 1e-6, "cv {cv}");
    }
}

/// The one-sample Kolmogorov-Smirnov distance between draws of another crate and the table's
/// quantiles, by sorting the draws and asking the table for the same probabilities.
fn distance(mut draws: Vec<f64>, table: &Table) -> f64 {
    draws.sort_by(f64::total_cmp);
    let n = draws.len() as f64;
    let probability = |value: f64| {
        // The table's distribution function by halving.
        let (mut low, mut high) = (0u64, u64::MAX);
        while high - low > 1 << 30 {
            let middle = low + (high - low) / 2;
            if table.at(middle) < value { low = middle } else { high = middle }
        }
        low as f64 / u64::MAX as f64
    };
    draws
        .iter()
        .enumerate()
        .map(|(i, value)| (probability(*value) - (i as f64 + 0.5) / n).abs())
        .fold(0.0, f64::max)
}

#[test]
fn draws_of_rand_distr_have_the_table_s_distribution() {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use rand_distr::Distribution;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut sample = |law: &dyn Fn(&mut ChaCha8Rng) -> f64| -> Vec<f64> {
        (0..40_000).map(|_| law(&mut random)).collect()
    };
    let gamma = rand_distr::Gamma::new(0.25, 4.0).unwrap();
    let weibull = rand_distr::Weibull::new(1.5, 0.7).unwrap();
    let lognormal = rand_distr::LogNormal::new(1.0, 0.8).unwrap();
    let pairs = [
        (sample(&|r| gamma.sample(r)), Law::gamma_of_cv(2.0)),
        (sample(&|r| weibull.sample(r)), Law::Weibull { shape: 0.7, scale: 1.5 }),
        (sample(&|r| lognormal.sample(r)), Law::Lognormal { median: libm::exp(1.0), sigma: 0.8 }),
        (sample(&|r| rand_distr::Exp1.sample(r)), Law::Exponential),
    ];
    for (draws, law) in pairs {
        let distance = distance(draws, &Table::new(law.clone()));
        // The 99.9 % point of the statistic is 1.95 / sqrt(n).
        assert!(distance < 1.95 / 200.0, "{law:?}: distance {distance}");
    }
}

#[cfg(feature = "lab")]
#[test]
fn quantiles_agree_with_statrs() {
    use statrs::distribution::{ContinuousCDF, Gamma, Normal, Weibull};
    let standard = Normal::standard();
    let gammas = [0.2, 0.69, 1.0, 4.0, 40.0];
    for n in 1..400 {
        let p = f64::from(n) / 800.0;
        assert!((normal::quantile(p) - standard.inverse_cdf(p)).abs() < 1e-8, "normal at {p}");
        for shape in gammas {
            let reference = Gamma::new(shape, 1.0).unwrap();
            let law = Law::Gamma { shape, scale: 1.0 };
            assert!((reference.cdf(law.lower(p)) - p).abs() < 1e-9, "gamma({shape}) at {p}");
            assert!((reference.sf(law.upper(p)) - p).abs() < 1e-9, "gamma({shape}) above {p}");
        }
        let reference = Weibull::new(0.7, 1.5).unwrap();
        let law = Law::Weibull { shape: 0.7, scale: 1.5 };
        assert!((reference.cdf(law.lower(p)) - p).abs() < 1e-12);
        assert!((reference.sf(law.upper(p)) - p).abs() < 1e-12);
    }
}

#[test]
fn the_normal_quantile_has_the_published_values() {
    // AS 241 prints these for p = 0.25, 0.001 and 1e-20.
    for (p, z) in [
        (0.25, -0.674_489_750_196_081_7),
        (0.001, -3.090_232_306_167_813),
        (1e-20, -9.262_340_089_798_408),
    ] {
        assert!((normal::quantile(p) - z).abs() < 1e-14 * 10.0, "{p}: {}", normal::quantile(p));
    }
}
