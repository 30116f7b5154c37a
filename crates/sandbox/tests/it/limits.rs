//! Rate limits over HTTP. How buckets count is tested beside them.

use std::time::Duration;

use purge_router_core::limits::CloudflarePlan;
use purge_router_sandbox::{Sandbox, SandboxToken, SandboxZone};
use serde_json::json;
use tokio::task::JoinSet;

use crate::fixture::{
    ACCOUNT, OTHER, OTHER_TOKEN, SITE, SITE_TOKEN, SandboxFixture, builder, json as body_of, other, site, token,
};
use crate::refusals::codes_of;

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

/// Sends a request, and returns the status, the codes of the errors and `Retry-After`.
async fn seen(response: reqwest::Response) -> (u16, Vec<i64>, Option<String>) {
    let wait = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), codes_of(&body_of(response).await), wait)
}

#[tokio::test]
async fn an_address_has_200_requests_a_second() {
    let fixture = SandboxFixture::of(builder()).await;
    let url = r#"{"files": ["https://www.example.com/a"]}"#;
    let purge = |number| {
        // They count whether they are accepted or not, and whether they name URLs or not.
        let (body, secret) = if number % 2 == 0 { (url, SITE_TOKEN) } else { (EVERYTHING, "cfut_unknown") };
        let request = fixture.client.post(format!("{}/zones/{SITE}/purge_cache", fixture.sandbox.api_url()));
        let request = request.bearer_auth(secret).body(body).send();
        async move { request.await.unwrap().status().as_u16() }
    };
    let mut statuses = Vec::new();
    // A slow machine may need more than a second for the first ones.
    while !statuses.contains(&429) && statuses.len() < 2000 {
        let requests: JoinSet<u16> = (0..400).map(purge).collect();
        statuses.extend(requests.join_all().await);
    }
    let passed = statuses.iter().filter(|status| **status != 429).count();
    assert!((200..statuses.len()).contains(&passed), "{passed} of {} passed", statuses.len());
    let (status, codes, wait) = seen(fixture.purge_answer(url).await).await;
    assert_eq!((status, codes, wait.as_deref()), (429, vec![971], Some("1")));
    fixture.sandbox.advance_clock(Duration::from_secs(1));
    assert_eq!(fixture.purge_answer(url).await.status(), 200);
}

#[tokio::test]
async fn a_caller_beyond_1200_calls_is_blocked_for_five_minutes() {
    let user = SandboxToken { secret: "cfut_second".into(), id: "6".repeat(32), ..SandboxToken::default() };
    let account_id = Some(ACCOUNT.to_owned());
    let of_account = token("cfat_of-an-account", SITE);
    let of_account = SandboxToken { id: "7".repeat(32), account_id, ..of_account };
    let fixture = SandboxFixture::of(builder().token(user).token(of_account)).await;
    let verify = || async {
        let url = format!("{}/user/tokens/verify", fixture.sandbox.api_url());
        fixture.client.get(url).bearer_auth("cfut_second").send().await.unwrap()
    };
    for call in 0..1200 {
        if call % 150 == 0 {
            fixture.sandbox.advance_clock(Duration::from_secs(1));
        }
        assert_eq!(verify().await.status(), 200, "call {call}");
    }
    fixture.sandbox.advance_clock(Duration::from_secs(1));
    let url = r#"{"files": ["https://www.example.com/a"]}"#;
    assert_eq!(fixture.purge_answer(url).await.status(), 200, "a purge by URL is no call");
    let (status, codes, wait) = seen(fixture.purge_answer(EVERYTHING).await).await;
    assert_eq!((status, codes, wait.as_deref()), (429, vec![10429], Some("300")));
    let (status, codes, _) = seen(fixture.purge_answer(url).await).await;
    assert_eq!((status, codes), (429, vec![10429]), "also by URL, and with another token of the user");
    assert_eq!(verify().await.status(), 429);
    let response = fixture.send("purge_cache", SITE, "cfat_of-an-account", EVERYTHING).await;
    assert_eq!(response.status(), 200, "a token of an account counts for itself");
    fixture.sandbox.advance_clock(Duration::from_secs(300));
    assert_eq!(fixture.purge_answer(EVERYTHING).await.status(), 200);
}
