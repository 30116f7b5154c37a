//! `purge --verify`: whether the edge still serves a response from before the purge.

use std::time::Duration;

use purge_router_sandbox::{Fault, FaultKind, Origin, Sandbox};
use serde_json::{Value, json};

use crate::fixtures::{Answer, NOWHERE, TOKEN, WorkFolder, assert_answer, cloudflare, http};

const URL: &str = "https://www.website.com/css/app.css";

/// A sandbox whose edge has cached `old` for an object that is now `new`.
struct Stale {
    folder: WorkFolder,
    sandbox: Sandbox,
    origin: Origin,
}

impl Stale {
    async fn new() -> Self {
        let origin = Origin::start().await.unwrap();
        origin.put("/css/app.css", "old");
        let sandbox = cloudflare().origin(None, origin.url()).start().await.unwrap();
        let stale = Self { folder: WorkFolder::new(), sandbox, origin };
        assert_eq!(stale.served().await, "old");
        stale.origin.put("/css/app.css", "new");
        assert_eq!(stale.served().await, "old");
        stale
    }

    async fn served(&self) -> String {
        let request = http().get(format!("{}/css/app.css", self.sandbox.edge_url()));
        request.header("host", "www.website.com").send().await.unwrap().text().await.unwrap()
    }

    fn purge(&self, args: &[&str]) -> Answer {
        let edge = self.sandbox.edge_url();
        self.folder.run_at(&self.sandbox, &[&["purge", "--verify", "--edge", &edge], args].concat())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_purge_the_edge_is_fresh() {
    let stale = Stale::new().await;
    assert_answer("purge_verified", &stale.purge(&[URL]).with_code(0));
    assert_eq!(stale.served().await, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_invalidation_the_edge_asks_the_origin_server_again() {
    let stale = Stale::new().await;
    let json = stale.purge(&[URL, "--mode", "invalidate", "--json"]).with_code(0).json();
    let expected = json!([{ "url": URL, "status": 200, "cache_status": "EXPIRED", "age": null, "fresh": true }]);
    assert_eq!(json["verified"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_kept_what_it_had_is_stale() {
    let stale = Stale::new().await;
    let elsewhere = cloudflare().start().await.unwrap();
    let args = ["purge", "--verify", "--edge", &stale.sandbox.edge_url(), URL];
    let answer = stale.folder.run_at(&elsewhere, &args).with_code(1);
    assert_answer("purge_stale", &answer);
    assert_eq!(stale.served().await, "old");
    let json = stale.folder.run_at(&elsewhere, &[&args[..], &["--json"]].concat()).with_code(1).json();
    assert_eq!((&json["outcomes"][0]["status"], &json["verified"][0]["fresh"]), (&json!("purged"), &json!(false)));
    assert_eq!(json["verified"][0]["cache_status"], "HIT");
}

/// Another visitor requests it between the purge and the check, so the edge has it, but not from before.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_after_the_purge_is_fresh() {
    let stale = Stale::new().await;
    // As over a real network, the eviction is later than the request.
    stale.sandbox.add_fault(Fault::new(FaultKind::Delay { milliseconds: 300 }));
    let edge = stale.sandbox.edge_url();
    let visits = tokio::spawn(async move {
        loop {
            let request = http().get(format!("{edge}/css/app.css")).header("host", "www.website.com");
            request.send().await.unwrap();
            // In real time: the command is a process of its own.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let json = tokio::task::block_in_place(|| stale.purge(&[URL, "--json"])).with_code(0).json();
    visits.abort();
    assert_eq!(json["verified"][0]["fresh"], true, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_behind_cloudflare_is_no_proof() {
    let stale = Stale::new().await;
    let args = ["purge", URL, "--verify", "--edge", &stale.origin.url()];
    let answer = stale.folder.run_at(&stale.sandbox, &args).with_code(1);
    assert!(answer.stdout.contains("without CF-Cache-Status: is this host behind Cloudflare?"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_purged_is_not_verified() {
    let stale = Stale::new().await;
    stale.sandbox.add_fault(Fault::new(FaultKind::RejectUrl { url: URL.into() }));
    let json = stale.purge(&[URL, "--json"]).with_code(1).json();
    assert_eq!((&json["failed"], &json["verified"]), (&json!(["invocation"]), &json!([])));
    assert_eq!(stale.served().await, "old");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_is_reported_if_the_edge_can_not_be_reached() {
    let stale = Stale::new().await;
    let args = ["purge", URL, "--verify", "--edge", NOWHERE];
    let answer = stale.folder.run_at(&stale.sandbox, &args).with_code(1);
    assert!(answer.stdout.contains("1 done"), "{answer}");
    let json: Value = stale.folder.run_at(&stale.sandbox, &[&args[..], &["--json"]].concat()).with_code(1).json();
    assert_eq!(json["outcomes"][0]["status"], "purged");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_on_loopback_needs_no_proxy() {
    let stale = Stale::new().await;
    let (api, edge) = (stale.sandbox.api_url(), stale.sandbox.edge_url());
    let variables = [("CLOUDFLARE_BASE_URL", api.as_str()), ("CLOUDFLARE_API_TOKEN", TOKEN), ("HTTP_PROXY", NOWHERE)];
    let args = ["purge", URL, "--verify", "--edge", &edge];
    stale.folder.run_with(&args, &[&variables[..], &[("http_proxy", NOWHERE)]].concat(), b"").with_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_age_beyond_all_bounds_is_stale() {
    let stale = Stale::new().await;
    let headers = [("cf-cache-status", "HIT"), ("age", "18446744073709551615")];
    stale.origin.put_with_headers("/css/app.css", "old", &headers);
    let args = ["purge", URL, "--verify", "--edge", &stale.origin.url()];
    let answer = stale.folder.run_at(&stale.sandbox, &args).with_code(1);
    assert!(answer.stdout.contains("stale"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_limits_the_check_too() {
    let stale = Stale::new().await;
    stale.origin.set_delay(Duration::from_secs(20));
    let args = ["purge", URL, "--verify", "--deadline", "2", "--edge", &stale.origin.url()];
    let answer = stale.folder.run_at(&stale.sandbox, &args).with_code(1);
    assert!(answer.stdout.contains("couldn't check"), "{answer}");
}
