//! The examples of `docs/mappings.md`: `explain` prints for each key what the page says.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not treat test helpers as tests")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use serde_json::Value;
use support::purge_router;

const PAGE: &str = include_str!("../../../docs/mappings.md");
const ZONE_FIELDS: [&str; 7] =
    ["zone_id", "account_id", "custom_hostnames", "plan", "urls_per_request", "token", "environments"];

/// A key, as arguments of `explain`, and what the page says that it leads to.
struct Example<'p> {
    file: String,
    arguments: Vec<&'p str>,
    answers: Vec<Value>,
}

#[test]
fn explain_prints_what_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mappings.toml");
    let all = examples();
    assert!(all.len() > 25, "only {} examples were found", all.len());
    for Example { file: text, arguments, answers } in all {
        std::fs::write(&file, &text).unwrap();
        let mut command = purge_router();
        command.args(["explain", "--json", "--mappings"]).arg(&file);
        command.arg(format!("s3://assets.website.com/{}", arguments[0])).args(&arguments[1..]);
        let output = command.output().unwrap();
        let json: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}{text}", String::from_utf8_lossy(&output.stderr)));
        let of = |list: &str, field: &str| -> Vec<Value> {
            json[list].as_array().unwrap().iter().map(|it| it[field].clone()).collect()
        };
        let found = [of("batches", "body"), of("declined", "reason"), of("rejected", "reason")].concat();
        assert_eq!(found, answers, "{arguments:?} with {text}");
    }
}

#[test]
fn the_tests_of_the_page_pass_as_it_says() {
    let blocks: Vec<&str> = PAGE.split("\n```").skip(1).step_by(2).collect();
    let block = |beginning: &str| *blocks.iter().find(|block| block.contains(beginning)).unwrap();
    let (base, tests) = (block("toml\nversion = 1"), block("toml\n[[teams.web.tests]]"));
    let text = [base, tests].map(|block| block.strip_prefix("toml\n").unwrap()).join("\n");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mappings.toml"), text).unwrap();
    let printed = block("$ purge-router test\n").split_once("$ purge-router test\n").unwrap().1;
    let output = purge_router().current_dir(folder.path()).arg("test").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), printed);
    assert!(output.status.success());
}

/// The examples of each block, whose lines replace those of the same name in the first one.
fn examples() -> Vec<Example<'static>> {
    let mut fences = PAGE.split("\n```");
    let mut examples = Vec::new();
    let mut base = None;
    // Fences open and close blocks in turn.
    fences.next();
    while let (Some(block), _) = (fences.next(), fences.next()) {
        let (language, body) = block.split_once('\n').unwrap();
        match (&base, language) {
            (None, "toml") => base = Some(body),
            (Some(base), "toml") if body.contains("\n# ") => {
                examples.extend(examples_of(&merged(base, body), body, "# "));
            }
            (Some(base), "text") if body.starts_with("uk/") => examples.extend(examples_of(base, body, "")),
            _ => {}
        }
    }
    examples
}

fn examples_of<'p>(file: &str, body: &'p str, mark: &str) -> Vec<Example<'p>> {
    let mut examples: Vec<Example<'_>> = Vec::new();
    for line in body.lines().filter_map(|line| line.strip_prefix(mark)) {
        let Some((key, answer)) = line.split_once('→').map(|(key, answer)| (key.trim(), answer.trim())) else {
            continue;
        };
        let answer = serde_json::from_str(answer).unwrap_or_else(|_| Value::String(answer.to_owned()));
        match (key, examples.last_mut()) {
            ("", Some(example)) => example.answers.push(answer),
            // What `check` prints.
            ("", None) => {}
            _ => {
                let (key, options) = key.split_once(" --").map_or((key, None), |(key, rest)| (key, Some(rest)));
                let options = options.into_iter().flat_map(|rest| rest.split(' '));
                let arguments = [key].into_iter().chain(options.map(|it| if it == "event" { "--event" } else { it }));
                examples.push(Example { file: file.to_owned(), arguments: arguments.collect(), answers: vec![answer] });
            }
        }
    }
    examples
}

fn merged(base: &str, body: &str) -> String {
    let (fields, tables) = body.find("\n[").map_or((body, ""), |at| body.split_at(at));
    let mut lines: Vec<&str> = base.lines().collect();
    for field in fields.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let of_zone = name(field).is_some_and(|name| ZONE_FIELDS.contains(&name));
        match lines.iter().position(|line| name(line).is_some() && name(line) == name(field)) {
            Some(index) => lines[index] = field,
            None if of_zone => {
                let zone = lines.iter().position(|line| line.starts_with("[teams.web.zones.")).unwrap();
                lines.insert(zone + 1, field);
            }
            None => lines.push(field),
        }
    }
    lines.join("\n") + tables
}

/// The name of the field that a line sets.
fn name(line: &str) -> Option<&str> {
    line.split_once('=').map(|(name, _)| name.trim())
}
