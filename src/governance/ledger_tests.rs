//! The documented rules, one by one.

use std::sync::Arc;

use crate::engine::{Span, Time};

use super::fixture::{config, key, plan, requests, tokens, usd};
use super::*;

fn secs(secs: u64) -> Time {
    Time::from_secs(secs)
}

fn free(_: usize) -> Need {
    Need::default()
}

fn cost(cents: u64) -> NanoUsd {
    NanoUsd(cents * 10_000_000)
}

fn spent(tokens: u64, cents: u64) -> Spent {
    Spent { tokens, cost: cost(cents), succeeded: true }
}

/// Admits, reserves and settles one request of key 0 for model 0 at configuration 0.
fn ask(ledger: &mut Ledger, now: Time, used: &Spent) -> Result<(), Denial> {
    let eligible = ledger.admit(now, 0, 0, free)?;
    assert!(eligible.has(0));
    let hold = ledger.reserve(now, 0, 0, 0, &Need::default())?;
    assert!(ledger.settle(now, hold, used));
    Ok(())
}

#[test]
fn who_may_nothing_gets_403_with_the_reason() {
    let nothing = VirtualKey { configs: Vec::new(), ..key("nothing") };
    let off = VirtualKey { active: false, ..key("off") };
    let old = VirtualKey { expires: Some(secs(60)), ..key("old") };
    let only_small = ProviderConfig { models: List::Only(vec![1]), ..config(0) };
    let not_chat = ProviderConfig { blacklist: vec![0], ..config(1) };
    let small = VirtualKey { configs: vec![only_small, not_chat], ..key("small") };
    let none = ProviderConfig { models: List::Only(Vec::new()), ..config(0) };
    let no_models = VirtualKey { configs: vec![none], ..key("no models") };
    let plan = plan(vec![nothing, off, old, small, no_models]);
    let mut ledger = Ledger::new(&plan).unwrap();
    let mut reason = |now, key, model| {
        let denial = ledger.admit(now, key, model, free).unwrap_err();
        assert_eq!((denial.status(), denial.until), (403, None));
        denial.reason
    };
    assert_eq!(reason(secs(1), 9, 0), Reason::UnknownKey);
    assert_eq!(reason(secs(1), 0, 0), Reason::ProviderBlocked);
    assert_eq!(reason(secs(1), 1, 0), Reason::InactiveKey);
    assert_eq!(reason(secs(1), 3, 0), Reason::ModelBlocked);
    assert_eq!(reason(secs(1), 4, 0), Reason::ModelBlocked);
    assert_eq!(reason(secs(60), 2, 0), Reason::ExpiredKey);
    assert_eq!(ledger.admit(secs(60), 3, 1, free), Ok(Eligible::all(2)));
}

#[test]
fn a_budget_is_overshot_by_what_was_under_way_and_the_next_request_gets_402() {
    // The documents' example: 5 dollars, and it ends at 6.
    let team = Team { name: "research".into(), customer: None, limits: vec![usd(5, Length::Day)] };
    let of_team = VirtualKey { owner: Owner::Team(0), ..key("k") };
    let plan = Plan { teams: vec![team], ..plan(vec![of_team]) };
    let mut ledger = Ledger::new(&plan).unwrap();
    ask(&mut ledger, secs(1), &spent(10, 499)).unwrap();
    ask(&mut ledger, secs(2), &spent(10, 101)).unwrap();
    let denial = ask(&mut ledger, secs(3), &spent(10, 1)).unwrap_err();
    assert_eq!(denial.text(&plan), "402 budget_exceeded of team `research`, until 86400s");
    let reading = ledger.readings(secs(4)).next().unwrap();
    assert_eq!((reading.used, reading.over), (cost(600).0, cost(100).0));
    // The window is over: it counts as empty, whatever has been looked at.
    ask(&mut ledger, secs(86_400), &spent(10, 1)).unwrap();
    let reading = ledger.readings(secs(86_400)).next().unwrap();
    assert_eq!((reading.used, reading.over), (cost(1).0, cost(100).0));
}

