//! `windtunnel trace fit`: a scenario from a log, how well it fits, and both replayed side by side.

use std::path::{Path, PathBuf};

use clap::Parser;

use super::Log;
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::style;
use crate::engine::Span;
use crate::experiment::{RunPlan, Silent, run};
use crate::fit::{self, Burst, Fitted, LatencyFit, Options, Traffic};
use crate::record::{self, Measured, Summary};
use crate::scenario::{self, Scenario};
use crate::trace::{Choice, TraceFormat};

/// Fit a scenario to a request log.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Fit {
    #[command(flatten)]
    log: Log,
    /// The scenario to write [default: fitted.toml]
    #[arg(long, value_name = "FILE", conflicts_with = "onto")]
    out: Option<PathBuf>,
    /// A scenario to put the fit onto, e.g. one that `new --from` has made: its gateway stays, clients come
    /// from the log, and so does what is measured of providers of the same name
    #[arg(long, value_name = "FILE")]
    onto: Option<PathBuf>,
    /// Clients that get a class of their own; the others share one
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=200))]
    classes: u16,
    /// Who routes in the scenario (see `list policies`)
    #[arg(long, value_name = "POLICY", default_value = "windtunnel", conflicts_with = "onto")]
    policy: String,
}

/// Requests that the replay side by side simulates at most, each.
const REPLAYED: f64 = 500_000.0;

pub(super) fn fit(args: &Fit) -> Result<(), Failure> {
    crate::cli::command::policy(&args.policy)?;
    let source = args.log.open()?;
    let options = Options { classes: usize::from(args.classes), hide: args.log.hide() };
    let fitted = fit::fit(&source, &options).map_err(|error| Failure::new(Exit::Usage, error))?;
    let path = match (&args.onto, &args.out) {
        (Some(path), _) | (None, Some(path)) => path.clone(),
        (None, None) => PathBuf::from("fitted.toml"),
    };
    let mut text = statement(&fitted);
    let (scenario, length) = match &args.onto {
        Some(path) => {
            let there = std::fs::read_to_string(path).map_err(|error| {
                Failure::new(Exit::Usage, format!("{}: cannot be read: {error}", path.display()))
            })?;
            let onto = fit::onto(&fitted, &there);
            let onto = onto.map_err(|error| {
                Failure::new(Exit::Usage, format!("{}: {error}", path.display()))
            })?;
            text += &format!("\nonto {}\n{onto}", path.display());
            (onto.scenario, fitted.length)
        }
        None => {
            let name = args.log.path().file_name().unwrap_or_default().to_string_lossy();
            let title: String = name.chars().filter(|c| !c.is_control()).collect();
            let policy = format!("policy = \"{}\"", args.policy);
            let length = fitted.length;
            (fit::scenario(&fitted, &title, &policy, &Traffic::Fitted, length), length)
        }
    };
    let parsed = parse(&path, &scenario)?;
    text += &side_by_side(&fitted, args, source.format(), length)?;
    record::write_whole(&path, scenario.as_bytes())
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    style::data(&text);
    style::note(&parsed.headroom.line());
    style::note(&format!("try it: windtunnel run {}", quote(&path.to_string_lossy())));
    Ok(())
}

fn parse(path: &Path, text: &str) -> Result<Scenario, Failure> {
    scenario::parse(&path.to_string_lossy(), text, path.parent().unwrap_or(Path::new("")), &[])
        .map_err(|error| Failure::pointing(Exit::Usage, &error))
}

/// How well the fit fits.
fn statement(fitted: &Fitted) -> String {
    let mut text = format!(
        "{} rows over {:.0} s, {}; stamps to {}{}\n\n{:<22}{:>9}  {:<24}{:>7}  {:<34}{:>10}{:>10}\n",
        fitted.rows,
        fitted.span.as_secs_f64(),
        fitted.format,
        fitted.step,
        if fitted.spreads() { ", spread evenly over it" } else { "" },
        "client",
        "rps",
        "arrivals",
        "KS",
        "var/mean 1,10,60 s: log → fit",
        "prompt KS",
        "output KS"
    );
    for class in &fitted.classes {
        let arrivals = &class.arrivals;
        let process = match arrivals.burst {
            Burst::Poisson => "poisson".to_owned(),
            Burst::Gamma(cv) => format!("gamma cv {cv:.2}"),
            Burst::Weibull(cv) => format!("weibull cv {cv:.2}"),
            Burst::OnOff(on, off) => format!("on-off {on:.1} s, {off:.1} s"),
        };
        let curve = if arrivals.steps.is_empty() { "" } else { ", curve" };
        let index = |of: [f64; 3]| of.map(|x| format!("{x:.1}")).join(", ");
        let distance = |ks: Option<f64>| ks.map_or_else(|| "–".to_owned(), |ks| format!("{ks:.3}"));
        let ks = |fit: &Option<fit::SizeFit>| distance(fit.as_ref().map(|fit| fit.ks));
        text += &format!(
            "{:<22}{:>9.3}  {:<24}{:>7}  {:<34}{:>10}{:>10}{}\n",
            class.name,
            arrivals.rps,
            format!("{process}{curve}"),
            distance(arrivals.ks),
            format!("{} → {}", index(arrivals.log), index(arrivals.fitted)),
            ks(&class.prompt),
            ks(&class.output),
            if arrivals.by_dispersion { "  (chosen by dispersion)" } else { "" }
        );
    }
    text += &format!(
        "\n{:<22}{:>9}{:>9}  {:<30}{:<10}{:>8}{:>9}{:>9}  {}\n",
        "deployment",
        "answers",
        "share",
        "TTFT median, sigma, slow mode",
        "KS",
        "tok/s",
        "errors",
        "timeouts",
        "limit"
    );
    for server in &fitted.servers {
        let limit = match (server.limit.tpm, server.limit.rpm) {
            (Some(tpm), _) => format!("{tpm:.0} tokens/min ({} × 429)", server.limit.refused),
            (_, Some(rpm)) => format!("{rpm:.0} requests/min ({} × 429)", server.limit.refused),
            (None, None) if server.limit.refused > 0 => {
                format!("? ({} × 429)", server.limit.refused)
            }
            (None, None) => "none seen".to_owned(),
        };
        text += &format!(
            "{:<22}{:>9}{:>8.1}%  {:<30}{:<10}{:>8}{:>8.3}%{:>8.3}%  {limit}\n",
            server.name,
            server.requests,
            server.weight * 100.0,
            latency(&server.latency),
            format!("{:.3}", server.latency.ttft_ks),
            server.latency.decode.map_or_else(|| "–".into(), |(rate, _)| format!("{rate:.1}")),
            server.error_rate * 100.0,
            server.hang_rate * 100.0,
        );
    }
    text += "\nnot told by the log:\n";
    for line in &fitted.unknown {
        text += &format!("  {line}\n");
    }
    text
}

