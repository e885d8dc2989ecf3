//! A document as files: `report.html`, `report.md` with its figures in `report/`, and what papers need.

use std::fs;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::picture::{self, ReportError};
use super::{html, latex, markdown, values};
use crate::record::{StoreError, store};

/// Name of the page.
pub const PAGE: &str = "report.html";
/// Name of the same as Markdown.
pub const MARKDOWN: &str = "report.md";
/// Folder of its figures.
pub const FIGURES: &str = "report";
/// Folder of what papers need.
pub const PAPERS: &str = "papers";

/// Writes the document into a folder and returns the files, the page first. Figures that an earlier report
/// left and this one does not have are removed.
///
/// # Errors
/// [`ReportError`]; files written before are whole.
pub fn publish(dir: &Path, document: &Document) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = vec![dir.join(PAGE), dir.join(MARKDOWN)];
    store::write_whole(&files[0], html::page(document).as_bytes())?;
    let folder = dir.join(FIGURES);
    for figure in document.figures() {
        let path = folder.join(format!("{}.svg", figure.id));
        let svg = picture::svg(&figure.page);
        let svg = svg.map_err(|source| ReportError::Draw { path: path.clone(), source })?;
        store::write_whole(&path, svg.as_bytes())?;
        files.push(path);
    }
    store::write_whole(&files[1], markdown::markdown(document, FIGURES).as_bytes())?;
    stale(&folder, &files)?;
    Ok(files)
}

/// Writes what a paper needs into a folder: each figure as wide as a column, as `ID.svg` with its values in
/// `ID.csv`, and all tables as `tables.tex`.
///
/// # Errors
/// [`ReportError`]; files written before are whole.
pub fn papers(dir: &Path, document: &Document) -> Result<Vec<PathBuf>, ReportError> {
    let folder = dir.join(PAPERS);
    let mut files = vec![folder.join("tables.tex")];
    store::write_whole(&files[0], latex::tables(document).as_bytes())?;
    for figure in document.figures() {
        let path = folder.join(format!("{}.svg", figure.id));
        let svg = picture::column(&figure.page);
        let svg = svg.map_err(|source| ReportError::Draw { path: path.clone(), source })?;
        store::write_whole(&path, svg.as_bytes())?;
        let table = folder.join(format!("{}.csv", figure.id));
        store::write_whole(&table, &values::csv(&figure.page))?;
        files.extend([path, table]);
    }
    Ok(files)
}

/// Removes pictures of the folder that are not among the files.
fn stale(folder: &Path, files: &[PathBuf]) -> Result<(), StoreError> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut old: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    old.retain(|path| path.extension().is_some_and(|e| e == "svg") && !files.contains(path));
    old.iter().try_for_each(|path| store::remove(path))
}
