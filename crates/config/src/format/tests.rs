//! The reader and the schema say the same: each field of one is in the other, what the schema refuses the reader refuses,
//! and what the reader refuses about one field alone, the schema refuses.

#![expect(clippy::disallowed_methods, reason = "the tests read the mapping files of the repository")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use purge_router_core::Code;
use serde_json::{Value, json};

use super::json_schema::json_schema;
use super::tables::{FILE, MAPPING, TEAM, TEST, ZONE};
use super::{Field, ValueType};
use crate::read::toml_document::TomlDocument;
use crate::spec::{GrantSpec, MappingSpec, TestSpec, ZoneSpec};
use crate::{Problem, from_toml};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| jsonschema::draft7::new(&json_schema()).unwrap());

/// Each table of the format, and where a file has it.
const TABLES: [(&[Field], &str); 5] = [
    (&FILE, ""),
    (&TEAM, "/teams/web"),
    (&ZONE, "/teams/web/zones/w.com"),
    (&MAPPING, "/teams/web/mappings/0"),
    (&TEST, "/teams/web/tests/0"),
];

/// A file in which any field can be set: the plan allows the most of all plans.
fn file() -> Value {
    json!({
        "version": 1,
        "teams": { "web": {
            "owns": ["s3://a/"],
            "zones": { "w.com": { "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "hostnames": ["w.com"], "plan": "enterprise" } },
            "mappings": [{ "source": "s3://a/x/", "zones": ["w.com"] }],
            "tests": [{ "object": "s3://a/x/y", "purges": ["https://w.com/x/y"] }],
        } },
    })
}

/// The file with one field set, or without it.
fn with(place: &str, field: &str, value: Option<Value>) -> Value {
    let mut file = file();
    let table = file.pointer_mut(place).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => drop(table.insert(field.to_owned(), value)),
        None => drop(table.shift_remove(field)),
    }
    file
}

fn read(file: &Value) -> Vec<Problem> {
    from_toml(&toml::to_string(file).unwrap()).err().unwrap_or_default()
}

#[test]
fn the_reader_asks_for_each_field_and_no_other() {
    assert_eq!(read(&file()), []);
    for (fields, place) in TABLES {
        let problems = read(&with(place, "qqqqqqqqqq", Some(json!(1))));
        let [problem] = &problems[..] else { panic!("{place}: {problems:?}") };
        let known: Vec<&str> = problem.help.split('`').skip(1).step_by(2).collect();
        // A message names no more than 20.
        let names: Vec<&str> = fields.iter().map(|field| field.name).take(20).collect();
        assert_eq!(known, names, "{place}");
    }
    for (spec, fields) in [
        (serde_json::to_value(GrantSpec::default()), &super::tables::GRANT[..]),
        (serde_json::to_value(ZoneSpec::default()), &ZONE),
        (serde_json::to_value(MappingSpec::default()), &MAPPING),
        (serde_json::to_value(TestSpec::default()), &TEST),
    ] {
        let spec = spec.unwrap();
        let names: Vec<&String> = spec.as_object().unwrap().keys().collect();
        assert_eq!(names.into_iter().collect::<BTreeSet<_>>().len(), fields.len());
        assert!(fields.iter().all(|field| spec.get(field.name).is_some()), "{spec}");
    }
}

#[test]
fn exactly_the_required_fields_are_required() {
    for (fields, place) in TABLES {
        for field in fields {
            let file = with(place, field.name, None);
            // Without all that it expects, a test is refused, and so are mappings whose zones are not there.
            let others = ["zones", "purges"].contains(&field.name);
            let (by_schema, by_reader) = (!SCHEMA.is_valid(&file), !read(&file).is_empty());
            assert_eq!(by_schema, field.is_required, "{place} without {}", field.name);
            assert!(by_reader == field.is_required || others, "{place} without {}", field.name);
        }
    }
}

/// Values at the bounds of a field, and of all types.
fn candidates(field: &Field) -> Vec<Value> {
    let mut values = vec![
        json!(true),
        json!(-1),
        json!(0),
        json!(1),
        json!(2),
        json!(1.5),
        json!(i64::MAX),
        json!(""),
        json!("any"),
        json!("qqqqqqqqqq"),
        json!([]),
        json!([1]),
        json!([true]),
        json!([[]]),
        json!([""]),
        json!(["qqqqqqqqqq"]),
        json!(["x".repeat(1025)]),
        json!(["x".repeat(8193)]),
        json!(vec!["x"; 1001]),
        json!(vec!["x"; 101]),
        json!({}),
        json!({ "x": 1 }),
        json!({ "x": {} }),
        json!([{}]),
        json!([{ "x": 1 }]),
        json!([{ "x": "y" }]),
        json!(vec![json!({ "x": "y" }); 101]),
    ];
    if !field.default.is_empty() {
        values.push(serde_json::from_str(field.default).unwrap());
    }
    match &field.value {
        ValueType::Integer(range) => values.extend([*range.start(), *range.end(), range.end() + 1].map(Value::from)),
        ValueType::Share => {
            values.extend([json!(0.000_001), json!(0.01), json!(1), json!(1.5), json!(-0.1), json!(0.000_000_5)]);
        }
        ValueType::Word(words) => values.extend(words().into_iter().map(Value::from)),
        ValueType::Strings(strings) => {
            let words =
                strings.words.map_or_else(|| vec!["x.w.com", "w.com", "s3://a/", "/a", "*.css"], |words| words());
            values.extend(words.iter().map(|word| json!([word])));
            values.push(json!(words));
        }
        _ => {}
    }
    values
}

/// What is wrong with one field alone.
const OF_ONE_FIELD: [Code; 12] = [
    Code::EmptyList,
    Code::TooManyValues,
    Code::UnknownEvent,
    Code::UnknownField,
    Code::UnknownListings,
    Code::UnknownMode,
    Code::UnknownPathRewrite,
    Code::UnknownPlan,
    Code::UnknownPurge,
    Code::UnknownScheme,
    Code::UnknownSpelling,
    Code::WrongType,
];

#[test]
fn the_schema_and_the_reader_agree_on_each_value_of_each_field() {
    let (mut accepted, mut refused) = (0, 0);
    for (fields, place) in TABLES {
        for field in fields {
            for value in candidates(field) {
                let shown: String = value.to_string().chars().take(60).collect();
                let file = with(place, field.name, Some(value));
                let (is_valid, problems) = (SCHEMA.is_valid(&file), read(&file));
                assert!(is_valid || !problems.is_empty(), "only the schema refuses {place}/{} = {shown}", field.name);
                let of_field = problems.iter().find(|problem| OF_ONE_FIELD.contains(&problem.code));
                // A file of another version is not looked into.
                assert!(!is_valid || of_field.is_none(), "only the reader refuses {shown}: {of_field:?}");
                if is_valid && problems.is_empty() { accepted += 1 } else { refused += 1 }
            }
        }
    }
    assert!(accepted > 100 && refused > 500, "{accepted} accepted, {refused} refused");
}

/// All mapping files of the repository, with what is fuzzed from.
fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let entries = |folder: &str| fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let scenarios = entries("tests/scenarios").map(|folder| folder.join("mappings.toml"));
    let files = scenarios.chain(entries("crates/fuzz/corpus/mapping-file")).chain([root.join("mappings.example.toml")]);
    let files: Vec<PathBuf> = files.filter(|path| path.is_file()).collect();
    files
        .into_iter()
        .map(|path| (path.clone(), String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()))
        .collect()
}

