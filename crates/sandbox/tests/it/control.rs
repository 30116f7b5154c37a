//! The control API: the same as the library, for tests in other languages.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::fixture::{NOBODYS, OTHER, SITE, SITE_TOKEN, SandboxFixture, TOKEN_ID, json as body_of};

const EVERYTHING: &str = r#"{"purge_everything": true}"#;

impl SandboxFixture {
    pub(crate) async fn control(&self, method: Method, path: &str, body: Option<&str>) -> Response {
        let base = self.sandbox.api_url();
        let mut request = self.client.request(method, format!("{}{path}", base.replace("/client/v4", "/_sandbox")));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        request.send().await.unwrap()
    }
}

#[tokio::test]
async fn health_and_unknown_paths() {
    let fixture = SandboxFixture::new().await;
    let answer = body_of(fixture.control(Method::GET, "/health", None).await).await;
    assert_eq!(answer["status"], "ok");
    assert_eq!(answer["zones"][0], json!({ "zone_id": SITE, "domain": "example.com" }));
    for (method, path, status) in [(Method::GET, "/else", 404), (Method::PUT, "/faults", 405)] {
        let response = fixture.control(method, path, None).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(body_of(response).await["error"].is_string(), "{path}");
    }
    assert!(fixture.sandbox.requests().is_empty(), "the control API's requests are not recorded");
}

#[tokio::test]
async fn requests_are_listed_without_secrets() {
    let fixture = SandboxFixture::new().await;
    fixture.purge(EVERYTHING).await;
    let listed = body_of(fixture.control(Method::GET, "/requests", None).await).await;
    let [request] = &listed.as_array().unwrap()[..] else { panic!("one request was sent: {listed}") };
    assert_eq!(request["method"], "POST");
    assert_eq!(request["path"], format!("/client/v4/zones/{SITE}/purge_cache"));
    assert_eq!(request["headers"]["authorization"], format!("Bearer …{}", &SITE_TOKEN[SITE_TOKEN.len() - 4..]));
    assert_eq!(request["body"], EVERYTHING);
    assert_eq!(request["status"], 200);
    assert!(request["at_milliseconds"].is_u64());
    assert!(!listed.to_string().contains(SITE_TOKEN));

    assert_eq!(fixture.control(Method::DELETE, "/requests", None).await.status(), 204);
    assert_eq!(body_of(fixture.control(Method::GET, "/requests", None).await).await, json!([]));
}

#[tokio::test]
async fn faults_are_added_and_cleared() {
    let fixture = SandboxFixture::new().await;
    let fault = json!({ "zone_id": SITE, "kind": { "status": { "status": 503, "code": 0, "message": "no" } } });
    let response = fixture.control(Method::POST, "/faults", Some(&fault.to_string())).await;
    assert_eq!(response.status(), 201);
    assert_eq!(fixture.purge_answer(EVERYTHING).await.status(), 503);
    assert_eq!(fixture.control(Method::DELETE, "/faults", None).await.status(), 204);
    fixture.purge(EVERYTHING).await;
}

#[tokio::test]
async fn tokens_are_added_and_replaced() {
    let fixture = SandboxFixture::new().await;
    let add = async |secret: &str, status: &str| {
        let token = json!({ "secret": secret, "zones": [SITE], "status": status });
        let response = fixture.control(Method::POST, "/tokens", Some(&token.to_string())).await;
        assert_eq!(response.status(), 201);
        body_of(response).await
    };
    let added = add("new-secret", "active").await;
    assert_eq!(added["id"].as_str().unwrap().len(), 32);
    assert_ne!(added["id"], TOKEN_ID);
    assert!(added.get("secret").is_none());
    assert_eq!(fixture.send("purge_cache", SITE, "new-secret", EVERYTHING).await.status(), 200);
    assert_eq!(add("new-secret", "expired").await["id"], added["id"]);
    assert_eq!(fixture.send("purge_cache", SITE, "new-secret", EVERYTHING).await.status(), 401);
    assert_eq!(add(SITE_TOKEN, "disabled").await["id"], TOKEN_ID);
    assert_eq!(fixture.purge_answer(EVERYTHING).await.status(), 401);
}

#[tokio::test]
async fn the_cache_is_listed_with_its_state() {
    let fixture = SandboxFixture::new().await;
    fixture.origin.put_with_headers("/a", "four", &[("cache-tag", "Red,blue")]);
    fixture.visit("GET", "www.example.com", "/a?b", &[("origin", "https://x"), ("x-forwarded-proto", "http")]).await;
    fixture.get("www.other.org", "/a").await;
    let invalidated = fixture.send("invalidate_cache", SITE, SITE_TOKEN, EVERYTHING).await;
    assert_eq!(invalidated.status(), 200);
    let entry = |zone_id: &str, url: &str, vary: Value, state: &str| {
        let tags = ["red", "blue"];
        json!({ "zone_id": zone_id, "url": url, "vary": vary, "tags": tags, "bytes": 4, "state": state })
    };
    assert_eq!(
        body_of(fixture.control(Method::GET, "/cache", None).await).await,
        json!([
            entry(SITE, "http://www.example.com/a?b", json!({ "origin": "https://x" }), "stale"),
            entry(OTHER, "https://www.other.org/a", json!({}), "fresh"),
        ])
    );
}

#[tokio::test]
async fn bad_input_is_named() {
    let fixture = SandboxFixture::new().await;
    let nobodys = json!({ "kind": "reset", "zone_id": NOBODYS }).to_string();
    let stray = json!({ "secret": "s", "zones": [NOBODYS] }).to_string();
    for (path, body, part) in [
        ("/faults", "{", "JSON"),
        ("/faults", "{}", "kind"),
        ("/faults", r#"{"kind": "explode"}"#, "explode"),
        ("/faults", r#"{"kind": "reset", "shares": 1}"#, "shares"),
        ("/faults", r#"{"kind": "reset", "share": 1.5}"#, "share must be from 0 to 1, not 1.5"),
        ("/faults", r#"{"kind": {"body": {"status": 99, "body": ""}}}"#, "status must be from 200 to 599, not 99"),
        ("/faults", nobodys.as_str(), NOBODYS),
        ("/tokens", r#"{"secret": "s"}"#, "zones"),
        ("/tokens", r#"{"secret": "s", "zones": [], "status": "asleep"}"#, "asleep"),
        ("/tokens", r#"{"secret": "a b", "zones": []}"#, "without spaces"),
        ("/tokens", stray.as_str(), NOBODYS),
        ("/global-keys", r#"{"email": "a@example.com"}"#, "key"),
        ("/global-keys", r#"{"email": "a b", "key": "k"}"#, "email must be printable"),
    ] {
        let response = fixture.control(Method::POST, path, Some(body)).await;
        assert_eq!(response.status(), 400, "{body}");
        let answer = body_of(response).await;
        assert!(answer["error"].as_str().unwrap().contains(part), "{body}: {answer}");
    }
    fixture.purge(EVERYTHING).await;
}
