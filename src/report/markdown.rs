//! A document as Markdown, its figures as SVG files beside it.

use super::document::{Block, Document, Figure, Grid, Section};

/// The document; figures are linked in `folder`.
pub fn markdown(document: &Document, folder: &str) -> String {
    let mut page = format!("# {}\n\n{}\n\n## Findings\n\n", document.title, document.lead);
    for (i, finding) in document.findings.iter().enumerate() {
        page.push_str(&format!("{}. **{}** {}\n", i + 1, finding.sentence, finding.evidence));
    }
    let mut writer = Writer { folder, page, figures: 0, tables: 0 };
    document.sections.iter().for_each(|section| writer.section(section, 2));
    let mut page = writer.page;
    list(&mut page, "Method", &document.method);
    list(&mut page, "What the model leaves out", &document.limits);
    list(&mut page, "Warnings", &document.warnings);
    page.push_str("\n## Make it again\n\n```sh\n");
    document.again.iter().for_each(|command| page.push_str(&format!("{command}\n")));
    page.push_str("```\n\n| | |\n|---|---|\n");
    for (name, value) in &document.manifest {
        page.push_str(&format!("| {} | {} |\n", escaped(name), escaped(value)));
    }
    page
}

struct Writer<'a> {
    folder: &'a str,
    page: String,
    figures: usize,
    tables: usize,
}

impl Writer<'_> {
    fn section(&mut self, section: &Section, level: usize) {
        self.page.push_str(&format!("\n{} {}\n", "#".repeat(level.min(6)), section.title));
        if !section.lead.is_empty() {
            self.page.push_str(&format!("\n{}\n", section.lead));
        }
        for block in &section.blocks {
            match block {
                Block::Figure(figure) => self.figure(figure),
                Block::Grid(grid) => self.grid(grid),
            }
        }
        section.inner.iter().for_each(|inner| self.section(inner, level + 1));
    }

    fn figure(&mut self, figure: &Figure) {
        self.figures += 1;
        let (number, title, folder, id) =
            (self.figures, &figure.page.title, self.folder, &figure.id);
        self.page.push_str(&format!(
            "\n![{title}, {}]({folder}/{id}.svg)\n\n*Figure {number}. {title}.* {}\n",
            figure.page.subtitle, figure.caption
        ));
    }

    fn grid(&mut self, grid: &Grid) {
        self.tables += 1;
        let (number, title, note) = (self.tables, &grid.title, &grid.note);
        self.page.push_str(&format!("\n*Table {number}. {title}.* {note}\n\n"));
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        self.page.push_str(&line(&grid.header));
        let rule = |i: usize| (if i < grid.texts { "---" } else { "---:" }).to_owned();
        let rules: Vec<String> = (0..grid.header.len()).map(rule).collect();
        self.page.push_str(&format!("|{}|\n", rules.join("|")));
        grid.rows.iter().for_each(|row| self.page.push_str(&line(row)));
    }
}

fn list(page: &mut String, heading: &str, texts: &[String]) {
    if texts.is_empty() {
        return;
    }
    page.push_str(&format!("\n## {heading}\n\n"));
    texts.iter().for_each(|text| page.push_str(&format!("- {text}\n")));
}

fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|").replace('\n', " ")
}
