//! A deployment: what it answers, how fast, and how often not.

use crate::import;
use crate::trace::Status;

use super::latency::{self, LatencyFit};
use super::limit::{self, LimitFit};
use super::rows::{Row, Rows};

/// What was found of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerFit {
    /// Its name in a scenario.
    pub name: String,
    /// Its name in the log.
    pub logged: String,
    /// The profile of the vendor that is nearest.
    pub profile: &'static str,
    /// Models that it answered, by their names in a scenario.
    pub models: Vec<String>,
    /// Answers.
    pub requests: u64,
    /// Requests, answered or not.
    pub tries: u64,
    /// Share of requests among all deployments'.
    pub weight: f64,
    /// Latency.
    pub latency: LatencyFit,
    /// Share of requests, refusals apart, that failed by the deployment's own doing.
    pub error_rate: f64,
    /// Share that timed out.
    pub hang_rate: f64,
    /// Clients' faults, which say nothing of the deployment.
    pub client_faults: u64,
    /// Its limit.
    pub limit: LimitFit,
}

/// Deployments with fewer requests are left out, unless there is no other.
const REQUESTS_MIN: usize = 50;
const SERVERS_MAX: usize = 100;

/// Fits all deployments; `names` are models as the scenario calls them.
pub(super) fn fit(rows: &Rows, names: &[String]) -> Vec<ServerFit> {
    let mut by_server: Vec<Vec<Row>> = vec![Vec::new(); rows.servers.len()];
    for row in rows.all.iter().filter(|row| !row.from_cache) {
        by_server[usize::from(row.server)].push(*row);
    }
    let mut order: Vec<usize> = (0..by_server.len()).collect();
    order.sort_by_key(|at| (usize::MAX - by_server[*at].len(), *at));
    // Failures whose deployment the log does not name are everybody's.
    let nameless = rows.servers.iter().position(String::is_empty);
    let named = order.iter().any(|at| Some(*at) != nameless);
    let kept = order.iter().filter(|at| !(named && Some(**at) == nameless));
    let mut kept: Vec<usize> = kept.copied().take(SERVERS_MAX).collect();
    let is_enough = |at: &usize| by_server[*at].len() >= REQUESTS_MIN;
    if kept.iter().any(is_enough) {
        kept.retain(is_enough);
    }
    let stray: &[Row] = match nameless {
        Some(at) if named => &by_server[at],
        _ => &[],
    };
    let mut servers: Vec<ServerFit> = Vec::new();
    for at in kept {
        let taken = |name: &str| servers.iter().any(|server| server.name == name);
        let name = free_name(&rows.servers[at], taken);
        servers.push(one(&rows.servers[at], name, &by_server[at], names));
    }
    let answers: u64 = servers.iter().map(|server| server.requests).sum();
    let tries: u64 = servers.iter().map(|server| server.tries).sum();
    let own = |status: Status| count(stray, |row| row.status == status);
    let strays = count(stray, |row| is_own_fault(row.status));
    for server in &mut servers {
        server.weight = server.tries as f64 / tries.max(1) as f64;
        server.error_rate = (server.error_rate + strays as f64 / answers.max(1) as f64).min(1.0);
        server.hang_rate =
            (server.hang_rate + own(Status::Http(408)) as f64 / answers.max(1) as f64).min(1.0);
    }
    servers
}

fn one(logged: &str, name: String, rows: &[Row], names: &[String]) -> ServerFit {
    let answers: Vec<Row> = rows.iter().filter(|row| !row.status.is_error()).copied().collect();
    let mut models: Vec<String> = Vec::new();
    for row in rows {
        let model = &names[usize::from(row.model)];
        if !models.contains(model) {
            models.push(model.clone());
        }
    }
    let limited = count(rows, |row| row.status.is_limited());
    let client_faults = count(rows, |row| {
        matches!(row.status, Status::Http(code) if (400..500).contains(&code)
            && code != 429 && code != 408)
    });
    let tried = (rows.len() as u64 - limited - client_faults).max(1) as f64;
    let vendor = logged.split('/').next().unwrap_or_default();
    let model = models.first().map_or("", String::as_str);
    ServerFit {
        name,
        logged: logged.to_owned(),
        profile: import::profile_of(vendor, model),
        models,
        requests: answers.len() as u64,
        tries: rows.len() as u64,
        weight: 0.0,
        latency: latency::fit(&answers),
        error_rate: count(rows, |row| is_own_fault(row.status)) as f64 / tried,
        hang_rate: count(rows, |row| row.status == Status::Http(408)) as f64 / tried,
        client_faults,
        limit: limit::fit(rows),
    }
}

fn is_own_fault(status: Status) -> bool {
    match status {
        Status::Failed => true,
        Status::Http(code) => code >= 500,
        Status::Fine | Status::Unknown => false,
    }
}

fn count(rows: &[Row], which: impl Fn(&Row) -> bool) -> u64 {
    rows.iter().filter(|row| which(row)).count() as u64
}

/// The last part of a deployment's name, as a scenario can have it.
pub(super) fn free_name(logged: &str, taken: impl Fn(&str) -> bool) -> String {
    let last = logged.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let mut name: String = last.chars().map(plain).take(40).collect();
    // A hash says nothing to anybody: its first signs are enough.
    let is_hash = name.len() >= 32 && name.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if is_hash {
        name.truncate(8);
    }
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "everything" } else { name }.to_owned();
    if !taken(&name) {
        return name;
    }
    (2..).map(|n| format!("{name}-{n}")).find(|name| !taken(name)).unwrap_or(name)
}
