//! What a mapping file may say, and every problem that it may have.

use purge_router_core::limits::CloudflarePlan;
use purge_router_core::{ChangeKind, Code};
use purge_router_core::{Mode, Purge, QueryStrings, Scheme};

use super::*;

const HEAD: &str = r#"
version = 1
[teams.web]
owns = ["s3://assets/web/"]
[teams.web.zones."website.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["www.website.com"]
"#;

/// `code @ place` of each problem, in the order of the file.
fn codes(text: &str) -> Vec<String> {
    match from_toml(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| format!("{} @ {}", problem.code, problem.place)).collect(),
    }
}

fn with_mapping(lines: &str) -> Vec<String> {
    codes(&format!("{HEAD}[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\nzones = [\"website.com\"]\n{lines}\n"))
}

#[test]
fn defaults() {
    let text = format!("{HEAD}[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\nzones = [\"website.com\"]\n");
    let mappings = from_toml(&text).unwrap();
    let mapping = &mappings.all()[0];
    assert_eq!(mapping.name, "teams.web.mappings[0]");
    assert_eq!(mapping.events, [ChangeKind::Created, ChangeKind::Removed]);
    assert_eq!(mapping.urls.index_documents, ["index.html"]);
    assert_eq!(mapping.urls.query_strings, QueryStrings::Each(vec![String::new()]));
    assert_eq!(mapping.urls.schemes, [Scheme::Https]);
    assert_eq!((mapping.urls.strip_prefix.as_str(), mapping.urls.add_prefix.as_str()), ("", ""));
    assert_eq!(mapping.mode, Mode::Purge);
    assert!(matches!(mapping.purge, Purge::Urls(escalation) if !escalation.is_possible()));
    assert!(mapping.include.is_empty() && mapping.exclude.is_empty() && !mapping.urls.clean_urls);
    let zone = &mapping.zones[0];
    assert_eq!(zone.token.as_str(), "/purge-router/web/website.com");
    assert_eq!((zone.plan, zone.account_id.as_ref(), zone.urls_per_request), (CloudflarePlan::Free, None, None));
}

#[test]
fn a_bad_team_name_hides_nothing() {
    let text = HEAD.replace("teams.web", "teams.Web").replace("023e", "nope").replace("s3://", "");
    assert_eq!(
        codes(&text),
        [
            "bad-team-name @ teams.Web",
            "bad-source @ teams.Web.owns[0]",
            "bad-cloudflare-id @ teams.Web.zones.\"website.com\".zone_id",
        ]
    );
}

#[test]
fn problems_of_a_mapping() {
    assert_eq!(with_mapping(""), Vec::<String>::new());
    for (lines, expected) in [
        ("source2 = 1", "unknown-field @ teams.web.mappings[0].source2"),
        ("include = [\"[a\"]", "bad-glob @ teams.web.mappings[0].include[0]"),
        ("exclude = [\"!a\"]", "negated-glob @ teams.web.mappings[0].exclude[0]"),
        ("include = \"*.css\"", "wrong-type @ teams.web.mappings[0].include"),
        ("include = [1]", "wrong-type @ teams.web.mappings[0].include[0]"),
        ("events = [\"create\"]", "unknown-event @ teams.web.mappings[0].events[0]"),
        ("events = []", "empty-list @ teams.web.mappings[0].events"),
        ("include = [1979-05-27]", "wrong-type @ teams.web.mappings[0].include[0]"),
        ("hostnames = [\"www.other.com\"]", "unknown-hostname @ teams.web.mappings[0].hostnames[0]"),
        ("purge = \"url\"", "unknown-purge @ teams.web.mappings[0].purge"),
        // A typo denies no field that belongs to what was meant.
        ("purge = \"tag\"\ntags = [\"{stem}\"]", "unknown-purge @ teams.web.mappings[0].purge"),
        ("purge = \"url\"\nescalate_above = 5", "unknown-purge @ teams.web.mappings[0].purge"),
        ("purge = \"tags\"", "no-tags @ teams.web.mappings[0].purge"),
        ("tags = [\"a\"]", "unused-tags @ teams.web.mappings[0].tags"),
        ("purge = \"tags\"\ntags = [\"{a}\"]", "bad-tag-template @ teams.web.mappings[0].tags[0]"),
        (
            "purge = \"everything\"\nhostnames = [\"www.website.com\"]",
            "unused-hostnames @ teams.web.mappings[0].hostnames",
        ),
        ("mode = \"soft\"", "unknown-mode @ teams.web.mappings[0].mode"),
        ("again_after = -1", "wrong-type @ teams.web.mappings[0].again_after"),
        ("again_after = 901", "wrong-type @ teams.web.mappings[0].again_after"),
        ("again_after = \"10\"", "wrong-type @ teams.web.mappings[0].again_after"),
        ("again_after = 1.5", "wrong-type @ teams.web.mappings[0].again_after"),
        ("verify = -0.01", "bad-verify @ teams.web.mappings[0].verify"),
        ("verify = 1.01", "bad-verify @ teams.web.mappings[0].verify"),
        ("verify = 2", "bad-verify @ teams.web.mappings[0].verify"),
        ("verify = 1e-7", "bad-verify @ teams.web.mappings[0].verify"),
        ("verify = nan", "wrong-type @ teams.web.mappings[0].verify"),
        ("verify = \"1%\"", "wrong-type @ teams.web.mappings[0].verify"),
        ("verify = 0.01\npurge = \"hosts\"", "unused-verify @ teams.web.mappings[0].verify"),
        ("verify = 0.01\npurge = \"tags\"\ntags = [\"a\"]", "unused-verify @ teams.web.mappings[0].verify"),
    ] {
        assert_eq!(with_mapping(lines), [expected], "{lines}");
    }
}

