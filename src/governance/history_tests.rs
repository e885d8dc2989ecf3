//! Random histories against books that are kept the slow way: a list of every charge, summed when asked.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::engine::{Span, Time};

use super::fixture::{config, key, plan, requests, tokens, usd};
use super::*;

/// What a host may do.
#[derive(Clone, Debug)]
enum Act {
    /// Time goes on.
    Pass(u64),
    /// Admit and, if admitted, reserve at the first eligible configuration: key, model, most used.
    Ask(u32, u16, u64),
    /// One that is open, or was, uses a share of what was reserved: which, percent, succeeded.
    Settle(usize, u64, bool),
    /// A stream goes on: which, percent.
    Progress(usize, u64),
    Release(usize),
    /// The state is written down.
    Save,
    /// The process ends and begins again from what was written down.
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    let pass = prop_oneof![0..5_000u64, 0..400_000u64, Just(60_000), 0..90_000_000u64];
    prop_oneof![
        3 => pass.prop_map(Act::Pass),
        6 => (0..5u32, 0..2u16, 1..300u64).prop_map(|(key, model, most)| Act::Ask(key, model, most)),
        5 => (0..64usize, 0..=100u64, any::<bool>()).prop_map(|(at, part, ok)| Act::Settle(at, part, ok)),
        2 => (0..64usize, 0..=100u64).prop_map(|(at, part)| Act::Progress(at, part)),
        1 => (0..64usize).prop_map(Act::Release),
        1 => Just(Act::Save),
        1 => Just(Act::Crash),
    ]
}

/// An attempt that was counted, as the slow books know it.
#[derive(Clone, Debug)]
struct Attempt {
    hold: Hold,
    at: u64,
    key: u32,
    provider: u16,
    model: u16,
    most: u64,
    so_far: u64,
    is_open: bool,
}

#[derive(Clone, Debug)]
struct Charge {
    at: u64,
    key: u32,
    provider: u16,
    model: u16,
    kind: Kind,
    amount: i64,
}

#[derive(Clone, Debug)]
struct Books {
    plan: Plan,
    charges: Vec<Charge>,
    attempts: Vec<Attempt>,
}

impl Books {
    fn concerns(&self, whose: Whose, key: u32, provider: u16, model: u16) -> bool {
        let owner = self.plan.keys[key as usize].owner;
        let team = if let Owner::Team(team) = owner { Some(team) } else { None };
        let customer = match owner {
            Owner::Customer(customer) => Some(customer),
            _ => team.and_then(|team| self.plan.teams[team as usize].customer),
        };
        match whose {
            Whose::Provider(of) => of == provider,
            Whose::Model(scope, of, at) => {
                of.is_none_or(|of| of == model)
                    && at.is_none_or(|at| at == provider)
                    && (scope == Scope::Global || scope == Scope::Key(key))
            }
            Whose::Config(of, at) => (of, at) == (key, provider),
            Whose::Key(of) => of == key,
            Whose::Team(of) => team == Some(of),
            Whose::Customer(of) => customer == Some(of),
        }
    }

    fn is_same_window(&self, window: Window, left: u64, right: u64) -> bool {
        let epoch = self.plan.epoch * 1_000_000_000;
        window.around(left + epoch, epoch) == window.around(right + epoch, epoch)
    }

    /// What a limit has used and reserved in the window that holds `now`.
    fn count(&self, of: &Reading, now: u64) -> (u64, u64) {
        let used: i64 = (self.charges.iter())
            .filter(|c| c.kind == of.kind && self.concerns(of.whose, c.key, c.provider, c.model))
            .filter(|c| self.is_same_window(of.window, c.at, now))
            .map(|c| c.amount)
            .sum();
        let reserving = self.plan.charging == Charging::Reserved && of.kind != Kind::Requests;
        let reserved = (self.attempts.iter())
            .filter(|a| {
                reserving && a.is_open && self.concerns(of.whose, a.key, a.provider, a.model)
            })
            .filter(|a| self.is_same_window(of.window, a.at, now))
            .map(|a| self.amount(of.kind, a.most))
            .sum();
        (u64::try_from(used).expect("never negative"), reserved)
    }

