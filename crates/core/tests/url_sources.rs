//! From URLs back to objects, held against the planner: what a change purges, its URL leads back to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy does not recognize the helpers of tests as tests")]

use proptest::prelude::*;
use proptest::sample::select;
use purge_router_core::names::Hostname;
use purge_router_core::{
    Change, ChangeKind, Event, Item, Mappings, Mismatch, Objects, PublicUrl, Scheme, UrlAnswer, UrlSource, Via, plan,
    url_sources, url_verdict,
};

fn mappings(lines: &str, prefix: &str) -> Mappings {
    let text = format!(
        "version = 1\n[teams.web]\nowns = [\"s3://assets/\"]\n[teams.web.zones.\"website.com\"]\n\
         zone_id = \"{:032x}\"\nhostnames = [\"www.website.com\", \"cdn.website.com\"]\n\
         [[teams.web.mappings]]\nsource = \"s3://assets/{prefix}\"\nzones = [\"website.com\"]\n{lines}\n",
        1
    );
    purge_router_config::from_toml(&text).unwrap_or_else(|problems| panic!("{problems:#?} in {text}"))
}

fn url(text: &str) -> PublicUrl {
    let (scheme, rest) = match text.strip_prefix("https://") {
        Some(rest) => (Scheme::Https, rest),
        None => (Scheme::Http, text.strip_prefix("http://").unwrap()),
    };
    let (host, rest) = rest.split_once('/').unwrap();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    PublicUrl { scheme, host: Hostname::parse(host).unwrap(), path: path.to_owned(), query: query.to_owned() }
}

fn is_purged(source: &UrlSource<'_>) -> bool {
    matches!(source.answer, UrlAnswer::Purged)
}

/// What is said of one URL: each source's objects, way and answer.
fn sources(lines: &str, prefix: &str, text: &str) -> Vec<(String, &'static str, String)> {
    let mappings = mappings(lines, prefix);
    let answer = |answer: &UrlAnswer<'_>| match answer {
        UrlAnswer::Purged => "purged".to_owned(),
        UrlAnswer::Declined(decline) => decline.code().to_owned(),
        UrlAnswer::Differs(mismatch) => format!("{mismatch:?}").split(['(', ' ']).next().unwrap().to_owned(),
        UrlAnswer::Unknown(tags) => tags.join(" "),
    };
    let objects = |objects: &Objects| match objects {
        Objects::Key(key) => key.clone(),
        other => format!("{other:?}"),
    };
    let found = url_sources(&mappings, &url(text));
    found.iter().map(|it| (objects(&it.objects), it.via.as_str(), answer(&it.answer))).collect()
}

