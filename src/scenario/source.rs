//! A scenario's file: what can be wrong before it is even text.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::ScenarioError;
use super::suggest;

/// Bytes of a scenario; requests in bulk belong into a trace. A hundred thousand keys by name fit
/// (our choice).
const BYTES_MAX: u64 = 16 << 20;

/// Reads the text of a scenario.
pub(crate) fn read(path: &Path) -> Result<String, ScenarioError> {
    let name = path.display();
    let refuse = |message: String, help: String| ScenarioError::bare(message, Some(help));
    let mut bytes = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    match opened {
        Err(_) if path.is_dir() => {
            let message = format!("cannot read {name}: it is a folder, not a scenario");
            return Err(refuse(message, format!("{}; {NEW}", one_of(path))));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(Path::new(""));
            let message = format!("there is no file {name}");
            return Err(refuse(message, format!("{}; {NEW}", near(path, folder))));
        }
        Err(error) => return Err(refuse(format!("cannot read {name}: {error}"), NEW.to_owned())),
        Ok(_) => {}
    }
    if bytes.len() as u64 > BYTES_MAX {
        let message = format!("{name} is too large for a scenario: over {} MiB", BYTES_MAX >> 20);
        return Err(refuse(message, "requests in bulk belong into a trace: `[trace]`".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|b| *b == b'\n');
        let message = format!("{name}:{}: not text in UTF-8", line.count());
        refuse(message, format!("a scenario is a TOML file; {NEW}"))
    })?;
    if text.trim().is_empty() {
        return Err(refuse(format!("{name} is empty"), NEW.to_owned()));
    }
    Ok(text)
}

const NEW: &str = "`windtunnel new NAME` writes one to start from";

/// Help for a file that does not exist: one with a similar name, beside it or in `scenarios`.
fn near(path: &Path, folder: &Path) -> String {
    let mut known = scenarios(folder);
    known.extend(scenarios(Path::new("scenarios")));
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> = known.iter().map(|path| stem(path)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match suggest::nearest(&stem(path), &names) {
        Some(name) => {
            let at = names.iter().position(|other| *other == name).expect("it is one of them");
            format!("did you mean {}?", known[at].display())
        }
        None => "`windtunnel list scenarios` lists those in scenarios/".to_owned(),
    }
}

/// Help for a folder: a scenario in it.
fn one_of(folder: &Path) -> String {
    match scenarios(folder).first() {
        Some(first) => format!("name a file in it, such as {}", first.display()),
        None => "there is no scenario in it".to_owned(),
    }
}

/// The scenarios in a folder, by name; none if it cannot be read.
fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = fs::read_dir(here).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| folder.join(entry.file_name())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort_unstable();
    files
}