    /// Tokens cost ten millionths of a dollar each.
    fn amount(&self, kind: Kind, tokens: u64) -> u64 {
        match kind {
            Kind::Requests => 1,
            Kind::Tokens => tokens,
            Kind::Budget => tokens * 10_000_000,
        }
    }

    fn charge(&mut self, at: u64, of: usize, kind: Kind, amount: i64) {
        let Attempt { key, provider, model, .. } = self.attempts[of];
        self.charges.push(Charge { at, key, provider, model, kind, amount });
    }

    fn spend(&mut self, now: u64, of: usize, tokens: u64) {
        let at = if self.plan.charging == Charging::Reserved { self.attempts[of].at } else { now };
        let tokens = tokens.saturating_sub(self.attempts[of].so_far);
        self.attempts[of].so_far += tokens;
        self.charge(at, of, Kind::Tokens, tokens as i64);
        self.charge(at, of, Kind::Budget, self.amount(Kind::Budget, tokens) as i64);
    }
}

/// A customer with a team of two keys and a key of its own, a team of nobody, a key of nobody; limits at
/// every level, small enough to be reached.
fn world(charging: Charging, size: u64) -> Plan {
    let of = |owner, name: &str, limits| VirtualKey { owner, limits, ..key(name) };
    let aligned =
        |limit: Limit| Limit { window: Window { aligned: true, ..limit.window }, ..limit };
    let mut keys = vec![
        of(Owner::Team(0), "a", vec![requests(3 * size, Length::Minute)]),
        of(Owner::Team(0), "b", vec![usd(size, Length::Hour), usd(3 * size, Length::Day)]),
        of(Owner::Customer(0), "c", vec![tokens(200 * size, Length::FiveMinutes)]),
        of(Owner::Team(1), "d", Vec::new()),
        of(Owner::Nobody, "e", vec![aligned(usd(5 * size, Length::Day))]),
    ];
    keys[0].configs[0].limits = vec![tokens(150 * size, Length::Minute)];
    keys[4].configs = vec![ProviderConfig { limits: vec![usd(size, Length::Day)], ..config(1) }];
    let model = |scope, model, provider, limit| ModelLimit { scope, model, provider, limit };
    Plan {
        customers: vec![("x".into(), vec![aligned(usd(4 * size, Length::Month))])],
        teams: vec![
            Team { name: "t".into(), customer: Some(0), limits: vec![usd(3 * size, Length::Week)] },
            Team {
                name: "u".into(),
                customer: None,
                limits: vec![requests(9 * size, Length::Hour)],
            },
        ],
        provider_limits: vec![(1, tokens(900 * size, Length::Minute))],
        model_limits: vec![
            model(Scope::Global, Some(1), None, requests(5 * size, Length::Minute)),
            model(Scope::Global, None, Some(0), tokens(2_000 * size, Length::Hour)),
            model(Scope::Key(3), Some(0), None, usd(2 * size, Length::Hour)),
        ],
        charging,
        ..plan(keys)
    }
}

fn play(charging: Charging, size: u64, acts: &[Act]) -> Result<(), TestCaseError> {
    let plan = world(charging, size);
    let mut ledger = Ledger::new(&plan).unwrap();
    let mut books = Books { plan: plan.clone(), charges: Vec::new(), attempts: Vec::new() };
    let mut saved = (ledger.state(), books.clone());
    let mut now = 0;
    for act in acts {
        let time = Time(now);
        match *act {
            Act::Pass(ms) => now += Span::from_millis(ms).0,
            Act::Ask(key, model, most) => ask(&mut ledger, &mut books, time, (key, model, most))?,
            Act::Settle(at, part, succeeded) if !books.attempts.is_empty() => {
                let at = at % books.attempts.len();
                let attempt = books.attempts[at].clone();
                let tokens = attempt.most * part / 100;
                let cost = NanoUsd(books.amount(Kind::Budget, tokens));
                let settled = ledger.settle(time, attempt.hold, &Spent { tokens, cost, succeeded });
                prop_assert_eq!(settled, attempt.is_open, "charged twice, or not at all");
                if settled {
                    books.attempts[at].is_open = false;
                    books.charge(attempt.at, at, Kind::Requests, if succeeded { 0 } else { -1 });
                    books.spend(now, at, tokens);
                }
            }
            Act::Progress(at, part) if !books.attempts.is_empty() => {
                let at = at % books.attempts.len();
                let attempt = books.attempts[at].clone();
                let tokens = attempt.most * part / 100;
                let cost = NanoUsd(books.amount(Kind::Budget, tokens));
                ledger.progress(time, attempt.hold, &Spent { tokens, cost, succeeded: false });
                if attempt.is_open && charging == Charging::PostPaid {
                    books.spend(now, at, tokens);
                }
            }
            Act::Release(at) if !books.attempts.is_empty() => {
                let at = at % books.attempts.len();
                let attempt = books.attempts[at].clone();
                prop_assert_eq!(ledger.release(time, attempt.hold), attempt.is_open);
                if attempt.is_open {
                    books.attempts[at].is_open = false;
                    books.charge(attempt.at, at, Kind::Requests, -1);
                }
            }
            Act::Save => saved = (ledger.state(), books.clone()),
            Act::Crash => {
                ledger = Ledger::resume(&plan, &saved.0).unwrap();
                books = saved.1.clone();
                let open = books.attempts.iter().filter(|attempt| attempt.is_open).count();
                prop_assert_eq!(ledger.open().count(), open);
            }
            _ => {}
        }
        balance(&mut ledger, &books, now)?;
    }
    Ok(())
}