/// DynamoDB does not keep how a number was written: a pushed file must not differ from its own rows.
#[test]
fn a_share_is_written_in_rows_as_dynamodb_returns_it() {
    for (written, kept) in [("0.010", "0.01"), ("1.0", "1"), ("1", "1"), ("0.0", "0"), ("-0.0", "0"), ("1e-2", "0.01")]
    {
        let zone = format!("verify = {written}\n");
        let text = format!(
            "{HEAD}{zone}[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\nzones = [\"website.com\"]\n{zone}"
        );
        let file = MappingFile::parse(&text).unwrap();
        let tables = file.tables(&TeamName::parse("web").unwrap());
        let rows = [&tables.zones["website.com"], &tables.mappings[0]];
        let numbers = rows.map(|fields| fields["verify"].to_string());
        assert_eq!(numbers, [kept, kept], "{written}");
        assert_eq!(with_mapping(&zone), Vec::<String>::new());
    }
}

#[test]
fn problems_of_escalation() {
    for (lines, expected) in [
        ("escalate_above = -1", "wrong-type @ teams.web.mappings[0].escalate_above"),
        ("escalate_above = 5\npurge = \"hosts\"", "escalation-without-urls @ teams.web.mappings[0].escalate_above"),
        (
            "escalate_above = 5\nstrip_prefix = \"web/\"",
            "escalation-without-prefix @ teams.web.mappings[0].escalate_above",
        ),
        ("escalate_after = 30", "wrong-type @ teams.web.mappings[0].escalate_after"),
        ("escalate_after = \"30\"", "bad-escalate-after @ teams.web.mappings[0].escalate_after"),
        ("escalate_after = \"0s\"", "bad-escalate-after @ teams.web.mappings[0].escalate_after"),
        ("escalate_after = \"+5s\"", "bad-escalate-after @ teams.web.mappings[0].escalate_after"),
        ("escalate_after = \"61m\"", "bad-escalate-after @ teams.web.mappings[0].escalate_after"),
        ("escalate_after = \"18446744073709551615m\"", "bad-escalate-after @ teams.web.mappings[0].escalate_after"),
        (
            "escalate_after = \"5s\"\npurge = \"tags\"\ntags = [\"a\"]",
            "escalation-without-urls @ teams.web.mappings[0].escalate_after",
        ),
        (
            "escalate_after = \"2m\"\nstrip_prefix = \"web/\"",
            "escalation-without-prefix @ teams.web.mappings[0].escalate_after",
        ),
    ] {
        assert_eq!(with_mapping(lines), [expected], "{lines}");
    }
}

