//! Replay on a small made-up trace: loops, parts, and what each scaling keeps.

use std::sync::Arc;

use super::*;
use crate::sim::spec::{Row, Rows, TraceFacts};

/// 60 s: five requests at the start of each tenth second, and one more alone at 31.5 s.
fn trace() -> (Rows, TraceFacts) {
    let mut rows: Vec<Row> = (0..30)
        .map(|n| Row {
            at: Span::from_millis(10_000 * (n / 5) + 10 * (n % 5)),
            prompt: 100 + n as u32,
            output: 10,
            leaf: 0,
        })
        .collect();
    rows.push(Row { at: Span::from_millis(31_500), prompt: 7, output: 3, leaf: 0 });
    rows.sort_by_key(|row| row.at);
    let last = rows[rows.len() - 1].at;
    let facts =
        TraceFacts { rows: rows.len() as u64, span: last, prompt_mean: 100.0, output_mean: 10.0 };
    let rows = Arc::new(rows);
    let open = move || -> Box<dyn Iterator<Item = Row> + Send> {
        let rows = Arc::clone(&rows);
        Box::new((0..rows.len()).map(move |n| rows[n]))
    };
    (Rows(Arc::new(open)), facts)
}

fn replay(scale: Option<(f64, Scaling)>) -> Replay {
    let (rows, facts) = trace();
    Replay {
        rows,
        facts,
        scale,
        part: (Span::ZERO, Some(Span::from_secs(50))),
        spread: Span::ZERO,
        blocks: None,
    }
}

fn play(replay: &Replay, end: Time) -> Vec<(Time, u32)> {
    let mut player = Player::new(replay, 1, 0);
    let mut played = Vec::new();
    while player.peek() < end {
        let at = player.peek();
        played.push((at, player.pop().prompt));
    }
    assert!(played.windows(2).all(|pair| pair[0].0 <= pair[1].0), "in order of time");
    played
}

fn per_second(played: &[(Time, u32)], seconds: usize) -> Vec<usize> {
    let mut counts = vec![0; seconds];
    for (at, _) in played {
        counts[(at.0 / 1_000_000_000) as usize] += 1;
    }
    counts
}

#[test]
fn unscaled_replay_gives_every_row_at_its_stamp_round_after_round() {
    let played = play(&replay(None), Time::from_secs(150));
    assert_eq!(played.len(), 3 * 26, "25 in five bursts and the lonely one, three rounds");
    assert_eq!(played[1], (Time(10_000_000), 101));
    for n in 0..26 {
        let shift = Span::from_secs(50);
        assert_eq!((played[n].0 + shift, played[n].1), played[n + 26]);
    }
}

#[test]
fn a_part_starts_at_its_own_beginning() {
    let part = Replay { part: (Span::from_secs(25), Some(Span::from_secs(35))), ..replay(None) };
    assert_eq!(Part::of(&part).count, 6);
    let played = play(&part, Time::from_secs(10));
    assert_eq!(played[0].0, Time::from_secs(5));
    assert_eq!(played[5], (Time(6_500_000_000), 7));
    let nothing = Replay { part: (Span::from_secs(41), Some(Span::from_secs(45))), ..replay(None) };
    assert!(play(&nothing, Time::from_secs(100)).is_empty());
}

#[test]
fn scaling_in_place_keeps_every_burst_in_its_second() {
    // 26 rows in 50 s, to 100 a second: 192.3 copies of each.
    let played = play(&replay(Some((100.0, Scaling::InPlace))), Time::from_secs(50));
    let counts = per_second(&played, 50);
    for (second, count) in counts.iter().enumerate() {
        let expected = match second {
            0 | 10 | 20 | 30 | 40 => 5.0 * 5000.0 / 26.0,
            31 => 5000.0 / 26.0,
            _ => 0.0,
        };
        assert!((*count as f64 - expected).abs() <= 5.0, "second {second}: {count}");
    }
}

#[test]
fn scaling_in_place_below_the_trace_s_own_rate_thins_it() {
    let played = play(&replay(Some((0.26, Scaling::InPlace))), Time::from_secs(50_000));
    // Each row comes with probability ½: 13,000 ± 81.
    assert!((played.len() as i64 - 13_000).abs() < 330, "{}", played.len());
}

#[test]
fn superposing_smooths_bursts_away() {
    let played = play(&replay(Some((100.0, Scaling::Superpose))), Time::from_secs(200));
    let counts = per_second(&played, 200);
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    // In place they run from 0 to 961; here from 100 ± 4 standard deviations of 22.
    assert!(*least > 12 && *most < 188, "{least} to {most}");
    assert!((played.len() as f64 / 200.0 - 100.0).abs() < 0.5, "{}", played.len());
}

#[test]
fn a_superposed_copy_plays_every_row_once_a_round() {
    let played = play(&replay(Some((26.0 / 50.0, Scaling::Superpose))), Time::from_secs(100));
    let mut prompts: Vec<u32> = played[..26].iter().map(|row| row.1).collect();
    prompts.sort_unstable();
    prompts.dedup();
    assert_eq!((played.len(), prompts.len()), (52, 26));
}

#[test]
fn compressing_brings_everything_closer_together() {
    let plain = play(&replay(None), Time::from_secs(100));
    let fast = play(&replay(Some((5.2, Scaling::Compress))), Time::from_secs(10));
    assert_eq!(plain.len(), fast.len());
    for (slow, fast) in plain.iter().zip(&fast) {
        assert!(slow.0.0.abs_diff(fast.0.0 * 10) <= 10 && slow.1 == fast.1);
    }
}

#[test]
fn quantised_stamps_are_spread_over_their_step() {
    let coarse = Replay { spread: Span::from_secs(10), ..replay(None) };
    let played = play(&coarse, Time::from_secs(5000));
    let counts = per_second(&played, 5000);
    let busy = counts.iter().filter(|count| **count > 0).count();
    // 100 rounds of 26 rows spread evenly: far more busy seconds than the 600 of the trace as it
    // is.
    assert!(busy > 1800, "{busy}");
    assert_eq!(played.len(), 2600);
}

#[test]
fn rows_that_all_bear_one_stamp_still_take_turns() {
    let open = || -> Box<dyn Iterator<Item = Row> + Send> {
        Box::new((0..3).map(|_| Row { at: Span::ZERO, prompt: 1, output: 1, leaf: 0 }))
    };
    let facts = TraceFacts { rows: 3, span: Span::ZERO, prompt_mean: 1.0, output_mean: 1.0 };
    for how in [Scaling::InPlace, Scaling::Superpose, Scaling::Compress] {
        let mut one = replay(None);
        (one.rows, one.facts, one.part) =
            (Rows(Arc::new(open)), facts, (Span::ZERO, Some(Span::from_secs(1))));
        one.scale = Some((6.0, how));
        one.facts.span = Span::from_secs(1);
        assert_eq!(play(&one, Time::from_secs(10)).len(), 60, "{how:?}");
    }
}