fn ask(
    ledger: &mut Ledger,
    books: &mut Books,
    now: Time,
    (key, model, most): (u32, u16, u64),
) -> Result<(), TestCaseError> {
    let need = Need { tokens: most, cost: NanoUsd(books.amount(Kind::Budget, most)) };
    let readings: Vec<Reading> = ledger.readings(now).collect();
    let fits = |provider: u16| {
        readings.iter().filter(|of| books.concerns(of.whose, key, provider, model)).all(|of| {
            let (used, reserved) = books.count(of, now.0);
            let paid_after = books.plan.charging == Charging::PostPaid && of.kind != Kind::Requests;
            let most = books.amount(of.kind, most);
            if paid_after { used < of.max } else { used + reserved + most <= of.max }
        })
    };
    let configs = &books.plan.keys[key as usize].configs;
    let expected: Vec<bool> = configs.iter().map(|config| fits(config.provider)).collect();
    match ledger.admit(now, key, model, |_| need) {
        Ok(eligible) => {
            for (config, fits) in expected.iter().enumerate() {
                prop_assert_eq!(eligible.has(config), *fits, "configuration {}", config);
            }
            let first = expected.iter().position(|fits| *fits).expect("one is eligible");
            let provider = configs[first].provider;
            let hold = ledger.reserve(now, key, first, model, &need).expect("it was admitted");
            books.attempts.push(Attempt {
                hold,
                at: now.0,
                key,
                provider,
                model,
                most,
                so_far: 0,
                is_open: true,
            });
            books.charge(now.0, books.attempts.len() - 1, Kind::Requests, 1);
        }
        Err(denial) => {
            prop_assert!(!expected.contains(&true), "{denial:?} although something fits");
            prop_assert!(denial.until.is_none_or(|until| until > now), "{denial:?} is over");
        }
    }
    Ok(())
}

/// Every limit of every level says what the slow books say, and none is beyond its maximum where all is
/// reserved before.
fn balance(ledger: &mut Ledger, books: &Books, now: u64) -> Result<(), TestCaseError> {
    let readings: Vec<Reading> = ledger.readings(Time(now)).collect();
    for of in readings {
        let (used, reserved) = books.count(&of, now);
        prop_assert_eq!((of.used, of.reserved), (used, reserved), "{:?}", of);
        if books.plan.charging == Charging::Reserved || of.kind == Kind::Requests {
            prop_assert!(used + reserved <= of.max && of.over == 0, "overshot: {:?}", of);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn what_is_paid_after_is_counted_once_at_every_level(
        size in 1..4u64,
        acts in prop::collection::vec(act(), 1..120),
    ) {
        play(Charging::PostPaid, size, &acts)?;
    }

    #[test]
    fn what_is_reserved_never_exceeds_a_limit(
        size in 1..4u64,
        acts in prop::collection::vec(act(), 1..120),
    ) {
        play(Charging::Reserved, size, &acts)?;
    }
}
