//! Who may ask what: routes, tokens and bodies, with the codes of Cloudflare.

use purge_router_sandbox::{SandboxToken, SandboxZone, TokenStatus};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::world::{
    ACCOUNT, NOBODYS, OTHER, OTHER_TOKEN, SITE, SITE_TOKEN, TOKEN_ID, World, builder, json as body_of, site, token,
};

/// A good body, so that only what a test is about can be refused.
const EVERYTHING: &str = r#"{"purge_everything": true}"#;

#[tokio::test]
async fn routes_and_tokens() {
    let world = World::new().await;
    for (secret, status) in [("disabled", TokenStatus::Disabled), ("expired", TokenStatus::Expired)] {
        world.sandbox.add_token(token(secret, SITE));
        assert!(world.sandbox.set_token_status(secret, status));
    }
    world.sandbox.add_token(token("stray", NOBODYS));
    world.sandbox.add_token(SandboxToken { account_id: Some(ACCOUNT.into()), ..token("of-account", SITE) });
    assert!(!world.sandbox.set_token_status("unknown", TokenStatus::Active));

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
        let mut request = world.client.request(method.clone(), format!("{}{path}", world.sandbox.api_url()));
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
    let world = World::new().await;
    let key = json!({ "email": "a@example.com", "key": "k3y" }).to_string();
    assert_eq!(world.control(Method::POST, "/global-keys", Some(&key)).await.status(), 204);
    world.sandbox.set_global_key("b@example.com", "0ther");
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
        let url = format!("{}/zones/{zone_id}/purge_cache", world.sandbox.api_url());
        let request =
            headers.iter().fold(world.client.post(url), |request, (name, value)| request.header(*name, *value));
        let response = request.body(EVERYTHING).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{zone_id} {headers:?}");
        assert_eq!(codes_of(&body_of(response).await), codes, "{zone_id} {headers:?}");
    }
    let seen = body_of(world.control(Method::GET, "/requests", None).await).await;
    assert_eq!(seen[0]["headers"]["x-auth-key"], "…", "{seen}");
}

#[tokio::test]
async fn refusals_say_what_cloudflare_says() {
    let world = World::new().await;
    let answer = world.client.post(format!("{}/zones/x/purge_cache", world.sandbox.api_url())).send().await.unwrap();
    assert_eq!(
        body_of(answer).await["errors"],
        json!([
            { "code": 7003, "message": "Could not route to /zones/x/purge_cache, perhaps your object identifier is invalid?" },
            { "code": 7000, "message": "No route for that URI" },
        ])
    );
    let url = format!("{}/zones/{SITE}/purge_cache", world.sandbox.api_url());
    let answer = world.client.post(url).send().await.unwrap();
    let chain = json!([{ "code": 6111, "message": "Invalid format for Authorization header" }]);
    assert_eq!(
        body_of(answer).await["errors"],
        json!([{ "code": 6003, "message": "Invalid request headers", "error_chain": chain }])
    );
}