#[test]
fn problems_of_url_rules() {
    for (lines, expected) in [
        ("strip_prefix = \"uk/\"", "strip-prefix-outside-source @ teams.web.mappings[0].strip_prefix"),
        ("strip_prefix = \"we\"", "prefix-without-slash @ teams.web.mappings[0].strip_prefix"),
        ("add_prefix = \"/a/\"", "bad-add-prefix @ teams.web.mappings[0].add_prefix"),
        ("add_prefix = \"a/../b/\"", "bad-add-prefix @ teams.web.mappings[0].add_prefix"),
        ("add_prefix = \"a\"", "prefix-without-slash @ teams.web.mappings[0].add_prefix"),
        ("path_rewrite = \"transform\"", "unknown-path-rewrite @ teams.web.mappings[0].path_rewrite"),
        ("path_rewrite = true", "wrong-type @ teams.web.mappings[0].path_rewrite"),
        ("index_documents = [\"a/b\"]", "bad-index-document @ teams.web.mappings[0].index_documents[0]"),
        ("clean_urls = \"yes\"", "wrong-type @ teams.web.mappings[0].clean_urls"),
        ("query_strings = []", "empty-list @ teams.web.mappings[0].query_strings"),
        ("query_strings = [\"?v=1\"]", "bad-query-string @ teams.web.mappings[0].query_strings[0]"),
        ("query_strings = [\"a=%zz\"]", "bad-query-string @ teams.web.mappings[0].query_strings[0]"),
        ("query_strings = [\"a='b'\"]", "bad-query-string @ teams.web.mappings[0].query_strings[0]"),
        ("query_strings = \"v=1\"", "bad-query-string @ teams.web.mappings[0].query_strings"),
        ("query_strings = [\"any\"]", "bad-query-string @ teams.web.mappings[0].query_strings[0]"),
        ("query_strings = 1", "wrong-type @ teams.web.mappings[0].query_strings"),
        ("query_strings = [1.5]", "wrong-type @ teams.web.mappings[0].query_strings[0]"),
        ("query_strings = [\"a b\"]", "bad-query-string @ teams.web.mappings[0].query_strings[0]"),
        ("schemes = [\"ftp\"]", "unknown-scheme @ teams.web.mappings[0].schemes[0]"),
        ("vary_headers = [{}]", "bad-vary-headers @ teams.web.mappings[0].vary_headers[0]"),
        ("vary_headers = [{ \"a b\" = \"c\" }]", "bad-vary-headers @ teams.web.mappings[0].vary_headers[0].\"a b\""),
        ("vary_headers = [{ A = \"1\", a = \"2\" }]", "bad-vary-headers @ teams.web.mappings[0].vary_headers[0].a"),
        ("vary_headers = [\"x\"]", "bad-vary-headers @ teams.web.mappings[0].vary_headers[0]"),
        ("also = [\"/\", \"feed.xml\"]", "bad-also @ teams.web.mappings[0].also[1]"),
        ("also = [\"/{folder}/feed.xml\"]", "bad-also @ teams.web.mappings[0].also[0]"),
        ("also = \"/\"", "wrong-type @ teams.web.mappings[0].also"),
        ("also = [\"/\"]\npurge = \"hosts\"", "unused-also @ teams.web.mappings[0].also"),
        ("listings = \"parents\"", "unknown-listings @ teams.web.mappings[0].listings"),
        ("listings = true", "wrong-type @ teams.web.mappings[0].listings"),
        ("listings = \"parent\"\npurge = \"everything\"", "unused-listings @ teams.web.mappings[0].listings"),
        ("spellings = [\"all\", \"golang\"]", "unknown-spelling @ teams.web.mappings[0].spellings[1]"),
        ("spellings = []", "empty-list @ teams.web.mappings[0].spellings"),
        ("spellings = \"all\"", "wrong-type @ teams.web.mappings[0].spellings"),
    ] {
        assert_eq!(with_mapping(lines), [expected], "{lines}");
    }
}

#[test]
fn behind_a_transform_rule_a_stripped_prefix_can_be_escalated_to() {
    let escalates = "escalate_above = 5\nstrip_prefix = \"web/\"\npath_rewrite = \"transform-rule\"";
    assert_eq!(with_mapping(escalates), Vec::<String>::new());
}

