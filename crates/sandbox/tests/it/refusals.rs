//! Who may ask what: routes, tokens and bodies, with the codes of Cloudflare.

use purge_router_sandbox::{SandboxToken, TokenStatus};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::fixture::{
    ACCOUNT, NOBODYS, OTHER, OTHER_TOKEN, SITE, SITE_TOKEN, SandboxFixture, TOKEN_ID, json as body_of, token,
};

/// A good body, so that only what a test is about can be refused.
const EVERYTHING: &str = r#"{"purge_everything": true}"#;

#[tokio::test]
async fn routes_and_tokens() {
    let fixture = SandboxFixture::new().await;
    for (secret, status) in [("disabled", TokenStatus::Disabled), ("expired", TokenStatus::Expired)] {
        fixture.sandbox.add_token(token(secret, SITE));
        assert!(fixture.sandbox.set_token_status(secret, status));
    }
    fixture.sandbox.add_token(token("stray", NOBODYS));
    fixture.sandbox.add_token(SandboxToken { account_id: Some(ACCOUNT.into()), ..token("of-account", SITE) });
    assert!(!fixture.sandbox.set_token_status("unknown", TokenStatus::Active));

    let purge = |zone_id: &str| format!("/zones/{zone_id}/purge_cache");
    let invalidate = |zone_id: &str| format!("/zones/{zone_id}/invalidate_cache");
    let verify = "/user/tokens/verify".to_owned();
    let bearer = |secret: &str| Some(format!("Bearer {secret}"));
    let (post, get) = (Method::POST, Method::GET);
    for (method, path, authorization, status, codes) in [
        (&post, purge(SITE), bearer(SITE_TOKEN), 200, vec![]),
        (&post, purge(SITE), Some(format!("bearer {SITE_TOKEN}")), 200, vec![]),
        (&post, invalidate(SITE), bearer(SITE_TOKEN), 200, vec![]),
        (&post, purge(SITE), None, 400, vec![6003]),
        (&post, purge(SITE), Some("Bearer".into()), 400, vec![6003]),
        (&post, purge(SITE), Some("Bearer ".into()), 400, vec![6003]),
        (&post, purge(SITE), Some(SITE_TOKEN.into()), 400, vec![6003]),
        (&post, purge(SITE), Some(format!("Basic {SITE_TOKEN}")), 400, vec![6003]),
        (&post, purge(SITE), bearer("two words"), 400, vec![6003]),
        (&post, purge(SITE), bearer("unknown"), 401, vec![10000]),
        (&post, purge(SITE), bearer("disabled"), 401, vec![10000]),
        (&post, purge(SITE), bearer("expired"), 401, vec![10000]),
        (&post, purge(SITE), bearer(OTHER_TOKEN), 403, vec![10000]),
        (&post, purge(OTHER), bearer(SITE_TOKEN), 403, vec![10000]),
        (&post, invalidate(OTHER), bearer(SITE_TOKEN), 403, vec![10000]),
        (&post, purge(NOBODYS), bearer(SITE_TOKEN), 403, vec![10000]),
        (&post, purge(NOBODYS), bearer("stray"), 403, vec![10000]),
        (&post, purge(NOBODYS), bearer("unknown"), 401, vec![10000]),
        (&post, purge("example.com"), bearer(SITE_TOKEN), 404, vec![7003, 7000]),
        (&post, purge(&SITE[1..]), bearer(SITE_TOKEN), 404, vec![7003, 7000]),
        (&get, purge(SITE), bearer(SITE_TOKEN), 404, vec![7003, 7000]),
        (&get, "/zones".into(), bearer(SITE_TOKEN), 404, vec![7003, 7000]),
        (&get, verify.clone(), None, 400, vec![6003]),
        (&get, verify.clone(), bearer("unknown"), 401, vec![1000]),
        (&get, "/accounts/mine/tokens/verify".into(), bearer(SITE_TOKEN), 404, vec![7003, 7000]),
        (&get, format!("/accounts/{NOBODYS}/tokens/verify"), bearer(SITE_TOKEN), 401, vec![1000]),
        (&get, format!("/accounts/{ACCOUNT}/tokens/verify"), bearer(SITE_TOKEN), 401, vec![1000]),
        (&get, format!("/accounts/{NOBODYS}/tokens/verify"), bearer("of-account"), 401, vec![1000]),
        (&get, verify.clone(), bearer("of-account"), 401, vec![1000]),
    ] {
        let case = format!("{method} {path} {authorization:?}");
        let mut request = fixture.client.request(method.clone(), format!("{}{path}", fixture.sandbox.api_url()));
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.body(EVERYTHING).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{case}");
        let answer = body_of(response).await;
        assert_eq!(answer["success"], json!(codes.is_empty()), "{case}");
        assert_eq!(codes_of(&answer), codes, "{case}");
        assert_eq!(answer["messages"], json!([]), "{case}");
        let result = if codes.is_empty() { json!({ "id": SITE }) } else { Value::Null };
        assert_eq!(answer["result"], result, "{case}");
    }
}