/// Each file as it is, and without each of its lines.
#[test]
fn the_schema_accepts_each_file_that_the_reader_accepts() {
    let texts = texts();
    assert!(texts.len() > 100, "only {} files were found", texts.len());
    let (mut accepted, mut refused) = (0, 0);
    for (path, text) in texts {
        let lines: Vec<&str> = text.lines().collect();
        let without = |index: usize| [&lines[..index], &lines[index + 1..]].concat().join("\n");
        for text in (0..lines.len()).map(without).chain([text.clone()]) {
            let Ok(document) = TomlDocument::parse(&text) else { continue };
            let is_valid = SCHEMA.is_valid(&Value::Object(document.to_fields()));
            let is_read = from_toml(&text).is_ok();
            assert!(is_valid || !is_read, "only the schema refuses {}:\n{text}", path.display());
            if is_read { accepted += 1 } else { refused += usize::from(!is_valid) }
        }
    }
    assert!(accepted > 500 && refused > 100, "{accepted} accepted, {refused} refused by both");
}

/// `UPDATE_SCHEMA=1 cargo test -p purge-router-config schema` writes it.
#[test]
fn the_schema_in_the_repository_is_the_one_that_is_generated() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../purge-router.schema.json");
    let text = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() && std::env::var_os("CI").is_none() {
        fs::write(&file, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn each_default_is_json() {
    for field in TABLES.iter().flat_map(|(fields, _)| *fields).filter(|field| !field.default.is_empty()) {
        assert!(serde_json::from_str::<Value>(field.default).is_ok(), "{}", field.name);
    }
}
