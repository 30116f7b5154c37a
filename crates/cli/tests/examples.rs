//! The examples of `docs/mappings.md` and `docs/mappings/`: the command prints what the pages say.
//!
//! A block of TOML is an example: its lines replace those of the same name in the first file of `docs/mappings.md`. A
//! comment with an arrow says what the file leads to. A block of text has such arrows for the first file, or what a
//! command prints. Blocks of the languages `console`, `sh` and `json` need a table or a shell, and are not run.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not treat test helpers as tests")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use support::purge_router;
use tempfile::TempDir;

const GRANT_FIELDS: [&str; 3] = ["tokens", "accounts", "kms_key"];
const ZONE_FIELDS: [&str; 7] =
    ["zone_id", "account_id", "custom_hostnames", "plan", "urls_per_request", "token", "environments"];
const NOT_RUN: [&str; 3] = ["console", "sh", "json"];

struct Page {
    path: PathBuf,
    text: String,
}

struct Block<'p> {
    language: &'p str,
    body: &'p str,
    /// The mapping file that the block is about.
    file: String,
}

/// A key, as arguments of `explain`, and what the page says that it leads to.
struct Example<'p> {
    arguments: Vec<&'p str>,
    answers: Vec<Value>,
}

#[test]
fn explain_prints_what_the_pages_say() {
    let pages = pages();
    let (mut in_blocks, mut checked) = (0, 0);
    for Block { file, body, .. } in pages.iter().flat_map(|page| blocks(page, &pages[0])).filter(has_examples) {
        in_blocks += body.matches('→').count();
        let folder = folder_with(&file);
        let (errors, body): (Vec<&str>, Vec<&str>) = body.lines().partition(|line| line.starts_with("# check → "));
        for error in errors.iter().filter_map(|line| line.strip_prefix("# check → ")) {
            let output = run(&folder, &["check"]);
            assert_eq!(stderr(&output).lines().next(), Some(error), "{file}");
            checked += 1;
        }
        for Example { arguments, answers } in examples_of(&body) {
            assert_eq!(explained(&folder, &arguments), answers, "{arguments:?} with {file}");
            checked += answers.len();
        }
    }
    assert_eq!(checked, in_blocks, "an example was skipped");
    assert!(checked > 40, "only {checked} answers were found");
}

#[test]
fn commands_print_what_the_pages_say() {
    let pages = pages();
    let blocks = pages.iter().flat_map(|page| blocks(page, &pages[0]));
    let transcripts: Vec<Block<'_>> = blocks.filter(|block| block.body.starts_with("$ ") && is_run(block)).collect();
    assert!(transcripts.len() > 2, "only {} were found", transcripts.len());
    for Block { file, body, .. } in transcripts {
        let (command, printed) = body.strip_prefix("$ purge-router ").unwrap().split_once('\n').unwrap();
        let output = run(&folder_with(&file), &command.split(' ').collect::<Vec<_>>());
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), printed, "{command}: {}", stderr(&output));
    }
}

#[test]
fn other_examples_are_valid_files() {
    let pages = pages();
    let blocks = pages.iter().flat_map(|page| blocks(page, &pages[0]));
    for Block { file, body, .. } in blocks.filter(|block| block.language == "toml" && !block.body.contains("# check →"))
    {
        let output = run(&folder_with(&file), &["check"]);
        assert!(output.status.success(), "{body}: {}", stderr(&output));
    }
}

/// The rows of the table of methods: `| `name` | … | `body` |`.
#[test]
fn each_method_purges_what_its_row_says() {
    let pages = pages();
    let base = base(&pages[0]);
    let methods = pages.iter().find(|page| page.path.ends_with("methods.md")).unwrap();
    let rows = methods.text.lines().filter(|line| line.contains("` |") && line.contains("| `{\""));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let method = cells[1].split('`').next().unwrap();
        let folder = folder_with(&merged(base, &format!("purge = \"{method}\"")));
        let body: Value = serde_json::from_str(cells[3]).unwrap();
        assert_eq!(explained(&folder, &["uk/css/app.css"]), [body], "{row}");
        count += 1;
    }
    assert_eq!(count, 4, "all methods but tags");
}

#[test]
fn the_table_of_fields_has_those_of_the_schema() {
    let pages = pages();
    let rows = pages[0].text.split("## All fields").nth(1).unwrap().lines();
    let documented: Vec<&str> = rows.filter_map(|row| row.strip_prefix("| [`")?.split('`').next()).collect();
    let schema: Value = serde_json::from_str(include_str!("../../../purge-router.schema.json")).unwrap();
    let mut fields = Vec::new();
    for (place, nested) in [
        ("", &["teams"][..]),
        ("/properties/teams/additionalProperties", &["pulled", "zones", "mappings", "tests"]),
        ("/properties/teams/additionalProperties/properties/zones/additionalProperties", &[]),
        ("/properties/teams/additionalProperties/properties/mappings/items", &[]),
        ("/properties/teams/additionalProperties/properties/tests/items", &[]),
    ] {
        let names = schema.pointer(&format!("{place}/properties")).unwrap().as_object().unwrap().keys();
        fields.extend(names.map(String::as_str).filter(|name| !nested.contains(name)));
    }
    let sorted = |mut names: Vec<_>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(documented), sorted(fields));
}

#[test]
fn an_arrow_that_is_no_example_is_noticed() {
    for body in ["# uk/a.css →", "# → {}"] {
        let lines = [body];
        assert!(std::panic::catch_unwind(|| examples_of(&lines)).is_err(), "{body}");
    }
}

