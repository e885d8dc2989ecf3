//! `windtunnel new NAME`: a commented scenario to start from, or one of a gateway's configuration.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::style;
use crate::import::{self, Import, Verdict};
use crate::record;
use crate::scenario;

/// Write a scenario to start from.
#[derive(Debug, Parser)]
pub(in crate::cli) struct New {
    /// Its name: NAME.toml is written, or scenarios/NAME.toml if there is such a folder
    name: String,
    /// A gateway's configuration: LiteLLM's config.yaml, Kong's declarative YAML, Bifrost's config.json.
    /// No credential in it is ever copied or shown
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

pub(super) fn new(args: &New) -> Result<(), Failure> {
    let name = &args.name;
    let stem = name.trim_end_matches(".toml");
    let legal =
        !stem.is_empty() && stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !legal {
        let what = format!("a scenario cannot be called `{name}`: use letters, digits, - and _");
        return Err(Failure::new(Exit::Usage, what));
    }
    let folder = Path::new("scenarios");
    let file = format!("{stem}.toml");
    let path = if folder.is_dir() { folder.join(file) } else { file.into() };
    if path.exists() {
        let what = format!("{} exists already: choose another name", path.display());
        return Err(Failure::new(Exit::Usage, what));
    }
    let text = match &args.from {
        None => scenario::starter(stem),
        Some(from) => imported(from, stem)?,
    };
    record::write_whole(&path, text.as_bytes())
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    style::note(&format!("try it: windtunnel run {}", path.display()));
    style::data(&path.display().to_string());
    Ok(())
}

/// The scenario of a configuration; says what became of each key.
fn imported(from: &Path, stem: &str) -> Result<String, Failure> {
    let refused = |what: String| {
        Failure::new(Exit::Usage, format!("{}: {what}", from.display())).reproduce(format!(
            "windtunnel new {stem} --from {}",
            crate::cli::fail::quote(&from.to_string_lossy())
        ))
    };
    let bytes = std::fs::read(from).map_err(|error| refused(format!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| refused("is no text in UTF-8".into()))?;
    let import = import::read(&text, stem).map_err(|error| refused(error.to_string()))?;
    // What is written must be a scenario.
    scenario::parse(stem, &import.scenario, Path::new(""), &[])
        .map_err(|error| Failure::pointing(Exit::Unexpected, &error))?;
    style::note(&account(&import));
    Ok(import.scenario)
}

/// What a verdict says, if it is of one kind.
type Says = fn(&Verdict) -> Option<&str>;

fn account(import: &Import) -> String {
    let mut text = format!("{} configuration\n", import.gateway);
    let parts: [(&str, Says); 3] = [
        ("understood", |verdict| match verdict {
            Verdict::Understood(what) => Some(what),
            Verdict::Ignored(_) | Verdict::NotRepresented(_) => None,
        }),
        ("not represented", |verdict| match verdict {
            Verdict::NotRepresented(why) => Some(why),
            Verdict::Ignored(_) | Verdict::Understood(_) => None,
        }),
        ("ignored", |verdict| match verdict {
            Verdict::Ignored(why) => Some(why),
            Verdict::Understood(_) | Verdict::NotRepresented(_) => None,
        }),
    ];
    for (title, of) in parts {
        let lines = import.lines.iter().filter_map(|line| Some((line, of(&line.verdict)?)));
        for (at, (line, what)) in lines.enumerate() {
            if at == 0 {
                text += &format!("{title}:\n");
            }
            let times = if line.times > 1 { format!(" × {}", line.times) } else { String::new() };
            text += &format!("  {:<58} {what}\n", format!("{}{times}", line.key));
        }
    }
    text.trim_end().to_owned()
}
