//! Fits find what was put in, within bounds that are said here.

use std::path::{Path, PathBuf};

use super::*;
use crate::engine::{Span, luck};
use crate::sim::latency::Sampler;
use crate::sim::spec::{Gaps, Latency, Mix, Rate, Tokens};
use crate::sim::workload::open::Open;
use crate::trace::{Choice, Hide, Ledger, Source, write_ledger};

use super::arrivals::Windows;
use super::rows::Row;

const HOUR: u64 = 3_600_000_000_000;
const START: u64 = 1_748_955_600_000_000_000;

fn times(gaps: Gaps, rate: &Rate, length: u64, seed: u64) -> Vec<u64> {
    let mut open = Open::new(gaps, rate, seed, 0);
    let mut times = Vec::new();
    while open.peek().0 < length {
        times.push(START + open.peek().0);
        open.pop();
    }
    times
}

fn arrivals_of(gaps: Gaps, rate: &Rate) -> ArrivalFit {
    arrivals_in(gaps, rate, HOUR, 7)
}

fn arrivals_in(gaps: Gaps, rate: &Rate, length: u64, seed: u64) -> ArrivalFit {
    let times = times(gaps, rate, length, seed);
    arrivals::fit(&times, &Windows::new(START, length, true), START, 1)
}

fn flat(rps: f64) -> Rate {
    Rate(vec![(Span::ZERO, rps)])
}

#[test]
fn processes_come_back_within_a_tenth_of_their_coefficient_of_variation() {
    let poisson = arrivals_of(Gaps::Poisson, &flat(5.0));
    assert_eq!((poisson.burst, poisson.steps.len()), (Burst::Poisson, 0), "{poisson:?}");
    assert!((poisson.rps / 5.0 - 1.0).abs() < 0.02, "{poisson:?}");
    for cv in [0.5, 1.5, 2.5] {
        let fit = arrivals_of(Gaps::Gamma { cv }, &flat(5.0));
        let Burst::Gamma(found) = fit.burst else { panic!("{cv}: {fit:?}") };
        assert!((found / cv - 1.0).abs() < 0.1, "{cv}: {fit:?}");
        assert!(fit.steps.is_empty() && fit.ks.is_some_and(|ks| ks < 0.03), "{fit:?}");
    }
    let fit = arrivals_of(Gaps::Weibull { cv: 2.0 }, &flat(5.0));
    let Burst::Weibull(found) = fit.burst else { panic!("{fit:?}") };
    assert!((found / 2.0 - 1.0).abs() < 0.1, "{fit:?}");
}

/// Heavy clumps make windows differ as a rate that changes by the minute would.
#[test]
fn heavy_bursts_are_no_curve() {
    for (cv, rps, length) in [
        (2.0, 2.0, HOUR),
        (3.0, 2.0, HOUR),
        (4.0, 5.0, HOUR),
        (4.0, 1.5, HOUR),
        (4.0, 2.0, HOUR / 3),
    ] {
        for seed in 1..=8 {
            let fit = arrivals_in(Gaps::Gamma { cv }, &flat(rps), length, seed);
            let of = format!("cv {cv}, {rps}/s, seed {seed}: {fit:?}");
            let Burst::Gamma(found) = fit.burst else { panic!("{of}") };
            assert!((found / cv - 1.0).abs() < 0.05 && fit.steps.is_empty(), "{of}");
        }
    }
}

/// A rate between a third of the mean and twice as much, within hours.
#[test]
fn a_curve_stands_out_from_bursts() {
    let hours = |n: u64| Span::from_secs(3_600 * n);
    let knots = [(0, 0.6), (2, 0.6), (4, 4.0), (7, 3.0), (8, 1.0)];
    let rate = Rate(knots.map(|(hour, rps)| (hours(hour), rps)).to_vec());
    for cv in [1.0, 2.0, 4.0] {
        for seed in 1..=4 {
            let gaps = if cv > 1.0 { Gaps::Gamma { cv } } else { Gaps::Poisson };
            let fit = arrivals_in(gaps, &rate, 8 * HOUR, seed);
            let of = format!("cv {cv}, seed {seed}: {fit:?}");
            let found = match fit.burst {
                Burst::Poisson => 1.0,
                Burst::Gamma(found) => found,
                _ => panic!("{of}"),
            };
            assert!((found / cv - 1.0).abs() < 0.05, "{of}");
            // Windows of 5 minutes: the first two hours, and three around the peak.
            let mean = |windows: std::ops::Range<usize>| {
                let rates = fit.steps[windows.clone()].iter().map(|step| step.1 * fit.rps);
                rates.sum::<f64>() / windows.len() as f64
            };
            assert!((0.55..0.8).contains(&mean(0..23)), "{of}");
            assert!((mean(49..83) / 3.5 - 1.0).abs() < 0.1, "{of}");
        }
    }
}

