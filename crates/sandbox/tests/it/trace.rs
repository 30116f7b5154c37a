//! Trace: who may call it, and what it shows.

use purge_router_sandbox::{SandboxToken, SandboxZone};
use serde_json::{Value, json};

use crate::fixture::{ACCOUNT, NOBODYS, SITE_TOKEN, SandboxFixture, builder, site};

const TRACER: &str = "cfut_of-the-tracer-0003";

async fn trace(fixture: &SandboxFixture, account: &str, token: &str, url: &str) -> (u16, Value) {
    let path = format!("{}/accounts/{account}/request-tracer/trace", fixture.sandbox.api_url());
    let request = fixture.client.post(path).bearer_auth(token).json(&json!({ "method": "GET", "url": url }));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn the_cache_rules_of_a_zone_are_shown_to_a_token_that_may_trace() {
    let rules = vec![json!({ "cache": true }), json!({ "cache_key": { "cache_by_device_type": true } })];
    let zone =
        SandboxZone { cache_rules: rules.clone(), zone_id: "d".repeat(32), domain: "traced.org".into(), ..site() };
    let zone = SandboxZone { hostnames: vec!["www.traced.org".into()], ..zone };
    let token = SandboxToken {
        secret: TRACER.into(),
        id: "e".repeat(32),
        traces_account: Some(ACCOUNT.into()),
        ..SandboxToken::default()
    };
    let fixture = SandboxFixture::of(builder().zone(zone).token(token)).await;
    let (status, answer) = trace(&fixture, ACCOUNT, TRACER, "https://www.traced.org/a.css").await;
    assert_eq!((status, &answer["result"]["status_code"]), (200, &json!(200)), "{answer}");
    let ruleset = &answer["result"]["trace"][1]["trace"][0];
    let shown: Vec<&Value> =
        ruleset["trace"].as_array().unwrap().iter().map(|rule| &rule["action_parameters"]).collect();
    assert_eq!(shown, rules.iter().collect::<Vec<_>>());
    let (_, without_rules) = trace(&fixture, ACCOUNT, TRACER, "https://www.example.com/").await;
    assert_eq!(without_rules["result"]["trace"][1]["matched"], json!(false), "{without_rules}");

    for (account, token, url, status, code) in [
        (ACCOUNT, SITE_TOKEN, "https://www.traced.org/", 403, 10000),
        (ACCOUNT, "cfut_nobody", "https://www.traced.org/", 401, 10000),
        (NOBODYS, TRACER, "https://www.traced.org/", 403, 10000),
        (ACCOUNT, TRACER, "https://www.other.org/", 400, 1002),
    ] {
        let (found, answer) = trace(&fixture, account, token, url).await;
        assert_eq!((found, answer["errors"][0]["code"].as_i64()), (status, Some(code)), "{answer}");
    }
}
