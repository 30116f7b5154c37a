//! Rate limits over HTTP. How buckets count is tested beside them.

use purge_router_core::limits::CloudflarePlan;
use purge_router_sandbox::{Sandbox, SandboxZone};
use serde_json::json;

use crate::fixture::{
    ACCOUNT, OTHER, OTHER_TOKEN, SITE, SITE_TOKEN, SandboxFixture, builder, json as body_of, other, site, token,
};

const EVERYTHING: &str = r#"{"purge_everything": true}"#;

#[tokio::test]
async fn an_empty_bucket_answers_429_with_retry_after() {
    let fixture = SandboxFixture::of(builder()).await;
    fixture.origin.put("/a", "a");
    for request in 1..=25 {
        let endpoint = if request % 2 == 0 { "purge_cache" } else { "invalidate_cache" };
        let response = fixture.send(endpoint, SITE, SITE_TOKEN, EVERYTHING).await;
        assert_eq!(response.status(), 200, "request {request}");
        let expected = format!("\"default\";r={};t={}", 25 - request, request * 12);
        assert_eq!(response.headers()["ratelimit"], expected, "request {request}");
    }
    fixture.get("www.example.com", "/a").await;
    let response = fixture.purge_answer(EVERYTHING).await;
    assert_eq!(response.status(), 429);
    let wait: u32 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((10..=12).contains(&wait), "{wait}");
    assert_eq!(response.headers()["ratelimit"], format!("\"default\";r=0;t={wait}"));
    let message = "Unable to purge, rate limit reached. Please wait and consider throttling your request speed";
    assert_eq!(body_of(response).await["errors"], json!([{ "code": 1134, "message": message }]));
    assert_eq!(fixture.get("www.example.com", "/a").await.cache(), "HIT", "a limited purge removes nothing");

    let url = r#"{"files": ["https://www.example.com/a"]}"#;
    assert_eq!(fixture.purge_answer(url).await.status(), 200, "purges by URL have their own bucket");
    let response = fixture.send("purge_cache", OTHER, OTHER_TOKEN, EVERYTHING).await;
    assert_eq!(response.status(), 200, "the other zone is of another account");
}

#[tokio::test]
async fn each_url_counts() {
    let zone = SandboxZone { urls_per_request: Some(900), ..site() };
    let fixture = SandboxFixture::of(Sandbox::builder().zone(zone).token(token(SITE_TOKEN, SITE))).await;
    let urls = |count| json!({ "files": vec!["https://www.example.com/"; count] }).to_string();
    let response = fixture.purge_answer(&urls(801)).await;
    assert_eq!(response.status(), 429, "more than the bucket ever holds");
    assert_eq!(response.headers()["retry-after"], "1");
    let response = fixture.purge_answer(&urls(800)).await;
    assert_eq!(response.status(), 200, "a refusal costs nothing");
    assert_eq!(response.headers()["ratelimit"], "\"default\";r=0;t=1");
}

#[tokio::test]
async fn zones_of_one_account_share_if_they_are_on_one_plan() {
    for (plan, status) in [(CloudflarePlan::Free, 429), (CloudflarePlan::Pro, 200)] {
        let zone = SandboxZone { account_id: Some(ACCOUNT.into()), plan, ..other() };
        let tokens = Sandbox::builder().zone(site()).zone(zone).token(token(SITE_TOKEN, SITE));
        let fixture = SandboxFixture::of(tokens.token(token(OTHER_TOKEN, OTHER))).await;
        for _ in 0..25 {
            fixture.purge(EVERYTHING).await;
        }
        assert_eq!(fixture.send("purge_cache", OTHER, OTHER_TOKEN, EVERYTHING).await.status(), status, "{plan:?}");
    }
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let fixture = SandboxFixture::of(builder().rate_limits(false)).await;
    for _ in 0..60 {
        fixture.purge(EVERYTHING).await;
    }
}
