//! A fit as the text of a scenario.

use std::fmt::Write;

use super::arrivals::ArrivalFit;
use super::fitted::{ClassFit, Fitted};
use super::process::Burst;
use super::server::ServerFit;
use super::sizes::SizeFit;
use crate::engine::Span;

/// Where requests come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Traffic {
    /// From the fitted classes.
    Fitted,
    /// From the log itself: the lines of a `[trace]` table.
    Log(String),
}

/// The scenario. `title` says what it is of, `policy` who routes, as it stands in a file.
pub fn scenario(
    fitted: &Fitted,
    title: &str,
    policy: &str,
    traffic: &Traffic,
    length: Span,
) -> String {
    let mut text = format!(
        "# {title}: what does this traffic meet?\n# Fitted by `windtunnel trace fit`; figures that a log \
         does not tell are the profile's.\nduration = \"{}s\"\n{policy}\n",
        length.0.div_ceil(1_000_000_000)
    );
    text += &head(fitted);
    match traffic {
        Traffic::Log(table) => {
            let _ = writeln!(text, "[trace]\n{table}");
            if let Some(class) = fitted.classes.first() {
                let models = all_models(fitted);
                let _ = writeln!(text, "[workload]\nmodels = {{ {models} }}");
                if let (Some(size), Some(cap)) = (&class.output, class.max_tokens) {
                    let _ = writeln!(text, "output = {}", output(size, Some(cap)));
                }
            }
        }
        Traffic::Fitted => {
            for fit in &fitted.classes {
                text += &class(fit);
            }
        }
    }
    for server in &fitted.servers {
        text += &provider(server, fitted);
    }
    text
}

/// When the scenario takes place.
fn head(fitted: &Fitted) -> String {
    let Some(epoch) = fitted.epoch else { return String::new() };
    let date = crate::trace::date(epoch);
    format!("start = {{ epoch = \"{date}\" }}\n")
}

fn all_models(fitted: &Fitted) -> String {
    let mut models: Vec<(String, u64)> = Vec::new();
    for (name, count) in fitted.classes.iter().flat_map(|class| &class.models) {
        match models.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += count,
            None => models.push((name.clone(), *count)),
        }
    }
    pairs(&models)
}

fn pairs(models: &[(String, u64)]) -> String {
    let pairs: Vec<_> =
        models.iter().map(|(name, count)| format!("{} = {count}", key(name))).collect();
    pairs.join(", ")
}

/// One class.
pub(super) fn class(fit: &ClassFit) -> String {
    let ClassFit { name, requests, arrivals, prompt, output: out, max_tokens, models } = fit;
    let mut text = format!("[[class]]                                  # {requests} requests\n");
    let _ = writeln!(text, "name = \"{name}\"\nrps = {}", number(arrivals.rps));
    let _ = writeln!(text, "arrivals = {}", process(arrivals));
    if !arrivals.steps.is_empty() {
        let steps: Vec<_> = arrivals
            .steps
            .iter()
            .map(|(at, multiple)| {
                format!("[\"{}s\", \"{}%\"]", at.0 / 1_000_000_000, number(multiple * 100.0))
            })
            .collect();
        let _ = writeln!(text, "rate = {{ steps = [{}] }}", steps.join(", "));
    }
    let _ = writeln!(text, "models = {{ {} }}", pairs(models));
    if let Some(size) = prompt {
        let _ = writeln!(text, "prompt = {{ quantiles = {} }}", points(size));
    }
    if let Some(size) = out {
        let _ = writeln!(text, "output = {}", output(size, *max_tokens));
    }
    text
}

fn process(fit: &ArrivalFit) -> String {
    match fit.burst {
        Burst::Poisson => "{ kind = \"poisson\" }".into(),
        Burst::Gamma(cv) => format!("{{ kind = \"gamma\", cv = {} }}", number(cv)),
        Burst::Weibull(cv) => format!("{{ kind = \"weibull\", cv = {} }}", number(cv)),
        Burst::OnOff(on, off) => format!(
            "{{ kind = \"on-off\", on = \"{}ms\", off = \"{}ms\" }}",
            (on * 1e3).round().max(1.0),
            (off * 1e3).round().max(1.0)
        ),
    }
}

fn output(size: &SizeFit, cap: Option<u32>) -> String {
    match cap {
        Some(cap) if cap > 0 => {
            format!("{{ quantiles = {}, max_tokens = {cap} }}", points(size))
        }
        _ => format!("{{ quantiles = {} }}", points(size)),
    }
}