#[tokio::test]
async fn a_verification_tells_the_state_of_a_token() {
    let world = World::new().await;
    let good = json!([{ "code": 10000, "message": "This API Token is valid and active" }]);
    for (status, name, messages) in [
        (TokenStatus::Active, "active", good),
        (TokenStatus::Disabled, "disabled", json!([])),
        (TokenStatus::Expired, "expired", json!([])),
    ] {
        world.sandbox.set_token_status(SITE_TOKEN, status);
        let of_account = SandboxToken { account_id: Some(ACCOUNT.into()), status, ..token("of-account", SITE) };
        world.sandbox.add_token(of_account);
        for (path, secret) in [
            ("/user/tokens/verify".to_owned(), SITE_TOKEN),
            (format!("/accounts/{ACCOUNT}/tokens/verify"), "of-account"),
        ] {
            let request = world.client.get(format!("{}{path}", world.sandbox.api_url())).bearer_auth(secret);
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
async fn bodies() {
    let world = World::of(builder()).await;
    let long_tag = "t".repeat(1025);
    let deep = format!("www.example.com{}", "/a".repeat(32));
    for (body, code, part) in [
        (String::new(), 1012, "JSON"),
        ("purge_everything".into(), 1012, "JSON"),
        ("[]".into(), 1012, "JSON"),
        (
            "{}".into(),
            1012,
            "Request must contain one of \"purge_everything\", \"files\", \"tags\", \"hosts\" or \"prefixes\"",
        ),
        (r#"{"urls": ["https://www.example.com/"]}"#.into(), 1012, "must contain one of"),
        (r#"{"purge_everything": false}"#.into(), 1012, "must be true"),
        (r#"{"purge_everything": "true"}"#.into(), 1012, "must be true"),
        (
            r#"{"purge_everything": true, "tags": ["a"]}"#.into(),
            1092,
            "Request cannot contain \"purge_everything\" and any of \"files\", \"tags\", \"hosts\" or \"prefixes\"",
        ),
        (r#"{"files": ["https://www.example.com/"], "tags": ["a"]}"#.into(), 1012, "only one of"),
        (r#"{"files": "https://www.example.com/"}"#.into(), 1014, "\"files\", \"tags\", or \"hosts\" must be an array"),
        (r#"{"prefixes": {}}"#.into(), 1014, "must be an array"),
        (r#"{"tags": null}"#.into(), 1014, "must be an array"),
        (r#"{"files": []}"#.into(), 1012, "\"files\" must not be empty"),
        (r#"{"hosts": []}"#.into(), 1012, "\"hosts\" must not be empty"),
        (many("files", "https://www.example.com/", 101), 1012, "\"files\" holds 101 items, at most 100 are allowed"),
        (many("tags", "tag", 101), 1012, "at most 100"),
        (r#"{"files": [1]}"#.into(), 1012, "strings or objects"),
        (r#"{"files": [{"headers": {}}]}"#.into(), 1012, "must have a \"url\""),
        (r#"{"files": [{"url": "https://www.example.com/", "method": "GET"}]}"#.into(), 1012, "not \"method\""),
        (r#"{"files": [{"url": "https://www.example.com/", "headers": ["a"]}]}"#.into(), 1012, "must be an object"),
        (
            r#"{"files": [{"url": "https://www.example.com/", "headers": {"a b": "c"}}]}"#.into(),
            1012,
            "names and values",
        ),
        (r#"{"files": [{"url": "https://www.example.com/", "headers": {"a": 1}}]}"#.into(), 1012, "names and values"),
        (
            r#"{"files": ["https://www.example.com/", "https://www.other.org/x"]}"#.into(),
            1082,
            "https://www.other.org/x",
        ),
        (r#"{"files": ["https://evilexample.com/"]}"#.into(), 1082, "https://evilexample.com/"),
        (r#"{"files": [{"url": "https://www.other.org/x"}]}"#.into(), 1082, "https://www.other.org/x"),
        (r#"{"files": ["www.example.com/x"]}"#.into(), 1082, "www.example.com/x"),
        (r#"{"files": ["ftp://www.example.com/x"]}"#.into(), 1082, "ftp://www.example.com/x"),
        (r#"{"files": ["https://www.example.com/a b"]}"#.into(), 1082, "https://www.example.com/a b"),
        (r#"{"files": ["https://"]}"#.into(), 1082, "https://"),
        (r#"{"hosts": ["www.other.org"]}"#.into(), 1016, "www.other.org"),
        (r#"{"hosts": ["https://www.example.com"]}"#.into(), 1016, "https://www.example.com"),
        (r#"{"hosts": [7]}"#.into(), 1012, "must hold strings"),
        (r#"{"prefixes": ["www.other.org/a/"]}"#.into(), 1016, "www.other.org/a/"),
        (r#"{"prefixes": ["https://www.example.com/a/"]}"#.into(), 1012, "has a scheme"),
        (r#"{"prefixes": ["www.example.com/a?b"]}"#.into(), 1012, "has a query"),
        (format!(r#"{{"prefixes": ["{deep}"]}}"#), 1012, "31 separators"),
        (format!(r#"{{"tags": ["{long_tag}"]}}"#), 1012, "1024"),
        (r#"{"tags": ["a b"]}"#.into(), 1012, "a b"),
        (r#"{"tags": ["é"]}"#.into(), 1012, "é"),
        (r#"{"tags": [""]}"#.into(), 1012, "1024"),
    ] {
        let response = world.purge_answer(&body).await;
        assert_eq!(response.status(), 400, "{body}");
        assert_eq!(response.headers()["ratelimit"], "\"default\";r=1200;t=300", "{body}");
        let answer = body_of(response).await;
        assert_eq!(codes_of(&answer), [code], "{body}");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(part), "{body}: {message}");
    }
    let response = world.purge_answer(EVERYTHING).await;
    assert_eq!(response.headers()["ratelimit"], "\"default\";r=24;t=12", "wrong bodies cost nothing");
}

#[tokio::test]
async fn bodies_at_the_edge_of_what_is_allowed() {
    let world = World::new().await;
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
        world.purge(&body).await;
    }
}

#[tokio::test]
async fn a_zone_can_have_its_own_number_of_urls() {
    let zone = SandboxZone { urls_per_request: Some(30), ..site() };
    let sandbox = purge_router_sandbox::Sandbox::builder().zone(zone).token(token(SITE_TOKEN, SITE));
    let world = World::of(sandbox).await;
    world.purge(&many("files", "https://www.example.com/", 30)).await;
    world.purge(&many("tags", "tag", 100)).await;
    assert_eq!(world.purge_answer(&many("files", "https://www.example.com/", 31)).await.status(), 400);
}

#[tokio::test]
async fn requests_are_recorded_as_they_came() {
    let world = World::new().await;
    let body = "{ \"files\" :[\"https://www.example.com/\u{e9}\"]}\n";
    world.purge(body).await;
    world.client.get(format!("{}/a%2fb?c=%20", world.sandbox.api_url())).send().await.unwrap();

    let [purge, get] = &world.sandbox.requests()[..] else { panic!("two requests were sent") };
    assert_eq!((purge.method.as_str(), purge.status), ("POST", Some(200)));
    assert_eq!(purge.path, format!("/client/v4/zones/{SITE}/purge_cache"));
    assert_eq!(purge.headers[AUTHORIZATION], format!("Bearer {SITE_TOKEN}"));
    assert!(!format!("{purge:?}").contains(SITE_TOKEN), "debug output has the token");
    assert_eq!(purge.body, body.as_bytes());
    assert_eq!((get.path.as_str(), get.status), ("/client/v4/a%2fb?c=%20", Some(404)));
    assert!(get.at >= purge.at);

    world.sandbox.clear_requests();
    assert!(world.sandbox.requests().is_empty());
}

#[tokio::test]
async fn every_answer_has_its_own_ray() {
    let world = World::new().await;
    world.origin.put("/", "home");
    let mut rays = std::collections::HashSet::new();
    for body in [EVERYTHING, "{}", EVERYTHING] {
        let response = world.purge_answer(body).await;
        assert_eq!(response.headers()["ratelimit"], "\"default\";r=1200;t=300");
        assert!(rays.insert(response.headers()["cf-ray"].to_str().unwrap().to_owned()));
        assert!(rays.insert(world.get("www.example.com", "/").await.header("cf-ray").unwrap().to_owned()));
    }
    assert!(rays.iter().all(|ray| ray.len() == 20 && ray.ends_with("-SBX")), "{rays:?}");
}

fn many(list: &str, item: &str, count: usize) -> String {
    json!({ list: vec![item; count] }).to_string()
}

fn codes_of(answer: &Value) -> Vec<i64> {
    answer["errors"].as_array().unwrap().iter().map(|error| error["code"].as_i64().unwrap()).collect()
}
