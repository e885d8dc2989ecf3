//! From `[[fault]]` to the faults of a world: everything that the kinds have in common.

use std::collections::BTreeSet;

use crate::engine::{Span, Time};
use crate::sim::fault::{Fault, InFlight, Start};
use crate::sim::fleet::Fleet;

use super::super::at::At;
use super::super::error::Problem;
use super::super::headroom::Headroom;
use super::super::suggest;
use super::super::world::World;
use super::file::{FaultFile, InFlightFile};
use super::kind::{FaultKind, Part, Scene};
use super::{FAULTS, selector};

/// Long enough to be seen by every balancer, short enough for a benchmark of minutes (our choice).
pub(super) const LASTS: Span = Span::from_secs(60);
const FAULTS_MAX: usize = 10_000;

/// All faults, in file order; a kind with several parts gives several.
pub(crate) fn faults(
    files: &[FaultFile],
    world: &World,
    headroom: &Headroom,
    fleet: &Fleet,
    horizon: Span,
) -> Result<Vec<Fault>, Problem> {
    let at = At::top().key("fault");
    if files.len() > FAULTS_MAX {
        return Err(Problem::new(at, "more than 10,000 faults"));
    }
    let mut faults = Vec::with_capacity(files.len());
    let mut names = BTreeSet::new();
    for (index, file) in files.iter().enumerate() {
        let at = at.item(index);
        let kind = find(file, &at)?;
        check_keys(file, kind, &at)?;
        let on = selector::routes(&file.on, kind.narrowed, &at.key("on"), &world.pool)?;
        let name = unique(file, kind, index, &at, &mut names)?;
        let start = file.start.start(&at.key("start"), horizon)?;
        let lasts = file.lasts.map_or(LASTS, |length| length.0);
        if lasts == Span::ZERO {
            return Err(Problem::new(
                at.key("lasts"),
                format!("`{}` cannot be 0s", at.key("lasts")),
            )
            .expected("expected a length of time above zero, such as \"60s\""));
        }
        check_budget(start, lasts, horizon, &at)?;
        let seen_from = file.seen_from.as_ref();
        let regions = |on| super::super::fleet::regions(on, &at.key("seen_from"), fleet);
        let seen_from = seen_from.map(regions).transpose()?;
        let scene =
            Scene { at: at.clone(), pool: &world.pool, places: &world.places, headroom, on: &on };
        for part in (kind.parts)(file, &scene)? {
            let fault = fault(file, part, &name, start, lasts, &scene)?;
            faults.push(Fault { seen_from, ..fault });
        }
    }
    Ok(faults)
}

fn find(file: &FaultFile, at: &At) -> Result<&'static FaultKind, Problem> {
    FAULTS.iter().find(|kind| kind.name == file.kind || kind.id == file.kind).ok_or_else(|| {
        let names: Vec<_> = FAULTS.iter().map(|kind| kind.name).collect();
        Problem::new(at.key("kind"), format!("there is no kind of fault `{}`", file.kind))
            .expected("expected a kind such as \"error-burst\"")
            .help(suggest::help(&file.kind, &names))
    })
}

fn check_keys(file: &FaultFile, kind: &FaultKind, at: &At) -> Result<(), Problem> {
    let takes: Vec<_> = kind.keys.iter().map(|key| key.name).collect();
    match file.given().into_iter().find(|key| !takes.contains(key)) {
        None => Ok(()),
        Some(key) => {
            let message =
                format!("`{}`: a fault of kind {} has no `{key}`", at.key(key), kind.name);
            Err(Problem::new(at.key(key), message)
                .expected("not a key of this kind")
                .help(suggest::help(key, &takes)))
        }
    }
}

fn unique(
    file: &FaultFile,
    kind: &FaultKind,
    index: usize,
    at: &At,
    names: &mut BTreeSet<String>,
) -> Result<String, Problem> {
    let name = match &file.name {
        Some(name) => name.clone(),
        None if names.contains(kind.name) => format!("{}-{}", kind.name, index + 1),
        None => kind.name.to_owned(),
    };
    if name.is_empty() || !names.insert(name.clone()) {
        let key = if file.name.is_some() { at.key("name") } else { at.key("kind") };
        return Err(Problem::new(key, format!("there are two faults named `{name}`"))
            .expected("expected a name of its own, such as name = \"second-wave\""));
    }
    Ok(name)
}

/// A fault that begins after the run would be no fault. One that outlasts the run is fine.
fn check_budget(start: Start, lasts: Span, horizon: Span, at: &At) -> Result<(), Problem> {
    let latest = match start {
        Start::At(time) => time,
        Start::Phase { from, period } => from + period,
    };
    let end = Time::ZERO + horizon;
    if latest < end || (latest == end && matches!(start, Start::Phase { .. })) {
        return Ok(());
    }
    Err(Problem::new(at.key("start"), format!("`{at}` begins as late as {latest}, after the run"))
        .expected(format!("the run ends at {horizon}"))
        .help(format!("start earlier, or make duration more than {}", Span(latest.0) + lasts)))
}

fn fault(
    file: &FaultFile,
    part: Part,
    name: &str,
    start: Start,
    lasts: Span,
    scene: &Scene<'_>,
) -> Result<Fault, Problem> {
    let Part { suffix, effect, routes, shape } = part;
    let shape = match &file.shape {
        Some(given) => given.shape(&scene.at.key("shape"), lasts)?,
        None => shape,
    };
    let in_flight = match file.in_flight {
        Some(InFlightFile::Cut) => InFlight::Cut,
        Some(InFlightFile::Finish) | None => InFlight::Finish,
    };
    let name = if suffix.is_empty() { name.to_owned() } else { format!("{name}/{suffix}") };
    let routes = routes.unwrap_or_else(|| scene.on.to_vec());
    Ok(Fault { name, routes, start, lasts, shape, effect, in_flight, seen_from: None })
}