#[test]
fn problems_of_sources_and_zones() {
    let mapping = |source: &str, zones: &str| {
        codes(&format!("{HEAD}[[teams.web.mappings]]\nsource = \"{source}\"\nzones = {zones}\n"))
    };
    let owned = "s3://assets/web/";
    for (codes, expected) in [
        (mapping("s3://assets/", "[\"website.com\"]"), "source-not-owned @ teams.web.mappings[0].source"),
        (mapping("s3://assets/web-eu/", "[\"website.com\"]"), "source-not-owned @ teams.web.mappings[0].source"),
        (mapping("s3://other/web/", "[\"website.com\"]"), "source-not-owned @ teams.web.mappings[0].source"),
        (mapping("s3://assets/web", "[\"website.com\"]"), "prefix-without-slash @ teams.web.mappings[0].source"),
        (mapping("assets/web/", "[\"website.com\"]"), "bad-source @ teams.web.mappings[0].source"),
        (mapping(owned, "[\"websit.com\"]"), "unknown-zone @ teams.web.mappings[0].zones[0]"),
        (mapping(owned, "[]"), "empty-list @ teams.web.mappings[0].zones"),
    ] {
        assert_eq!(codes, [expected]);
    }
    let zone = |from: &str, to: &str| codes(&HEAD.replace(from, to));
    let place = "teams.web.zones.\"website.com\"";
    for (codes, expected) in [
        (zone("023e105f", "x23e105f"), format!("bad-cloudflare-id @ {place}.zone_id")),
        (zone("zone_id", "zoneid"), format!("unknown-field @ {place}.zoneid")),
        (zone("[\"www.website.com\"]", "[]"), format!("empty-list @ {place}.hostnames")),
        (zone("hostnames", "names"), format!("missing-field @ {place}")),
        (zone("www.website.com", "evilwebsite.com"), format!("foreign-hostname @ {place}.hostnames[0]")),
        (zone("www.website.com", "WWW.website.com"), format!("bad-hostname @ {place}.hostnames[0]")),
        (zone("zone_id", "token = \"../api/x\"\nzone_id"), format!("bad-token-name @ {place}.token")),
        (zone("zone_id", "plan = \"por\"\nzone_id"), format!("unknown-plan @ {place}.plan")),
        (zone("zone_id", "account_id = \"1\"\nzone_id"), format!("bad-cloudflare-id @ {place}.account_id")),
        (zone("zone_id", "urls_per_request = 0\nzone_id"), format!("wrong-type @ {place}.urls_per_request")),
        (zone("zone_id", "urls_per_request = 101\nzone_id"), format!("wrong-type @ {place}.urls_per_request")),
        (zone("zone_id", "environments = [\"a/b\"]\nzone_id"), format!("bad-environment @ {place}.environments[0]")),
        (zone("zone_id", "environments = [\"\"]\nzone_id"), format!("bad-environment @ {place}.environments[0]")),
        (
            zone("zone_id", "environments = [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]\nzone_id"),
            format!("too-many-values @ {place}.environments"),
        ),
        (zone("zone_id", "cache_reserve = \"yes\"\nzone_id"), format!("wrong-type @ {place}.cache_reserve")),
        (zone("zone_id", "workers_caching = 1\nzone_id"), format!("wrong-type @ {place}.workers_caching")),
        (zone("zone_id", "token = \"cfut_abc\"\nzone_id"), format!("token-in-the-open @ {place}.token")),
        (codes("version = 1\n[teams]\n"), "no-teams @ the file".to_owned()),
        (zone("owns = [\"s3://assets/web/\"]", ""), "missing-field @ teams.web".to_owned()),
        (zone("owns", "tokens = \"web\"\nowns"), "bad-token-folder @ teams.web.tokens".to_owned()),
        (zone("version = 1", "version = 2"), "unknown-version @ version".to_owned()),
        (zone("version = 1", ""), "missing-field @ the file".to_owned()),
        (zone("version = 1", "version = \"1\""), "wrong-type @ version".to_owned()),
        (zone("teams.web", "teams.Web"), "bad-team-name @ teams.Web".to_owned()),
        (codes(""), "missing-field @ the file".to_owned()),
    ] {
        assert!(codes.contains(&expected), "{expected} not in {codes:?}");
    }
    let custom = HEAD.replace(
        "hostnames = [\"www.website.com\"]",
        "hostnames = [\"shop.other.net\"]\ncustom_hostnames = [\"shop.other.net\"]",
    );
    assert_eq!(codes(&custom), Vec::<String>::new());
}

/// The problems of a text, each with its help.
fn problems(text: &str) -> Vec<(String, String)> {
    let problems = MappingFile::parse(text).and_then(|file| file.read()).err().unwrap_or_default();
    problems.into_iter().map(|problem| (problem.message, problem.help)).collect()
}

#[test]
fn one_mistake_of_syntax_is_one_problem() {
    let mapping = "[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\nzones = [\"website.com\"]\n";
    let unclosed = HEAD.replace("owns = [\"s3://assets/web/\"]", "owns = [\"s3://assets/web/\"");
    let found = problems(&format!("{unclosed}{}", mapping.repeat(20)));
    assert!(found.len() == 1 && found[0].1.contains("a `]` may be missing further up"), "{found:?}");
    let found = problems(&format!("{HEAD}{}", mapping.replace("\"website.com\"", "a.com, b.com").repeat(8)));
    assert!(found.len() == 1 && found[0].0.contains("; also in line "), "{found:?}");
    assert!(found[0].0.ends_with(" and 2 more"), "{found:?}");
    let quoted = problems(&HEAD.replace("hostnames", "x = 1\n[teams.web.zones.\"other.com\".x]\nhostnames"));
    assert!(!format!("{quoted:?}").contains("has no quotes"), "the domain is in quotes: {quoted:?}");

    let one_bracket = mapping.replace("[[", "[").replace("]]", "]");
    let help = "write `[[teams.web.mappings]]`, with two brackets, before each of them";
    for (text, message) in
        [(one_bracket.clone(), "expected an array of tables, found a table"), (one_bracket.repeat(2), "duplicate key")]
    {
        let found = problems(&format!("{HEAD}{text}"));
        assert_eq!((found.len(), found[0].0.as_str(), found[0].1.as_str()), (1, message, help), "{text}");
    }
    let twice = HEAD.replace("owns = ", "owns = []\nowns = ");
    let help_of_two = "it is in the file already: put both into one";
    for (text, helps) in [
        (format!("{twice}{}", one_bracket.repeat(3)), [help_of_two, help].as_slice()),
        (format!("{HEAD}{}[teams.x]\nowns = []\nowns = []\n", one_bracket.repeat(3)), &[help, help_of_two]),
        (format!("{HEAD}[teams.x]\nowns = []\n[teams.x]\nowns = []\n"), &[help_of_two]),
    ] {
        let found: Vec<String> = problems(&text).into_iter().map(|(_, help)| help).collect();
        assert_eq!(found, helps, "{text}");
    }
}

