//! `check`: all problems of a mapping file at once, for people with carets and for machines as JSON.

use serde_json::Value;

use crate::fixtures::{MAPPINGS, WorkFolder, assert_answer};

/// Twelve problems of eleven kinds, in many places.
const BAD: &str = r#"version = 1
colour = "red"

[teams.web]
owns = ["s3://assets.website.com/", "assets"]
tokens = "purge-router"

[teams.web.zones."website.com"]
zone_id = "nope"
hostnames = ["www.website.com", "www.wébsite.com"]
plan = "por"

[[teams.web.mappings]]
source = "s3://assets.website.com/uk"
zones = ["website.con"]
include = ["*.{css,js"]
purge = "url"

[[teams.docs.mappings]]
source = "s3://docs/"
zones = ["website.dev"]
"#;

#[test]
fn a_good_file() {
    assert_answer("check_good", &WorkFolder::new().run(&["check"]).with_code(0));
    assert_eq!(WorkFolder::new().run(&["check", "--json"]).with_code(0).stdout, "{\n  \"problems\": []\n}\n");
}

#[test]
fn every_problem_is_drawn_where_it_is() {
    let folder = WorkFolder::empty();
    folder.write("bad.toml", BAD);
    let answer = folder.run(&["check", "--mappings", "bad.toml", "--color", "never"]).with_code(1);
    assert_eq!(answer.stdout, "");
    assert_answer("check_bad", &answer);
    // Every command that reads the file prints the same.
    for args in
        [&["explain", "s3://b/k"][..], &["plan", "-"], &["run", "-"], &["purge", "--host", "h.com"], &["sandbox"]]
    {
        let other = folder.run(&[args, &["--mappings", "bad.toml"]].concat()).with_code(1);
        assert_eq!((other.errors(), other.stdout.as_str()), (answer.stderr.clone(), ""), "{args:?}");
    }
}

#[test]
fn machines_get_code_place_value_line_and_column() {
    let folder = WorkFolder::empty();
    folder.write("bad.toml", BAD);
    let answer = folder.run(&["check", "--mappings", "bad.toml", "--json"]).with_code(1);
    assert_eq!(answer.stderr, "");
    let problems = answer.json()["problems"].as_array().unwrap().clone();
    let codes: Vec<&str> = problems.iter().map(|problem| problem["code"].as_str().unwrap()).collect();
    let lines: Vec<&str> = BAD.lines().collect();
    for problem in &problems {
        let text = |field: &str| problem[field].as_str().unwrap_or_else(|| panic!("no {field}: {problem}")).to_owned();
        for field in ["code", "place", "message", "help"] {
            assert_ne!(text(field), "", "{field}: {problem}");
        }
        let number = |field: &str| usize::try_from(problem[field].as_u64().unwrap()).unwrap();
        let rest: String = lines[number("line") - 1].chars().skip(number("column") - 1).collect();
        assert!(rest.starts_with(&text("value")), "line and column lead elsewhere: {problem}");
    }
    let expected = [
        "unknown-field",
        "bad-source",
        "bad-token-folder",
        "bad-cloudflare-id",
        "bad-hostname",
        "unknown-plan",
        "prefix-without-slash",
        "unknown-zone",
        "bad-glob",
        "unknown-purge",
        "missing-field",
        "unknown-zone",
    ];
    assert_eq!(codes, expected);
    let hostname = &problems[4];
    assert_eq!(hostname["place"], "teams.web.zones.\"website.com\".hostnames[1]");
    assert_eq!(
        (&hostname["value"], &hostname["line"], &hostname["column"]),
        (&"\"www.wébsite.com\"".into(), &10.into(), &33.into())
    );
}

#[test]
fn a_file_that_is_no_toml() {
    let folder = WorkFolder::empty();
    folder.write("mappings.toml", "version = 1\n[teams.web\nowns = [\"s3://b/\"]\n");
    let answer = folder.run(&["check"]).with_code(1);
    assert_answer("check_syntax", &answer);
    let problems = folder.run(&["check", "--json"]).with_code(1).json();
    assert_eq!(problems["problems"][0]["code"], "invalid-toml", "{problems}");
    assert_eq!(problems["problems"][0]["line"], 2, "{problems}");
}

#[test]
fn a_file_that_can_not_be_read() {
    let folder = WorkFolder::empty();
    folder.write("latin1.toml", b"version = 1\n# Stra\xdfe\n");
    let missing = folder.run(&["check"]).expect_misuse();
    assert!(missing.stderr.contains("mappings.toml") && missing.stderr.contains("purge-router init"), "{missing}");
    folder.run(&["check", "--json", "--mappings", "."]).expect_misuse();
    let latin1 = folder.run(&["check", "--mappings", "latin1.toml"]).with_code(1);
    assert_eq!(latin1.stderr, "error: the mapping file latin1.toml is not UTF-8 at byte 18; save it as UTF-8\n");
}

#[test]
fn an_empty_file_and_the_way_to_a_file() {
    let folder = WorkFolder::empty();
    folder.write("empty.toml", "");
    assert_answer("check_empty", &folder.run(&["check", "--mappings", "empty.toml"]).with_code(1));
    folder.write("other.toml", MAPPINGS);
    let by_variable = folder.run_with(&["check"], &[("MAPPINGS_FILE", "other.toml")], b"").with_code(0);
    assert!(by_variable.stdout.starts_with("other.toml: "), "{by_variable}");
    let both = folder.run_with(&["check", "--mappings", "other.toml"], &[("MAPPINGS_FILE", "none")], b"");
    assert_eq!(both.with_code(0).stdout, by_variable.stdout);
}

