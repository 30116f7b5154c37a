//! Faults on demand, as a client meets them.

use std::time::{Duration, Instant};

use purge_router_sandbox::{Fault, FaultKind};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{OTHER, OTHER_TOKEN, SITE, SITE_TOKEN, World, json as body_of};

const EVERYTHING: &str = r#"{"purge_everything": true}"#;

fn once(kind: FaultKind) -> Fault {
    Fault { times: Some(1), ..Fault::new(kind) }
}

#[tokio::test]
async fn a_status_comes_in_cloudflares_envelope() {
    let world = World::new().await;
    let message = "Please wait".to_owned();
    world.sandbox.add_fault(once(FaultKind::Status { status: 429, code: 971, message, retry_after: Some(7) }));
    let response = world.purge_answer(EVERYTHING).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
    assert!(response.headers().contains_key("cf-ray"));
    let errors = json!([{ "code": 971, "message": "Please wait" }]);
    let expected = json!({ "success": false, "errors": errors, "messages": [], "result": null });
    assert_eq!(body_of(response).await, expected);
    world.purge(EVERYTHING).await;
}

#[tokio::test]
async fn a_body_can_be_anything() {
    let world = World::new().await;
    world.sandbox.add_fault(once(FaultKind::Body { status: 502, body: "<html>502</html>".into() }));
    let response = world.purge_answer(EVERYTHING).await;
    assert_eq!(response.status(), 502);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(response.text().await.unwrap(), "<html>502</html>");
}

#[tokio::test]
async fn a_delay_goes_on_normally() {
    let world = World::new().await;
    world.sandbox.add_fault(once(FaultKind::Delay { milliseconds: 150 }));
    let started = Instant::now();
    world.purge(EVERYTHING).await;
    assert!(started.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_reset_closes_the_connection_without_an_answer() {
    let world = World::new().await;
    world.sandbox.add_fault(Fault { times: Some(2), ..Fault::new(FaultKind::Reset) });
    let url = format!("{}/zones/{SITE}/purge_cache", world.sandbox.api_url());
    let error = world.client.post(&url).bearer_auth(SITE_TOKEN).body(EVERYTHING).send().await.unwrap_err();
    assert!(error.is_request() && error.status().is_none() && !error.is_timeout(), "{error:?}");

    let address = world.sandbox.api_url();
    let mut stream =
        TcpStream::connect(address.trim_start_matches("http://").trim_end_matches("/client/v4")).await.unwrap();
    stream.write_all(b"GET /client/v4/user/tokens/verify HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 64])).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);

    world.purge(EVERYTHING).await;
    let statuses: Vec<_> = world.sandbox.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [None, None, Some(200)]);
}

#[tokio::test]
async fn a_hang_lasts_until_the_client_leaves() {
    let world = World::new().await;
    world.sandbox.add_fault(once(FaultKind::Hang));
    let url = format!("{}/zones/{SITE}/purge_cache", world.sandbox.api_url());
    let request = world.client.post(&url).bearer_auth(SITE_TOKEN).body(EVERYTHING);
    let error = request.timeout(Duration::from_millis(400)).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    world.purge(EVERYTHING).await;
    assert_eq!(world.sandbox.requests()[0].status, None);
}

#[tokio::test]
async fn a_bad_item_is_refused_wherever_it_stands() {
    let world = World::new().await;
    let url = "https://www.example.com/bad".to_owned();
    world.sandbox.add_fault(Fault::new(FaultKind::RejectUrl { url }));
    for (body, status) in [
        (r#"{"files": ["https://www.example.com/a", "https://www.example.com/bad"]}"#, 400),
        (r#"{"files": [{"url": "https://www.example.com/bad"}]}"#, 400),
        (r#"{"files": ["https://www.example.com/a"]}"#, 200),
        (r#"{"prefixes": ["www.example.com/bad"]}"#, 200),
    ] {
        let response = world.purge_answer(body).await;
        assert_eq!(response.status(), status, "{body}");
        if status == 400 {
            let answer = body_of(response).await;
            assert_eq!(answer["errors"][0]["code"], 1082);
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains("https://www.example.com/bad"));
        }
    }
}

#[tokio::test]
async fn faults_keep_to_their_zone_and_share() {
    let world = World::new().await;
    let kind = FaultKind::Status { status: 500, code: 0, message: "no".into(), retry_after: None };
    world.sandbox.add_fault(Fault { zone_id: Some(SITE.into()), share: 0.5, ..Fault::new(kind) });
    let mut statuses = Vec::new();
    for _ in 0..4 {
        assert_eq!(world.send("purge_cache", OTHER, OTHER_TOKEN, EVERYTHING).await.status(), 200);
        statuses.push(world.send("invalidate_cache", SITE, SITE_TOKEN, EVERYTHING).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 500, 200, 500]);
    world.sandbox.clear_faults();
    world.purge(EVERYTHING).await;
    world.purge(EVERYTHING).await;
}