#[test]
fn a_mistake_in_a_line_is_one_problem() {
    let mapping = "[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\nzones = [\"website.com\"]\n";
    let unclosed_string = problems(&format!("{HEAD}{}", mapping.replace("website.com\"]", "website.com]")));
    assert_eq!(
        (unclosed_string.len(), unclosed_string[0].0.as_str()),
        (1, "a quote is missing"),
        "{unclosed_string:?}"
    );
    for (line, message) in [
        ("[teams.web.zones.\"other.com]", "a quote is missing"),
        ("[[teams.web.mappings]", "a `]` is missing"),
        ("include = [\"*.css\", \"*.js", "a quote is missing"),
    ] {
        let found = problems(&format!("{HEAD}{mapping}{line}\n{mapping}{mapping}"));
        assert_eq!((found.len(), found[0].0.as_str()), (1, message), "{line}: {found:?}");
    }
    for (text, message) in [
        ("# rules\nversion: 1\nteams:\n  web:\n", "the file is YAML, and mapping files are TOML"),
        ("é: 1\n", "the file is YAML, and mapping files are TOML"),
        ("---\nversion: 1\n", "the file is YAML, and mapping files are TOML"),
        ("  {\"version\": 1}", "the file is JSON, and mapping files are TOML"),
    ] {
        let found: Vec<String> = problems(text).into_iter().map(|(message, _)| message).collect();
        assert_eq!(found, [message], "{text}");
    }
    let in_wrong_table = problems(&format!("{HEAD}{mapping}owns = [\"s3://assets/\"]\n"));
    let help = "it is a field of a team (`[teams.<name>]`): write it there";
    assert_eq!(in_wrong_table, [("unknown field `owns`".to_owned(), help.to_owned())]);
}

#[test]
fn two_mistakes_and_domains_without_quotes_are_named() {
    let mapping = "[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\nzones = [\"website.com\"]\n";
    let one_bracket = mapping.replace("[[", "[").replace("]]", "]");
    let help = "write `[[teams.web.mappings]]`, with two brackets, before each of them";
    let two_mistakes = problems(&format!("{HEAD}{}key = oops\n", one_bracket.repeat(2)));
    assert_eq!((two_mistakes.len(), two_mistakes[0].1.as_str()), (2, help), "{two_mistakes:?}");

    for (header, name) in [("website.com", "website.com"), ("shop.website.co.uk", "shop.website.co.uk")] {
        let mapping = mapping.replace("website.com", name);
        let found = problems(&format!("{}{mapping}", HEAD.replace("\"website.com\"", header)));
        let help = format!("write `[teams.web.zones.\"{name}\"]`, with the domain in quotes");
        assert_eq!(found, [(format!("`{name}` has no quotes, so TOML reads it as tables in tables"), help)]);
    }
    let two = HEAD
        .replace("[teams.web.zones.\"website.com\"]", "[teams.web.zones.website.co.uk]\n[teams.web.zones.website.com]");
    let found: Vec<String> = problems(&format!("{two}{mapping}")).into_iter().map(|(message, _)| message).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|message| message.contains(" has no quotes")), "{found:?}");
}

