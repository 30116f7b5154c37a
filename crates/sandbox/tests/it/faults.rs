//! Injected faults, as a client sees them.

use std::time::{Duration, Instant};

use purge_router_sandbox::{Fault, FaultKind, PurgeMethod};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixture::{OTHER, OTHER_TOKEN, SITE, SITE_TOKEN, SandboxFixture, json as body_of};

const EVERYTHING: &str = r#"{"purge_everything": true}"#;

fn once(kind: FaultKind) -> Fault {
    Fault { times: Some(1), ..Fault::new(kind) }
}

#[tokio::test]
async fn a_status_has_cloudflares_envelope() {
    let fixture = SandboxFixture::new().await;
    let message = "Please wait".to_owned();
    fixture.sandbox.add_fault(once(FaultKind::Status { status: 429, code: 971, message, retry_after: Some(7) }));
    let response = fixture.purge_answer(EVERYTHING).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
    assert!(response.headers().contains_key("cf-ray"));
    let errors = json!([{ "code": 971, "message": "Please wait" }]);
    let expected = json!({ "success": false, "errors": errors, "messages": [], "result": null });
    assert_eq!(body_of(response).await, expected);
    fixture.purge(EVERYTHING).await;
}

#[tokio::test]
async fn a_body_can_be_anything() {
    let fixture = SandboxFixture::new().await;
    fixture.sandbox.add_fault(once(FaultKind::Body { status: 502, body: "<html>502</html>".into() }));
    let response = fixture.purge_answer(EVERYTHING).await;
    assert_eq!(response.status(), 502);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(response.text().await.unwrap(), "<html>502</html>");
}