#[tokio::test]
async fn a_global_key_purges_every_zone_and_a_wrong_one_none() {
    let fixture = SandboxFixture::new().await;
    let key = json!({ "email": "a@example.com", "key": "k3y" }).to_string();
    assert_eq!(fixture.control(Method::POST, "/global-keys", Some(&key)).await.status(), 204);
    fixture.sandbox.set_global_key("b@example.com", "0ther");
    let k3y = [("x-auth-email", "a@example.com"), ("x-auth-key", "k3y")];
    let bearer = ("authorization", "Bearer k3y");
    for (zone_id, headers, status, codes) in [
        (SITE, &k3y[..], 200, vec![]),
        (OTHER, &k3y, 200, vec![]),
        (NOBODYS, &k3y, 403, vec![10000]),
        (SITE, &[("x-auth-email", "a@example.com"), ("x-auth-key", "0ther")], 403, vec![9103]),
        (SITE, &[("x-auth-email", "c@example.com"), ("x-auth-key", "k3y")], 403, vec![9103]),
        (SITE, &[("x-auth-email", "a@example.com")], 403, vec![9103]),
        (SITE, &[("x-auth-key", "k3y")], 400, vec![6003]),
        (SITE, &[bearer], 401, vec![10000]),
    ] {
        let url = format!("{}/zones/{zone_id}/purge_cache", fixture.sandbox.api_url());
        let request =
            headers.iter().fold(fixture.client.post(url), |request, (name, value)| request.header(*name, *value));
        let response = request.body(EVERYTHING).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{zone_id} {headers:?}");
        assert_eq!(codes_of(&body_of(response).await), codes, "{zone_id} {headers:?}");
    }
    let seen = body_of(fixture.control(Method::GET, "/requests", None).await).await;
    assert_eq!(seen[0]["headers"]["x-auth-key"], "…", "{seen}");
}

#[tokio::test]
async fn refusals_have_cloudflares_messages() {
    let fixture = SandboxFixture::new().await;
    let answer =
        fixture.client.post(format!("{}/zones/x/purge_cache", fixture.sandbox.api_url())).send().await.unwrap();
    assert_eq!(
        body_of(answer).await["errors"],
        json!([
            { "code": 7003, "message": "Could not route to /zones/x/purge_cache, perhaps your object identifier is invalid?" },
            { "code": 7000, "message": "No route for that URI" },
        ])
    );
    let url = format!("{}/zones/{SITE}/purge_cache", fixture.sandbox.api_url());
    let answer = fixture.client.post(url).send().await.unwrap();
    let chain = json!([{ "code": 6111, "message": "Invalid format for Authorization header" }]);
    assert_eq!(
        body_of(answer).await["errors"],
        json!([{ "code": 6003, "message": "Invalid request headers", "error_chain": chain }])
    );
}

#[tokio::test]
async fn a_verification_returns_the_state_of_a_token() {
    let fixture = SandboxFixture::new().await;
    let good = json!([{ "code": 10000, "message": "This API Token is valid and active" }]);
    for (status, name, messages) in [
        (TokenStatus::Active, "active", good),
        (TokenStatus::Disabled, "disabled", json!([])),
        (TokenStatus::Expired, "expired", json!([])),
    ] {
        fixture.sandbox.set_token_status(SITE_TOKEN, status);
        let of_account = SandboxToken { account_id: Some(ACCOUNT.into()), status, ..token("of-account", SITE) };
        fixture.sandbox.add_token(of_account);
        for (path, secret) in [
            ("/user/tokens/verify".to_owned(), SITE_TOKEN),
            (format!("/accounts/{ACCOUNT}/tokens/verify"), "of-account"),
        ] {
            let request = fixture.client.get(format!("{}{path}", fixture.sandbox.api_url())).bearer_auth(secret);
            let answer = body_of(request.send().await.unwrap()).await;
            let result = json!({ "id": TOKEN_ID, "status": name });
            assert_eq!(
                answer,
                json!({ "success": true, "errors": [], "messages": messages, "result": result }),
                "{path} {name}"
            );
        }
    }
}

#[tokio::test]
async fn requests_are_recorded_as_they_came() {
    let fixture = SandboxFixture::new().await;
    let body = "{ \"files\" :[\"https://www.example.com/\u{e9}\"]}\n";
    fixture.purge(body).await;
    fixture.client.get(format!("{}/a%2fb?c=%20", fixture.sandbox.api_url())).send().await.unwrap();

    let [purge, get] = &fixture.sandbox.requests()[..] else { panic!("two requests were sent") };
    assert_eq!((purge.method.as_str(), purge.status), ("POST", Some(200)));
    assert_eq!(purge.path, format!("/client/v4/zones/{SITE}/purge_cache"));
    assert_eq!(purge.headers[AUTHORIZATION], format!("Bearer {SITE_TOKEN}"));
    assert!(!format!("{purge:?}").contains(SITE_TOKEN), "debug output has the token");
    assert_eq!(purge.body, body.as_bytes());
    assert_eq!((get.path.as_str(), get.status), ("/client/v4/a%2fb?c=%20", Some(404)));
    assert!(get.at >= purge.at);

    fixture.sandbox.clear_requests();
    assert!(fixture.sandbox.requests().is_empty());
}

#[tokio::test]
async fn every_answer_has_its_own_ray() {
    let fixture = SandboxFixture::new().await;
    fixture.origin.put("/", "home");
    let mut rays = std::collections::HashSet::new();
    for body in [EVERYTHING, "{}", EVERYTHING] {
        let response = fixture.purge_answer(body).await;
        assert_eq!(response.headers()["ratelimit"], "\"default\";r=1200;t=300");
        assert!(rays.insert(response.headers()["cf-ray"].to_str().unwrap().to_owned()));
        assert!(rays.insert(fixture.get("www.example.com", "/").await.header("cf-ray").unwrap().to_owned()));
    }
    assert!(rays.iter().all(|ray| ray.len() == 20 && ray.ends_with("-SBX")), "{rays:?}");
}

pub(crate) fn codes_of(answer: &Value) -> Vec<i64> {
    answer["errors"].as_array().unwrap().iter().map(|error| error["code"].as_i64().unwrap()).collect()
}
