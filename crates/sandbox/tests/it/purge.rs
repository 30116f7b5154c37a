//! Which entries of the edge each purge method evicts.

use crate::fixture::{OTHER, OTHER_TOKEN, SITE, SITE_TOKEN, SandboxFixture};

/// Requests of visitors: a letter, then scheme, host, path and query, and device type.
const ENTRIES: [(char, &str, &str, &str, &str); 16] = [
    ('a', "https", "www.example.com", "/dir/a.css", ""),
    ('b', "http", "www.example.com", "/dir/a.css", ""),
    ('c', "https", "www.example.com", "/dir/a.css?v=1", ""),
    ('d', "https", "www.example.com", "/dir/a.css", "mobile"),
    ('e', "https", "assets.example.com", "/dir/a.css", ""),
    ('f', "https", "www.example.com", "/dir/A.css", ""),
    ('g', "https", "www.example.com", "/dir/a%2Ecss", ""),
    ('h', "https", "www.example.com", "/dir/../dir/a.css", ""),
    ('i', "https", "www.example.com", "/direct", ""),
    ('j', "https", "www.example.com", "/", ""),
    ('k', "https", "shop.saas.net", "/dir/a.css", ""),
    ('l', "https", "www.other.org", "/dir/a.css", ""),
    ('m', "https", "www.example.com", "/tagged", ""),
    ('n', "https", "www.other.org", "/tagged", ""),
    ('o', "https", "www.example.com", "/dir/a%20b(1)+c.css?q='x'", ""),
    ('p', "https", "www.example.com", "/dir/a.css?", ""),
];

