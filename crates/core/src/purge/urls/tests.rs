//! Paths, spellings and bounds of URLs and prefixes.

use std::sync::Arc;

use super::*;
use crate::model::change::ChangeKind;
use crate::model::glob::Patterns;
use crate::model::limits::{CloudflarePlan, PREFIX_SEPARATORS};
use crate::model::mapping::{Escalation, Mode, Purge, Scheme, UrlRules};
use crate::model::names::{CloudflareId, Hostname, Prefix, Source, TeamName, TokenFolder};
use crate::model::spelling::{SpellingWord, Spellings};
use crate::model::verification::SampleRate;
use crate::purge::paths::{DotSegments, served_paths};

fn hostname(text: &str) -> Hostname {
    Hostname::parse(text).unwrap()
}

/// A mapping of `s3://b/` to w.com and www.w.com with these rules.
fn mapping(hostnames: &[&str], change: impl FnOnce(&mut UrlRules)) -> Mapping {
    let team = TeamName::parse("t").unwrap();
    let zone = Zone {
        domain: hostname("w.com"),
        zone_id: CloudflareId::parse("023e105f4ecef8ad9ca31a8372d0c353").unwrap(),
        account_id: None,
        account_is_granted: false,
        plan: CloudflarePlan::Free,
        hostnames: ["w.com", "www.w.com"].map(hostname).into_iter().collect(),
        token: TokenFolder::default_of(&team).parameter("w.com").unwrap(),
        urls_per_request: None,
        environments: Vec::new(),
        cache_reserve: false,
        workers_caching: false,
        verify: SampleRate::default(),
        team: team.clone(),
    };
    let mut urls = UrlRules::default();
    change(&mut urls);
    Mapping {
        name: "teams.t.mappings[0]".to_owned(),
        team,
        source: Source::parse("s3://b/").unwrap(),
        zones: vec![Arc::new(zone)],
        include: Patterns::default(),
        exclude: Patterns::default(),
        events: vec![ChangeKind::Created],
        urls: urls.into(),
        hostnames: hostnames.iter().map(|name| hostname(name)).collect(),
        purge: Purge::Urls(Escalation::default()),
        mode: Mode::Purge,
        again_after: 0,
        verify: None,
        skip_unchanged: false,
    }
}

fn urls_of(mapping: &Mapping, key: &str) -> Vec<String> {
    let paths = served_paths(&mapping.urls, key).unwrap();
    let mut urls = Vec::new();
    add_url_items(mapping, &mapping.zones[0], paths.iter(), &mut |item| urls.push(item.to_string()));
    urls
}

/// The URLs of a key on w.com alone.
fn items(key: &str) -> Vec<String> {
    urls_of(&mapping(&["w.com"], |_| {}), key)
}

#[test]
fn each_spelling_where_they_differ() {
    for (key, urls) in [
        ("a/b-c_d.e~f", &["https://w.com/a/b-c_d.e~f"][..]),
        ("a b", &["https://w.com/a%20b", "https://w.com/a+b"]),
        ("100%", &["https://w.com/100%25"]),
        ("%41", &["https://w.com/%2541"]),
        ("a?b", &["https://w.com/a%3Fb"]),
        ("a#b", &["https://w.com/a%23b"]),
        (r"a\b", &["https://w.com/a%5Cb"]),
        ("a\tb\u{7f}", &["https://w.com/a%09b%7F"]),
        ("über", &["https://w.com/%C3%BCber"]),
        ("a\"<>`{}", &["https://w.com/a%22%3C%3E%60%7B%7D"]),
        ("a^", &["https://w.com/a%5E", "https://w.com/a^"]),
        ("a+b", &["https://w.com/a+b", "https://w.com/a%2Bb"]),
        (
            "a (1).png",
            &[
                "https://w.com/a%20(1).png",
                "https://w.com/a%20%281%29.png",
                "https://w.com/a+(1).png",
                "https://w.com/a+%281%29.png",
            ],
        ),
        (
            "a&b=c;d,e:f@g!h$i'j*k",
            &[
                "https://w.com/a&b=c;d,e:f@g!h$i'j*k",
                "https://w.com/a%26b%3Dc%3Bd%2Ce%3Af%40g%21h%24i%27j%2Ak",
                "https://w.com/a%26b%3Dc%3Bd%2Ce%3Af%40g!h%24i'j*k",
                "https://w.com/a&b=c;d,e:f@g%21h$i%27j%2Ak",
                "https://w.com/a&b=c%3Bd%2Ce:f@g%21h$i%27j%2Ak",
            ],
        ),
        ("a|[b]", &["https://w.com/a|[b]", "https://w.com/a%7C[b]", "https://w.com/a%7C%5Bb%5D"]),
        ("/a//b", &["https://w.com//a//b"]),
        ("folder/", &["https://w.com/folder/"]),
        ("...", &["https://w.com/..."]),
    ] {
        assert_eq!(items(key), urls, "{key}");
    }
}