/// Stamps of whole seconds do not tell how short gaps are, and nobody says that they do.
#[test]
fn what_stamps_are_too_coarse_for_is_not_measured() {
    let second = 1_000_000_000;
    let times = times(Gaps::Poisson, &flat(5.0), HOUR, 7);
    let coarse: Vec<u64> = times.iter().map(|at| at / second * second).collect();
    let fit = arrivals::fit(&coarse, &Windows::new(START, HOUR, true), START, second);
    assert_eq!((fit.burst, fit.steps.len(), fit.ks), (Burst::Poisson, 0, None), "{fit:?}");
}

/// Gaps that are shorter than a step are not measured, and the process comes back all the same.
#[test]
fn bursts_come_back_from_stamps_in_steps() {
    let step = 100_000_000;
    for (cv, seed) in [(2.0, 1), (2.0, 2), (3.0, 3), (4.0, 4)] {
        let times = times(Gaps::Gamma { cv }, &flat(2.0), HOUR, seed);
        let coarse: Vec<u64> = times.iter().map(|at| at / step * step).collect();
        let fit = arrivals::fit(&coarse, &Windows::new(START, HOUR, true), START, step);
        let of = format!("cv {cv}, seed {seed}: {fit:?}");
        let Burst::Gamma(found) = fit.burst else { panic!("{of}") };
        assert!((found / cv - 1.0).abs() < 0.1 && fit.steps.is_empty(), "{of}");
    }
}

#[test]
fn a_curve_comes_back_and_chance_is_no_curve() {
    let half = Span::from_secs(1_800);
    let step = Rate(vec![(Span::ZERO, 4.0), (half, 4.0), (half, 12.0)]);
    let fit = arrivals_of(Gaps::Gamma { cv: 1.5 }, &step);
    assert!((fit.rps / 8.0 - 1.0).abs() < 0.05, "{fit:?}");
    let at = |minute: usize| fit.steps[minute].1;
    let mean =
        |range: std::ops::Range<usize>| range.clone().map(at).sum::<f64>() / range.len() as f64;
    assert!((mean(2..28) / 0.5 - 1.0).abs() < 0.1, "{}", mean(2..28));
    assert!((mean(32..58) / 1.5 - 1.0).abs() < 0.1, "{}", mean(32..58));
    let Burst::Gamma(cv) = fit.burst else { panic!("{fit:?}") };
    assert!((cv / 1.5 - 1.0).abs() < 0.15, "{cv}");
}

#[test]
fn bursts_and_pauses_come_back_as_dispersed_as_they_were() {
    let gaps = Gaps::OnOff { on: Span::from_secs(5), off: Span::from_secs(14) };
    let fit = arrivals_of(gaps, &flat(2.0));
    for (log, fitted) in fit.log.iter().zip(fit.fitted) {
        assert!(
            (0.5..2.0).contains(&(fitted / log)),
            "{:?}: {:?}, {:?}",
            fit.burst,
            fit.log,
            fit.fitted
        );
    }
}

