//! Rules of the documents: the form of decisions, and that what the code names exists.

use std::fs;
use std::path::Path;

use super::decisions::{self, Document};
use super::references::references;
use super::source::children;

const DECISIONS: &str = "docs/decisions";
const INDEX: &str = "docs/decisions/README.md";

/// Where the program, its templates and its tests may name a page of the documentation.
const SOURCES: [&str; 7] = ["ci", "crates", "examples", "infra", "tests", "xtask", "mappings.example.toml"];
const EXTENSIONS: [&str; 8] = ["rs", "py", "toml", "yaml", "yml", "json", "sh", "tf"];

/// One line for each place that breaks a rule.
pub(crate) fn broken_documents() -> Result<Vec<String>, String> {
    let mut lines = decisions::broken(&read(Path::new(INDEX))?, &read_decisions()?);
    for folder in SOURCES {
        broken_references(Path::new(folder), &mut lines)?;
    }
    Ok(lines)
}

fn read_decisions() -> Result<Vec<Document>, String> {
    let files = children(Path::new(DECISIONS))?;
    let files = files.iter().filter(|file| *file != Path::new(INDEX));
    files.map(|file| Ok(Document { file: file_name(file), text: read(file)? })).collect()
}

fn broken_references(path: &Path, lines: &mut Vec<String>) -> Result<(), String> {
    if path.is_dir() {
        return children(path)?.iter().try_for_each(|child| broken_references(child, lines));
    }
    let is_source = path.extension().is_some_and(|it| EXTENSIONS.iter().any(|extension| it == *extension));
    if !is_source {
        return Ok(());
    }
    for reference in references(&read(path)?) {
        if let Some(reason) = reference.missing_in(fs::read_to_string(reference.page).ok().as_deref()) {
            lines.push(format!("{}:{}: {reason}", path.display(), reference.line));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
