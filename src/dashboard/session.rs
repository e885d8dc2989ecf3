//! A session: one scenario text, one or two policies in step, and what is done to them.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use thiserror::Error;

use crate::engine::{OPENMETRICS_TYPE, Settings, Span, Time};
use crate::experiment::run::{RunPlan, world};
use crate::experiment::{RunError, described};
use crate::policy::PolicySpec;
use crate::scenario::{self, Scenario, ScenarioError, fault};
use crate::sim::World;

use super::frame::{Before, Frame, Setup, Side};

/// Media type of the metrics that [`Order::Metrics`] gives.
pub(super) const METRICS_TYPE: &str = OPENMETRICS_TYPE;

/// What the page asks for.
#[derive(Debug)]
pub enum Order {
    /// Go on, or wait.
    Play(bool),
    /// Virtual seconds per second; none as fast as it can.
    Speed(Option<f64>),
    /// One recomputation interval (5 s) further.
    Step,
    /// To this second; back in time the run is made again.
    Seek(f64),
    /// A fault from now on.
    Inject {
        /// Its kind.
        kind: String,
        /// Where: a route, a provider, `*`.
        on: String,
        /// How long.
        lasts_s: f64,
    },
    /// A parameter gets another value from now on.
    Set {
        /// Its name.
        id: String,
        /// Its value as a scenario writes it.
        value: String,
    },
    /// The held keys of these routes are released.
    Release(String),
    /// Takes back what was done last.
    Undo,
    /// The session as a scenario.
    Save(tokio::sync::oneshot::Sender<String>),
    /// The engine's metrics.
    Metrics(tokio::sync::oneshot::Sender<Option<String>>),
}

/// Why a session could not begin.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The policy.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A session.
#[derive(Debug)]
pub struct Session {
    name: String,
    base: PathBuf,
    /// The text that it began with.
    text: String,
    /// Tables that were added, each with a word for it.
    done: Vec<(String, String)>,
    seed: u64,
    /// A policy beside the scenario's own.
    against: Option<(&'static PolicySpec, Settings)>,
    at: Time,
    plays: bool,
    speed: Option<f64>,
    message: Option<String>,
}

/// How a pass over a run ended.
enum Turn {
    /// The text or the moment changed: the run is made again.
    Again,
    /// Nobody listens any more.
    Over,
}

/// Virtual time between two looks at the orders while a run is made again.
const STRIDE: Span = Span::from_millis(500);
/// A pause between two frames.
const FRAME: Duration = Duration::from_millis(100);

impl Session {
    /// A session over a scenario.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn new(
        scenario: &Scenario,
        seed: u64,
        against: Option<(&'static PolicySpec, Settings)>,
    ) -> Result<Self, SessionError> {
        let base = scenario.path.parent().map(PathBuf::from).unwrap_or_default();
        let name = scenario.path.display().to_string();
        let mut text = scenario.source.clone();
        if seed != scenario.seed_default {
            // What is saved must run with the same seed.
            text = scenario::parse(&name, &text, &base, &[format!("seed={seed}")])?.source;
        }
        let session = Self {
            name,
            base,
            text,
            done: Vec::new(),
            seed,
            against,
            at: Time::ZERO,
            plays: true,
            speed: Some(10.0),
            message: None,
        };
        session.worlds(scenario)?;
        Ok(session)
    }

    /// What does not change.
    pub fn setup(&self, scenario: &Scenario) -> Setup {
        let pool = &scenario.spec.pool;
        let settings = &scenario.policy.settings;
        let mut policies = vec![described(scenario.policy.spec, settings)];
        policies.extend(self.against.iter().map(|(spec, settings)| described(spec, settings)));
        let live = |id: &str| {
            !["retry.", "fallback.", "timeout.", "layer."].iter().any(|of| id.starts_with(of))
        };
        Setup {
            scenario: scenario.spec.name.clone(),
            horizon_s: scenario.spec.horizon.as_secs_f64(),
            policies,
            providers: pool.providers.clone(),
            models: pool.models.clone(),
            routes: (pool.routes.iter())
                .map(|route| (route.name.clone(), route.provider.0, route.model.0))
                .collect(),
            params: (settings.iter())
                .filter(|(param, _)| live(param.id))
                .map(|(param, value)| {
                    (param.id.to_owned(), param.show(value), param.doc.to_owned())
                })
                .collect(),
            faults: fault::FAULTS
                .iter()
                .filter(|kind| INJECTED.contains(&kind.name))
                .map(|kind| (kind.name.to_owned(), kind.doc.to_owned()))
                .collect(),
        }
    }