/// Objects, way and answer of a source.
type Said = (&'static str, &'static str, &'static str);

/// Lines of a mapping, its prefix, the path of a URL, and what is said of that.
const WAYS: &[(&str, &str, &str, &[Said])] = &[
    ("", "", "css/app.css", &[("css/app.css", "path", "purged")]),
    ("", "", "", &[("index.html", "alias", "purged")]),
    ("", "", "blog/", &[("blog/", "path", "purged"), ("blog/index.html", "alias", "purged")]),
    ("strip_prefix = \"uk/\"", "uk/", "app.css", &[("uk/app.css", "path", "purged")]),
    ("add_prefix = \"static/\"", "", "static/a.css", &[("a.css", "path", "purged")]),
    ("add_prefix = \"static/\"", "", "a.css", &[("All", "path", "AddPrefix")]),
    ("", "uk/", "app.css", &[("app.css", "path", "other-prefix")]),
    ("include = [\"*.js\"]", "", "app.css", &[("app.css", "path", "not-included")]),
    ("exclude = [\"*.css\"]", "", "app.css", &[("app.css", "path", "excluded")]),
    // The object that comes nearest explains the URL: it is excluded only, and the other ones are not even included.
    ("include = [\"*.html\"]\nexclude = [\"index.html\"]", "", "news/", &[("news/index.html", "alias", "excluded")]),
    (
        "clean_urls = true\ninclude = [\"*.html\"]\nexclude = [\"about.html\", \"index.html\"]",
        "",
        "about",
        &[("about.html", "alias", "excluded")],
    ),
    (
        "clean_urls = true",
        "",
        "about",
        &[("about", "path", "purged"), ("about.html", "alias", "purged"), ("about/index.html", "alias", "purged")],
    ),
    (
        "clean_urls = true\ninclude = [\"*.html\"]",
        "",
        "about",
        &[
            ("about", "path", "not-included"),
            ("about.html", "alias", "purged"),
            ("about/index.html", "alias", "purged"),
        ],
    ),
    ("", "", "my%20file.css", &[("my file.css", "path", "purged")]),
    ("", "", "my+file.css", &[("my+file.css", "path", "purged"), ("my file.css", "path", "purged")]),
    ("spellings = [\"whatwg\"]", "", "a%28b.css", &[("a(b.css", "path", "Spelling")]),
    ("", "", "app.css?v=2", &[("app.css", "path", "Query")]),
    ("query_strings = [\"v=2\"]", "", "app.css?v=2", &[("app.css", "path", "purged")]),
    ("query_strings = \"any\"", "", "app.css?v=3", &[("app.css", "path", "purged")]),
    ("purge = \"hosts\"", "", "app.css", &[("All", "host", "purged")]),
    ("purge = \"everything\"", "", "app.css", &[("All", "everything", "purged")]),
    ("purge = \"tags\"\ntags = [\"{ext}\"]", "", "app.css", &[("app.css", "tag", "css")]),
    (
        "purge = \"prefixes\"",
        "",
        "a/b/c.css",
        &[("a/b/c.css", "path", "purged"), ("InOrAbove(\"a/b/\")", "prefix", "purged")],
    ),
    (
        "also = [\"/feed.xml\"]\ninclude = [\"*.md\"]",
        "",
        "feed.xml",
        &[("feed.xml", "path", "not-included"), ("All", "also", "purged")],
    ),
    (
        "also = [\"/{dir}/feed.xml\"]\ninclude = [\"*.md\"]",
        "",
        "blog/feed.xml",
        &[("blog/feed.xml", "path", "not-included"), ("Rendering(\"/{dir}/feed.xml\")", "also", "purged")],
    ),
    (
        "listings = \"parent\"\ninclude = [\"*.md\"]",
        "dist/",
        "dist/v1/",
        &[("dist/v1/index.html", "alias", "not-included"), ("In(\"dist/v1/\")", "listing", "purged")],
    ),
    (
        "listings = \"ancestors\"\ninclude = [\"*.md\"]",
        "dist/",
        "dist/",
        &[("dist/index.html", "alias", "not-included"), ("Below(\"dist/\")", "listing", "purged")],
    ),
    (
        "path_rewrite = \"transform-rule\"\nstrip_prefix = \"uk/\"\npurge = \"prefixes\"",
        "uk/",
        "css/a.css",
        &[("uk/css/a.css", "path", "purged"), ("InOrAbove(\"uk/css/\")", "prefix", "purged")],
    ),
];

#[test]
fn each_way_from_an_object_to_a_url() {
    let www = "https://www.website.com/";
    for (lines, prefix, path, expected) in WAYS {
        let found = sources(lines, prefix, &format!("{www}{path}"));
        let found: Vec<(&str, &str, &str)> = found.iter().map(|(objects, via, it)| (&**objects, *via, &**it)).collect();
        assert_eq!(found, *expected, "{lines} of {prefix}, {path}");
    }
    assert_eq!(sources("", "", "http://www.website.com/app.css")[0].2, "Scheme");
    assert_eq!(sources("", "", "https://shop.website.com/app.css"), []);
    assert_eq!(sources("hostnames = [\"cdn.website.com\"]", "", "https://www.website.com/app.css"), []);
    let everything = sources("purge = \"everything\"", "", "https://shop.website.com/app.css");
    assert_eq!(everything.len(), 1, "the zone serves hostnames that nobody listed: {everything:?}");
}

/// Lines of a mapping, the path of a URL, and whether it is purged for certain.
const VERDICTS: &[(&str, &str, Option<bool>)] = &[
    ("", "about", Some(true)),
    ("include = [\"*.html\"]", "about", Some(false)),
    ("clean_urls = true", "about", Some(true)),
    // The object may be any of the three.
    ("clean_urls = true\ninclude = [\"*.html\"]", "about", None),
    ("clean_urls = true\nexclude = [\"about.html\"]", "about", None),
    ("clean_urls = true\ninclude = [\"*.css\"]", "about", Some(false)),
    // Hardly `app.CSS.html`, and hardly `app.css/index.html`.
    ("clean_urls = true\ninclude = [\"*.{css,html}\"]", "app.CSS", None),
    ("clean_urls = true\ninclude = [\"*.{css,html}\"]", "app.css", Some(true)),
    ("clean_urls = true\ninclude = [\"*.css\"]", "app.css", Some(true)),
    // The name of a folder is no page.
    ("include = [\"*.html\"]", "blog/", Some(true)),
    ("index_documents = [\"index.html\", \"index.htm\"]\ninclude = [\"*.html\"]", "blog/", None),
    ("index_documents = []", "blog/", Some(true)),
    ("", "app.css?v=2", Some(false)),
    ("also = [\"/feed.xml\"]\ninclude = [\"*.md\"]", "feed.xml", Some(true)),
    ("purge = \"hosts\"\ninclude = [\"*.md\"]", "feed.xml", Some(true)),
    // Only other objects of its folder purge it.
    ("purge = \"prefixes\"\ninclude = [\"*.html\"]", "a/b.css", None),
    ("purge = \"prefixes\"", "a/b.css", Some(true)),
    ("purge = \"tags\"\ntags = [\"{ext}\"]", "app.css", None),
];

#[test]
fn a_url_is_purged_for_certain_if_each_object_that_it_may_be_purges_it() {
    for (lines, path, expected) in VERDICTS {
        let mappings = mappings(lines, "");
        let verdict = url_verdict(&url_sources(&mappings, &url(&format!("https://www.website.com/{path}"))));
        assert_eq!(verdict, *expected, "{lines} of {path}");
    }
}

/// One mapping of a bucket purges the object, another one declines it; a bucket of another path says nothing.
#[test]
fn an_object_is_purged_if_one_of_its_mappings_purges_it() {
    let other = "[[teams.web.mappings]]\nsource = \"s3://assets/img/\"\nzones = [\"website.com\"]";
    let lines = format!(
        "include = [\"*.css\"]\n{other}\n[[teams.web.mappings]]\nsource = \"s3://assets/\"\n\
                         zones = [\"website.com\"]\ninclude = [\"*.js\"]"
    );
    let mappings = mappings(&lines, "");
    let sources = url_sources(&mappings, &url("https://www.website.com/a.css"));
    assert_eq!((sources.len(), url_verdict(&sources)), (3, Some(true)), "{sources:?}");
}

#[test]
fn other_spellings_are_named() {
    let mappings = mappings("spellings = [\"whatwg\"]", "");
    let found = url_sources(&mappings, &url("https://www.website.com/a%28b.css"));
    let UrlAnswer::Differs(Mismatch::Spelling(spellings)) = &found[0].answer else { panic!("{found:?}") };
    assert_eq!(*spellings, ["a(b.css"]);
}

const LINES: &[&str] = &[
    "",
    "clean_urls = true",
    "purge = \"prefixes\"",
    "purge = \"prefixes\"\nclean_urls = true",
    "add_prefix = \"x/\"",
    "strip_prefix = \"a/\"",
    "strip_prefix = \"a/\"\nadd_prefix = \"b c/\"\npath_rewrite = \"transform-rule\"\npurge = \"prefixes\"",
    "strip_prefix = \"a/\"\nadd_prefix = \"x/\"\nclean_urls = true",
    "query_strings = [\"\", \"v=1\"]\nschemes = [\"http\", \"https\"]",
    "query_strings = \"any\"",
    "vary_headers = [{ A = \"1\" }]",
    "hostnames = [\"cdn.website.com\"]",
    "also = [\"/\", \"/{dir}/{stem}\", \"/feed.xml\"]",
    "listings = \"ancestors\"",
    "listings = \"parent\"\nadd_prefix = \"x/\"",
    "spellings = [\"go\", \"s3-plus\"]",
    "escalate_above = 1",
];

/// Keys with characters of several spellings.
fn key() -> impl Strategy<Value = String> {
    let segments = select(&["a", "b", "x.css", "a b+", "index.html", "ü|(1)", "100%", "p.html", "?", ""][..]);
    prop::collection::vec(segments, 1..5).prop_map(|segments| format!("a/{}", segments.join("/")))
}

proptest! {
    /// Each URL that a change purges leads back to the object, or to all those that purge it in the same way.
    #[test]
    fn what_is_purged_leads_back_to_its_object(key in key(), lines in select(LINES)) {
        let mappings = mappings(lines, "a/");
        // The clean URL of a folder that ends in several slashes leads to the folder with one.
        prop_assume!(!(lines.contains("clean_urls") && key.ends_with("//index.html")));
        let change = Change::of_object(&format!("s3://assets/{key}"), ChangeKind::Created).unwrap();
        let plan = plan(&mappings, Event { changes: vec![change], ..Event::default() });
        for item in plan.batches.iter().flat_map(|batch| batch.items()) {
            let text = match &item.item {
                Item::Url(text) | Item::UrlWithHeaders { url: text, .. } => text.clone(),
                _ => continue,
            };
            let sources = url_sources(&mappings, &url(&text));
            let leads_back = |source: &UrlSource<'_>| is_purged(source) && match (&source.objects, source.via) {
                (Objects::Key(found), _) => *found == key,
                (Objects::Below(folder) | Objects::In(folder), Via::Listing) => key.starts_with(folder.as_str()),
                (Objects::All | Objects::Rendering(_), Via::Also) => true,
                _ => false,
            };
            prop_assert!(sources.iter().any(leads_back), "{} of {}: {:?}", text, key, sources);
        }
    }

    /// An object that is named with its key purges the URL indeed.
    #[test]
    fn a_named_object_purges_the_url(key in key(), lines in select(LINES), query in select(&["", "?v=1", "?w"][..])) {
        let mappings = mappings(lines, "a/");
        let path = key.replace('%', "%25").replace('?', "%3F").replace(' ', "%20");
        let url = url(&format!("https://cdn.website.com/{}{query}", path.trim_start_matches("a/")));
        for source in url_sources(&mappings, &url).iter().filter(|source| is_purged(source)) {
            let Objects::Key(found) = &source.objects else { continue };
            let change = Change::of_object(&format!("s3://assets/{found}"), source.mapping.events[0]).unwrap();
            let plan = plan(&mappings, Event { changes: vec![change], ..Event::default() });
            let items: Vec<String> =
                plan.batches.iter().flat_map(|batch| batch.items()).map(|it| it.item.to_string()).collect();
            // A prefix names the path after a Transform Rule.
            let is_covered = |item: &String| {
                *item == url.text() || (!item.contains("://") && item.starts_with(url.host.as_str()))
            };
            prop_assert!(items.iter().any(is_covered), "{} by {:?}", url.text(), items);
        }
    }
}
