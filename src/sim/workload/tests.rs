//! Arrivals: rates, variation, independence, closed loop.

use super::*;
use crate::engine::Span;
use crate::policy::Pool;
use crate::sim::fleet::Fleet;
use crate::sim::spec::{Class, Client, Gaps, Gateway, Rate, Tokens};

pub(super) fn class(arrivals: Arrivals) -> Class {
    Class {
        name: "chat".into(),
        arrivals,
        models: vec![(0, 0.8), (1, 0.2)],
        prompt: Tokens::Lognormal { median: 1020.0, sigma: 0.77 },
        output: Tokens::Lognormal { median: 129.0, sigma: 0.93 },
        max_tokens: 1024,
        streamed: 0.5,
        client: Client {
            deadline: Span::from_secs(10),
            per_output_token: Span::from_millis(40),
            gives_up: None,
            sdk_retries: 0,
            sdk_backoff: Span::from_millis(500),
        },
        sessions: 0,
        topics: vec![],
        cache: None,
        conversation: None,
    }
}

pub(super) fn world(classes: Vec<Class>) -> Spec {
    Spec {
        name: "test".into(),
        horizon: Span::from_secs(100),
        history: Span::ZERO,
        epoch: 0,
        classes,
        providers: vec![],
        pool: Pool::default(),
        places: vec![],
        limits: vec![],
        faults: vec![],
        incidents: None,
        changes: vec![],
        commands: vec![],
        gateway: Gateway { overhead: Span::ZERO, max_in_flight: u32::MAX, fleet: Fleet::single() },
        tenancy: None,
    }
}

fn open(gaps: Gaps, rate: f64) -> Arrivals {
    Arrivals::Open { gaps, rate: Rate(vec![(Span::ZERO, rate)]) }
}

fn until(workload: &mut Workload, end: Time) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    while workload.peek() < end {
        arrivals.push(workload.pop());
    }
    arrivals
}

/// Mean rate per second, and coefficient of variation of the gaps.
fn measure(gaps: Gaps, rate: f64, seconds: u64) -> (f64, f64) {
    let mut workload = Workload::new(&world(vec![class(open(gaps, rate))]), 3);
    let arrivals = until(&mut workload, Time::from_secs(seconds));
    let gaps: Vec<f64> =
        arrivals.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance =
        gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / gaps.len() as f64;
    (arrivals.len() as f64 / seconds as f64, variance.sqrt() / mean)
}

#[test]
fn every_shape_of_gaps_keeps_the_rate_and_has_its_variation() {
    let bursts = Gaps::OnOff { on: Span::from_millis(500), off: Span::from_millis(1500) };
    let cases = [
        (Gaps::Poisson, 1.0, 0.02),
        (Gaps::Gamma { cv: 2.0 }, 2.0, 0.03),
        (Gaps::Gamma { cv: 0.5 }, 0.5, 0.02),
        (Gaps::Weibull { cv: 2.0 }, 2.0, 0.03),
        (Gaps::Even, 0.0, 0.001),
        // 200/s in bursts at 800/s: most gaps are 1.25 ms, one in 400 spans a pause.
        (bursts, 22.0, 0.15),
    ];
    for (gaps, variation, bound) in cases {
        let (rate, cv) = measure(gaps, 200.0, 2000);
        assert!((rate / 200.0 - 1.0).abs() < 0.06, "{gaps:?}: rate {rate}");
        assert!((cv - variation).abs() <= bound * variation.max(1.0), "{gaps:?}: cv {cv}");
    }
}

#[test]
fn a_bursty_process_does_not_start_with_a_burst() {
    // 400 seeds of a renewal process with cv 5 at 1/s, counted over the first 20 s: 20 on average.
    // One that started with a full gap would bring (25 − 1)/2 = 12 too many.
    let counts = (0..400).map(|seed| {
        let world = world(vec![class(open(Gaps::Gamma { cv: 5.0 }, 1.0))]);
        until(&mut Workload::new(&world, seed), Time::from_secs(20)).len()
    });
    let mean = counts.sum::<usize>() as f64 / 400.0;
    assert!((mean - 20.0).abs() < 4.0, "{mean}");
}

#[test]
fn a_varying_rate_is_followed() {
    let rate = Rate(vec![
        (Span::from_secs(10), 100.0),
        (Span::from_secs(20), 500.0),
        (Span::from_secs(20), 50.0),
        (Span::from_secs(40), 50.0),
        (Span::from_secs(40), 0.0),
    ]);
    let class = class(Arrivals::Open { gaps: Gaps::Even, rate });
    let mut workload = Workload::new(&world(vec![class]), 1);
    let arrivals = until(&mut workload, Time::NEVER);
    let within = |from, to| {
        let (from, to) = (Time::from_secs(from), Time::from_secs(to));
        arrivals.iter().filter(|a| from <= a.at && a.at < to).count() as i64
    };
    for (from, to, expected) in
        [(0, 10, 1000), (10, 15, 1000), (15, 20, 2000), (20, 40, 1000), (40, 99, 0)]
    {
        assert!((within(from, to) - expected).abs() <= 1, "{from} to {to}: {}", within(from, to));
    }
}