#[test]
fn a_body_and_its_slow_mode_come_back() {
    let truth = Latency {
        network: Span::from_millis(20),
        ttft: Span::from_millis(400),
        mix: Mix { s: 0.28, w: 0.04, m: 5.0, s2: 0.4 },
        per_prompt_token: Span(40_000),
        tokens_per_s: 70.0,
        rate_sigma: 0.15,
    };
    let sampler = Sampler::new(&truth);
    let answers: Vec<Row> = (0..30_000u64)
        .map(|n| {
            let prompt = 200 + (luck::mix(n, 9) % 8_000) as u32;
            let output = 20 + (luck::mix(n, 8) % 400) as u32;
            let ttft = 0.020 + sampler.ttft_s(luck::mix(n, 1), prompt);
            let duration = ttft + sampler.decode_s(luck::mix(n, 2), output);
            let micros = |seconds: f64| (seconds * 1e6) as u32;
            Row {
                at: START + n * 1_000_000,
                prompt,
                output,
                max_tokens: 0,
                ttft: micros(ttft),
                duration: micros(duration),
                tenant: 0,
                model: 0,
                server: 0,
                status: crate::trace::Status::Fine,
                from_cache: false,
            }
        })
        .collect();
    let fit = latency::fit(&answers);
    let (median, mix) = fit.ttft.unwrap();
    assert!((median / 0.4 - 1.0).abs() < 0.05, "{fit:?}");
    assert!((fit.per_prompt_token.unwrap() / 40e-6 - 1.0).abs() < 0.1, "{fit:?}");
    assert!((mix.s / 0.28 - 1.0).abs() < 0.1, "{fit:?}");
    assert!((mix.w / 0.04 - 1.0).abs() < 0.25, "{fit:?}");
    assert!((mix.m / 5.0 - 1.0).abs() < 0.2, "{fit:?}");
    assert!(fit.has_slow_mode && fit.ttft_ks < 0.02, "{fit:?}");
    let (rate, sigma) = fit.decode.unwrap();
    assert!((rate / 70.0 - 1.0).abs() < 0.02 && (sigma / 0.15 - 1.0).abs() < 0.1, "{fit:?}");
    // Without first tokens: the same from durations, less sharply.
    let whole: Vec<Row> = answers.iter().map(|row| Row { ttft: 0, ..*row }).collect();
    let fit = latency::fit(&whole);
    assert!(fit.from_durations && (fit.decode.unwrap().0 / 70.0 - 1.0).abs() < 0.1, "{fit:?}");
}

#[test]
fn one_mode_is_not_taken_for_two() {
    let latency = Latency {
        network: Span::ZERO,
        ttft: Span::from_millis(400),
        mix: Mix { s: 0.3, w: 0.0, m: 1.0, s2: 0.3 },
        per_prompt_token: Span::ZERO,
        tokens_per_s: 70.0,
        rate_sigma: 0.1,
    };
    let sampler = Sampler::new(&latency);
    let values: Vec<f64> = (0..20_000).map(|n| sampler.ttft_s(luck::mix(n, 1), 0)).collect();
    let found = mixture::fit(&values).unwrap();
    assert!(!found.has_slow_mode || found.mix.w < 0.005, "{found:?}");
    assert!((found.median / 0.4 - 1.0).abs() < 0.02 && (found.mix.s / 0.3 - 1.0).abs() < 0.05);
}

/// A spend log of a company that does not exist, and what it was made of.
fn ledger(seconds: u64, rate: f64) -> (tempfile::TempPath, Ledger) {
    let ledger = Ledger::tuesday(3, Span::from_secs(seconds), rate);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut bytes = Vec::new();
    write_ledger(&ledger, &mut bytes).unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    (file.into_temp_path(), ledger)
}

fn fitted(path: &Path) -> Fitted {
    let source = Source::open(path, &Choice::Recognise).unwrap().with_unreadable(0.01);
    fit(&source, &Options { classes: 8, hide: Hide::Nothing }).unwrap()
}

