//! Tokens that change or are refused.

use std::time::Duration;

use purge_router_pipeline::{Freshness, Outcome, Status};
use purge_router_sandbox::{Fault, FaultKind, TokenStatus};
use purge_router_test_support::events::{record, s3};

use crate::store::Problem;
use crate::world::{
    World, assert_all_purged, blue, failed, fault, header, keys, outcomes_of, parameter, red, sandbox_token, secret,
    status, statuses, team, urls,
};

const NEW: &str = "Sn3Rq-the-new-token";

/// Gives the zone red.com a new token, and disables the old one.
fn rotate(world: &World) {
    world.store.set(&parameter("red", "red.com"), NEW);
    world.sandbox().add_token(sandbox_token(NEW, "red.com"));
    assert!(world.sandbox().set_token_status(&secret("red.com"), TokenStatus::Disabled));
}

fn reads(world: &World, freshness: Freshness) -> usize {
    world.store.reads(&parameter("red", "red.com"), freshness)
}

#[tokio::test]
async fn a_rotated_token_is_read_afresh_once_for_all_batches() {
    let world = World::new(red("urls_per_request = 1", "")).await;
    assert_all_purged(&world.run(&s3("red-files", ["a.css"])).await, "with the first token");
    rotate(&world);
    world.store.clear_reads();
    world.sandbox().clear_requests();

    let keys = keys("k", 40);
    let report = world.run(&s3("red-files", &keys)).await;
    assert_all_purged(&report, "with the second token");
    assert_eq!((reads(&world, Freshness::Cached), reads(&world, Freshness::Fresh)), (1, 1));
    assert_eq!(world.purged_items("red.com"), urls("red.com", &keys));
    let requests = world.requests();
    let refused = requests.iter().filter(|request| request.status == Some(401)).count();
    assert!((1..=40).contains(&refused), "{refused}");
    assert_eq!(requests.len(), 40 + refused);
    for request in &requests {
        let token = if request.status == Some(200) { NEW } else { &secret("red.com") };
        assert_eq!(header(request, "authorization"), format!("Bearer {token}"));
    }

    world.store.clear_reads();
    world.sandbox().clear_requests();
    assert_all_purged(&world.run(&s3("red-files", ["b.css"])).await, "later");
    assert_eq!((reads(&world, Freshness::Cached), reads(&world, Freshness::Fresh)), (1, 0));
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn batches_that_wait_do_not_send_a_token_that_was_refused_meanwhile() {
    let world = World::new(red("urls_per_request = 1", "")).await;
    rotate(&world);
    world.store.set_cached(&parameter("red", "red.com"), &secret("red.com"));
    assert_all_purged(&world.run(&s3("red-files", keys("k", 40))).await, "with the second token");
    let refused = world.requests().iter().filter(|request| request.status == Some(401)).count();
    assert!(refused <= 8, "only those that were under way when the first was refused: {refused}");
}

#[tokio::test]
async fn a_transient_401_is_retried_once() {
    for kind in [status(401, 10000, None), status(403, 10000, None), status(403, 9109, None), status(400, 6003, None)] {
        let world = World::new(red("", "")).await;
        world.sandbox().add_fault(fault("red.com", kind, Some(1)));
        let report = world.run(&s3("red-files", ["a.css"])).await;
        assert_all_purged(&report, "401");
        assert_eq!((report.outcomes[0].attempts, world.requests().len()), (2, 2));
        assert_eq!(reads(&world, Freshness::Fresh), 1);
    }
}

#[tokio::test]
async fn a_transient_401_of_many_batches() {
    let world = World::new(red("urls_per_request = 1", "")).await;
    world.sandbox().add_fault(fault("red.com", status(401, 10000, None), Some(5)));
    let report = world.run(&s3("red-files", keys("k", 30))).await;
    assert_eq!(report.outcomes.iter().map(|outcome| outcome.attempts).sum::<u32>(), 35);
    assert_all_purged(&report, "401");
}

#[tokio::test]
async fn now_and_then_a_401_is_no_bad_token() {
    let world = World::new(red("urls_per_request = 1", "")).await;
    for event in 0..10 {
        // The tenth of twenty, and not its retry: a request that is refused twice has failed.
        let tenth = Fault { share: 0.1, ..fault("red.com", status(401, 10000, None), Some(1)) };
        world.sandbox().add_fault(tenth);
        let report = world.run(&s3("red-files", keys("k", 20))).await;
        assert_all_purged(&report, &format!("one of twenty requests, {event}"));
        assert_eq!(report.outcomes.iter().map(|outcome| outcome.attempts).sum::<u32>(), 21, "{event}");
    }
}

#[tokio::test]
async fn a_revoked_token_costs_few_requests_while_the_store_is_unavailable() {
    let world = World::new(red("urls_per_request = 1", "")).await;
    world.sandbox().set_token_status(&secret("red.com"), TokenStatus::Disabled);
    world.store.set_cached(&parameter("red", "red.com"), &secret("red.com"));
    world.store.problem(&parameter("red", "red.com"), Problem::Unavailable(usize::MAX));
    let (report, _) = world.timed(Duration::from_secs(2), &s3("red-files", keys("k", 80))).await;
    assert!(report.outcomes.iter().all(|outcome| outcome.status != Status::Purged));
    assert!(world.requests().len() <= 24, "{}", world.requests().len());
}

#[tokio::test]
async fn a_revoked_token_costs_few_requests_and_no_other_zone() {
    for expired in [TokenStatus::Disabled, TokenStatus::Expired] {
        let world = World::new(red("urls_per_request = 1", "") + &blue("", "")).await;
        world.sandbox().set_token_status(&secret("red.com"), expired);
        let mut event = s3("red-files", keys("k", 80));
        event["Records"].as_array_mut().unwrap().push(record("blue-files", "a.css"));
        let report = world.run(&event).await;
        let of_red = outcomes_of(&report, "red.com");
        assert_eq!(of_red.len(), 80);
        for outcome in &of_red {
            assert_eq!(outcome.status, Status::TokenRefused);
            let error = outcome.error.as_ref().unwrap();
            assert!(error.contains("HTTP 401") || error.starts_with("not sent: "), "{outcome:?}");
        }
        let sent = world.requests_of("red.com").len();
        assert!((2..=48).contains(&sent), "those that were under way each time: {sent}");
        assert_eq!(of_red.iter().map(|outcome| outcome.attempts as usize).sum::<usize>(), sent);
        assert_eq!(reads(&world, Freshness::Fresh), 1);
        assert_eq!(outcomes_of(&report, "blue.net")[0].status, Status::Purged);
        assert_eq!(failed(&report), ["invocation"]);
    }
}

#[tokio::test]
async fn a_token_of_another_zone_is_refused() {
    let world = World::new(red("", "") + &blue("", "")).await;
    world.store.set(&parameter("red", "red.com"), &secret("blue.net"));
    let report = world.run(&s3("red-files", ["a.css"])).await;
    assert_eq!(statuses(&report), [Status::TokenRefused]);
    assert_eq!(world.requests().iter().map(|request| request.status).collect::<Vec<_>>(), [Some(403); 2]);
}

#[tokio::test]
async fn a_token_that_is_refused_and_then_gone_is_missing() {
    let world = World::new(red("", "")).await;
    assert_all_purged(&world.run(&s3("red-files", ["a.css"])).await, "at first");
    world.sandbox().set_token_status(&secret("red.com"), TokenStatus::Disabled);
    world.store.remove_secret(&parameter("red", "red.com"));
    let report = world.run(&s3("red-files", ["b.css"])).await;
    assert_eq!(statuses(&report), [Status::TokenMissing]);
    assert_eq!(report.outcomes[0].attempts, 1);
    assert_eq!(world.requests().len(), 2);
}

#[tokio::test]
async fn a_token_that_stays_refused_is_not_used_and_then_probed_by_one_request() {
    let world = World::new(red("urls_per_request = 1", "") + &blue("", "")).await;
    let of_both = |names: &[String]| {
        let mut event = s3("red-files", names);
        event["Records"].as_array_mut().unwrap().push(record("blue-files", "a.css"));
        event
    };
    world.sandbox().set_token_status(&secret("red.com"), TokenStatus::Disabled);
    assert_eq!(world.run(&s3("red-files", ["a.css"])).await.outcomes[0].status, Status::TokenRefused);
    world.sandbox().clear_requests();
    world.store.clear_reads();
    for _ in 0..10 {
        let report = world.run(&of_both(&keys("k", 30))).await;
        let of_red = outcomes_of(&report, "red.com");
        assert_eq!(of_red.len(), 30);
        let reasons: Vec<&str> = of_red.iter().filter_map(|outcome| outcome.error.as_deref()).collect();
        let unsent = "not sent: the zone's token was refused; it is tried";
        assert!(reasons.iter().all(|reason| reason.starts_with(unsent)), "{reasons:?}");
        let unsent = |outcome: &&Outcome| (outcome.status, outcome.attempts) == (Status::TokenRefused, 0);
        assert!(reasons.len() == 30 && of_red.iter().all(unsent), "{of_red:?}");
        assert_eq!(world.requests_of("red.com").len(), 0);
        assert_eq!((reads(&world, Freshness::Cached), reads(&world, Freshness::Fresh)), (0, 0));
        assert_eq!(outcomes_of(&report, "blue.net")[0].status, Status::Purged, "the other team goes on");
    }
    // Then one request probes it, with a second try like every request; the others of its event are not sent.
    world.pass_open_circuits();
    world.sandbox().clear_requests();
    world.store.clear_reads();
    let report = world.run(&of_both(&keys("k", 30))).await;
    assert!(outcomes_of(&report, "red.com").iter().all(|outcome| outcome.status == Status::TokenRefused));
    assert_eq!(world.requests_of("red.com").len(), 2);
    assert_eq!((reads(&world, Freshness::Cached), reads(&world, Freshness::Fresh)), (0, 1));
    // Once the team has replaced it, the probe closes the circuit for all.
    rotate(&world);
    world.pass_open_circuits();
    world.sandbox().clear_requests();
    let report = world.run(&of_both(&keys("k", 30))).await;
    assert_all_purged(&report, "replaced");
    assert_eq!(world.requests_of("red.com").len(), 30);
    assert_all_purged(&world.run(&s3("red-files", ["b.css"])).await, "and the circuit stays closed");
}

#[tokio::test]
async fn a_probe_that_fails_otherwise_says_nothing_about_the_token() {
    let world = World::new(red("urls_per_request = 1", "")).await;
    world.sandbox().set_token_status(&secret("red.com"), TokenStatus::Disabled);
    world.run(&s3("red-files", ["a.css"])).await;
    world.sandbox().set_token_status(&secret("red.com"), TokenStatus::Active);
    world.pass_open_circuits();
    world.sandbox().add_fault(fault("red.com", status(500, 0, None), Some(2)));
    assert_all_purged(&world.run(&s3("red-files", keys("k", 20))).await, "after two errors of Cloudflare");
    // A refused item shows that the token was accepted.
    world.sandbox().set_token_status(&secret("red.com"), TokenStatus::Disabled);
    world.run(&s3("red-files", ["a.css"])).await;
    world.sandbox().set_token_status(&secret("red.com"), TokenStatus::Active);
    world.pass_open_circuits();
    world.sandbox().add_fault(fault(
        "red.com",
        FaultKind::RejectUrl { url: "https://www.red.com/k0.css".to_owned() },
        None,
    ));
    let report = world.run(&s3("red-files", ["k0.css"])).await;
    assert_eq!(statuses(&report), [Status::ItemsRefused]);
    let report = world.run(&s3("red-files", keys("k", 3))).await;
    assert_eq!(statuses(&report), [Status::ItemsRefused, Status::Purged, Status::Purged], "and the circuit is closed");
}

#[tokio::test]
async fn a_token_of_two_zones_that_is_good_for_one_is_unused_for_the_other_only() {
    let shared = "token = \"shared\"";
    let world = World::new(team("red", &[("red.com", shared), ("red.org", shared)], "")).await;
    world.store.set("/purge-router/red/shared", &secret("red.org"));
    for _ in 0..3 {
        let report = world.run(&s3("red-files", ["a.css"])).await;
        assert_eq!(outcomes_of(&report, "red.com")[0].status, Status::TokenRefused);
        assert_eq!(outcomes_of(&report, "red.org")[0].status, Status::Purged);
    }
    assert_eq!(world.requests_of("red.com").len(), 2, "the first time");
}