    /// The session as a scenario.
    pub fn source(&self) -> String {
        let mut text = self.text.trim_end().to_owned();
        text.push('\n');
        for (_, table) in &self.done {
            text.push('\n');
            text.push_str(table);
        }
        text
    }

    /// Where virtual time stands.
    pub const fn at(&self) -> Time {
        self.at
    }

    /// Runs until nobody sends orders any more. `publish` gets every frame.
    pub fn run(mut self, orders: &Receiver<Order>, mut publish: impl FnMut(&Frame)) {
        loop {
            let scenario = match self.parsed() {
                Ok(scenario) => scenario,
                Err(error) => {
                    // What cannot be read is taken back; the text before it could.
                    self.message = Some(error);
                    if self.done.pop().is_none() {
                        return;
                    }
                    continue;
                }
            };
            match self.pass(&scenario, orders, &mut publish) {
                Turn::Again => {}
                Turn::Over => return,
            }
        }
    }

    fn parsed(&self) -> Result<Scenario, String> {
        scenario::parse(&self.name, &self.source(), &self.base, &[]).map_err(|error| {
            let mut text = error.to_string();
            if let Some(help) = miette::Diagnostic::help(&error) {
                text += &format!("; {help}");
            }
            text
        })
    }

    fn worlds<'a>(&'a self, scenario: &'a Scenario) -> Result<Vec<World<'a>>, RunError> {
        let own = (scenario.policy.spec, &scenario.policy.settings);
        let other = self.against.as_ref().map(|(spec, settings)| (*spec, settings));
        [Some(own), other]
            .into_iter()
            .flatten()
            .map(|(policy, settings)| {
                world(&RunPlan { scenario, policy, settings, seed: self.seed, replications: 1 }, 0)
            })
            .collect()
    }

    /// One pass: the worlds are made, brought to where the session stands, and go on until something changes what
    /// they are.
    fn pass(
        &mut self,
        scenario: &Scenario,
        orders: &Receiver<Order>,
        publish: &mut impl FnMut(&Frame),
    ) -> Turn {
        let holder = self.clone_plan();
        let Ok(mut worlds) = holder.worlds(scenario) else { return Turn::Over };
        let mut show = Show::new(scenario, worlds.len());
        let goal = self.at;
        let mut reached = Time::ZERO;
        while reached < goal {
            reached = (reached + STRIDE).min(goal);
            show.advance(&mut worlds, reached);
            // The last second is a frame of its own, so that shares are of now and not of the whole past.
            if reached.0.is_multiple_of(10 * STRIDE.0) || goal.since(reached) <= Span::from_secs(1)
            {
                publish(&show.frame(self, &worlds, reached, Some(goal)));
            }
        }
        publish(&show.frame(self, &worlds, self.at, None));
        loop {
            let wait = if self.plays && !show.over { FRAME } else { Duration::from_millis(250) };
            let order = if self.plays && self.speed.is_none() && !show.over {
                orders.try_recv().map_err(|error| error == TryRecvError::Disconnected)
            } else {
                orders.recv_timeout(wait).map_err(|error| error == RecvTimeoutError::Disconnected)
            };
            match order {
                Err(true) => return Turn::Over,
                Ok(order) => {
                    if self.obey(order, &worlds, scenario) {
                        return Turn::Again;
                    }
                }
                Err(false) => {
                    if !self.plays || show.over {
                        continue;
                    }
                    // As fast as it can: a frame every tenth of a second of work or so.
                    let step = self.speed.map_or(Span::from_secs(2), |speed| {
                        Span::from_secs_f64(speed * FRAME.as_secs_f64())
                    });
                    self.at += step;
                }
            }
            self.at = self.at.min(show.end);
            show.advance(&mut worlds, self.at);
            publish(&show.frame(self, &worlds, self.at, None));
        }
    }

    /// What the worlds borrow, apart from what changes meanwhile.
    fn clone_plan(&self) -> Self {
        Self {
            name: String::new(),
            base: PathBuf::new(),
            text: String::new(),
            done: Vec::new(),
            message: None,
            against: self.against.clone(),
            ..*self
        }
    }