#[test]
fn a_made_up_tuesday_comes_back() {
    let (path, truth) = ledger(3_600, 10.0);
    let fitted = fitted(&path);
    assert_eq!(fitted.classes.len(), 3);
    let class = |name: &str| fitted.classes.iter().find(|class| class.name == name).unwrap();
    assert_eq!(class("assistant").arrivals.burst, Burst::Poisson);
    let Burst::Gamma(cv) = class("agents").arrivals.burst else {
        panic!("{:?}", class("agents").arrivals)
    };
    assert!((cv / 2.5 - 1.0).abs() < 0.1, "{cv}");
    assert!((class("agents").arrivals.rps / 2.5 - 1.0).abs() < 0.1);
    // The batch: a fifth of the mean before the middle, more after.
    let steps = &class("summaries").arrivals.steps;
    assert!(steps[10].1 < 0.8 && steps[50].1 > 1.2, "{steps:?}");
    for team in &truth.teams {
        let Tokens::Lognormal { median, .. } = team.prompt else { panic!() };
        let fit = class(team.name).prompt.as_ref().unwrap();
        let found = fit.points.iter().find(|point| point.0 == 0.5).unwrap().1;
        assert!((found / median - 1.0).abs() < 0.1 && fit.ks < 0.03, "{}: {found}", team.name);
    }
    for deployment in &truth.deployments {
        let server = fitted.servers.iter().find(|server| server.name == deployment.id).unwrap();
        let Latency { ttft, tokens_per_s, mix, .. } = deployment.latency;
        let (median, found) = server.latency.ttft.unwrap();
        assert!((median / ttft.as_secs_f64() - 1.0).abs() < 0.1, "{server:?}");
        assert!((server.latency.decode.unwrap().0 / tokens_per_s - 1.0).abs() < 0.05, "{server:?}");
        assert!((found.s / mix.s - 1.0).abs() < 0.15, "{server:?}");
        assert!((found.w - mix.w).abs() < 0.02, "{server:?}");
        assert!((server.error_rate - deployment.error_rate).abs() < 0.004, "{server:?}");
        match deployment.tpm {
            None => assert_eq!((server.limit.refused, server.limit.tpm), (0, None), "{server:?}"),
            Some(tpm) => {
                let found = server.limit.tpm.unwrap_or_else(|| panic!("{server:?}"));
                assert!((found / tpm as f64 - 1.0).abs() < 0.05, "{found} for {tpm}");
            }
        }
    }
    let text = scenario(&fitted, "it", "policy = \"windtunnel\"", &Traffic::Fitted, fitted.length);
    crate::scenario::parse("it", &text, Path::new(""), &[]).unwrap();
    assert!(text.contains("start = { epoch = \"2025-06-03T13:00:00Z\" }"), "{text}");
}

#[test]
fn a_fit_onto_a_configuration_keeps_its_gateway() {
    let (path, _) = ledger(600, 10.0);
    let fitted = fitted(&path);
    let config = include_str!("../../tests/data/litellm-config.yaml");
    let there = crate::import::read(config, "mine").unwrap().scenario;
    let done = onto(&fitted, &there).unwrap();
    assert_eq!(done.met, ["azure-eastus", "openai-main", "anthropic-main"]);
    assert!(done.only_in_log.is_empty() && done.models_left_out.is_empty(), "{done:?}");
    for part in
        ["litellm-latency-based", "cooldown.time = \"30s\"", "[[class]]", "latency = { ttft"]
    {
        assert!(done.scenario.contains(part), "{part}\nin\n{}", done.scenario);
    }
    assert!(!done.scenario.contains("rps = 50 "), "{}", done.scenario);
    crate::scenario::parse("mine", &done.scenario, Path::new(""), &[]).unwrap();
    let other = there.replace("\"chat\"", "\"talk\"").replace("chat = 1", "talk = 1");
    let error = onto(&fitted, &other).unwrap_err().to_string();
    assert!(error.contains("none of the log's models (chat) is served there (talk)"), "{error}");
}

/// A real log; `None`, loudly, where the folder of traces is missing.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn real(name: &str) -> Option<PathBuf> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if !file.exists() {
        eprintln!("SKIPPED: {} is not here", file.display());
        return None;
    }
    Some(file)
}

#[test]
fn fits_of_real_traces_are_as_dispersed_and_as_long_as_they_are() {
    for name in ["azure_llm_2023_code.csv", "mooncake_fast25_conversation.jsonl"] {
        let Some(path) = real(name) else { continue };
        let fitted = fitted(&path);
        let class = &fitted.classes[0];
        let arrivals = &class.arrivals;
        for (log, fit) in arrivals.log.iter().zip(arrivals.fitted) {
            assert!((0.5..2.0).contains(&(fit / log)), "{name}: {arrivals:?}");
        }
        for size in [&class.prompt, &class.output] {
            assert!(size.as_ref().unwrap().ks < 0.05, "{name}: {size:?}");
        }
    }
}

#[test]
fn too_little_is_said_to_be_too_little() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-01-01 00:00:00,1,1\n",
    )
    .unwrap();
    let source = Source::open(file.path(), &Choice::Recognise).unwrap();
    let error = fit(&source, &Options { classes: 8, hide: Hide::Nothing }).unwrap_err().to_string();
    assert!(
        error.contains("1 rows in 0ns are too few") || error.contains("too few to fit"),
        "{error}"
    );
}