#[test]
fn reserving_refuses_what_does_not_fit_and_gives_back_what_was_not_used() {
    let limited = VirtualKey { limits: vec![usd(5, Length::Day)], ..key("k") };
    let plan = Plan { charging: Charging::Reserved, ..plan(vec![limited]) };
    let mut ledger = Ledger::new(&plan).unwrap();
    let three = Need { tokens: 100, cost: cost(300) };
    let hold = ledger.reserve(secs(1), 0, 0, 0, &three).unwrap();
    assert_eq!(ledger.admit(secs(1), 0, 0, |_| three).unwrap_err().status(), 402);
    assert!(ledger.settle(secs(2), hold, &spent(50, 200)));
    ledger.admit(secs(2), 0, 0, |_| three).unwrap();
    let reading = ledger.readings(secs(2)).next().unwrap();
    assert_eq!((reading.used, reading.reserved), (cost(200).0, 0));
}

#[test]
fn what_was_reserved_yesterday_is_charged_to_yesterday() {
    let limited = VirtualKey { limits: vec![usd(5, Length::Day)], ..key("k") };
    let plan = Plan { charging: Charging::Reserved, ..plan(vec![limited]) };
    let mut ledger = Ledger::new(&plan).unwrap();
    let hold = ledger.reserve(secs(86_399), 0, 0, 0, &Need { tokens: 1, cost: cost(400) }).unwrap();
    assert!(ledger.settle(secs(86_401), hold, &spent(1, 400)));
    let reading = ledger.readings(secs(86_401)).next().unwrap();
    assert_eq!((reading.used, reading.reserved), (0, 0));
}

#[test]
fn a_request_limit_counts_at_once_and_a_failure_is_taken_back() {
    let limited = VirtualKey { limits: vec![requests(2, Length::Minute)], ..key("k") };
    let mut ledger = Ledger::new(&plan(vec![limited])).unwrap();
    let reserve = |ledger: &mut Ledger| ledger.reserve(secs(1), 0, 0, 0, &Need::default());
    let first = reserve(&mut ledger).unwrap();
    let second = reserve(&mut ledger).unwrap();
    let denial = reserve(&mut ledger).unwrap_err();
    assert_eq!((denial.status(), denial.until), (429, Some(secs(60))));
    let failed = Spent { succeeded: false, ..spent(7, 0) };
    assert!(ledger.settle(secs(2), first, &failed));
    reserve(&mut ledger).unwrap();
    // Its window is over: there is nothing to take back from the next.
    assert!(ledger.release(secs(61), second));
    assert_eq!(ledger.readings(secs(61)).next().unwrap().used, 0);
}

#[test]
fn a_provider_that_is_used_up_drops_out_and_the_other_stays() {
    let small = ProviderConfig { limits: vec![tokens(100, Length::Minute)], ..config(0) };
    let two = VirtualKey { configs: vec![small, config(1)], ..key("k") };
    let mut ledger = Ledger::new(&plan(vec![two])).unwrap();
    ask(&mut ledger, secs(1), &spent(100, 1)).unwrap();
    let eligible = ledger.admit(secs(2), 0, 0, free).unwrap();
    assert_eq!((eligible.has(0), eligible.has(1)), (false, true));
    assert_eq!(ledger.admit(secs(60), 0, 0, free), Ok(Eligible::all(2)));
}

#[test]
fn the_first_failing_check_is_named_and_rates_come_before_budgets() {
    let limits = || vec![usd(0, Length::Day), requests(0, Length::Hour), tokens(0, Length::Minute)];
    let team = Team { name: "t".into(), customer: Some(0), limits: limits() };
    let one = ProviderConfig { limits: vec![usd(0, Length::Day)], ..config(0) };
    let full =
        VirtualKey { owner: Owner::Team(0), limits: Vec::new(), configs: vec![one], ..key("k") };
    let model_limit = |scope, limit| ModelLimit { scope, model: Some(0), provider: None, limit };
    let mut plan = Plan {
        teams: vec![team],
        customers: vec![("c".into(), limits())],
        provider_limits: vec![(0, usd(0, Length::Day))],
        model_limits: vec![
            model_limit(Scope::Key(0), requests(0, Length::Day)),
            model_limit(Scope::Global, requests(0, Length::Day)),
        ],
        ..plan(vec![full])
    };
    let whose =
        |plan: &Plan| Ledger::new(plan).unwrap().admit(secs(1), 0, 0, free).unwrap_err().text(plan);
    assert_eq!(whose(&plan), "402 budget_exceeded of provider `azure`, until 86400s");
    plan.provider_limits.clear();
    assert_eq!(whose(&plan), "429 request_limited of model `chat`, until 86400s");
    plan.model_limits.pop();
    assert_eq!(whose(&plan), "429 request_limited of team `t`, until 3600s");
    plan.teams[0].limits.truncate(1);
    assert_eq!(whose(&plan), "429 request_limited of customer `c`, until 3600s");
    plan.customers[0].1.truncate(1);
    assert_eq!(whose(&plan), "402 budget_exceeded of key `k` at `azure`, until 86400s");
    plan.keys[0].configs[0].limits.clear();
    assert_eq!(whose(&plan), "402 budget_exceeded of team `t`, until 86400s");
    plan.keys[0].owner = Owner::Customer(0);
    assert_eq!(whose(&plan), "402 budget_exceeded of customer `c`, until 86400s");
    plan.keys[0].owner = Owner::Nobody;
    assert_eq!(whose(&plan), "429 request_limited of model `chat` for key `k`, until 86400s");
}

