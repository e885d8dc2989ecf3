//! The page itself: a template around figures, tables and findings.

use askama::Template;

use super::text::{escape, inline};
use super::{figure, strips, tint};
use crate::report::document::{Block, Document, Grid, Section};

/// Rows of a table that stand open; longer ones scroll within themselves.
const ROWS_MOST: usize = 40;

#[derive(Template)]
#[template(path = "report/html/page.html")]
struct Page<'a> {
    document: &'a Document,
    lead: String,
    findings: Vec<Found<'a>>,
    contents: Vec<(&'a str, &'a str)>,
    body: String,
    method: Vec<String>,
    limits: Vec<String>,
    warnings: Vec<String>,
    manifest: Vec<(String, String)>,
    light: String,
    dark: String,
    style: &'static str,
    script: &'static str,
    textures: &'static str,
    version: &'static str,
}

struct Found<'a> {
    sentence: String,
    evidence: String,
    shown: Option<(&'a str, String)>,
}

/// The document as one HTML file.
pub fn page(document: &Document) -> String {
    let numbers = Numbers::of(document);
    let [light, dark] = tint::declarations(document);
    let findings = document.findings.iter().map(|finding| Found {
        sentence: inline(&finding.sentence),
        evidence: inline(&finding.evidence),
        shown: finding.shown.as_deref().and_then(|id| Some((id, numbers.name(id)?))),
    });
    let all = |texts: &[String]| texts.iter().map(|text| emphasis(&inline(text))).collect();
    let section = |section: &Section| self::section(section, &numbers, 2);
    let page = Page {
        document,
        lead: inline(&document.lead),
        findings: findings.collect(),
        contents: document.sections.iter().map(|s| (s.id.as_str(), s.title.as_str())).collect(),
        body: document.sections.iter().map(section).collect(),
        method: all(&document.method),
        limits: all(&document.limits),
        warnings: all(&document.warnings),
        manifest: document.manifest.iter().map(|(k, v)| (inline(k), inline(v))).collect(),
        light,
        dark,
        style: include_str!("style.css"),
        script: include_str!("script.js"),
        textures: strips::TEXTURES,
        version: env!("CARGO_PKG_VERSION"),
    };
    page.render().expect("the template writes into memory")
}

/// `*word*` as emphasis, in text that is HTML already.
fn emphasis(html: &str) -> String {
    let mut pieces = html.split('*');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    let rest: Vec<&str> = pieces.collect();
    if rest.len() % 2 == 1 {
        return html.to_owned();
    }
    for (i, piece) in rest.iter().enumerate() {
        text.push_str(if i % 2 == 0 { "<em>" } else { "</em>" });
        text.push_str(piece);
    }
    text
}

/// Which number each figure and table has.
struct Numbers(Vec<(String, String)>);

impl Numbers {
    fn of(document: &Document) -> Self {
        let figures = document.figures().into_iter().enumerate();
        let figures = figures.map(|(i, figure)| (figure.id.clone(), format!("Figure {}", i + 1)));
        let grids = document.grids().into_iter().enumerate();
        let grids = grids.map(|(i, grid)| (grid.id.clone(), format!("Table {}", i + 1)));
        let sections = document.sections.iter().map(|s| (s.id.clone(), s.title.clone()));
        Self(figures.chain(grids).chain(sections).collect())
    }

    fn name(&self, id: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, name)| name.clone())
    }
}

fn section(section: &Section, numbers: &Numbers, level: usize) -> String {
    let id = escape(&section.id);
    let mut html = match level {
        2 => format!("<section id=\"{id}\"><h2>{}</h2>", escape(&section.title)),
        _ => format!(
            "<details class=\"part\" id=\"{id}\"><summary>{}</summary>",
            escape(&section.title)
        ),
    };
    if !section.lead.is_empty() {
        html.push_str(&format!("<p>{}</p>", inline(&section.lead)));
    }
    for block in &section.blocks {
        let number = |id: &str| numbers.name(id).unwrap_or_default();
        html.push_str(&match block {
            Block::Figure(of) => figure::html(of, &number(&of.id)),
            Block::Grid(of) => table(of, &number(&of.id)),
        });
    }
    for inner in &section.inner {
        html.push_str(&self::section(inner, numbers, level + 1));
    }
    html.push_str(if level == 2 { "</section>" } else { "</details>" });
    html
}

fn table(grid: &Grid, number: &str) -> String {
    let id = escape(&grid.id);
    let long = if grid.rows.len() > ROWS_MOST { " long" } else { "" };
    let mut html = format!(
        "<div class=\"table\" id=\"{id}\"><h3 id=\"{id}-title\"><a href=\"#{id}\">{number}</a> {}</h3>",
        escape(&grid.title)
    );
    if !grid.note.is_empty() {
        html.push_str(&format!("<p class=\"note\">{}</p>", inline(&grid.note)));
    }
    html.push_str(&format!(
        "<div class=\"scroll{long}\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{id}-title\"><table><thead><tr>"
    ));
    let class = |column: usize| if column < grid.texts { "" } else { " class=\"n\"" };
    for (i, name) in grid.header.iter().enumerate() {
        html.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(i), escape(name)));
    }
    html.push_str("</tr></thead><tbody>");
    for row in &grid.rows {
        let name = row.first().map(|first| first.replace('`', "")).unwrap_or_default();
        html.push_str(&format!("<tr data-policy=\"{}\">", escape(&name)));
        for (i, cell) in row.iter().enumerate() {
            match i {
                0 => html.push_str(&format!("<th scope=\"row\">{}</th>", inline(cell))),
                _ => html.push_str(&format!("<td{}>{}</td>", class(i), inline(cell))),
            }
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div></div>");
    html
}
