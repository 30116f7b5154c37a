use super::*;

/// The codes of the warnings, each with what it is about.
fn codes(source: &str, zone: &str, mappings: &[&str]) -> Vec<String> {
    let mut text = format!(
        "version = 1\n[teams.web]\nowns = [\"s3://a/\"]\n[teams.web.zones.\"w.com\"]\nzone_id = \"{:032}\"\n\
         hostnames = [\"w.com\", \"www.w.com\"]\n{zone}\n",
        0
    );
    let mapping =
        |line: &&str| format!("[[teams.web.mappings]]\nsource = \"s3://a/{source}\"\nzones = [\"w.com\"]\n{line}\n");
    text.extend(mappings.iter().map(mapping));
    let mappings = crate::from_toml(&text).unwrap();
    let name = |name: &String| name.trim_start_matches("teams.web.mappings").to_owned();
    let of = |it: &Warning| format!("{} {}", it.code, it.mappings.iter().map(name).collect::<String>());
    warnings(&mappings).iter().map(of).collect()
}

#[test]
fn features_of_zones() {
    let all = [
        "tags = [\"t\"]\npurge = \"tags\"",
        "tags = [\"t\"]\npurge = \"tags\"\nmode = \"invalidate\"\nalso = [\"/\"]",
        "purge = \"prefixes\"\nlistings = \"parent\"",
        "escalate_above = 5\nadd_prefix = \"b/\"",
        "query_strings = \"any\"\nindex_documents = []",
        "query_strings = \"any\"",
        "purge = \"hosts\"\nmode = \"invalidate\"",
    ];
    assert_eq!(codes("", "", &all), [""; 0]);
    let of_reserve = [
        "cache-reserve-invalidate-url [1]",
        "cache-reserve-keeps-copies [0][2][3][4][5]",
        "cache-reserve-refill [2][3][5]",
    ];
    assert_eq!(codes("", "cache_reserve = true", &all), of_reserve);
    assert_eq!(codes("", "workers_caching = true", &all[..2]), ["workers-caching-not-purged [0][1]"]);
}

#[test]
fn tags_that_no_rule_can_set() {
    let tags = |templates: &str| format!("purge = \"tags\"\ntags = [{templates}]");
    let many: Vec<String> = (0..12).map(|index| format!("'{index}-{{dir}}'")).collect();
    let many = tags(&many.join(", "));
    let (dir, key) = (tags("'{dir}'"), tags("'{key}'"));
    assert_eq!(codes("", "", &[&key]), [""; 0]);
    assert_eq!(codes("", "", &[&dir, &many]), ["tag-rule-needs-regex [0][1]"]);
    assert_eq!(codes("", "plan = \"business\"", &[&dir, &many]), [""; 0]);
    let fields = tags("'{dir}{dir}{dir}{dir}{dir}{dir}{dir}{dir}{dir}'");
    assert_eq!(codes("", "plan = \"enterprise\"", &[&fields]), ["tag-rule-too-large [0]"]);
}

#[test]
fn zones_and_hostnames_without_purges() {
    assert_eq!(codes("", "cache_reserve = true", &[]), ["unused-zone "]);
    let (one, other) = ("hostnames = [\"w.com\"]", "hostnames = [\"www.w.com\"]\ninclude = [\"b\"]");
    assert_eq!(codes("", "", &[one]), ["unpurged-hostname "]);
    assert_eq!(codes("", "", &[one, other]), [""; 0]);
}

#[test]
fn fields_without_effect() {
    let tags = "tags = [\"t\"]\npurge = \"tags\"\n";
    let hosts = "purge = \"hosts\"\n";
    for (rules, is_unused) in [
        (format!("{tags}query_strings = [\"v=1\"]"), true),
        (format!("{tags}also = [\"/\"]\nquery_strings = [\"v=1\"]"), false),
        (format!("{tags}also = [\"/\"]\nquery_strings = \"any\""), true),
        (format!("{tags}strip_prefix = \"b/\"\nadd_prefix = \"c/\"\nclean_urls = true\nindex_documents = []"), false),
        (format!("{tags}strip_prefix = \"b/\"\npath_rewrite = \"transform-rule\""), false),
        (format!("{tags}path_rewrite = \"transform-rule\""), true),
        (format!("{tags}spellings = [\"go\"]"), true),
        ("skip_unchanged = true".to_owned(), false),
        ("skip_unchanged = true\nevents = [\"removed\"]".to_owned(), true),
        (format!("{tags}also = [\"/\"]\nstrip_prefix = \"b/\""), false),
        (format!("{hosts}strip_prefix = \"b/\""), true),
        (format!("{hosts}add_prefix = \"b/\""), true),
        (format!("{hosts}spellings = [\"go\"]"), true),
        (format!("{hosts}spellings = [\"all\"]\nschemes = [\"https\"]"), false),
        (format!("{hosts}schemes = [\"http\"]"), true),
        (format!("{hosts}index_documents = []"), true),
        (format!("{hosts}vary_headers = [{{ a = \"b\" }}]"), true),
        ("path_rewrite = \"transform-rule\"".to_owned(), true),
        ("path_rewrite = \"transform-rule\"\nadd_prefix = \"b/\"".to_owned(), false),
        ("spellings = [\"go\"]\nclean_urls = true\nquery_strings = [\"v=1\"]".to_owned(), false),
        ("purge = \"prefixes\"\nspellings = [\"go\"]".to_owned(), false),
    ] {
        let expected: &[&str] = if is_unused { &["unused-field [0]"] } else { &[] };
        assert_eq!(codes("b/", "", &[&rules]), expected, "{rules}");
    }
}

