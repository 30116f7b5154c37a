//! What tests find, and which tests are refused.

use crate::{MappingFile, Problem};

const HEAD: &str = r#"version = 1
[teams.web]
owns = ["s3://a/"]
[teams.web.zones."w.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["w.com", "www.w.com"]
environments = ["5d41402abc4b2a76b9719d911017c592"]
[teams.docs]
owns = ["s3://a/"]
[teams.docs.zones."d.com"]
zone_id = "372e67954025e0ba6aaa6d586b9e0b59"
hostnames = ["d.com"]
[[teams.docs.mappings]]
source = "s3://a/"
zones = ["d.com"]
"#;

/// The problems of a file with this mapping and this test.
fn raw_problems(mapping: &str, test: &str) -> Vec<Problem> {
    let text = format!("{HEAD}[[teams.web.mappings]]\nzones = [\"w.com\"]\n{mapping}\n[[teams.web.tests]]\n{test}\n");
    MappingFile::parse(&text).and_then(|file| file.check()).err().unwrap_or_default()
}

/// The same, each with its code and place.
fn problems(mapping: &str, test: &str) -> Vec<String> {
    let problems = raw_problems(mapping, test);
    problems.iter().map(|it| format!("{} @ {}: {}", it.code, it.place, it.message)).collect()
}

fn assert_passes(mapping: &str, test: &str) {
    assert_eq!(problems(mapping, test), [""; 0], "{mapping}\n{test}");
}

fn assert_fails(mapping: &str, test: &str, expected: &[&str]) {
    assert_eq!(problems(mapping, test), expected, "{mapping}\n{test}");
}

const OBJECT: &str = "object = \"s3://a/uk/x.css\"\n";
const URLS: &str = "source = \"s3://a/uk/\"\nstrip_prefix = \"uk/\"";

#[test]
fn items_are_named_as_they_are_purged() {
    for (mapping, purged, not_purged) in [
        (URLS, "https://w.com/x.css", "https://w.com/uk/x.css"),
        (URLS, "https://www.w.com/x.css", "http://www.w.com/x.css"),
        (URLS, "https://w.com/x.css", "https://w.com/x.css?v=1"),
        ("source = \"s3://a/\"\npurge = \"prefixes\"", "prefix:w.com/uk/", "prefix:w.com/"),
        ("source = \"s3://a/\"\npurge = \"hosts\"", "host:www.w.com", "host:m.w.com"),
        ("source = \"s3://a/\"\npurge = \"hosts\"", "host:www.w.com", "everything:w.com"),
        ("source = \"s3://a/\"\npurge = \"tags\"\ntags = [\"a-{dir}\"]", "tag:A-UK", "tag:a"),
        ("source = \"s3://a/\"\npurge = \"everything\"", "everything:w.com", "x"),
        (
            "source = \"s3://a/\"\nvary_headers = [{ \"CF-Device-Type\" = \"mobile\" }]",
            "https://w.com/uk/x.css CF-Device-Type=mobile",
            "https://w.com/uk/x.css CF-Device-Type=tablet",
        ),
    ] {
        assert_passes(mapping, &format!("{OBJECT}purges = [\"{purged}\"]"));
        let is_purged = format!("test-failed @ teams.web.tests[0].not_purges[0]: `{purged}` is purged");
        let found = problems(mapping, &format!("{OBJECT}not_purges = [\"{purged}\"]"));
        assert!(found.len() == 1 && found[0].starts_with(&is_purged), "{found:?}");
        if not_purged != "x" {
            assert_passes(mapping, &format!("{OBJECT}not_purges = [\"{not_purged}\"]"));
            let found = problems(mapping, &format!("{OBJECT}purges = [\"{not_purged}\"]"));
            assert!(found.len() == 1 && found[0].contains("is not purged; ") && found[0].contains("; instead: `"));
        }
    }
}

/// What a purge takes besides what it names.
#[test]
fn a_larger_purge_takes_the_url() {
    let url = "https://www.w.com/uk/x.css?v=1";
    for (purge, taking) in [
        ("purge = \"prefixes\"", "prefix:www.w.com/uk/"),
        ("purge = \"hosts\"", "host:www.w.com"),
        ("purge = \"everything\"", "everything:w.com"),
        ("query_strings = \"any\"", "prefix:www.w.com/uk/x.css"),
    ] {
        let mapping = format!("source = \"s3://a/\"\n{purge}");
        assert_passes(&mapping, &format!("{OBJECT}purges = [\"{url}\"]"));
        let problem = format!("test-failed @ teams.web.tests[0].not_purges[0]: `{url}` is purged, with `{taking}`");
        assert_fails(&mapping, &format!("{OBJECT}not_purges = [\"{url}\"]"), &[&problem]);
    }
    let everything = "source = \"s3://a/\"\npurge = \"everything\"";
    for item in ["https://blog.w.com/", "prefix:w.com/a/", "host:www.w.com", "tag:x"] {
        assert_passes(everything, &format!("{OBJECT}purges = [\"{item}\"]"));
    }
}

#[test]
fn behind_a_transform_rule_a_prefix_takes_the_url_before_the_rule() {
    let mapping =
        "source = \"s3://a/uk/\"\nstrip_prefix = \"uk/\"\npurge = \"prefixes\"\npath_rewrite = \"transform-rule\"";
    let object = "object = \"s3://a/uk/css/x.css\"\n";
    for item in ["prefix:w.com/uk/css/", "https://w.com/css/x.css", "https://w.com/css/x.css?v=1"] {
        assert_passes(mapping, &format!("{object}purges = [\"{item}\"]"));
    }
    let problem = "test-failed @ teams.web.tests[0].not_purges[0]: `https://w.com/css/y.css` is purged, with `prefix:w.com/uk/css/`";
    assert_fails(mapping, &format!("{object}not_purges = [\"https://w.com/css/y.css\"]"), &[problem]);
    assert_passes(mapping, &format!("{object}not_purges = [\"https://w.com/js/x.js\"]"));
}

#[test]
fn a_test_sees_its_own_teams_mappings_only() {
    assert_passes(URLS, "object = \"s3://a/fr/x.css\"\nunmatched = true");
    assert_fails(
        URLS,
        &format!("{OBJECT}unmatched = true"),
        &["test-failed @ teams.web.tests[0].unmatched: s3://a/uk/x.css is accepted by teams.web.mappings[0]"],
    );
    assert_passes(URLS, &format!("{OBJECT}event = \"tagged\"\nunmatched = true"));
    assert_fails(
        URLS,
        &format!("{OBJECT}event = \"acl\"\npurges = [\"https://w.com/x.css\"]"),
        &[
            "test-failed @ teams.web.tests[0].purges[0]: `https://w.com/x.css` is not purged; no mapping accepts the change",
        ],
    );
    assert_fails(
        "source = \"s3://a/\"",
        "object = \"s3://a/../x\"\npurges = [\"https://w.com/x\"]",
        &["test-failed @ teams.web.tests[0].purges[0]: `https://w.com/x` is not purged; nothing is"],
    );
    assert_fails(
        URLS,
        &format!("{OBJECT}purges = [\"https://ww.w.com/x.css\"]"),
        &[
            "test-failed @ teams.web.tests[0].purges[0]: `https://ww.w.com/x.css` is not purged; `ww.w.com` is not among the \
             `hostnames` of its zones; instead: `https://w.com/x.css`, `https://www.w.com/x.css`",
        ],
    );
}

#[test]
fn a_test_that_could_not_fail_is_refused() {
    let purges = |item: &str| format!("{OBJECT}not_purges = [\"{item}\"]");
    for (test, expected) in [
        (OBJECT.to_owned(), "test-without-expectation @ teams.web.tests[0]: the test expects nothing"),
        (
            format!("{OBJECT}unmatched = false"),
            "test-without-expectation @ teams.web.tests[0]: the test expects nothing",
        ),
        (format!("{OBJECT}purges = []"), "empty-list @ teams.web.tests[0].purges: `purges` is empty"),
        (
            format!("{OBJECT}unmatched = true\nnot_purges = [\"tag:a\"]"),
            "unmatched-with-items @ teams.web.tests[0].unmatched: what no mapping accepts purges nothing, so `purges` and \
             `not_purges` have no place",
        ),
        (
            purges("w.com/a"),
            "bad-test-item @ teams.web.tests[0].not_purges[0]: `w.com/a` is nothing that can be purged",
        ),
        (
            purges("https://w.com"),
            "bad-test-item @ teams.web.tests[0].not_purges[0]: `https://w.com` is nothing that can be purged",
        ),
        (
            purges("https://w.com/ä"),
            "bad-test-item @ teams.web.tests[0].not_purges[0]: `https://w.com/ä` is nothing that can be purged",
        ),
        (
            purges("https://w.com/a b"),
            "bad-test-item @ teams.web.tests[0].not_purges[0]: `https://w.com/a b` is nothing that can be purged",
        ),
        (
            purges("https://ww.com/a"),
            "unknown-hostname @ teams.web.tests[0].not_purges[0]: `ww.com` is not a hostname of the team's zones",
        ),
        (
            purges("host:d.com"),
            "unknown-hostname @ teams.web.tests[0].not_purges[0]: `d.com` is not a hostname of the team's zones",
        ),
        (purges("everything:d.com"), "unknown-zone @ teams.web.tests[0].not_purges[0]: unknown zone `d.com`"),
        (
            "object = \"a/b\"\nunmatched = true".to_owned(),
            "bad-object @ teams.web.tests[0].object: `a/b` is not an object",
        ),
        (
            "object = \"s3://b/x.css\"\nunmatched = true".to_owned(),
            "source-not-owned @ teams.web.tests[0].object: team web does not own `s3://b/x.css`",
        ),
        ("unmatched = true".to_owned(), "missing-field @ teams.web.tests[0]: `object` is missing"),
        (
            format!("{OBJECT}event = \"create\"\nunmatched = true"),
            "unknown-event @ teams.web.tests[0].event: `create` is not an event",
        ),
    ] {
        assert_fails(URLS, &test, &[expected]);
    }
}

#[test]
fn what_is_wrong_with_a_zone_is_no_problem_of_its_tests() {
    let text = HEAD.replace("023e105f4ecef8ad9ca31a8372d0c353", "x")
        + "[[teams.web.tests]]\nobject = \"s3://a/b\"\nnot_purges = [\"https://w.com/\"]\n";
    let problems = crate::from_toml(&text).unwrap_err();
    assert_eq!(problems.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["bad-cloudflare-id"]);
}

#[test]
fn tests_are_bounded() {
    let tests = format!("[[teams.web.tests]]\n{OBJECT}unmatched = true\n").repeat(1002);
    let problems = crate::from_toml(&format!("{HEAD}{tests}")).unwrap_err();
    let found: Vec<String> = problems.iter().map(|it| format!("{} @ {}", it.code, it.place)).collect();
    assert_eq!(found, ["too-many-tests @ teams.web.tests[1000]"]);
}

#[test]
fn items_that_are_almost_right_say_what_to_write() {
    for (item, help) in [
        ("www.w.com/a.css", "write `https://www.w.com/a.css`"),
        ("https://w.co/a", "did you mean `w.com`?"),
        ("prefix:https://w.com/a/", "write `prefix:w.com/a/`, without a scheme"),
        ("host:https://w.com/a/", "write `host:w.com`, without a scheme"),
        ("everything:https://w.com/", "write `everything:w.com`, without a scheme"),
        ("everything:www.w.com", "it is a hostname of a zone: write `everything:w.com`"),
    ] {
        let problems = raw_problems(URLS, &format!("{OBJECT}not_purges = [\"{item}\"]"));
        let helps: Vec<&str> = problems.iter().map(|problem| problem.help.as_str()).collect();
        assert_eq!(helps, [help], "{item}");
    }
}
