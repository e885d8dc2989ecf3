//! Regions fill in order, a detour takes its time, and what was charged is settled where it was admitted.

use super::*;
use crate::engine::{Outcome, Time};
use crate::policy::{Attempt, RouteId, Truth};
use crate::sim::Replication;
use crate::sim::attempt::{Before, Draft, Stage};
use crate::sim::bound::good;
use crate::sim::flight::{Ending, Flight, region_of};
use crate::sim::plain;
use crate::sim::prefix::Chain;
use crate::sim::spec::{Limit, LimitRules, Place, Spec};
use crate::sim::workload::Arrival;

const NOW: Time = Time::from_secs(1);

/// One route over three regions of 3,000 tokens a minute each.
fn three_regions() -> Spec {
    let mut spec = plain::world(1, 1, 1.0, 60);
    let limit = |region: &str| Limit {
        name: region.to_owned(),
        rules: LimitRules::Bedrock { burndown: 5.0 },
        tpm: Some(3_000),
        rpm: None,
    };
    spec.limits = ["east", "west", "north"].map(limit).to_vec();
    spec.places = vec![Place { limit: Some(0), more: 2, service: 0 }];
    spec.classes[0].max_tokens = 1_000;
    spec.assert_sound();
    spec
}

/// A request that reserves 1,100 tokens and uses 150.
fn request(luck: u64) -> Flight {
    let (prompt, output, max_tokens) = (100, 10, 1_000);
    let (class, model, topic, client, session) = (0, 0, 0, 0, luck);
    let arrival = Arrival {
        at: NOW,
        luck,
        session,
        class,
        model,
        topic,
        streamed: true,
        prompt,
        output,
        max_tokens,
        client,
        chain: Chain::Own,
    };
    Flight { route: 0, ..Flight::of(&arrival) }
}

fn send(stage: &mut Stage, luck: u64) -> Draft {
    stage.draft(NOW, 0, &request(luck), &Attempt::to(RouteId(0)), &Before::default())
}

fn left(stage: &Stage) -> f64 {
    let mut truth = [Truth::default()];
    stage.truth(NOW, 0, &mut truth);
    truth[0].tokens_left
}

#[test]
fn regions_fill_one_after_the_other_and_then_all_refuse() {
    let mut stage = Stage::new(&three_regions(), Vec::new(), 1);
    assert_eq!(left(&stage), 9_000.0);
    let mut where_to = |luck| {
        let draft = send(&mut stage, luck);
        (draft.ending != Ending::RateLimited).then(|| region_of(draft.flags))
    };
    let regions: Vec<_> = (0..8).map(&mut where_to).collect();
    assert_eq!(regions, [Some(0), Some(0), Some(1), Some(1), Some(2), Some(2), None, None]);
    assert_eq!(left(&stage), 9_000.0 - 6.0 * 1_100.0);
}

#[test]
fn a_detour_takes_twenty_to_fifty_milliseconds_more() {
    let (mut least, mut most) = (u32::MAX, 0);
    for luck in 0..400 {
        let mut direct = Stage::new(&three_regions(), Vec::new(), 1);
        let mut full = Stage::new(&three_regions(), Vec::new(), 1);
        send(&mut full, 1_000);
        send(&mut full, 1_001);
        let added = send(&mut full, luck).first_us - send(&mut direct, luck).first_us;
        (least, most) = (least.min(added), most.max(added));
    }
    assert!((20_000..21_000).contains(&least), "{least}");
    assert!((49_000..=50_000).contains(&most), "{most}");
}

#[test]
fn an_attempt_is_settled_where_it_was_admitted() {
    let mut stage = Stage::new(&three_regions(), Vec::new(), 1);
    let flown: Vec<Draft> = (0..6).map(|luck| send(&mut stage, luck)).collect();
    let mut flight = request(2);
    (flight.charge, flight.flags) = (flown[2].charge, flown[2].flags | flight.flags);
    let done = Outcome::Done { prompt_tokens: 100, output_tokens: 10 };
    assert_eq!(stage.settle(NOW, &flight, done, 0).charged, Some(150));
    // Only the second region has room again: for one more request, and no third.
    let next = send(&mut stage, 7);
    assert_eq!((next.ending, region_of(next.flags)), (Ending::Done, 1));
    assert_eq!(send(&mut stage, 8).ending, Ending::RateLimited);
}

#[test]
fn the_bound_counts_the_limits_of_all_regions() {
    let bound = |places: Place, tpm: u64| {
        let mut spec = three_regions();
        spec.classes = vec![plain::class(20.0)];
        spec.places = vec![places];
        spec.limits.iter_mut().for_each(|limit| limit.tpm = Some(tpm));
        good(&spec, 1, Replication { index: 0, of: 1 }).expect("an open loop")
    };
    let regions = bound(Place { limit: Some(0), more: 2, service: 0 }, 60_000);
    let one = bound(Place { limit: Some(0), more: 0, service: 0 }, 60_000);
    let sum = bound(Place { limit: Some(0), more: 0, service: 0 }, 180_000);
    assert_eq!(regions, sum);
    assert!(one < regions && regions < 1_000, "{one} and {regions}");
}

#[test]
fn rooms_add_up_and_the_use_is_their_mean() {
    let bucket = |used: f64| Room { tokens: 100.0, requests: 7.0, used, admits: 0.5 };
    let buckets = vec![Bucket::new(&three_regions().limits[0], 0, 1); 2];
    let next = std::cell::Cell::new(0.0);
    let all = room(&buckets, |_| bucket(next.replace(1.0)));
    assert_eq!(all, Room { tokens: 200.0, requests: 14.0, used: 0.5, admits: 0.75 });
    assert_eq!(room(&[], |_| bucket(0.0)), Room::UNLIMITED);
}