#[test]
fn a_stream_is_charged_as_it_goes_and_once() {
    let limited = VirtualKey { limits: vec![tokens(1_000, Length::Hour)], ..key("k") };
    let mut ledger = Ledger::new(&plan(vec![limited])).unwrap();
    let hold = ledger.reserve(secs(1), 0, 0, 0, &Need::default()).unwrap();
    let used = |ledger: &mut Ledger| ledger.readings(secs(5)).next().unwrap().used;
    for so_far in [200, 500, 500, 300] {
        ledger.progress(secs(2), hold, &spent(so_far, 0));
    }
    assert_eq!(used(&mut ledger), 500);
    assert!(ledger.settle(secs(3), hold, &spent(700, 0)));
    assert!(!ledger.settle(secs(4), hold, &spent(700, 0)), "settled twice");
    ledger.progress(secs(4), hold, &spent(900, 0));
    assert_eq!(used(&mut ledger), 700);
}

#[test]
fn windows_may_start_partly_used_and_partly_over() {
    let running =
        Limit { running: Span::from_secs(3_000), ..usd(5, Length::Hour).used(cost(499).0) };
    let aligned = Limit { window: Window::calendar(Length::Week), ..usd(9, Length::Week) };
    let limited = VirtualKey { limits: vec![running, aligned], ..key("k") };
    let mut ledger = Ledger::new(&plan(vec![limited])).unwrap();
    ask(&mut ledger, secs(1), &spent(1, 1)).unwrap();
    let denial = ask(&mut ledger, secs(599), &spent(1, 1)).unwrap_err();
    assert_eq!(denial.until, Some(secs(600)));
    ask(&mut ledger, secs(600), &spent(1, 500)).unwrap();
    ask(&mut ledger, secs(4_200), &spent(1, 500)).unwrap();
    // Ten dollars and a cent since Monday, and it is Monday until midnight next Sunday.
    let denial = ask(&mut ledger, secs(7_800), &spent(1, 1)).unwrap_err();
    assert_eq!(denial.until, Some(secs(7 * 86_400)));
}

#[test]
fn a_raised_limit_admits_at_once_and_a_key_can_be_switched_off() {
    let limited = VirtualKey { limits: vec![requests(1, Length::Day)], ..key("k") };
    let mut ledger = Ledger::new(&plan(vec![limited])).unwrap();
    ask(&mut ledger, secs(1), &spent(1, 1)).unwrap();
    ask(&mut ledger, secs(2), &spent(1, 1)).unwrap_err();
    ledger.set_max(0, 2);
    ask(&mut ledger, secs(3), &spent(1, 1)).unwrap();
    ledger.set_max(0, 9);
    ledger.set_active(0, false);
    assert_eq!(ask(&mut ledger, secs(4), &spent(1, 1)).unwrap_err().reason, Reason::InactiveKey);
}

#[test]
fn plans_that_contradict_themselves_are_refused_with_the_reason() {
    let refused = |plan: Plan| Ledger::new(&plan).unwrap_err().to_string();
    let twice = VirtualKey { configs: vec![config(0), config(0)], ..key("k") };
    assert!(refused(plan(vec![twice])).contains("names a provider twice"));
    let unknown = VirtualKey { owner: Owner::Team(3), ..key("k") };
    assert!(refused(plan(vec![unknown])).contains("belongs to somebody"));
    let short = Limit { window: Window::calendar(Length::Hour), ..usd(1, Length::Hour) };
    let short = VirtualKey { limits: vec![short], ..key("k") };
    assert!(refused(plan(vec![short])).contains("cannot follow the calendar"));
}

