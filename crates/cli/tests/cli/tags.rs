//! `tags rule`: rules for the zones that are chosen, and what can't be written.

use serde_json::json;

use crate::fixtures::{DOCS_ZONE, MAPPINGS, WorkFolder};

fn folder(docs: &str, web: &str) -> WorkFolder {
    let folder = WorkFolder::new();
    let text = MAPPINGS.replace("purge = \"prefixes\"", docs).replace("exclude = [\"drafts/\"]", web);
    folder.write("mappings.toml", text);
    folder
}

const DOCS: &str = "purge = \"tags\"\ntags = [\"docs-{dir}\", \"{key}\"]\nindex_documents = []";

#[test]
fn the_rules_of_a_zone_are_the_body_of_a_request() {
    let folder = folder(DOCS, "");
    let answer = folder.run(&["tags", "rule", "--zone", "website.dev", "--json"]).with_code(0);
    let zones = answer.json();
    let path = format!("/zones/{DOCS_ZONE}/rulesets/phases/http_response_cache_settings/entrypoint");
    assert_eq!(
        (&zones[0]["method"], &zones[0]["path"], &zones[0]["team"]),
        (&json!("PUT"), &json!(path), &json!("docs"))
    );
    let rules = zones[0]["body"]["rules"].as_array().unwrap();
    let of = "http.host in {\"docs.website.dev\"} and starts_with(url_decode(http.request.uri.path), \"/manual/\") and";
    let key = "substring(url_decode(http.request.uri.path), 1)";
    let expected = [
        (format!("{of} not ends_with(http.request.uri.path, \"/\")"), format!("split(concat({key}), \",\", 1)")),
        (
            format!("{of} not ends_with(http.request.uri.path, \"/\")"),
            format!(
                r#"split(regex_replace({key}, r"(?s)^((?:(.*)/)?([^/]+?)(?:\.([^./]*))?)$", "docs-${{2}}"), ",", 1)"#
            ),
        ),
        (
            format!("{of} ends_with(http.request.uri.path, \"/\")"),
            format!(
                "concat(split(concat(\"docs-\", substring({key}, 0, -1)), \",\", 1), split(concat({key}), \",\", 1))"
            ),
        ),
    ];
    let found: Vec<(String, String)> = rules
        .iter()
        .map(|rule| {
            assert_eq!(
                (&rule["action"], &rule["action_parameters"]["operation"]),
                (&json!("set_cache_tags"), &json!("add"))
            );
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            (text(&rule["expression"]), text(&rule["action_parameters"]["expression"]))
        })
        .collect();
    assert_eq!(found, expected);
    let text = folder.run(&["tags", "rule"]).with_code(0);
    assert!(text.stderr.contains("A PUT replaces all rules of the phase"), "{text}");
    assert!(
        text.stdout.contains(&format!("when  {}", expected[0].0)) && text.stdout.contains("\"rules\": ["),
        "{text}"
    );
}

#[test]
fn what_can_not_be_written_is_an_error_and_check_warns_of_it() {
    let folder = folder(DOCS, "purge = \"tags\"\ntags = [\"{stem}\"]");
    let answer = folder.run(&["tags", "rule", "--json"]).with_code(1);
    assert_eq!(answer.json().as_array().unwrap().len(), 1, "the other zone has its rules");
    let problem = "mapping teams.web.mappings[0] in zone website.com: a template with `{dir}` or `{stem}` needs a regular expression";
    assert!(
        answer.stderr.contains(problem) && answer.stderr.contains("[tag-rule-needs-regex]; use `{key}`"),
        "{answer}"
    );
    let check = folder.run(&["check"]).with_code(0);
    assert!(check.stderr.starts_with("warning[tag-rule-needs-regex]: "), "{check}");
    assert!(check.stderr.contains("(teams.web.mappings[0])\n  --> mappings.toml:"), "{check}");
}

#[test]
fn what_is_chosen_must_be_known() {
    let folder = folder(DOCS, "");
    for (arguments, said) in [
        (&["--zone", "nope.dev"][..], "unknown zone nope.dev; known zones: website.dev, website.com"),
        (&["--team", "nope"], "unknown team nope; known teams: docs, web"),
        (&["--mapping", "nope"], "unknown mapping nope"),
        (&["--team", "web"], "no mapping purges tags there"),
    ] {
        let answer = folder.run(&[&["tags", "rule"], arguments].concat()).expect_misuse();
        assert!(answer.stderr.contains(said), "{answer}");
    }
    let answer = folder.run(&["tags", "rule", "--mapping", "teams.web.mappings[0]"]).with_code(1);
    assert!(answer.stderr.contains("[tag-rule-without-tags]"), "{answer}");
}
