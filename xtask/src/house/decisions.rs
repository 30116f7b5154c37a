//! The form of decisions: a status, a date, three headings, and a row of the index.

use std::collections::BTreeSet;

const HEADINGS: [&str; 3] = ["Context", "Decision", "Consequences"];
const STATUS: [&str; 4] = ["Proposed", "Accepted", "Partly superseded by [", "Superseded by ["];

/// A file of `docs/decisions`.
pub(crate) struct Document {
    pub(crate) file: String,
    pub(crate) text: String,
}

/// One line for each place that breaks a rule.
///
/// A decision is in `0012-some-words.md` and begins with `# 12. Title`, `- Status: …` and `- Date: 2026-11-23`. The index
/// has `| [12](0012-some-words.md) | Title | the status | one line |` for each.
pub(crate) fn broken(index: &str, decisions: &[Document]) -> Vec<String> {
    let rows: Vec<Row<'_>> = index.lines().filter_map(row).collect();
    let mut lines: Vec<String> = decisions.iter().flat_map(|decision| broken_decision(decision, &rows)).collect();
    let files: BTreeSet<&str> = decisions.iter().map(|decision| decision.file.as_str()).collect();
    let unknown = rows.iter().filter(|row| !files.contains(row.file));
    lines.extend(unknown.map(|row| format!("docs/decisions/README.md: {} does not exist", row.file)));
    lines
}

/// A row of the index.
struct Row<'i> {
    number: &'i str,
    file: &'i str,
    title: &'i str,
    status: &'i str,
    summary: &'i str,
}

fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.strip_prefix("| [")?.strip_suffix(" |")?.split(" | ").collect();
    let &[link, title, status, summary] = cells.as_slice() else { return None };
    let (number, file) = link.strip_suffix(')')?.split_once("](")?;
    Some(Row { number, file, title, status, summary })
}

fn broken_decision(Document { file, text }: &Document, rows: &[Row<'_>]) -> Vec<String> {
    let number = file.split('-').next().unwrap_or_default();
    let number = number.trim_start_matches('0');
    let title = text.lines().next().unwrap_or_default().strip_prefix(&format!("# {number}. "));
    let status = field(text, "Status");
    let mut reasons = Vec::new();
    if title.is_none() {
        reasons.push(format!("the first line is not `# {number}. Title`"));
    }
    if !status.is_some_and(|status| STATUS.iter().any(|known| status.starts_with(known))) {
        reasons.push(format!("no line `- Status: …` that begins with one of {}", STATUS.join(", ")));
    }
    if !field(text, "Date").is_some_and(is_date) {
        reasons.push("no line `- Date: YYYY-MM-DD`".to_owned());
    }
    let headings = text.lines().filter_map(|line| line.strip_prefix("## ")).filter(|it| HEADINGS.contains(it));
    if !headings.eq(HEADINGS) {
        reasons.push(format!("the headings `## {}` are not there once each, in this order", HEADINGS.join("`, `## ")));
    }
    match rows.iter().filter(|row| row.file == file).collect::<Vec<_>>()[..] {
        [row] => {
            let is_same = row.number == number && Some(row.title) == title && Some(row.status) == status;
            if !is_same || row.summary.trim().is_empty() {
                reasons.push("its row in README.md has another number, title or status, or no summary".to_owned());
            }
        }
        _ => reasons.push("README.md has not one row for it".to_owned()),
    }
    reasons.into_iter().map(|reason| format!("docs/decisions/{file}: {reason}")).collect()
}

fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix("- ")?.strip_prefix(name)?.strip_prefix(": "))
}

fn is_date(text: &str) -> bool {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|it| it.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts[..], [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "0012-some-words.md";
    const TEXT: &str = "# 12. Title\n\n- Status: Accepted\n- Date: 2026-11-23\n\n## Context\n\nA.\n\n## Decision\n\nB.\n\n\
                        ## Alternatives\n\n## Consequences\n\nC.\n";
    const INDEX: &str =
        "| decision | title | status | summary |\n| [12](0012-some-words.md) | Title | Accepted | B |\n";

    fn broken_in(index: &str, text: &str) -> Vec<String> {
        broken(index, &[Document { file: FILE.to_owned(), text: text.to_owned() }])
    }

    #[test]
    fn a_decision_of_the_right_form_passes() {
        assert_eq!(broken_in(INDEX, TEXT), Vec::<String>::new());
        let superseded = |text: &str| text.replace("Accepted", "Superseded by [33](0033-x.md)");
        assert_eq!(broken_in(&superseded(INDEX), &superseded(TEXT)), Vec::<String>::new());
    }

    #[test]
    fn each_other_form_is_named() {
        for (part, other, reason) in [
            ("# 12. Title", "# 13. Title", "the first line"),
            ("- Status: Accepted\n", "", "no line `- Status"),
            ("Accepted", "Fine", "no line `- Status"),
            ("2026-11-23", "November", "no line `- Date"),
            ("## Context", "**Context.**", "the headings"),
            ("## Decision", "## Decided", "the headings"),
            ("## Consequences", "## Context", "the headings"),
            ("Title", "Another title", "its row in README.md"),
            ("Accepted", "Accepted; extends [4](0004-x.md)", "its row in README.md"),
        ] {
            let lines = broken_in(INDEX, &TEXT.replace(part, other));
            assert!(lines.iter().any(|line| line.contains(reason)), "{other}: {lines:?}");
        }
    }

    #[test]
    fn the_index_has_one_row_for_each() {
        for (index, reason) in [
            (String::new(), "has not one row"),
            (INDEX.repeat(2), "has not one row"),
            (INDEX.replace("| B |", "|  |"), "its row in README.md"),
            (INDEX.replace("[12]", "[13]"), "its row in README.md"),
            (format!("{INDEX}| [13](0013-gone.md) | Gone | Accepted | B |\n"), "0013-gone.md does not exist"),
        ] {
            let lines = broken_in(&index, TEXT);
            assert!(lines.len() == 1 && lines[0].contains(reason), "{index}: {lines:?}");
        }
    }
}
