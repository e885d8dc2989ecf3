//! A kind of fault as data, and what it has to work with.

use crate::policy::Pool;
use crate::sim::fault::{Effect, Shape};
use crate::sim::spec::Place;

use super::super::at::At;
use super::super::error::Problem;
use super::super::headroom::Headroom;
use super::super::unit::{Number, Share};
use super::file::FaultFile;

/// A kind of fault.
#[derive(Clone, Copy, Debug)]
pub struct FaultKind {
    /// Number in the catalogue.
    pub id: &'static str,
    /// Name in scenarios.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// The public incident it is modelled on.
    pub anchor: &'static str,
    /// Keys that it takes besides `kind`, `name`, `on`, `start`, `lasts`, `shape` and `in_flight`.
    pub keys: &'static [KindKey],
    /// Sign (`:` model, `@` region, `/` key) that every `on` must have, and an example.
    pub(super) narrowed: Option<(char, &'static str)>,
    /// Turns keys into effects.
    pub(super) parts: fn(&FaultFile, &Scene<'_>) -> Result<Vec<Part>, Problem>,
}

/// A key that a kind takes.
#[derive(Clone, Copy, Debug)]
pub struct KindKey {
    /// Name.
    pub name: &'static str,
    /// Value unless given.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// One effect of a fault.
#[derive(Debug)]
pub(super) struct Part {
    /// Added to the fault's name; empty for the main part.
    pub(super) suffix: String,
    /// What it does.
    pub(super) effect: Effect,
    /// Routes, where they are not those of `on`.
    pub(super) routes: Option<Vec<u32>>,
    /// Shape unless the scenario gives one.
    pub(super) shape: Shape,
}

impl Part {
    /// A main part on the routes of `on`, at full strength throughout.
    pub(super) fn new(effect: Effect) -> Self {
        Self { suffix: String::new(), effect, routes: None, shape: Shape::Block }
    }
}

/// What a kind may look at.
pub(super) struct Scene<'a> {
    /// Where the fault stands.
    pub(super) at: At,
    /// Everything that answers.
    pub(super) pool: &'a Pool,
    pub(super) places: &'a [Place],
    pub(super) headroom: &'a Headroom,
    /// Routes of `on`, ascending.
    pub(super) on: &'a [u32],
}

impl Scene<'_> {
    /// A share in [0, 1].
    pub(super) fn part(
        &self,
        key: &str,
        given: Option<Share>,
        default: f64,
    ) -> Result<f64, Problem> {
        let share = given.map_or(default, |share| share.0);
        if share <= 1.0 {
            return Ok(share);
        }
        let at = self.at.key(key);
        Err(Problem::new(at.clone(), format!("`{at}` cannot be {}%", share * 100.0))
            .expected("expected a share up to \"100%\", such as \"25%\""))
    }

    /// A factor from 1 to 1,000.
    pub(super) fn times(
        &self,
        key: &str,
        given: Option<Number>,
        default: f64,
    ) -> Result<f64, Problem> {
        let factor = given.map_or(default, |number| number.0);
        if (1.0..=1_000.0).contains(&factor) {
            return Ok(factor);
        }
        let at = self.at.key(key);
        Err(Problem::new(at.clone(), format!("`{at}` cannot be {factor}"))
            .expected("expected a factor from 1 to 1_000, such as 3"))
    }

    /// Providers of some routes, ascending, each with its routes.
    pub(super) fn by_provider(&self, routes: &[u32]) -> Vec<(u16, Vec<u32>)> {
        let mut groups: Vec<(u16, Vec<u32>)> = Vec::new();
        for &route in routes {
            let provider = self.pool.routes[route as usize].provider.0;
            match groups.last_mut() {
                Some((last, group)) if *last == provider => group.push(route),
                _ => groups.push((provider, vec![route])),
            }
        }
        groups
    }

    /// Capacity of a provider over its fair share, or a problem with `key` where it has no limit or
    /// its demand is not known.
    pub(super) fn capacity_of(&self, provider: u16, key: &str) -> Result<f64, Problem> {
        let known = if self.headroom.models.is_empty() { None } else { Some(()) };
        let ratio = self.headroom.providers[usize::from(provider)];
        known.and(ratio).ok_or_else(|| {
            let name = &self.pool.providers[usize::from(provider)];
            Problem::new(self.at.key(key), format!("`{name}` has no limit that demand could meet"))
                .expected("this fault works on limits")
                .help(format!("give it one: provider.{name}.tpm = \"200%\""))
        })
    }
}
