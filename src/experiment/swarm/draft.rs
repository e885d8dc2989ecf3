//! A world in the making: what all features have to agree on, and the text that they write.

use crate::policy::{POLICIES, PolicySpec};

use super::dice::Dice;

/// What must be in some share of all worlds is not left to chance: it takes turns by seed. Lists whose lengths have
/// no common factor meet in every combination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn(pub(super) u64);

impl Turn {
    /// Whose turn it is in a list.
    pub(super) fn of<T: Copy>(self, list: &[T]) -> T {
        list[(self.0 % list.len() as u64) as usize]
    }
}

/// A provider as features know it.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    pub(super) name: String,
    pub(super) keys: Vec<String>,
    pub(super) models: Vec<&'static str>,
    /// As routes name them; empty where they name none.
    pub(super) regions: Vec<&'static str>,
}

/// A gateway node as features know it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) region: &'static str,
}

/// The text of a world, and what has been decided.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) seed: u64,
    pub(super) dice: Dice,
    pub(super) turn: Turn,
    pub(super) policy: &'static PolicySpec,
    /// Length of the run in seconds.
    pub(super) seconds: u32,
    /// The kind of fault that must be in it.
    pub(super) fault: &'static str,
    pub(super) models: Vec<&'static str>,
    pub(super) classes: Vec<String>,
    pub(super) topics: usize,
    /// All clients come at a rate.
    pub(super) open: bool,
    pub(super) providers: Vec<Provider>,
    pub(super) nodes: Vec<Node>,
    /// How many tenants there are.
    pub(super) tenants: usize,
    head: String,
    tables: String,
}

impl Draft {
    pub(super) fn new(seed: u64, faults: &[&'static str]) -> Self {
        let (dice, turn) = (Dice(crate::engine::luck::mix(seed, WORLD)), Turn(seed));
        let policies: Vec<&'static PolicySpec> = POLICIES.iter().collect();
        Self {
            seed,
            dice,
            turn,
            policy: turn.of(&policies),
            seconds: dice.between("seconds", 4, 12),
            fault: turn.of(faults),
            models: Vec::new(),
            classes: Vec::new(),
            topics: 1,
            open: true,
            providers: Vec::new(),
            nodes: Vec::new(),
            tenants: 0,
            head: String::new(),
            tables: String::new(),
        }
    }

    /// A key of the file itself.
    pub(super) fn say(&mut self, key: &str, value: &str) {
        self.head += &format!("{key} = {value}\n");
    }

    /// A table, such as `[workload]` or `[[fault]]`, with its keys.
    pub(super) fn table(&mut self, name: &str, keys: &Keys) {
        self.tables += &format!("\n{name}\n{}", keys.0);
    }

    /// A moment of the run in milliseconds, between these shares of its length.
    pub(super) fn moment(&self, dice: Dice, what: &str, from: f64, to: f64) -> u32 {
        let length = f64::from(self.seconds) * 1_000.0;
        dice.between(what, (from * length) as u32, (to * length) as u32)
    }

    /// Some place that a fault or a change can be at: a provider, or a part of one.
    pub(super) fn place(&self, dice: Dice) -> String {
        let provider =
            &self.providers[dice.between("provider", 0, self.providers.len() as u32 - 1) as usize];
        let name = &provider.name;
        let keys: Vec<&str> = provider.keys.iter().map(String::as_str).collect();
        match dice.between("place", 0, 5) {
            0 => "*".to_owned(),
            1 | 2 => format!("{name}/{}", dice.pick("key", &keys)),
            3 => format!("{name}:{}", dice.pick("model", &provider.models)),
            4 if !provider.regions.is_empty() => {
                format!("{name}@{}", dice.pick("region", &provider.regions))
            }
            _ => name.clone(),
        }
    }

    /// The scenario's text.
    pub(super) fn text(&self) -> String {
        let Self { seed, head, tables, .. } = self;
        format!("# World {seed} of the swarm: does anything break?\n\n{head}{tables}")
    }
}

const WORLD: u64 = crate::engine::luck::name("swarm");

/// Keys of a table.
#[derive(Debug, Default)]
pub(super) struct Keys(String);

impl Keys {
    /// Adds one.
    pub(super) fn say(&mut self, key: &str, value: impl std::fmt::Display) -> &mut Self {
        self.0 += &format!("{key} = {value}\n");
        self
    }

    /// Adds a text.
    pub(super) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.say(key, format_args!("\"{value}\""))
    }

    /// Adds a length in milliseconds.
    pub(super) fn ms(&mut self, key: &str, value: u32) -> &mut Self {
        self.say(key, format_args!("\"{value}ms\""))
    }
}
