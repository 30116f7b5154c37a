//! The API of tokens: who may create which tokens, and what those may do.

use std::time::Duration;

use purge_router_sandbox::SandboxToken;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{ACCOUNT, NOBODYS, OTHER, SITE, SITE_TOKEN, SandboxFixture, json};

const CACHE_PURGE: &str = "e17beae8b8cb423a99b1730f21238bed";
const MANAGER: &str = "cfut_manager";
const ACCOUNTS_MANAGER: &str = "cfat_manager";
const USER: &str = "/user/tokens";

fn account() -> String {
    format!("/accounts/{ACCOUNT}/tokens")
}

async fn fixture() -> SandboxFixture {
    let fixture = SandboxFixture::new().await;
    let manager =
        SandboxToken { secret: MANAGER.into(), id: "2".repeat(32), manages_tokens: true, ..SandboxToken::default() };
    fixture.sandbox.add_token(manager.clone());
    let account_id = Some(ACCOUNT.to_owned());
    let (secret, id) = (ACCOUNTS_MANAGER.into(), "3".repeat(32));
    fixture.sandbox.add_token(SandboxToken { secret, id, account_id, ..manager });
    fixture
}

async fn call(fixture: &SandboxFixture, method: Method, path: &str, secret: &str, body: Option<Value>) -> (u16, Value) {
    let request = fixture.client.request(method, format!("{}{path}", fixture.sandbox.api_url())).bearer_auth(secret);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), json(answer).await)
}