#[test]
fn globs_that_are_not_meant() {
    for (source, rules, code) in [
        ("*/", "", "wildcard-in-source"),
        ("b/", "include = [\"*.{css, js}\"]", "space-in-braces"),
        ("b/", "exclude = [\"**/{ a,b }/x y\"]", "space-in-braces"),
        ("b/", "include = [\"a, b/*.{css,js}\"]", ""),
        ("b/", "include = ['\\{ x, y\\}']", ""),
        ("b/", "include = [\"b/**\"]", "repeated-prefix"),
        ("b/", "include = [\"*.css\", \"/b/c/*.css\"]", "repeated-prefix"),
        ("b/", "exclude = [\"b/\"]", "repeated-prefix"),
        ("b/", "include = [\"bb/**\"]", ""),
        ("b/", "include = [\"css\"]", "bare-extension"),
        ("b/", "exclude = [\"css\"]", "bare-extension"),
        ("b/", "exclude = [\"drafts\"]", "file-name-in-exclude"),
        ("b/", "exclude = [\"drafts/\", \"**/drafts\", \"README\", \"_headers\", \"license\"]", ""),
        ("b/", "include = [\"about\"]", ""),
        ("b/", "include = [\"s3://a/b/*.css\"]", "url-as-pattern"),
        ("b/", "include = [\"*.html\", \"*.css,*.js\"]", "several-patterns"),
        ("b/", "exclude = ['^drafts/.*']", "regular-expression"),
        ("b/", "exclude = [\"*\"]", "excludes-everything"),
        ("b/", "exclude = [\"x.\", \"**/*\"]", "excludes-everything"),
        ("b/", "exclude = [\"*.*\"]", ""),
        ("", "include = [\"**\"]", ""),
    ] {
        let expected: Vec<String> =
            Some(code).filter(|code| !code.is_empty()).map(|it| format!("{it} [0]")).into_iter().collect();
        assert_eq!(codes(source, "", &[rules]), expected, "{source} {rules}");
    }
}

#[test]
fn mappings_that_add_nothing() {
    let css = "include = [\"*.css\"]";
    for (mappings, covered) in [
        (&["", ""][..], "[1]"),
        (&["", css], "[1]"),
        (&[css, ""], "[0]"),
        (&[css, css, css], "[1][2]"),
        (&[css, "include = [\"*.js\"]"], ""),
        (&[css, "include = [\"*.js\", \"*.css\"]"], "[0]"),
        (&["exclude = [\"*.js\"]", ""], "[0]"),
        (&["exclude = [\"*.js\"]", "exclude = [\"*.js\", \"b\"]"], "[1]"),
        (&["", "events = [\"created\"]"], "[1]"),
        (&["", "events = [\"tagged\"]"], ""),
        (&["", "hostnames = [\"w.com\"]"], "[1]"),
        (&["hostnames = [\"www.w.com\"]", "hostnames = [\"w.com\"]"], ""),
        (&["", "again_after = 5"], ""),
        (&["", "skip_unchanged = true"], "[1]"),
        (&["", "mode = \"invalidate\""], ""),
        (&["", "purge = \"hosts\""], ""),
        (&["", "also = [\"/\"]"], ""),
    ] {
        let found = codes("b/", "", mappings)
            .into_iter()
            .filter_map(|code| Some(code.strip_prefix("covered-mapping ")?.to_owned()));
        assert_eq!(found.collect::<String>(), covered, "{mappings:?}");
    }
}

#[test]
fn a_wider_source_covers_a_narrower_one() {
    let mapping = |source: &str, rules: &str| {
        format!("[[teams.web.mappings]]\nsource = \"s3://{source}\"\nzones = [\"w.com\"]\n{rules}\n")
    };
    let warned = |one: &str, other: &str| {
        let text = format!(
            "version = 1\n[teams.web]\nowns = [\"s3://a/\", \"s3://c/\"]\n[teams.web.zones.\"w.com\"]\nzone_id = \"{:032}\"\n\
             hostnames = [\"w.com\"]\n{one}{other}",
            0
        );
        warnings(&crate::from_toml(&text).unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let css = "include = [\"*.css\"]";
    let covered =
        "teams.web.mappings[1]: teams.web.mappings[0] purges all of it, too [covered-mapping]; remove one of the two";
    assert_eq!(warned(&mapping("a/", ""), &mapping("a/b/c/", css)), [covered]);
    assert_eq!(warned(&mapping("a/", css), &mapping("a/b/c/", css)), [""; 0], "globs are relative to the source");
    assert_eq!(warned(&mapping("c/", ""), &mapping("a/b/c/", css)), [""; 0]);
}
