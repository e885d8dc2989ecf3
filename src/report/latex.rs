//! Tables of a document as plain LaTeX: `tabular` with `\hline`, no package needed.

use super::document::{Document, Grid};

/// All tables, each in a `table` environment with caption and label.
pub fn tables(document: &Document) -> String {
    let mut text = format!(
        "% {}. Made by windtunnel {}; plain tabular, no package needed.\n",
        comment(&document.title),
        env!("CARGO_PKG_VERSION")
    );
    document.grids().into_iter().for_each(|grid| text.push_str(&table(grid)));
    text
}

fn comment(text: &str) -> String {
    text.replace('\n', " ")
}

fn table(grid: &Grid) -> String {
    let columns: String =
        (0..grid.header.len()).map(|i| if i < grid.texts { 'l' } else { 'r' }).collect();
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| inline(cell)).collect();
        format!("{} \\\\\n", cells.join(" & "))
    };
    let rows: String = grid.rows.iter().map(|row| line(row)).collect();
    format!(
        "\n\\begin{{table}}\n\\caption{{{}. {}}}\n\\label{{tab:{}}}\n\\begin{{tabular}}{{{columns}}}\n\\hline\n{}\\hline\n{rows}\\hline\n\\end{{tabular}}\n\\end{{table}}\n",
        inline(&grid.title),
        inline(&grid.note),
        grid.id,
        line(&grid.header)
    )
}

/// Escaped, what stands between backticks in a typewriter face.
fn inline(text: &str) -> String {
    let mut latex = String::with_capacity(text.len());
    let mut code = false;
    for letter in text.chars() {
        match letter {
            '`' => {
                latex.push_str(if code { "}" } else { "\\texttt{" });
                code = !code;
            }
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                latex.push('\\');
                latex.push(letter);
            }
            '\\' => latex.push_str("\\textbackslash{}"),
            '~' => latex.push_str("\\textasciitilde{}"),
            '^' => latex.push_str("\\textasciicircum{}"),
            '±' => latex.push_str("$\\pm$"),
            '≥' => latex.push_str("$\\ge$"),
            '≤' => latex.push_str("$\\le$"),
            '≠' => latex.push_str("$\\ne$"),
            '×' => latex.push_str("$\\times$"),
            '–' => latex.push_str("--"),
            '✓' => latex.push_str("yes"),
            '✗' => latex.push_str("no"),
            '>' => latex.push_str("$>$"),
            '<' => latex.push_str("$<$"),
            letter => latex.push(letter),
        }
    }
    if code {
        latex.push('}');
    }
    latex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_latex_would_take_for_commands_is_escaped() {
        assert_eq!(inline("`a_b` 5 % ± 1"), "\\texttt{a\\_b} 5 \\% $\\pm$ 1");
    }

    #[test]
    fn a_table_is_a_tabular() {
        let grid = Grid {
            id: "x".to_owned(),
            title: "T".to_owned(),
            note: "N.".to_owned(),
            header: vec!["policy".to_owned(), "good".to_owned()],
            texts: 1,
            rows: vec![vec!["`a`".to_owned(), "1 %".to_owned()]],
        };
        let latex = table(&grid);
        assert!(latex.contains("\\begin{tabular}{lr}\n\\hline\npolicy & good \\\\\n\\hline\n\\texttt{a} & 1 \\% \\\\"), "{latex}");
        assert_eq!(latex.matches('{').count(), latex.matches('}').count());
    }
}