#[tokio::test]
async fn a_delayed_request_continues_normally() {
    let fixture = SandboxFixture::new().await;
    fixture.sandbox.add_fault(once(FaultKind::Delay { milliseconds: 150 }));
    let started = Instant::now();
    fixture.purge(EVERYTHING).await;
    assert!(started.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_reset_closes_the_connection_without_an_answer() {
    let fixture = SandboxFixture::new().await;
    fixture.sandbox.add_fault(Fault { times: Some(2), ..Fault::new(FaultKind::Reset) });
    let url = format!("{}/zones/{SITE}/purge_cache", fixture.sandbox.api_url());
    let error = fixture.client.post(&url).bearer_auth(SITE_TOKEN).body(EVERYTHING).send().await.unwrap_err();
    assert!(error.is_request() && error.status().is_none() && !error.is_timeout(), "{error:?}");

    let address = fixture.sandbox.api_url();
    let mut stream =
        TcpStream::connect(address.trim_start_matches("http://").trim_end_matches("/client/v4")).await.unwrap();
    stream.write_all(b"GET /client/v4/user/tokens/verify HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 64])).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);

    fixture.purge(EVERYTHING).await;
    let statuses: Vec<_> = fixture.sandbox.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [None, None, Some(200)]);
}

#[tokio::test]
async fn a_hang_lasts_until_the_client_disconnects() {
    let fixture = SandboxFixture::new().await;
    fixture.sandbox.add_fault(once(FaultKind::Hang));
    let url = format!("{}/zones/{SITE}/purge_cache", fixture.sandbox.api_url());
    let request = fixture.client.post(&url).bearer_auth(SITE_TOKEN).body(EVERYTHING);
    let error = request.timeout(Duration::from_millis(400)).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    fixture.purge(EVERYTHING).await;
    assert_eq!(fixture.sandbox.requests()[0].status, None);
}

#[tokio::test]
async fn a_bad_item_is_refused_at_any_position() {
    let fixture = SandboxFixture::new().await;
    let url = "https://www.example.com/bad".to_owned();
    fixture.sandbox.add_fault(Fault::new(FaultKind::RejectUrl { url }));
    for (body, status) in [
        (r#"{"files": ["https://www.example.com/a", "https://www.example.com/bad"]}"#, 400),
        (r#"{"files": [{"url": "https://www.example.com/bad"}]}"#, 400),
        (r#"{"files": ["https://www.example.com/a"]}"#, 200),
        (r#"{"prefixes": ["www.example.com/bad"]}"#, 200),
    ] {
        let response = fixture.purge_answer(body).await;
        assert_eq!(response.status(), status, "{body}");
        if status == 400 {
            let answer = body_of(response).await;
            assert_eq!(answer["errors"][0]["code"], 1082);
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains("https://www.example.com/bad"));
        }
    }
}

/// Status, code and message of a refused purge; status and null for an accepted one.
async fn answer_to(fixture: &SandboxFixture, body: &str) -> (u16, Value, Value) {
    let response = fixture.purge_answer(body).await;
    let status = response.status().as_u16();
    let error = body_of(response).await["errors"].get(0).cloned().unwrap_or_default();
    (status, error["code"].clone(), error["message"].clone())
}

#[tokio::test]
async fn a_bad_host_is_refused_in_each_method_that_names_it() {
    let fixture = SandboxFixture::new().await;
    fixture.sandbox.add_fault(Fault::new(FaultKind::RejectHost { host: "Assets.example.com".into() }));
    for (body, code) in [
        (r#"{"files": ["https://www.example.com/a", "https://assets.example.com/b"]}"#, Some(1082)),
        (r#"{"files": ["https://www.example.com/a"]}"#, None),
        (r#"{"hosts": ["www.example.com", "ASSETS.example.com"]}"#, Some(1016)),
        (r#"{"hosts": ["www.example.com"]}"#, None),
        (r#"{"prefixes": ["assets.example.com/dir/"]}"#, Some(1016)),
        (r#"{"prefixes": ["www.example.com/dir/"]}"#, None),
        (r#"{"tags": ["assets.example.com"]}"#, None),
        (EVERYTHING, None),
    ] {
        let (status, answered_code, message) = answer_to(&fixture, body).await;
        assert_eq!((status, answered_code), (if code.is_some() { 400 } else { 200 }, json!(code)), "{body}");
        assert_eq!(message.as_str().is_some_and(|text| text.contains("assets.example.com")), code.is_some(), "{body}");
    }
}

#[tokio::test]
async fn a_method_that_the_plan_lacks_is_refused_as_a_whole() {
    let fixture = SandboxFixture::new().await;
    for (method, code) in [(PurgeMethod::Tags, 1107), (PurgeMethod::Prefixes, 1112)] {
        fixture.sandbox.add_fault(Fault::new(FaultKind::RejectMethod { method, code }));
    }
    let refused = |code: i64, by: &str| (400, json!(code), json!(format!("Only enterprise zones can purge by {by}.")));
    let accepted = || (200, Value::Null, Value::Null);
    for (body, expected) in [
        (r#"{"tags": ["p-0", "p-1"]}"#, refused(1107, "tag")),
        (r#"{"prefixes": ["www.example.com/dir/"]}"#, refused(1112, "prefix")),
        (r#"{"hosts": ["www.example.com"]}"#, accepted()),
        (r#"{"files": ["https://www.example.com/a"]}"#, accepted()),
        (EVERYTHING, accepted()),
    ] {
        assert_eq!(answer_to(&fixture, body).await, expected, "{body}");
    }
}

#[test]
fn the_control_api_spells_methods_as_cloudflares_body_does() {
    let text = r#"{"kind": {"reject_method": {"method": "purge_everything", "code": 1107}}, "times": 1}"#;
    let kind = FaultKind::RejectMethod { method: PurgeMethod::PurgeEverything, code: 1107 };
    assert_eq!(serde_json::from_str::<Fault>(text).unwrap(), once(kind));
}

#[tokio::test]
async fn a_fault_affects_only_its_zone_and_share() {
    let fixture = SandboxFixture::new().await;
    let kind = FaultKind::Status { status: 500, code: 0, message: "no".into(), retry_after: None };
    fixture.sandbox.add_fault(Fault { zone_id: Some(SITE.into()), share: 0.5, ..Fault::new(kind) });
    let mut statuses = Vec::new();
    for _ in 0..4 {
        assert_eq!(fixture.send("purge_cache", OTHER, OTHER_TOKEN, EVERYTHING).await.status(), 200);
        statuses.push(fixture.send("invalidate_cache", SITE, SITE_TOKEN, EVERYTHING).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 500, 200, 500]);
    fixture.sandbox.clear_faults();
    fixture.purge(EVERYTHING).await;
    fixture.purge(EVERYTHING).await;
}