#[test]
fn all_problems_are_in_the_order_of_the_file() {
    let folder = WorkFolder::empty();
    folder.write("bad.toml", BAD);
    let problems = folder.run(&["check", "--mappings", "bad.toml", "--json"]).with_code(1).json();
    let place = |problem: &Value| (problem["line"].as_u64(), problem["column"].as_u64());
    assert!(problems["problems"].as_array().unwrap().is_sorted_by_key(place), "{problems}");
}

/// Each problem is drawn from its own lines: from the whole file, this took minutes.
#[test]
fn a_large_file_with_many_problems_is_checked_in_time() {
    let mapping = |index: usize| {
        format!("[[teams.web.mappings]]\nsource = \"s3://assets/{index}/\"\nzones = [\"website.com\"]\nincludes = []\n")
    };
    let head = "version = 1\n[teams.web]\nowns = [\"s3://assets/\"]\n[teams.web.zones.\"website.com\"]\n\
                zone_id = \"023e105f4ecef8ad9ca31a8372d0c353\"\nhostnames = [\"www.website.com\"]\n";
    let folder = WorkFolder::empty();
    folder.write("large.toml", format!("{head}{}", (0..15_000).map(mapping).collect::<String>()));
    let answer = folder.run(&["check", "--mappings", "large.toml", "--color", "never"]).with_code(1);
    assert!(answer.stderr.contains("large.toml:206:1\n"), "{}", &answer.stderr[answer.stderr.len() - 1000..]);
    assert!(answer.stderr.contains("\n206 | includes = []\n"));
    let problems = folder.run(&["check", "--mappings", "large.toml", "--json"]).with_code(1).json()["problems"].clone();
    let count = problems.as_array().unwrap().len();
    let end =
        format!("error: large.toml has {count} problems; {} more are not shown (check --json has all)\n", count - 50);
    assert!(answer.stderr.ends_with(&end), "{end}");
    let last = problems.as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["line"].as_u64(), last["column"].as_u64()), (Some(60_006), Some(1)));
}

#[test]
fn a_warning_is_no_problem() {
    let folder = WorkFolder::new();
    let plan = "plan = \"enterprise\"\n";
    folder.write("mappings.toml", MAPPINGS.replace(plan, &format!("{plan}cache_reserve = true\n")));
    assert_eq!(folder.run(&["check"]).with_code(0).stderr, "", "this mapping invalidates by prefix");
    folder.write("mappings.toml", MAPPINGS.replace(plan, &format!("{plan}workers_caching = true\n")));
    let answer = folder.run(&["check"]).with_code(0);
    let warning = "warning[workers-caching-not-purged]: no purge of the zone reaches what its Workers cache by Workers";
    assert!(answer.stderr.starts_with(warning) && answer.stderr.contains(" (teams.docs.mappings[0])\n"), "{answer}");
    assert!(answer.stderr.contains("^^^^ teams.docs.zones.\"website.dev\".workers_caching\n"), "{answer}");
    let answer = folder.run(&["check", "--json"]).with_code(0);
    assert_eq!(answer.stderr, "", "the JSON has them");
    let json: Value = answer.json();
    assert_eq!(json["problems"], Value::Array(Vec::new()));
    assert_eq!(
        (&json["warnings"][0]["code"], json["warnings"].as_array().map(Vec::len)),
        (&"workers-caching-not-purged".into(), Some(1))
    );
}

#[test]
fn warnings_can_be_denied() {
    let folder = WorkFolder::new();
    assert_eq!(folder.run(&["check", "--deny", "warnings"]).with_code(0).stderr, "");
    let head = "version = 1\n[teams.web]\nowns = [\"s3://a/\"]\n[teams.web.zones.\"w.com\"]\n\
                zone_id = \"023e105f4ecef8ad9ca31a8372d0c353\"\nhostnames = [\"w.com\"]\n";
    let mapping = "[[teams.web.mappings]]\nsource = \"s3://a/uk/\"\nzones = [\"w.com\"]\ninclude = [\"uk/**\"]\n";
    folder.write("mappings.toml", format!("{head}{mapping}"));
    for (deny, code) in [(&[][..], 0), (&["--deny", "warnings"], 1)] {
        let answer = folder.run(&[&["check"][..], deny].concat()).with_code(code);
        assert_answer(&format!("check_warning_{code}"), &answer);
        let json = folder.run(&[&["check", "--json"][..], deny].concat()).with_code(code).json();
        assert_eq!(
            (&json["warnings"][0]["code"], json["problems"].as_array().map(Vec::len)),
            (&"repeated-prefix".into(), Some(0))
        );
        let warning = &json["warnings"][0];
        assert_eq!(
            (&warning["line"], &warning["column"], &warning["field"]),
            (&10.into(), &11.into(), &"include".into())
        );
    }
    folder.write("mappings.toml", format!("{head}{}", mapping.repeat(30)));
    let stderr = folder.run(&["check"]).with_code(0).stderr;
    // 30 repeat the prefix, and 29 are the same as the first.
    assert_eq!(stderr.matches("warning[").count(), 20, "{stderr}");
    assert_eq!(stderr.lines().last(), Some("warning: 39 more (`check --json` has all)"), "{stderr}");
}