#[test]
fn a_misspelled_field_is_one_problem() {
    let mapping = "[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\nzones = [\"website.com\"]\n";
    let file = format!("{HEAD}{mapping}");
    for (right, wrong, help) in [
        ("hostnames =", "hosts =", "did you mean `hostnames`?"),
        ("zone_id =", "zoneid =", "did you mean `zone_id`?"),
        ("zones = [", "zone = [", "did you mean `zones`?"),
        ("teams.web.zones", "teams.web.zone", "did you mean `zones`?"),
        ("source =", "bucket =", "did you mean `source`?"),
        ("owns =", "own =", "did you mean `owns`?"),
    ] {
        let found: Vec<String> = problems(&file.replacen(right, wrong, 1)).into_iter().map(|(_, help)| help).collect();
        assert_eq!(found, [help], "{wrong}");
    }
    let test = "[[teams.web.tests]]\nobject = \"s3://assets/web/a\"\npurge = [\"https://www.website.com/web/a\"]\n";
    let found = problems(&format!("{file}{test}"));
    assert_eq!((found.len(), found[0].1.as_str()), (1, "did you mean `purges`?"), "{found:?}");
}

#[test]
fn a_source_with_a_wildcard_says_how_to_write_it() {
    for (source, help) in [
        ("s3://assets/web", "write `s3://assets/web/`, or `s3://assets/` for all keys"),
        ("s3://assets/web/*", "a source has no wildcards: write `s3://assets/web/`"),
        (
            "s3://assets/web/*.css",
            "a source has no wildcards: write `s3://assets/web/`, and `*.css` in the mapping's `include`",
        ),
        ("s3://assets/**", "a source has no wildcards: write `s3://assets/`"),
    ] {
        let found =
            problems(&format!("{HEAD}[[teams.web.mappings]]\nsource = \"{source}\"\nzones = [\"website.com\"]\n"));
        assert_eq!((found.len(), found[0].1.as_str()), (1, help), "{found:?}");
    }
}

#[test]
fn a_broken_zone_or_grant_has_no_echo_in_the_mappings() {
    let mapping = "[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\nzones = [\"website.com\"]\n";
    let broken_zone = HEAD.replace("023e", "oops");
    assert_eq!(
        codes(&format!("{broken_zone}{mapping}")),
        ["bad-cloudflare-id @ teams.web.zones.\"website.com\".zone_id"]
    );
    let broken_grant = HEAD.replace("s3://assets/web/", "s3://assets/web");
    assert_eq!(codes(&format!("{broken_grant}{mapping}")), ["prefix-without-slash @ teams.web.owns[0]"]);
}

#[test]
fn what_no_two_teams_may_share() {
    let other = HEAD.replace("version = 1", "").replace("teams.web", "teams.api");
    let codes_of = |change: &str, to: &str| codes(&format!("{HEAD}{}", other.replace(change, to)));
    assert_eq!(codes_of("", ""), ["zone-of-two-teams @ teams.web.zones.\"website.com\""]);
    assert_eq!(codes_of("website.com", "api.com"), ["zone-of-two-teams @ teams.web.zones.\"website.com\""]);
    let apart = other.replace("website.com", "api.com").replace("023e", "123e");
    assert_eq!(
        codes(&format!("{HEAD}{apart}")),
        Vec::<String>::new(),
        "both own the same prefix: the operator wrote both"
    );
    let folder = apart.replace("owns", "tokens = \"/purge-router/\"\nowns");
    assert_eq!(codes(&format!("{HEAD}{folder}")), ["shared-token-folder @ teams.web.tokens"]);
    let twin = format!(
        "{HEAD}[teams.web.zones.\"twin.com\"]\nzone_id = \"023e105f4ecef8ad9ca31a8372d0c353\"\nhostnames = [\"twin.com\"]\n"
    );
    assert_eq!(codes(&twin), ["duplicate-zone-id @ teams.web.zones.\"twin.com\".zone_id"]);
}

#[test]
fn each_zone_of_a_mapping_keeps_a_hostname() {
    let other = "[teams.web.zones.\"other.com\"]\nzone_id = \"123e105f4ecef8ad9ca31a8372d0c353\"\nhostnames = [\"other.com\"]\n";
    let mapping = "[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\nzones = [\"website.com\", \"other.com\"]\n";
    let of = |hostnames: &str| codes(&format!("{HEAD}{other}{mapping}hostnames = {hostnames}\n"));
    assert_eq!(of("[\"www.website.com\", \"other.com\"]"), Vec::<String>::new());
    assert_eq!(of("[\"www.website.com\"]"), ["zone-without-hostname @ teams.web.mappings[0].hostnames"]);
}

#[test]
fn all_problems_come_at_once_each_with_its_span() {
    let text = r#"version = 1
[teams.web]
owns = ["s3://assets/web"]
color = "red"
[teams.web.zones."website.com"]
zone_id = 7
hostnames = ["www.website.com", "evilwebsite.com"]
[[teams.web.mappings]]
source = "s3://assets/web/"
zones = ["website.com", "websit.com"]
include = ["*.css", "[oops"]
escalate_abov = 3
[[teams.web.mappings]]
zones = ["website.com"]
"#;
    let problems = from_toml(text).unwrap_err();
    let seen: Vec<String> = problems
        .iter()
        .map(|problem| format!("{} | {} | {}", &text[problem.span.clone().unwrap()], problem, problem.code))
        .collect();
    insta::assert_snapshot!(seen.join("\n"));
    let syntax = from_toml("version = 1\n[teams\na = = 3\n").unwrap_err();
    assert!(
        syntax.len() >= 2 && syntax.iter().all(|problem| problem.code == Code::InvalidToml && problem.span.is_some()),
        "{syntax:?}"
    );
}