fn purging(zone_id: &str) -> Value {
    json!({ "name": "purge", "policies": [{ "effect": "allow",
        "resources": { format!("com.cloudflare.api.account.zone.{zone_id}"): "*" },
        "permission_groups": [{ "id": CACHE_PURGE }] }] })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

async fn created(fixture: &SandboxFixture, base: &str, by: &str, body: Value) -> (String, String) {
    let (status, answer) = call(fixture, Method::POST, base, by, Some(body)).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    let text = |name: &str| answer["result"][name].as_str().unwrap().to_owned();
    (text("id"), text("value"))
}

async fn purges(fixture: &SandboxFixture, secret: &str, zone_id: &str) -> u16 {
    fixture.send("purge_cache", zone_id, secret, r#"{"purge_everything": true}"#).await.status().as_u16()
}

#[tokio::test]
async fn a_token_works_from_its_creation_to_its_deletion() {
    let fixture = fixture().await;
    for (base, by, prefix) in [(USER.to_owned(), MANAGER, "cfut_"), (account(), ACCOUNTS_MANAGER, "cfat_")] {
        let (id, secret) = created(&fixture, &base, by, purging(SITE)).await;
        assert!(secret.starts_with(prefix) && secret.len() > 40, "{secret}");
        assert_eq!((purges(&fixture, &secret, SITE).await, purges(&fixture, &secret, OTHER).await), (200, 403));
        let (_, verified) = call(&fixture, Method::GET, &format!("{base}/verify"), &secret, None).await;
        assert_eq!(verified["result"], json!({ "id": id, "status": "active" }));

        let (_, listed) = call(&fixture, Method::GET, &base, by, None).await;
        let mine = listed["result"].as_array().unwrap().iter().find(|token| token["id"] == json!(id)).unwrap().clone();
        assert_eq!(mine["policies"][0]["permission_groups"], json!([{ "id": CACHE_PURGE, "name": "Cache Purge" }]));
        assert!(!listed.to_string().contains(&secret), "no list tells a secret");
        let (_, read) = call(&fixture, Method::GET, &format!("{base}/{id}"), by, None).await;
        assert_eq!(read["result"], mine);

        let (status, rolled) = call(&fixture, Method::PUT, &format!("{base}/{id}/value"), by, Some(json!({}))).await;
        let new = rolled["result"].as_str().unwrap();
        assert_eq!((status, new == secret), (200, false));
        assert_eq!((purges(&fixture, &secret, SITE).await, purges(&fixture, new, SITE).await), (401, 200), "at once");
        let (_, read) = call(&fixture, Method::GET, &format!("{base}/{id}"), by, None).await;
        assert_eq!(read["result"]["policies"], mine["policies"]);

        let (status, deleted) = call(&fixture, Method::DELETE, &format!("{base}/{id}"), by, None).await;
        assert_eq!((status, &deleted["result"]), (200, &json!({ "id": id })));
        assert_eq!(purges(&fixture, new, SITE).await, 401);
        for (method, path) in [(Method::GET, ""), (Method::DELETE, ""), (Method::PUT, "/value")]
            .map(|(method, end)| (method, format!("{base}/{id}{end}")))
        {
            let (status, answer) = call(&fixture, method, &path, by, None).await;
            assert_eq!((status, &answer["errors"][0]["code"]), (404, &json!(1003)), "{path}");
        }
    }
}

#[tokio::test]
async fn managing_tokens_needs_the_permission() {
    let fixture = fixture().await;
    let (id, of_user) = created(&fixture, USER, MANAGER, purging(SITE)).await;
    for (base, by, status) in [
        (USER.to_owned(), SITE_TOKEN, 403),
        (USER.to_owned(), ACCOUNTS_MANAGER, 403),
        (account(), MANAGER, 403),
        (format!("/accounts/{NOBODYS}/tokens"), ACCOUNTS_MANAGER, 403),
        (USER.to_owned(), "unknown", 401),
        ("/accounts/nonsense/tokens".to_owned(), ACCOUNTS_MANAGER, 404),
    ] {
        for (method, end, body) in [
            (Method::GET, String::new(), None),
            (Method::POST, String::new(), Some(purging(SITE))),
            (Method::GET, format!("/{id}"), None),
            (Method::DELETE, format!("/{id}"), None),
            (Method::PUT, format!("/{id}/value"), Some(json!({}))),
            (Method::GET, "/permission_groups".to_owned(), None),
        ] {
            let (seen, answer) = call(&fixture, method.clone(), &format!("{base}{end}"), by, body).await;
            assert_eq!((seen, &answer["success"]), (status, &json!(false)), "{method} {base}{end} by {by}");
        }
    }
    assert_eq!(purges(&fixture, &of_user, SITE).await, 200, "nothing became of it");
    // One that may only read.
    let reader = json!({ "name": "reader", "policies": [{ "effect": "allow",
        "resources": { "com.cloudflare.api.user.7c5dae5552338874e5053f2534d2767a": "*" },
        "permission_groups": [{ "id": "0cc3a61731504c89b99ec1be78b77aa0" }] }] });
    let (_, reader) = created(&fixture, USER, MANAGER, reader).await;
    assert_eq!(call(&fixture, Method::GET, USER, &reader, None).await.0, 200);
    assert_eq!(call(&fixture, Method::DELETE, &format!("{USER}/{id}"), &reader, None).await.0, 403);
}

#[tokio::test]
async fn a_token_may_do_what_its_policies_allow() {
    let fixture = fixture().await;
    let zone = |id: &str| format!("com.cloudflare.api.account.zone.{id}");
    let of_account = format!("com.cloudflare.api.account.{ACCOUNT}");
    let policy = |effect: &str, resources: Value| json!({ "effect": effect, "resources": resources, "permission_groups": [{ "id": CACHE_PURGE }] });
    for (policies, site, other) in [
        (json!([policy("allow", json!({ zone(SITE): "*", zone(OTHER): "*" }))]), 200, 200),
        (json!([policy("allow", json!({ "com.cloudflare.api.account.zone.*": "*" }))]), 200, 200),
        (json!([policy("allow", json!({ of_account.clone(): "*" }))]), 200, 403),
        (
            json!([policy("allow", json!({ of_account.clone(): { "com.cloudflare.api.account.zone.*": "*" } }))]),
            200,
            403,
        ),
        (
            json!([
                policy("allow", json!({ "com.cloudflare.api.account.zone.*": "*" })),
                policy("deny", json!({ zone(SITE): "*" }))
            ]),
            403,
            200,
        ),
    ] {
        let (_, secret) = created(&fixture, USER, MANAGER, json!({ "name": "t", "policies": policies })).await;
        assert_eq!(
            (purges(&fixture, &secret, SITE).await, purges(&fixture, &secret, OTHER).await),
            (site, other),
            "{policies}"
        );
    }
}

#[tokio::test]
async fn a_token_works_only_in_its_period_and_from_its_addresses() {
    let fixture = fixture().await;
    let in_an_hour = time::OffsetDateTime::now_utc().replace_nanosecond(0).unwrap() + Duration::from_secs(3600);
    let in_an_hour = json!(in_an_hour.format(&time::format_description::well_known::Rfc3339).unwrap());
    let (_, later) = created(&fixture, USER, MANAGER, with(purging(SITE), "not_before", in_an_hour.clone())).await;
    assert_eq!(purges(&fixture, &later, SITE).await, 401);
    let (_, timed) = created(&fixture, USER, MANAGER, with(purging(SITE), "expires_on", in_an_hour.clone())).await;
    assert_eq!(purges(&fixture, &timed, SITE).await, 200);
    let (_, verified) = call(&fixture, Method::GET, "/user/tokens/verify", &timed, None).await;
    assert_eq!(verified["result"]["expires_on"], in_an_hour);
    fixture.sandbox.advance_clock(Duration::from_secs(3600));
    assert_eq!((purges(&fixture, &later, SITE).await, purges(&fixture, &timed, SITE).await), (200, 401));
    let (_, verified) = call(&fixture, Method::GET, "/user/tokens/verify", &timed, None).await;
    assert_eq!((&verified["success"], &verified["result"]["status"]), (&json!(true), &json!("expired")));

    for (addresses, status) in [
        (json!({ "in": ["127.0.0.0/8"] }), 200),
        (json!({ "in": ["192.0.2.0/24"] }), 403),
        (json!({ "in": ["127.0.0.0/8"], "not_in": ["127.0.0.1/32"] }), 403),
    ] {
        let body = with(purging(SITE), "condition", json!({ "request.ip": addresses }));
        let (id, secret) = created(&fixture, USER, MANAGER, body).await;
        let answer = fixture.send("purge_cache", SITE, &secret, r#"{"purge_everything": true}"#).await;
        let seen = answer.status().as_u16();
        assert_eq!(seen, status, "{addresses}");
        if status == 403 {
            assert_eq!(json(answer).await["errors"][0]["code"], 9109);
        }
        let (_, read) = call(&fixture, Method::GET, &format!("{USER}/{id}"), MANAGER, None).await;
        assert_eq!(read["result"]["condition"], json!({ "request.ip": addresses }));
    }
}

#[tokio::test]
async fn an_invalid_token_is_not_created() {
    let fixture = fixture().await;
    let policy = |name: &str, value: Value| {
        with(purging(SITE), "policies", json!([with(purging(SITE)["policies"][0].clone(), name, value)]))
    };
    for (body, part) in [
        (json!({}), "name"),
        (json!({ "name": "t", "policies": [] }), "policies are missing"),
        (with(purging(SITE), "name", json!("x".repeat(121))), "1 to 120 characters"),
        (with(purging(SITE), "name", json!("")), "1 to 120 characters"),
        (policy("resources", json!({})), "resources"),
        (policy("permission_groups", json!([{ "id": "nonsense" }])), "permission group \"nonsense\" not found"),
        (policy("effect", json!("perhaps")), "perhaps"),
        (policy("resources", json!({ "com.cloudflare.api.user.x": "*" })), "does not apply to the resource"),
        (with(purging(SITE), "expires_on", json!("2020-01-01T00:00:00Z")), "expires_on has passed"),
        (with(purging(SITE), "not_before", json!("tomorrow")), "not_before \"tomorrow\" is not a time"),
        (with(purging(SITE), "condition", json!({ "request.ip": { "in": ["here"] } })), "\"here\" is not a range"),
    ] {
        let (status, answer) = call(&fixture, Method::POST, USER, MANAGER, Some(body)).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains(part), "{part}: {answer}");
    }
}

#[tokio::test]
async fn lists_have_pages_and_a_user_has_a_limit() {
    let fixture = fixture().await;
    let mut left = 0;
    let refused = loop {
        let (status, answer) = call(&fixture, Method::POST, USER, MANAGER, Some(purging(SITE))).await;
        if status != 200 {
            break answer;
        }
        left += 1;
    };
    // The token that manages the others, and the two of the fixture.
    assert_eq!(left + 3, 50, "{refused}");
    let mut seen = Vec::new();
    for page in 1..=4 {
        let (_, listed) = call(&fixture, Method::GET, &format!("{USER}?page={page}&per_page=15"), MANAGER, None).await;
        let of_page = listed["result"].as_array().unwrap();
        let info = json!({ "page": page, "per_page": 15, "count": of_page.len(), "total_count": 50 });
        assert_eq!(listed["result_info"], info);
        seen.extend(of_page.iter().map(|token| token["id"].as_str().unwrap().to_owned()));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 50);
    let (_, groups) = call(&fixture, Method::GET, &format!("{USER}/permission_groups"), MANAGER, None).await;
    let purge = groups["result"].as_array().unwrap().iter().find(|group| group["name"] == "Cache Purge").unwrap();
    assert_eq!(
        *purge,
        json!({ "id": CACHE_PURGE, "name": "Cache Purge", "scopes": ["com.cloudflare.api.account.zone"] })
    );
}
