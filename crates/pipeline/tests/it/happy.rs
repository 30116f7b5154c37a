//! All is well: exactly the expected requests, with the right token each, and nothing else.

use purge_router_pipeline::Freshness;
use purge_router_sandbox::Received;
use purge_router_test_support::events::{message, records, s3, sqs};
use serde_json::json;

use crate::world::{World, assert_all_purged, blue, body, header, parameter, red, secret, team, zone_id};

/// Method, path, authorization, type and body.
type Sent = [String; 5];

fn sent(requests: &[Received]) -> Vec<Sent> {
    let mut sent: Vec<Sent> = requests
        .iter()
        .map(|request| {
            let (authorization, kind) = (header(request, "authorization"), header(request, "content-type"));
            [request.method.as_str(), &request.path, authorization, kind, body(request)].map(str::to_owned)
        })
        .collect();
    sent.sort();
    sent
}

fn purge(domain: &str, call: &str, body: &str) -> Sent {
    let path = format!("/client/v4/zones/{}/{call}", zone_id(domain));
    let authorization = format!("Bearer {}", secret(domain));
    ["POST", &path, &authorization, "application/json", body].map(str::to_owned)
}

#[tokio::test]
async fn two_teams_and_three_zones_get_one_request_each() {
    let red = team("red", &[("red.com", ""), ("red.org", "plan = \"pro\"")], "");
    let world = World::new(red + &blue("", "mode = \"invalidate\"")).await;
    let event = sqs([("m-1", s3("red-files", ["css/a+b.css", "index.html"])), ("m-2", s3("blue-files", ["logo.svg"]))]);

    let report = world.run(&event).await;

    let of_red = |domain: &str| {
        let host = format!("https://www.{domain}");
        let body =
            format!(r#"{{"files":["{host}/css/a%20b.css","{host}/css/a+b.css","{host}/index.html","{host}/"]}}"#);
        purge(domain, "purge_cache", &body)
    };
    let of_blue = purge("blue.net", "invalidate_cache", r#"{"files":["https://www.blue.net/logo.svg"]}"#);
    let mut expected = vec![of_blue, of_red("red.com"), of_red("red.org")];
    expected.sort();
    assert_eq!(sent(&world.requests()), expected);

    assert_all_purged(&report, "happy");
    let domains: Vec<_> = report.plan.batches.iter().map(|batch| batch.zone.domain.as_str()).collect();
    assert_eq!(domains, ["blue.net", "red.com", "red.org"]);
    for (index, outcome) in report.outcomes.iter().enumerate() {
        assert_eq!((outcome.batch, outcome.attempts), (index, 1));
        assert!(outcome.ray.as_ref().unwrap().ends_with("-SBX"));
    }
    for (team, domain) in [("red", "red.com"), ("red", "red.org"), ("blue", "blue.net")] {
        let parameter = parameter(team, domain);
        let reads = [Freshness::Cached, Freshness::Fresh].map(|freshness| world.store.reads(&parameter, freshness));
        assert_eq!(reads, [1, 0], "{domain}");
    }
    for request in world.requests() {
        assert!(header(&request, "user-agent").starts_with("purge-router/"));
    }
}

#[tokio::test]
async fn what_no_mapping_accepts_sends_nothing_and_reads_no_token() {
    let world = World::new(red("", "include = [\"*.css\"]")).await;
    let test_event = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" }).to_string();
    for event in [
        s3("red-files", ["logo.svg"]),
        s3("nobodys-files", ["a.css"]),
        records([message("m-1", &test_event)]),
        records([]),
    ] {
        let report = world.run(&event).await;
        assert_all_purged(&report, "nothing to do");
        assert!(report.outcomes.is_empty());
    }
    assert!(world.requests().is_empty());
    assert_eq!(world.store.reads(&parameter("red", "red.com"), Freshness::Cached), 0);
}