#[test]
fn a_wrong_item_hides_no_other_and_has_one_problem() {
    let place = "teams.web.mappings[0]";
    for (lines, expected) in [
        (
            "hostnames = [1, \"BAD\"]",
            vec![format!("wrong-type @ {place}.hostnames[0]"), format!("bad-hostname @ {place}.hostnames[1]")],
        ),
        ("schemes = [1]", vec![format!("wrong-type @ {place}.schemes[0]")]),
        ("purge = 1\ntags = [\"a\"]", vec![format!("wrong-type @ {place}.purge")]),
        ("purge = \"tags\"\ntags = [1]", vec![format!("wrong-type @ {place}.tags[0]")]),
        (
            "vary_headers = [1, { A = 2, \"b c\" = \"d\" }]",
            vec![
                format!("bad-vary-headers @ {place}.vary_headers[0]"),
                format!("bad-vary-headers @ {place}.vary_headers[1].A"),
                format!("bad-vary-headers @ {place}.vary_headers[1].\"b c\""),
            ],
        ),
    ] {
        assert_eq!(with_mapping(lines), expected, "{lines}");
    }
    let zone = HEAD.replace("\"023e105f4ecef8ad9ca31a8372d0c353\"", "7").replace("owns = [", "owns = [7, ");
    assert_eq!(
        codes(&zone),
        ["wrong-type @ teams.web.owns[0]", "wrong-type @ teams.web.zones.\"website.com\".zone_id"]
    );
}

#[test]
fn the_help_says_how_to_write_a_version_or_a_number() {
    let zone = |from: &str, to: &str| HEAD.replace(from, to);
    let number = |text: &str| zone("hostnames =", &format!("urls_per_request = {text}\nhostnames ="));
    for (text, expected) in [
        (
            zone("version = 1", "version = 2"),
            "unknown version 2; this release reads version 1: use a release that reads it, or correct the version",
        ),
        (
            zone("version = 1", "version = \"1\""),
            "expected a whole number, found the string `1`: write 1 without quotes",
        ),
        (
            zone("hostnames =", "cache_reserve = \"true\"\nhostnames ="),
            "expected a boolean, found the string `true`: write true without quotes",
        ),
        (
            zone("hostnames = [", "hostnames = \"www.website.com\"\nx = ["),
            "expected an array, found the string `www.website.com`: write it in brackets: `[\"www.website.com\"]`",
        ),
        (
            zone("hostnames = [", "hostnames = \"a.website.com, b.website.com\"\nx = ["),
            "expected an array, found the string `a.website.com, b.website.com`: write it in brackets: \
             `[\"a.website.com\", \"b.website.com\"]`",
        ),
        (zone("version = 1", ""), "`version` is missing: write `version = 1` in the first line"),
        (
            number("1.5"),
            "expected a whole number, found the number 1.5: write a whole number such as 30, without quotes",
        ),
        (number("\"30\""), "expected a whole number, found the string `30`: write 30 without quotes"),
        (
            number("9223372036854775809"),
            "expected a whole number, found the number 9223372036854775809, which is too large: write a smaller number",
        ),
        (
            number("1e30"),
            "expected a whole number, found the number 1000000000000000019884624838656, which is too large: write a \
             smaller number",
        ),
        (
            number("1.0"),
            "expected a whole number, found the number 1.0: write a whole number such as 30, without quotes",
        ),
    ] {
        let problems = from_toml(&text).unwrap_err();
        assert_eq!(format!("{}: {}", problems[0].message, problems[0].help), expected);
    }
}

#[test]
fn a_wrong_source_hides_nothing() {
    let mapping = |source: &str, lines: &str| {
        format!("{HEAD}[[teams.web.mappings]]\nsource = \"{source}\"\nzones = [\"website.com\"]\n{lines}\n")
    };
    for (source, of_source) in [
        ("assets/web/", "bad-source"),
        ("s3://other/web/", "source-not-owned"),
        ("s3://assets/web", "prefix-without-slash"),
    ] {
        let problems = from_toml(&mapping(source, "strip_prefix = \"uk/\"")).unwrap_err();
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code.as_str()).collect();
        assert_eq!(codes, [of_source, "strip-prefix-outside-source"], "{source}");
        let problems = from_toml(&mapping(source, "strip_prefix = \"web/\"")).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}

