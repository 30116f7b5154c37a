//! Which bodies a purge may have, and how wrong ones are refused.

use purge_router_sandbox::{Sandbox, SandboxZone};
use serde_json::json;

use crate::fixture::{SITE, SITE_TOKEN, SandboxFixture, builder, json as body_of, site, token};
use crate::refusals::codes_of;

const EVERYTHING: &str = r#"{"purge_everything": true}"#;

/// A wrong body, the code of its refusal, and a part of the message.
const WRONG: &[(&str, i64, &str)] = &[
    ("", 1012, "JSON"),
    ("purge_everything", 1012, "JSON"),
    ("[]", 1012, "JSON"),
    ("{}", 1012, "Request must contain one of \"purge_everything\", \"files\", \"tags\", \"hosts\" or \"prefixes\""),
    (r#"{"urls": ["https://www.example.com/"]}"#, 1012, "must contain one of"),
    (r#"{"purge_everything": false}"#, 1012, "must be true"),
    (r#"{"purge_everything": "true"}"#, 1012, "must be true"),
    (
        r#"{"purge_everything": true, "tags": ["a"]}"#,
        1092,
        "Request cannot contain \"purge_everything\" and any of \"files\", \"tags\", \"hosts\" or \"prefixes\"",
    ),
    (r#"{"files": ["https://www.example.com/"], "tags": ["a"]}"#, 1012, "only one of"),
    (r#"{"files": "https://www.example.com/"}"#, 1014, "\"files\", \"tags\", or \"hosts\" must be an array"),
    (r#"{"prefixes": {}}"#, 1014, "must be an array"),
    (r#"{"tags": null}"#, 1014, "must be an array"),
    (r#"{"files": []}"#, 1012, "\"files\" must not be empty"),
    (r#"{"hosts": []}"#, 1012, "\"hosts\" must not be empty"),
    (r#"{"files": [1]}"#, 1012, "strings or objects"),
    (r#"{"files": [{"headers": {}}]}"#, 1012, "must have a \"url\""),
    (r#"{"files": [{"url": "https://www.example.com/", "method": "GET"}]}"#, 1012, "not \"method\""),
    (r#"{"files": [{"url": "https://www.example.com/", "headers": ["a"]}]}"#, 1012, "must be an object"),
    (r#"{"files": [{"url": "https://www.example.com/", "headers": {"a b": "c"}}]}"#, 1012, "names and values"),
    (r#"{"files": [{"url": "https://www.example.com/", "headers": {"a": 1}}]}"#, 1012, "names and values"),
    (r#"{"files": ["https://www.example.com/", "https://www.other.org/x"]}"#, 1082, "https://www.other.org/x"),
    (r#"{"files": ["https://evilexample.com/"]}"#, 1082, "https://evilexample.com/"),
    (r#"{"files": [{"url": "https://www.other.org/x"}]}"#, 1082, "https://www.other.org/x"),
    (r#"{"files": ["www.example.com/x"]}"#, 1082, "www.example.com/x"),
    (r#"{"files": ["ftp://www.example.com/x"]}"#, 1082, "ftp://www.example.com/x"),
    (r#"{"files": ["https://www.example.com/a b"]}"#, 1082, "https://www.example.com/a b"),
    (r#"{"files": ["https://"]}"#, 1082, "https://"),
    (r#"{"hosts": ["www.other.org"]}"#, 1016, "www.other.org"),
    (r#"{"hosts": ["https://www.example.com"]}"#, 1016, "https://www.example.com"),
    (r#"{"hosts": [7]}"#, 1012, "must hold strings"),
    (r#"{"prefixes": ["www.other.org/a/"]}"#, 1016, "www.other.org/a/"),
    (r#"{"prefixes": ["https://www.example.com/a/"]}"#, 1012, "has a scheme"),
    (r#"{"prefixes": ["www.example.com/a?b"]}"#, 1012, "has a query"),
    (r#"{"tags": ["a b"]}"#, 1012, "a b"),
    (r#"{"tags": ["é"]}"#, 1012, "é"),
    (r#"{"tags": [""]}"#, 1012, "1024"),
];

#[tokio::test]
async fn a_wrong_body_is_refused_with_its_code_and_costs_nothing() {
    let fixture = SandboxFixture::of(builder()).await;
    let long_tag = "t".repeat(1025);
    let deep = format!("www.example.com{}", "/a".repeat(32));
    let too_large = [
        (many("files", "https://www.example.com/", 101), 1012, "\"files\" holds 101 items, at most 100 are allowed"),
        (many("tags", "tag", 101), 1012, "at most 100"),
        (format!(r#"{{"prefixes": ["{deep}"]}}"#), 1012, "31 separators"),
        (format!(r#"{{"tags": ["{long_tag}"]}}"#), 1012, "1024"),
    ];
    let wrong = WRONG.iter().map(|(body, code, part)| ((*body).to_owned(), *code, *part));
    for (body, code, part) in wrong.chain(too_large) {
        let response = fixture.purge_answer(&body).await;
        assert_eq!(response.status(), 400, "{body}");
        assert_eq!(response.headers()["ratelimit"], "\"default\";r=1200;t=300", "{body}");
        let answer = body_of(response).await;
        assert_eq!(codes_of(&answer), [code], "{body}");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(part), "{body}: {message}");
    }
    let response = fixture.purge_answer(EVERYTHING).await;
    assert_eq!(response.headers()["ratelimit"], "\"default\";r=24;t=12", "wrong bodies cost nothing");
}

#[tokio::test]
async fn the_largest_bodies_are_accepted() {
    let fixture = SandboxFixture::new().await;
    let tag = "t".repeat(1024);
    let deep = format!("www.example.com{}", "/a".repeat(31));
    for body in [
        many("files", "https://www.example.com/", 100),
        many("hosts", "www.example.com", 100),
        format!(r#"{{"tags": ["{tag}"]}}"#),
        format!(r#"{{"prefixes": ["{deep}"]}}"#),
        r#"{"files": ["https://example.com", "http://a.b.example.com/", "https://shop.saas.net/x"]}"#.into(),
        r#"{"files": [{"url": "https://www.example.com/"}, {"url": "https://www.example.com/", "headers": {"Origin": "x"}}]}"#.into(),
        r#"{"hosts": ["EXAMPLE.com", "shop.saas.net"]}"#.into(),
        r#"{"prefixes": ["www.example.com"]}"#.into(),
    ] {
        fixture.purge(&body).await;
    }
}

#[tokio::test]
async fn a_zone_can_have_its_own_number_of_urls() {
    let zone = SandboxZone { urls_per_request: Some(30), ..site() };
    let sandbox = Sandbox::builder().zone(zone).token(token(SITE_TOKEN, SITE));
    let fixture = SandboxFixture::of(sandbox).await;
    fixture.purge(&many("files", "https://www.example.com/", 30)).await;
    fixture.purge(&many("tags", "tag", 100)).await;
    assert_eq!(fixture.purge_answer(&many("files", "https://www.example.com/", 31)).await.status(), 400);
}

fn many(list: &str, item: &str, count: usize) -> String {
    json!({ list: vec![item; count] }).to_string()
}