/// `docs/mappings.md`, and then the pages below `docs/mappings/`.
fn pages() -> Vec<Page> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let below = std::fs::read_dir(docs.join("mappings")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = below.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    paths.sort();
    assert!(paths.len() > 9, "only {} pages were found", paths.len());
    paths.insert(0, docs.join("mappings.md"));
    paths.into_iter().map(|path| Page { text: std::fs::read_to_string(&path).unwrap(), path }).collect()
}

/// A log filter without these lines would skip what decides: a refused token, and an HTTP request that failed.
#[test]
fn log_filters_show_errors() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let pages = std::fs::read_dir(docs).unwrap().map(|entry| entry.unwrap().path());
    let texts: Vec<String> =
        pages.filter(|page| page.is_file()).filter_map(|page| std::fs::read_to_string(page).ok()).collect();
    let filters: Vec<&str> =
        texts.iter().flat_map(|text| text.lines()).filter(|line| line.contains("--filter-pattern")).collect();
    assert!(filters.len() >= 2, "{filters:?}");
    for filter in filters {
        assert!(filter.contains("$.level = \"ERROR\""), "{filter}");
    }
}

/// The first file, which all examples begin with.
fn base(first: &Page) -> &str {
    first.text.split("\n```toml\n").nth(1).unwrap().split("\n```").next().unwrap()
}

/// The blocks of a page. What a command prints is about the TOML before it.
fn blocks<'p>(page: &'p Page, first: &'p Page) -> Vec<Block<'p>> {
    let base = base(first);
    let mut file = base.to_owned();
    let mut blocks = Vec::new();
    // Fences open and close blocks in turn.
    let mut fences = page.text.split("\n```").skip(1);
    while let (Some(block), after) = (fences.next(), fences.next()) {
        assert!(after.is_some(), "{}: a block is not closed: {block}", page.path.display());
        let (language, body) = block.split_once('\n').unwrap();
        assert!(["toml", "text"].contains(&language) || NOT_RUN.contains(&language), "{block}: unknown language");
        if language == "toml" {
            file = if body == base { base.to_owned() } else { merged(base, body) };
        }
        let file = if body.starts_with("uk/") { base.to_owned() } else { file.clone() };
        blocks.push(Block { language, body, file });
    }
    blocks
}

fn is_run(block: &Block<'_>) -> bool {
    !NOT_RUN.contains(&block.language)
}

fn has_examples(block: &Block<'_>) -> bool {
    is_run(block) && block.body.contains('→') && !block.body.starts_with("$ ")
}

fn examples_of<'p>(lines: &[&'p str]) -> Vec<Example<'p>> {
    let mut examples: Vec<Example<'_>> = Vec::new();
    for line in lines {
        let Some((key, answer)) = line.split_once('→') else { continue };
        let key = key.trim_start_matches("# ").trim_start_matches('#').trim();
        let answer: Value = serde_json::from_str(answer).unwrap_or_else(|_| Value::String(answer.trim().to_owned()));
        assert!(answer.as_str() != Some(""), "{line}: no answer");
        if key.is_empty() {
            examples.last_mut().unwrap_or_else(|| panic!("{line}: no key")).answers.push(answer);
            continue;
        }
        let (key, event) = key.split_once(" --event ").map_or((key, None), |(key, event)| (key, Some(event)));
        let arguments = [key].into_iter().chain(event.into_iter().flat_map(|event| ["--event", event]));
        examples.push(Example { arguments: arguments.collect(), answers: vec![answer] });
    }
    examples
}

/// The bodies of all requests, and then the reasons why there are none.
fn explained(folder: &TempDir, arguments: &[&str]) -> Vec<Value> {
    let object = format!("s3://assets.website.com/{}", arguments[0]);
    let output = run(folder, &[&["explain", "--json", &object], &arguments[1..]].concat());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    let of = |list: &str, field: &str| -> Vec<Value> {
        json[list].as_array().unwrap().iter().map(|it| it[field].clone()).collect()
    };
    [of("batches", "body"), of("declined", "reason"), of("rejected", "reason")].concat()
}

fn folder_with(file: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mappings.toml"), file).unwrap();
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    purge_router().current_dir(folder.path()).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The first file, with the lines of an example in place of those of the same name.
fn merged(base: &str, body: &str) -> String {
    let (fields, tables) = match body.find("\n[") {
        _ if body.starts_with('[') => ("", body),
        Some(at) => body.split_at(at),
        None => (body, ""),
    };
    let mut lines: Vec<&str> = base.lines().collect();
    for field in fields.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let table = name(field).and_then(|name| match name {
            _ if GRANT_FIELDS.contains(&name) => Some("[teams.web]"),
            _ if ZONE_FIELDS.contains(&name) => Some("[teams.web.zones."),
            _ => None,
        });
        // The hostnames of the first file are those of its zone: a mapping's come after `zones`.
        let is_mappings = name(field) == Some("hostnames") && fields.starts_with("zones");
        let replaced = lines.iter().position(|line| !is_mappings && name(line).is_some() && name(line) == name(field));
        match (replaced, table) {
            (Some(index), _) => lines[index] = field,
            (None, Some(table)) => {
                let index = lines.iter().position(|line| line.starts_with(table)).unwrap();
                lines.insert(index + 1, field);
            }
            (None, None) => lines.push(field),
        }
    }
    lines.join("\n") + "\n" + tables
}

/// The name of the field that a line sets.
fn name(line: &str) -> Option<&str> {
    line.split_once('=').map(|(name, _)| name.trim())
}