#[test]
fn advice_names_what_to_write() {
    let mapping = |source: &str, line: &str| {
        format!("{HEAD}[[teams.web.mappings]]\nsource = \"{source}\"\nzones = [\"website.com\"]\n{line}\n")
    };
    for (text, help) in [
        (mapping("s3://assets/web/", "strip_prefix = \"/web\""), "write `web/`: keys do not begin with `/`"),
        (mapping("s3://assets/web/", "strip_prefix = \"/web/\""), "write `web/`: keys do not begin with `/`"),
        (
            mapping("s3://assets/web/", "vary_headers = { CF-Device-Type = \"mobile\" }"),
            "write it in brackets: `[{ \"CF-Device-Type\" = \"mobile\" }]`",
        ),
        (mapping("s3://assets/web/", "listings = [\"parent\"]"), "write one string in quotes, without brackets"),
        (mapping("s3://assets/web/", "vary_headers = [{ A = \"1\", a = \"2\" }]"), "write each header once"),
        (mapping("s3://assets/web/", "query_strings = \"\""), "write `\"any\"`, or a list: `[\"\"]`"),
        (mapping("s3://assets/web/", "spellings = [\"encodeURI\"]"), "did you mean `encode-uri`?"),
        (mapping("s3://assets/web/", "schemes = [\"HTTPS\"]"), "did you mean `https`?"),
        (mapping("s3://assets/web/", "purge = \"tag\"\ntags = [\"a\"]"), "did you mean `tags`?"),
        (mapping("s3://assets/web/", "purge = \"url\"\nescalate_above = 3"), "did you mean `urls`?"),
        ("{\n  \"teams\": {\n  }\n}".to_owned(), "write it as TOML 1.0: `purge-router init -` prints an example"),
    ] {
        let problems = from_toml(&text).unwrap_err();
        let helps: Vec<&str> = problems.iter().map(|problem| problem.help.as_str()).collect();
        assert_eq!(helps, [help], "{text}: {problems:?}");
    }
}

#[test]
fn values_that_only_toml_has_are_named() {
    let in_mapping = |line: &str| format!("{HEAD}[[teams.web.mappings]]\nsource = \"s3://assets/web/\"\n{line}\n");
    let zone = |field: &str, value: &str| HEAD.replace("hostnames =", &format!("{field} = {value}\nhostnames ="));
    let string = |found: &str| format!("expected a string, found {found}: write it in quotes");
    let whole = |found: &str| {
        format!("expected a whole number, found {found}: write a whole number such as 30, without quotes")
    };
    let domain = "teams.web.zones.\"website.com\"";
    for (text, place, expected) in [
        (zone("token", "2024-01-01"), format!("{domain}.token"), string("the date 2024-01-01")),
        (zone("token", "2024-01-01T10:00:00Z"), format!("{domain}.token"), string("the date 2024-01-01T10:00:00Z")),
        (zone("token", "nan"), format!("{domain}.token"), string("the number nan")),
        (zone("urls_per_request", "-inf"), format!("{domain}.urls_per_request"), whole("the number -inf")),
        (zone("urls_per_request", "07:32:00"), format!("{domain}.urls_per_request"), whole("the date 07:32:00")),
        (
            in_mapping("zones = [\"website.com\"]\ntags = 2024-01-01"),
            "teams.web.mappings[0].tags".to_owned(),
            "expected an array, found the date 2024-01-01: write it in brackets: `[…]`".to_owned(),
        ),
        (
            in_mapping("zones = [2024-01-01]"),
            "teams.web.mappings[0].zones[0]".to_owned(),
            string("the date 2024-01-01"),
        ),
        (
            in_mapping("zones = [\"website.com\"]\nvary_headers = [2024-01-01]"),
            "teams.web.mappings[0].vary_headers[0]".to_owned(),
            "expected a table of headers, found the date 2024-01-01: write a table".to_owned(),
        ),
        (
            "version = 1\nteams = 2024-01-01".to_owned(),
            "teams".to_owned(),
            "expected a table, found the date 2024-01-01: write a table".to_owned(),
        ),
        (
            "version = 1\nteams.web = 2024-01-01".to_owned(),
            "teams.web".to_owned(),
            "expected a table, found the date 2024-01-01: write a table".to_owned(),
        ),
    ] {
        let problems = from_toml(&text).unwrap_err();
        let problem = &problems[0];
        assert_eq!(problem.place.to_string(), place);
        assert_eq!(format!("{}: {}", problem.message, problem.help), expected, "{place}");
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}