#[test]
fn a_denial_names_no_limit_whose_window_is_over() {
    let own = ProviderConfig { limits: vec![tokens(100, Length::Minute)], ..config(0) };
    let limits = vec![requests(1, Length::Hour)];
    let mut ledger =
        Ledger::new(&plan(vec![VirtualKey { configs: vec![own], limits, ..key("k") }])).unwrap();
    ask(&mut ledger, secs(1), &spent(500, 0)).unwrap();
    let reason = |ledger: &mut Ledger, now| ledger.admit(now, 0, 0, free).unwrap_err().reason;
    // Both limits are used up; that of the provider comes first.
    assert_eq!(reason(&mut ledger, secs(2)), Reason::Tokens);
    assert_eq!(reason(&mut ledger, secs(61)), Reason::Requests, "the minute is over");
}

#[test]
fn a_book_that_is_charged_counts_what_ledgers_that_settle_count() {
    let limits =
        vec![usd(50, Length::Minute), tokens(1_000, Length::Hour), requests(90, Length::Day)];
    for charging in [Charging::PostPaid, Charging::Reserved] {
        let of = VirtualKey { limits: limits.clone(), ..key("k") };
        let plan = Plan { charging, ..plan(vec![of]) };
        let (mut ledger, mut book) = (Ledger::new(&plan).unwrap(), Ledger::new(&plan).unwrap());
        // The last one begins in one minute and ends in the next; the one before fails.
        for (from, to, used) in [
            (1, 2, spent(10, 100)),
            (3, 9, spent(20, 200)),
            (10, 11, Spent { succeeded: false, ..spent(0, 0) }),
            (58, 62, spent(40, 400)),
        ] {
            let hold = ledger.reserve(secs(from), 0, 1, 0, &Need::default()).unwrap();
            assert!(ledger.settle(secs(to), hold, &used));
            book.charge(secs(to), secs(from), 0, 1, 0, &used);
        }
        let used = |ledger: &mut Ledger| -> Vec<u64> {
            ledger.readings(secs(63)).map(|reading| reading.used).collect()
        };
        assert_eq!(used(&mut book), used(&mut ledger), "{charging:?}");
        assert!(used(&mut book).iter().any(|used| *used > 0), "{charging:?}");
    }
}

#[test]
fn a_ledger_beside_another_knows_what_was_spent_and_does_not_count_it_again() {
    let before = Limit { used: 700, ..tokens(1_000, Length::Day) };
    let of = VirtualKey { limits: vec![before], ..key("k") };
    let mut first = Ledger::new(&plan(vec![of])).unwrap();
    let mut second = first.clone();
    second.beside(&Arc::new(first.tell(Time::ZERO)));
    let used = |ledger: &mut Ledger| ledger.readings(secs(1)).next().unwrap().used;
    assert_eq!((used(&mut first), used(&mut second)), (700, 0));
    ask(&mut second, secs(1), &spent(300, 0)).unwrap();
    let denial = ask(&mut second, secs(2), &spent(1, 0)).unwrap_err();
    assert_eq!(denial.reason, Reason::Tokens, "700 and 300 are all there is");
}

#[test]
fn one_configuration_is_admitted_or_refused_by_its_own_limits_and_those_of_all() {
    let narrow = ProviderConfig { limits: vec![tokens(10, Length::Day)], ..config(0) };
    let not_chat = ProviderConfig { blacklist: vec![0], ..config(1) };
    let of = VirtualKey { configs: vec![narrow, not_chat], ..key("k") };
    let limits = vec![requests(2, Length::Day)];
    let mut ledger = Ledger::new(&plan(vec![VirtualKey { limits, ..of }])).unwrap();
    let need = Need::default();
    let reason = |ledger: &mut Ledger, config, model| {
        ledger.admit_at(secs(1), 0, config, model, &need).err().map(|denial| denial.reason)
    };
    assert_eq!(reason(&mut ledger, 0, 0), None);
    assert_eq!(reason(&mut ledger, 1, 0), Some(Reason::ModelBlocked));
    assert_eq!(reason(&mut ledger, 1, 1), None);
    ask(&mut ledger, secs(1), &spent(11, 0)).unwrap();
    assert_eq!(reason(&mut ledger, 0, 0), Some(Reason::Tokens));
    assert_eq!(reason(&mut ledger, 1, 1), None, "the other provider has limits of its own");
    let hold = ledger.reserve(secs(1), 0, 1, 1, &need).unwrap();
    assert!(ledger.settle(secs(1), hold, &spent(1, 0)));
    assert_eq!(reason(&mut ledger, 1, 1), Some(Reason::Requests));
}