    /// Does what is asked; true if the run is to be made again.
    fn obey(&mut self, order: Order, worlds: &[World<'_>], scenario: &Scenario) -> bool {
        self.message = None;
        let horizon = Time(scenario.spec.horizon.0);
        match order {
            Order::Play(plays) => self.plays = plays,
            Order::Speed(speed) => self.speed = speed.map(|speed| speed.clamp(0.1, 1_000.0)),
            Order::Step => {
                self.plays = false;
                self.at += Span::from_secs(5);
            }
            Order::Seek(to) => {
                let to = (Time::ZERO + Span::from_secs_f64(to)).min(horizon);
                let back = to < self.at;
                self.at = to;
                return back;
            }
            Order::Inject { kind, on, lasts_s } => {
                let left = horizon.since(self.at).as_millis().saturating_sub(1);
                let lasts = ((lasts_s.max(0.1) * 1e3) as u64).min(left);
                let table = format!(
                    "[[fault]]\nkind = {}\non = {}\nstart = \"{}ms\"\nlasts = \"{lasts}ms\"\n",
                    quoted(&kind),
                    quoted(&on),
                    self.at.0 / 1_000_000
                );
                return self.add(&format!("{kind} on {on}"), table, horizon);
            }
            Order::Set { id, value } => {
                let table = format!(
                    "[[command]]\nat = \"{}ms\"\nset = {{ {} = {} }}\n",
                    self.at.0 / 1_000_000,
                    quoted(&id),
                    quoted(&value)
                );
                return self.add(&format!("{id} = {value}"), table, horizon);
            }
            Order::Release(on) => {
                let table = format!(
                    "[[command]]\nat = \"{}ms\"\nrelease = {}\n",
                    self.at.0 / 1_000_000,
                    quoted(&on)
                );
                return self.add(&format!("released {on}"), table, horizon);
            }
            Order::Undo => return self.done.pop().is_some(),
            Order::Save(to) => {
                let _ = to.send(self.source());
            }
            Order::Metrics(to) => {
                let engine = worlds.first().and_then(|world| world.policy().engine());
                let _ = to.send(engine.map(|engine| engine.openmetrics(self.at)));
            }
        }
        false
    }

    fn add(&mut self, what: &str, table: String, horizon: Time) -> bool {
        if self.at + Span::from_millis(100) >= horizon {
            self.message = Some("the run is over: rewind first".to_owned());
            return false;
        }
        let at = self.at.as_secs_f64();
        self.done.push((format!("{at:.1} s: {what}"), table));
        true
    }
}

/// Faults that need no more than a place and a length.
const INJECTED: [&str; 6] =
    ["error-burst", "hard-outage", "brown-out", "stall", "limit-cut", "key-fault"];

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string().trim().to_owned()
}

/// What frames are made from.
struct Show {
    before: Vec<Before>,
    faults: Vec<(String, f64, f64, Vec<u32>)>,
    end: Time,
    over: bool,
    /// The sides of a run that is over.
    ended: Vec<Side>,
}

impl Show {
    fn new(scenario: &Scenario, sides: usize) -> Self {
        Self {
            before: vec![Before::default(); sides],
            faults: Vec::new(),
            end: Time(scenario.spec.horizon.0),
            over: false,
            ended: Vec::new(),
        }
    }

    fn advance(&mut self, worlds: &mut [World<'_>], to: Time) {
        if self.over {
            return;
        }
        for world in worlds.iter_mut() {
            world.advance(to);
        }
        self.over = to >= self.end;
        if self.over {
            // What is shown is how things stood at the end. Then the run goes on until every measured request
            // has its result, as with `run`, for the digest.
            let both = worlds.iter_mut().zip(&mut self.before);
            self.ended = both
                .map(|(world, before)| {
                    let mut side = before.side(world);
                    world.advance(Time::NEVER);
                    side.digest = Some(format!("{:016x}", world.digest()));
                    side
                })
                .collect();
        }
    }

    fn frame(
        &mut self,
        session: &Session,
        worlds: &[World<'_>],
        at: Time,
        goal: Option<Time>,
    ) -> Frame {
        let sides = if self.over {
            self.ended.clone()
        } else {
            worlds.iter().zip(&mut self.before).map(|(world, before)| before.side(world)).collect()
        };
        if let Some(world) = worlds.first()
            && self.faults.is_empty()
        {
            let tapes = world.tape().faults.iter();
            self.faults = tapes
                .map(|fault| {
                    let (start, end) = (fault.start.as_secs_f64(), fault.end.as_secs_f64());
                    (fault.name.clone(), start, end, fault.routes.clone())
                })
                .collect();
        }
        Frame {
            at_s: at.as_secs_f64(),
            plays: session.plays,
            speed: session.speed,
            over: self.over,
            catching_up_to_s: goal.map(Time::as_secs_f64),
            done: session.done.iter().map(|(what, _)| what.clone()).collect(),
            message: session.message.clone(),
            faults: self.faults.clone(),
            sides,
        }
    }
}