#[test]
fn a_browser_sends_what_we_purge() {
    // The url crate is an implementation of the standard that browsers follow.
    let keys =
        (0u32..0x250).filter_map(char::from_u32).chain(['€', '漢', '🦀', '\u{202e}']).map(|c| format!("x{c}y/z"));
    for key in keys {
        let purged = &items(&key)[0];
        let sent = url::Url::parse(purged).unwrap();
        assert_eq!(sent.as_str(), purged, "{key:?}");
        let raw = format!("https://w.com/{key}");
        // The crate lags behind the standard, which encodes `^` since 2023, as browsers do.
        if !key.contains(['%', '?', '#', '\\', '\t', '\n', '\r', '^']) {
            assert_eq!(url::Url::parse(&raw).unwrap().as_str(), purged, "{key:?}");
        }
    }
}

#[test]
fn index_documents_and_clean_urls() {
    let one = &|_: &mut UrlRules| {};
    let clean = &|rules: &mut UrlRules| rules.clean_urls = true;
    let other = &|rules: &mut UrlRules| rules.index_documents = ["default.htm", "index.html"].map(str::to_owned).into();
    let none = &|rules: &mut UrlRules| rules.index_documents.clear();
    type Change<'c> = &'c dyn Fn(&mut UrlRules);
    for (change, key, urls) in [
        (one as Change<'_>, "foo/index.html", &["foo/index.html", "foo/"][..]),
        (one, "index.html", &["index.html", ""]),
        (one, "foo/myindex.html", &["foo/myindex.html"]),
        (one, "foo.html", &["foo.html"]),
        (none, "foo/index.html", &["foo/index.html"]),
        (other, "foo/default.htm", &["foo/default.htm", "foo/"]),
        (clean, "foo.html", &["foo.html", "foo"]),
        (clean, "a/b.c.html", &["a/b.c.html", "a/b.c"]),
        (clean, "foo/index.html", &["foo/index.html", "foo/", "foo", "foo/index"]),
        (clean, "index.html", &["index.html", "", "index"]),
        (clean, "a/.html", &["a/.html"]),
        (clean, "foo.css", &["foo.css"]),
    ] {
        let urls: Vec<String> = urls.iter().map(|path| format!("https://w.com/{path}")).collect();
        assert_eq!(urls_of(&mapping(&["w.com"], change), key), urls, "{key}");
    }
}

#[test]
fn prefixes_schemes_queries_and_headers() {
    let mapping = mapping(&[], |rules| {
        rules.strip_prefix = Prefix::parse("uk/").unwrap();
        rules.add_prefix = Prefix::parse("static/").unwrap();
        rules.schemes = vec![Scheme::Https, Scheme::Http];
        rules.query_strings = QueryStrings::Each(vec![String::new(), "v=2".to_owned()]);
        rules.vary_headers = vec![[("CF-Device-Type".to_owned(), "mobile".to_owned())].into()];
    });
    let mut expected = Vec::new();
    for host in ["w.com", "www.w.com"] {
        for scheme in ["https", "http"] {
            for query in ["", "?v=2"] {
                let url = format!("{scheme}://{host}/static/site/a.css{query}");
                expected.extend([format!("{url} CF-Device-Type=mobile"), url]);
            }
        }
    }
    assert_eq!(urls_of(&mapping, "uk/site/a.css"), expected);
}

#[test]
fn dot_segments_have_no_url() {
    let rules = mapping(&[], |rules| rules.add_prefix = Prefix::parse("x/").unwrap()).urls;
    for key in [".", "..", "a/./b", "a/../b", "../a", "a/.."] {
        assert_eq!(served_paths(&rules, key), Err(DotSegments), "{key}");
    }
    for key in ["...", ".a", "a.", "a..b", "%2e%2e/a"] {
        assert!(served_paths(&rules, key).is_ok(), "{key}");
    }
}

#[test]
fn prefixes_hold_at_most_31_separators() {
    let mapping = mapping(&["w.com"], |rules| rules.spellings = Spellings::of_words(&[SpellingWord::Of(0)]));
    for depth in [1, 29, 30, 31, 40] {
        let prefix = PathPrefix::of_keys(&mapping.urls, &"a b/".repeat(depth)).unwrap();
        let items = prefix_items(&mapping, &mapping.zones[0], &prefix);
        let kept = depth.min(PREFIX_SEPARATORS - 1);
        assert_eq!(items, [Item::Prefix(format!("w.com/{}", "a%20b/".repeat(kept)))]);
        assert!(items[0].to_string().matches('/').count() <= PREFIX_SEPARATORS);
    }
}