fn latency(fit: &LatencyFit) -> String {
    let Some((median, mix)) = fit.ttft else { return "the profile's".into() };
    let slow =
        if mix.w > 0.0 { format!("{:.1} % × {:.1}", mix.w * 100.0, mix.m) } else { "none".into() };
    format!("{:.0} ms, {:.2}, {slow}", median * 1e3, mix.s)
}

/// The fitted clients and the log's own rows, before the same providers and the same policy.
fn side_by_side(
    fitted: &Fitted,
    args: &Fit,
    format: TraceFormat,
    length: Span,
) -> Result<String, Failure> {
    let rps: f64 = fitted.classes.iter().map(|class| class.arrivals.rps).sum();
    let most = Span::from_secs_f64(REPLAYED / rps.max(1e-3));
    // A log of several days is folded into one; its own rows are replayed from the first on.
    let length = Span(length.0.min(most.0).min(fitted.span.0).max(1_000_000_000));
    let policy = format!("policy = \"{}\"", args.policy);
    let run_of = |traffic: &Traffic| -> Result<Summary, Failure> {
        let text = fit::scenario(fitted, "replay", &policy, traffic, length);
        let scenario = parse(Path::new("replay.toml"), &text)?;
        let plan = RunPlan {
            policy: scenario.policy.spec,
            settings: &scenario.policy.settings,
            seed: scenario.seed_default,
            replications: 1,
            scenario: &scenario,
        };
        let run = run(&plan, &Silent).map_err(|error| Failure::new(Exit::Unexpected, error))?;
        Ok(run.summary)
    };
    let (fit, log) =
        (run_of(&Traffic::Fitted)?, run_of(&Traffic::Log(table(args, fitted, format)?))?);
    let mut text = format!(
        "\nreplayed side by side, {:.0} s under {}:{:>14}{:>14}\n",
        length.as_secs_f64(),
        args.policy,
        "log",
        "fit"
    );
    let mut line = |name: &str, of: &dyn Fn(&Summary) -> String| {
        text += &format!("  {name:<38}{:>14}{:>14}\n", of(&log), of(&fit));
    };
    let number = |measured: &Measured| {
        measured.number().map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"))
    };
    let share =
        |part: u64, whole: u64| format!("{:.2} %", part as f64 * 100.0 / whole.max(1) as f64);
    line("requests", &|s| s.requests.offered.to_string());
    line("good", &|s| share(s.requests.good, s.requests.offered));
    line("attempts refused with 429", &|s| share(s.rate_limited, s.attempts));
    line("output tokens a request", &|s| {
        let tokens = s.tokens.good + s.tokens.wasted;
        format!("{:.1}", tokens as f64 / s.requests.offered.max(1) as f64)
    });
    line("time to first token p50 (ms)", &|s| number(&s.ttft_ms.p50));
    line("time to first token p99 (ms)", &|s| number(&s.ttft_ms.p99));
    line("latency p50 (ms)", &|s| number(&s.latency_ms.p50));
    line("latency p99 (ms)", &|s| number(&s.latency_ms.p99));
    Ok(text)
}

/// The log as a `[trace]` table.
fn table(args: &Fit, fitted: &Fitted, format: TraceFormat) -> Result<String, Failure> {
    let path = args.log.path();
    let file = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let file = toml_edit::Value::from(file.to_string_lossy().into_owned());
    let mut text = format!("file = {file}\nunreadable = \"{}%\"\n", args.log.unreadable * 100.0);
    match args.log.choice()? {
        Choice::Map(map) => {
            let pairs = map.split(',').filter_map(|pair| pair.split_once('='));
            let pairs = pairs.map(|(field, column)| {
                format!("{} = {}", field.trim(), toml_edit::Value::from(column.trim()))
            });
            text += &format!("map = {{ {} }}\n", pairs.collect::<Vec<_>>().join(", "));
        }
        Choice::Recognise | Choice::Format(_) => text += &format!("format = \"{format}\"\n"),
    }
    if fitted.step >= Span::from_millis(100) {
        text += &format!("spread = \"{}ms\"\n", fitted.step.0 / 1_000_000);
    }
    Ok(text)
}