const CASES: [(&str, &str, &str); 24] = [
    (SITE, r#"{"files": ["https://www.example.com/dir/a.css"]}"#, "a"),
    (SITE, r#"{"files": ["HTTPS://WWW.Example.COM:443/dir/a.css#part"]}"#, "a"),
    (SITE, r#"{"files": ["https://www.example.com/dir/a.css", "https://www.example.com/dir/A.css"]}"#, "af"),
    (SITE, r#"{"files": ["http://www.example.com/dir/a.css"]}"#, "b"),
    (SITE, r#"{"files": ["https://www.example.com/dir/a.css?v=1"]}"#, "c"),
    (SITE, r#"{"files": ["https://www.example.com/dir/a.css?"]}"#, "p"),
    (SITE, r#"{"files": ["https://www.example.com/dir/a.css?v=2"]}"#, ""),
    (SITE, r#"{"files": [{"url": "https://www.example.com/dir/a.css"}]}"#, "a"),
    (SITE, r#"{"files": [{"url": "https://www.example.com/dir/a.css", "headers": {"X-Other": "1"}}]}"#, "a"),
    (
        SITE,
        r#"{"files": [{"url": "https://www.example.com/dir/a.css", "headers": {"cf-device-TYPE": "mobile"}}]}"#,
        "d",
    ),
    (SITE, r#"{"files": [{"url": "https://www.example.com/dir/a.css", "headers": {"CF-Device-Type": "tablet"}}]}"#, ""),
    (SITE, r#"{"files": ["https://www.example.com/dir/a%2Ecss"]}"#, "g"),
    (SITE, r#"{"files": ["https://www.example.com/dir/a%2ecss"]}"#, ""),
    (SITE, r#"{"files": ["https://www.example.com/dir/../dir/a.css"]}"#, "h"),
    (SITE, r#"{"files": ["https://www.example.com/dir/a%20b(1)+c.css?q='x'"]}"#, "o"),
    (SITE, r#"{"files": ["https://www.example.com/dir/a%20b%281%29%2Bc.css?q=%27x%27"]}"#, ""),
    (SITE, r#"{"files": ["https://www.example.com"]}"#, "j"),
    (SITE, r#"{"prefixes": ["www.example.com/dir/"]}"#, "abcdfghop"),
    (SITE, r#"{"prefixes": ["WWW.example.com/dir", "assets.example.com"]}"#, "abcdefghiop"),
    (SITE, r#"{"hosts": ["WWW.example.com"]}"#, "abcdfghijmop"),
    (SITE, r#"{"hosts": ["assets.example.com", "shop.saas.net"]}"#, "ek"),
    (SITE, r#"{"tags": ["RED", "green"]}"#, "m"),
    (SITE, r#"{"purge_everything": true}"#, "abcdefghijkmop"),
    (OTHER, r#"{"purge_everything": true}"#, "ln"),
];

#[tokio::test]
async fn purges_remove_the_named_entries_and_nothing_else() {
    each_case("purge_cache", "MISS").await;
}

#[tokio::test]
async fn invalidations_expire_the_named_entries_and_nothing_else() {
    each_case("invalidate_cache", "EXPIRED").await;
}

async fn each_case(endpoint: &str, after: &str) {
    let fixture = SandboxFixture::new().await;
    for path in ["/dir/a.css", "/dir/A.css", "/dir/../dir/a.css", "/direct", "/", "/dir/a b(1)+c.css"] {
        fixture.origin.put(path, path);
    }
    fixture.origin.put_with_headers("/tagged", "tagged", &[("cache-tag", "blue, Red")]);
    for (_, status) in visit_all(&fixture).await {
        assert_eq!(status, "MISS");
    }
    for (zone_id, body, named) in CASES {
        let secret = if zone_id == SITE { SITE_TOKEN } else { OTHER_TOKEN };
        assert_eq!(fixture.send(endpoint, zone_id, secret, body).await.status(), 200, "{body}");
        let statuses = visit_all(&fixture).await;
        let evicted: String = statuses.iter().filter(|(_, status)| status == after).map(|(entry, _)| entry).collect();
        let hits = statuses.iter().filter(|(_, status)| status == "HIT").count();
        assert_eq!(evicted, named, "{body}");
        assert_eq!(evicted.len() + hits, ENTRIES.len(), "{body}: {statuses:?}");
    }
}

/// Visits all entries; all are cached afterwards.
async fn visit_all(fixture: &SandboxFixture) -> Vec<(char, String)> {
    let mut statuses = Vec::new();
    for (entry, scheme, host, target, device) in ENTRIES {
        let mut headers = vec![("x-forwarded-proto", scheme)];
        headers.extend((!device.is_empty()).then_some(("cf-device-type", device)));
        let seen = fixture.visit("GET", host, target, &headers).await;
        assert_eq!(seen.status, 200, "{entry}");
        statuses.push((entry, seen.cache().to_owned()));
    }
    statuses
}

#[tokio::test]
async fn content_is_stale_before_a_purge_and_fresh_after_it() {
    let fixture = SandboxFixture::new().await;
    let body = |seen: crate::fixture::Seen| (seen.body.clone(), seen.cache().to_owned());
    let expect = |body: &str, status: &str| (body.to_owned(), status.to_owned());
    let get = || async { body(fixture.get("www.example.com", "/a").await) };

    fixture.origin.put("/a", "one");
    assert_eq!(get().await, expect("one", "MISS"));
    fixture.origin.put("/a", "two");
    assert_eq!(get().await, expect("one", "HIT"));
    fixture.purge(r#"{"files": ["https://www.example.com/a"]}"#).await;
    assert_eq!(get().await, expect("two", "MISS"));

    fixture.origin.put("/a", "three");
    let everything = r#"{"purge_everything": true}"#;
    assert_eq!(fixture.send("invalidate_cache", SITE, SITE_TOKEN, everything).await.status(), 200);
    assert_eq!(get().await, expect("three", "EXPIRED"));
    assert_eq!(get().await, expect("three", "HIT"));
}

#[tokio::test]
async fn a_refused_purge_removes_nothing() {
    let fixture = SandboxFixture::new().await;
    fixture.origin.put("/a", "a");
    fixture.get("www.example.com", "/a").await;
    let body = r#"{"files": ["https://www.example.com/a", "https://www.other.org/a"]}"#;
    assert_eq!(fixture.purge_answer(body).await.status(), 400);
    let body = r#"{"purge_everything": true}"#;
    assert_eq!(fixture.send("purge_cache", SITE, OTHER_TOKEN, body).await.status(), 403);
    assert_eq!(fixture.get("www.example.com", "/a").await.cache(), "HIT");
}
