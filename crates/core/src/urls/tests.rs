//! Paths, spellings and bounds of URLs and prefixes.

use super::*;
use crate::Mappings;

/// A mapping with these lines, and its only zone.
fn items(lines: &str, key: &str) -> Vec<String> {
    let mappings = mappings(lines);
    let mapping = &mappings.all()[0];
    let paths = paths(&mapping.urls, key).unwrap();
    url_items(mapping, &mapping.zones[0], &paths).iter().map(|item| item.to_string()).collect()
}

fn mappings(lines: &str) -> Mappings {
    let text = format!(
        "version = 1\n[teams.t]\nowns = [\"s3://b/\"]\n[teams.t.zones.\"w.com\"]\n\
         zone_id = \"023e105f4ecef8ad9ca31a8372d0c353\"\nhostnames = [\"w.com\", \"www.w.com\"]\n\
         [[teams.t.mappings]]\nzones = [\"w.com\"]\n{lines}"
    );
    Mappings::from_toml(&text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

const ONE: &str = "source = \"s3://b/\"\nhostnames = [\"w.com\"]\n";

#[test]
fn each_spelling_where_they_differ() {
    for (key, urls) in [
        ("a/b-c_d.e~f", &["https://w.com/a/b-c_d.e~f"][..]),
        ("a b", &["https://w.com/a%20b"]),
        ("100%", &["https://w.com/100%25"]),
        ("%41", &["https://w.com/%2541"]),
        ("a?b", &["https://w.com/a%3Fb"]),
        ("a#b", &["https://w.com/a%23b"]),
        (r"a\b", &["https://w.com/a%5Cb"]),
        ("a\tb\u{7f}", &["https://w.com/a%09b%7F"]),
        ("über", &["https://w.com/%C3%BCber"]),
        ("a\"<>^`{}", &["https://w.com/a%22%3C%3E%5E%60%7B%7D"]),
        ("a+b", &["https://w.com/a+b", "https://w.com/a%2Bb"]),
        ("a (1).png", &["https://w.com/a%20(1).png", "https://w.com/a%20%281%29.png"]),
        (
            "a&b=c;d,e:f@g!h$i'j*k",
            &["https://w.com/a&b=c;d,e:f@g!h$i'j*k", "https://w.com/a%26b%3Dc%3Bd%2Ce%3Af%40g%21h%24i%27j%2Ak"],
        ),
        ("a|[b]", &["https://w.com/a|[b]", "https://w.com/a%7C[b]", "https://w.com/a%7C%5Bb%5D"]),
        ("/a//b", &["https://w.com//a//b"]),
        ("folder/", &["https://w.com/folder/"]),
        ("...", &["https://w.com/..."]),
    ] {
        assert_eq!(items(ONE, key), urls, "{key}");
    }
}

#[test]
fn a_browser_sends_what_we_purge() {
    // The url crate is an implementation of the standard that browsers follow.
    let keys =
        (0u32..0x250).filter_map(char::from_u32).chain(['€', '漢', '🦀', '\u{202e}']).map(|c| format!("x{c}y/z"));
    for key in keys {
        let purged = &items(ONE, &key)[0];
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
    let clean = format!("{ONE}clean_urls = true\n");
    let other = format!("{ONE}index_documents = [\"default.htm\", \"index.html\"]\n");
    let none = format!("{ONE}index_documents = []\n");
    for (lines, key, urls) in [
        (ONE, "foo/index.html", &["foo/index.html", "foo/"][..]),
        (ONE, "index.html", &["index.html", ""]),
        (ONE, "foo/myindex.html", &["foo/myindex.html"]),
        (ONE, "foo.html", &["foo.html"]),
        (&none, "foo/index.html", &["foo/index.html"]),
        (&other, "foo/default.htm", &["foo/default.htm", "foo/"]),
        (&clean, "foo.html", &["foo.html", "foo"]),
        (&clean, "a/b.c.html", &["a/b.c.html", "a/b.c"]),
        (&clean, "foo/index.html", &["foo/index.html", "foo/", "foo", "foo/index"]),
        (&clean, "index.html", &["index.html", "", "index"]),
        (&clean, "a/.html", &["a/.html"]),
        (&clean, "foo.css", &["foo.css"]),
    ] {
        let urls: Vec<String> = urls.iter().map(|path| format!("https://w.com/{path}")).collect();
        assert_eq!(items(lines, key), urls, "{key} with {lines}");
    }
}

#[test]
fn prefixes_schemes_queries_and_headers() {
    let lines = "source = \"s3://b/uk/site/\"\nstrip_prefix = \"uk/\"\nadd_prefix = \"static/\"\n\
                 schemes = [\"https\", \"http\"]\nquery_strings = [\"\", \"v=2\"]\n\
                 vary_headers = [{ \"CF-Device-Type\" = \"mobile\" }]\n";
    let mut expected = Vec::new();
    for host in ["w.com", "www.w.com"] {
        for scheme in ["https", "http"] {
            for query in ["", "?v=2"] {
                let url = format!("{scheme}://{host}/static/site/a.css{query}");
                expected.extend([format!("{url} CF-Device-Type=mobile"), url]);
            }
        }
    }
    assert_eq!(items(lines, "uk/site/a.css"), expected);
}

#[test]
fn dot_segments_have_no_url() {
    let mappings = mappings("source = \"s3://b/\"\nadd_prefix = \"x/\"\n");
    for key in [".", "..", "a/./b", "a/../b", "../a", "a/.."] {
        assert_eq!(paths(&mappings.all()[0].urls, key), Err(DotSegments), "{key}");
    }
    for key in ["...", ".a", "a.", "a..b", "%2e%2e/a"] {
        assert!(paths(&mappings.all()[0].urls, key).is_ok(), "{key}");
    }
}

#[test]
fn a_folder_that_is_cut_to_slashes_is_the_root() {
    assert!(bounded(&format!("{}a/", "/".repeat(40))).bytes().all(|byte| byte == b'/'));
    assert_eq!(bounded("a/b/"), "a/b/");
}

#[test]
fn prefixes_hold_at_most_31_separators() {
    let mappings = mappings(ONE);
    let mapping = &mappings.all()[0];
    for depth in [1, 29, 30, 31, 40] {
        let folder = "a b/".repeat(depth);
        let items = prefix_items(mapping, &mapping.zones[0], &folder);
        let kept = depth.min(PREFIX_SEPARATORS - 1);
        assert_eq!(items, [Item::Prefix(format!("w.com/{}", "a%20b/".repeat(kept)))]);
        assert!(items[0].to_string().matches('/').count() <= PREFIX_SEPARATORS);
    }
}
