//! `windtunnel new NAME`: a commented scenario to start from.

use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::style;
use crate::record;
use crate::scenario;

pub(super) fn new(name: &str) -> Result<(), Failure> {
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
    record::write_whole(&path, scenario::starter(stem).as_bytes())
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    style::note(&format!("try it: windtunnel run {}", path.display()));
    style::data(&path.display().to_string());
    Ok(())
}