fn points(size: &SizeFit) -> String {
    let points: Vec<_> = size.points.iter().map(|(p, tokens)| format!("[{p}, {tokens}]")).collect();
    format!("[{}]", points.join(", "))
}

/// One provider.
pub(super) fn provider(server: &ServerFit, fitted: &Fitted) -> String {
    let ServerFit { name, logged, profile, models, weight, .. } = server;
    let mut text = format!("[provider.{}]", key(name));
    if !logged.is_empty() && logged != name {
        let plain: String = logged.chars().filter(|c| !c.is_control()).collect();
        let _ = write!(text, "                          # {plain} in the log");
    }
    let models: Vec<_> = models.iter().map(|model| format!("\"{model}\"")).collect();
    let _ = writeln!(text, "\nprofile = \"{profile}\"\nmodels = [{}]", models.join(", "));
    let _ = writeln!(text, "weight = {}", number(*weight));
    text += &measured(server, fitted);
    text
}

/// What was measured of a provider: latency, errors, a limit.
pub(super) fn measured(server: &ServerFit, fitted: &Fitted) -> String {
    let mut text = String::new();
    let latency = &server.latency;
    let mut keys = Vec::new();
    if let Some((median, mix)) = latency.ttft {
        keys.push(format!("ttft = \"{}us\"", (median * 1e6).round().max(1.0)));
        keys.push(format!("sigma = {}", number(mix.s)));
        keys.push(format!("slow_share = \"{}%\"", number(mix.w * 100.0)));
        if mix.w > 0.0 {
            keys.push(format!("slow_factor = {}", number(mix.m)));
            keys.push(format!("slow_sigma = {}", number(mix.s2)));
        }
        let slope = latency.per_prompt_token.unwrap_or(0.0);
        keys.push(format!("per_prompt_token = \"{}ns\"", (slope * 1e9).round()));
    }
    if let Some((rate, sigma)) = latency.decode {
        keys.push(format!("tokens_per_s = {}", number(rate)));
        keys.push(format!("rate_sigma = {}", number(sigma)));
    }
    if !keys.is_empty() {
        let _ = writeln!(text, "latency = {{ {} }}", keys.join(", "));
    }
    let says_status = fitted.servers.iter().any(|server| server.error_rate > 0.0)
        || !fitted.unknown.iter().any(|line| line.starts_with("how requests ended"));
    if says_status {
        let _ = writeln!(text, "error_rate = \"{}%\"", number(server.error_rate * 100.0));
        let _ = writeln!(text, "hang_rate = \"{}%\"", number(server.hang_rate * 100.0));
    }
    if let Some(tpm) = server.limit.tpm {
        let factor = charge(fitted);
        let _ = writeln!(
            text,
            "tpm = {:.0}                               # {tpm:.0} tokens admitted in full minutes, × \
             {factor:.2}: charged by max_tokens",
            tpm * factor
        );
    }
    if let Some(rpm) = server.limit.rpm {
        let _ = writeln!(text, "rpm = {rpm:.0}");
    }
    text
}

/// What a request is charged with over what it uses: limits of most vendors charge the cap.
fn charge(fitted: &Fitted) -> f64 {
    let (mut charged, mut used) = (0.0, 0.0);
    for class in &fitted.classes {
        let (Some(prompt), Some(output)) = (&class.prompt, &class.output) else { continue };
        let mean = |size: &SizeFit| {
            let pieces = size.points.windows(2);
            pieces.map(|p| (p[1].0 - p[0].0) * (p[0].1 + p[1].1) / 2.0).sum::<f64>()
        };
        let p99 = output.points.iter().find(|point| point.0 >= 0.99).map_or(0.0, |point| point.1);
        let cap = class.max_tokens.map_or((2.0 * p99).min(4_096.0), f64::from);
        let n = class.requests as f64;
        charged += n * (mean(prompt) + cap);
        used += n * (mean(prompt) + mean(output));
    }
    if used > 0.0 { charged / used } else { 1.0 }
}

/// Four digits, without an exponent.
fn number(value: f64) -> String {
    let digits = if value >= 1_000.0 {
        0
    } else if value >= 1.0 {
        3
    } else {
        6
    };
    let text = format!("{value:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text.is_empty() || text == "-0" { "0".into() } else { text.to_owned() }
}

/// A key of TOML.
fn key(name: &str) -> String {
    let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare && !name.is_empty() { name.to_owned() } else { format!("\"{name}\"") }
}