#[test]
fn requests_of_a_class_do_not_depend_on_other_classes_or_their_rates() {
    let chat = class(open(Gaps::Gamma { cv: 2.0 }, 100.0));
    let batch = class(open(Gaps::Poisson, 1000.0));
    let alone = until(&mut Workload::new(&world(vec![chat.clone()]), 1), Time::from_secs(20));
    let both = until(&mut Workload::new(&world(vec![chat.clone(), batch]), 1), Time::from_secs(20));
    let of_chat: Vec<Arrival> = both.into_iter().filter(|a| a.class == 0).collect();
    assert_eq!(alone, of_chat);

    let faster = class(open(Gaps::Gamma { cv: 2.0 }, 200.0));
    let faster = until(&mut Workload::new(&world(vec![faster]), 1), Time::from_secs(10));
    let asked = |a: &Arrival| (a.luck, a.prompt, a.output, a.model, a.streamed);
    assert_eq!(
        alone.iter().map(asked).collect::<Vec<_>>(),
        faster.iter().map(asked).collect::<Vec<_>>()
    );
}

#[test]
fn arrivals_come_in_order_and_ties_in_order_of_class() {
    let even = class(open(Gaps::Even, 100.0));
    let mut spec = world(vec![even.clone(), class(open(Gaps::Poisson, 500.0)), even]);
    for class in &mut spec.classes {
        class.topics = vec![(3, 0.5), (4, 0.5)];
        class.sessions = 7;
    }
    let arrivals = until(&mut Workload::new(&spec, 5), Time::from_secs(20));
    for pair in arrivals.windows(2) {
        assert!((pair[0].at, pair[0].class) <= (pair[1].at, pair[1].class));
    }
    for arrival in &arrivals {
        assert!(arrival.session < 7 && (3..=4).contains(&arrival.topic));
        assert!(arrival.prompt >= 1 && (1..=1024).contains(&arrival.output));
    }
    let share = |test: &dyn Fn(&Arrival) -> bool| {
        arrivals.iter().filter(|a| test(a)).count() as f64 / arrivals.len() as f64
    };
    // 14,000 requests: three standard errors are 0.013.
    assert!((share(&|a| a.model == 0) - 0.8).abs() < 0.013);
    assert!((share(&|a| a.streamed) - 0.5).abs() < 0.013);
    assert!((share(&|a| a.topic == 3) - 0.5).abs() < 0.013);
}

#[test]
fn closed_loop_clients_wait_for_their_answer_and_then_think() {
    let think = Span::from_secs(2);
    let spec = world(vec![class(Arrivals::Closed { clients: 50, think })]);
    let mut workload = Workload::new(&spec, 1);
    let mut asked = Vec::new();
    while let at = workload.peek()
        && at < Time::NEVER
    {
        asked.push(workload.pop());
    }
    assert_eq!(asked.len(), 50, "each asks once, then nobody until somebody is answered");
    // Answer at once, again and again: 50 clients at a mean think time of 2 s make 25 requests a
    // second.
    for first in asked {
        workload.answered(Time::from_secs(100), 0, first.client);
    }
    let mut count = 0;
    while workload.peek() < Time::from_secs(500) {
        let arrival = workload.pop();
        workload.answered(arrival.at, 0, arrival.client);
        count += 1;
    }
    assert!((f64::from(count) / 400.0 - 25.0).abs() < 0.8, "{count} in 400 s");
}

#[test]
fn the_luck_of_a_client_s_requests_does_not_depend_on_when_it_is_answered() {
    let lucks = |delay| {
        let arrivals = Arrivals::Closed { clients: 3, think: Span::from_secs(1) };
        let mut workload = Workload::new(&world(vec![class(arrivals)]), 9);
        let mut lucks = vec![Vec::new(); 3];
        for _ in 0..60 {
            let arrival = workload.pop();
            workload.answered(arrival.at + Span::from_millis(delay), 0, arrival.client);
            lucks[arrival.client as usize].push(arrival.luck);
        }
        lucks
    };
    for (fast, slow) in lucks(1).iter().zip(&lucks(5000)) {
        let both = fast.len().min(slow.len());
        assert_eq!(fast[..both], slow[..both]);
    }
}

#[test]
fn the_mean_rate_is_what_comes() {
    let rate = Rate(vec![(Span::ZERO, 0.0), (Span::from_secs(100), 400.0)]);
    let spec = world(vec![class(Arrivals::Open { gaps: Gaps::Poisson, rate })]);
    assert!((mean_rate(&spec, 0) - 200.0).abs() < 1e-9);
    let came = until(&mut Workload::new(&spec, 1), Time::from_secs(100)).len();
    assert!((came as f64 / 100.0 - 200.0).abs() < 4.5);
    let closed = world(vec![class(Arrivals::Closed { clients: 50, think: Span::from_secs(2) })]);
    assert_eq!(mean_rate(&closed, 0), 25.0, "no route, no answer time");
}

#[test]
fn the_first_requests_are_known() {
    // A known answer: a change here changes every stored digest.
    let spec = world(vec![class(open(Gaps::Poisson, 5000.0))]);
    let mut workload = Workload::new(&spec, 1);
    let known: Vec<_> =
        (0..3).map(|_| workload.pop()).map(|a| (a.at.0, a.prompt, a.output)).collect();
    assert_eq!(known, [(358_013, 1036, 374), (366_438, 211, 126), (435_831, 1723, 168)]);
}

#[test]
#[ignore = "a measurement: cargo test --release --lib speed -- --ignored --nocapture"]
#[expect(clippy::disallowed_types, clippy::print_stderr, reason = "measures on the real clock")]
fn speed_of_poisson_arrivals() {
    let spec = world(vec![class(open(Gaps::Poisson, 5000.0))]);
    let mut workload = Workload::new(&spec, 1);
    let begin = std::time::Instant::now();
    let mut sum = 0u64;
    for _ in 0..5_000_000 {
        let arrival = workload.pop();
        sum = sum.wrapping_add(arrival.at.0 ^ u64::from(arrival.prompt ^ arrival.output));
    }
    eprintln!("{} ns per arrival ({sum})", begin.elapsed().as_nanos() as f64 / 5e6);
}
