//! Missing tokens, and a store that is unavailable.

use std::time::Duration;

use purge_router_pipeline::{Freshness, Status};
use purge_router_test_support::events::{s3, sqs};

use crate::store::Problem;
use crate::world::{
    World, assert_all_purged, blue, failed, fault, keys, outcomes_of, parameter, red, secret, side_by_side, status,
    statuses,
};

#[tokio::test]
async fn a_missing_token_sends_nothing_and_is_named() {
    let world = World::new(red("urls_per_request = 1", "") + &blue("", "")).await;
    world.store.remove_secret(&parameter("red", "red.com"));
    let event = sqs([("m-1", s3("red-files", keys("k", 3))), ("m-2", s3("blue-files", ["a.css"]))]);
    let report = world.run(&event).await;
    for outcome in outcomes_of(&report, "red.com") {
        assert_eq!((outcome.status, outcome.attempts, &outcome.ray), (Status::TokenMissing, 0, &None));
        let error = outcome.error.as_ref().unwrap();
        assert!(error.contains("team red") && error.contains("red.com"), "{error}");
    }
    let parameter = parameter("red", "red.com");
    let reads = [Freshness::Cached, Freshness::Fresh].map(|freshness| world.store.reads(&parameter, freshness));
    assert_eq!(reads, [1, 0], "once for all its batches");
    assert!(world.requests_of("red.com").is_empty());
    assert_eq!(world.requests_of("blue.net").len(), 1);
    assert_eq!(outcomes_of(&report, "blue.net")[0].status, Status::Purged);
    assert_eq!(failed(&report), ["m-1"]);
}

#[tokio::test]
async fn a_token_that_was_set_meanwhile_is_found_by_the_next_run() {
    let world = World::new(red("", "")).await;
    let parameter = parameter("red", "red.com");
    world.store.remove_secret(&parameter);
    assert_eq!(statuses(&world.run(&s3("red-files", ["a.css"])).await), [Status::TokenMissing]);
    world.store.set(&parameter, &secret("red.com"));
    assert_all_purged(&world.run(&s3("red-files", ["a.css"])).await, "the token is there");
}

#[tokio::test]
async fn a_store_that_is_unavailable_for_a_while_is_asked_again() {
    for (objects, most_reads) in [(1, 3), (10, 12)] {
        let world = World::new(red("urls_per_request = 1", "")).await;
        let parameter = parameter("red", "red.com");
        world.store.problem(&parameter, Problem::Unavailable(2));
        let report = world.run(&s3("red-files", keys("k", objects))).await;
        assert_all_purged(&report, "unavailable twice");
        assert!(report.outcomes.iter().all(|outcome| outcome.attempts == 1));
        assert_eq!(world.requests().len(), objects);
        let reads = world.store.reads(&parameter, Freshness::Cached);
        assert!((3..=most_reads).contains(&reads), "{reads}");
    }
}

#[tokio::test]
async fn a_store_that_stays_unavailable_fails_by_the_deadline() {
    let mut cases = Vec::new();
    let unavailable = "its token could not be read in time: the token of team red for zone red.com can't be read now";
    for (problem, expected) in [
        (Problem::Unavailable(usize::MAX), unavailable),
        (Problem::Hang, "deadline exceeded before its token was read"),
    ] {
        let world = World::new(red("urls_per_request = 1", "")).await;
        world.store.problem(&parameter("red", "red.com"), problem);
        cases.push(async move {
            let (report, _) = world.timed(Duration::from_secs(1), &s3("red-files", keys("k", 3))).await;
            assert_eq!(statuses(&report), [Status::DeadlineExceeded; 3], "{problem:?}");
            for outcome in &report.outcomes {
                let error = outcome.error.as_deref().unwrap();
                assert!(outcome.attempts == 0 && error.starts_with(expected), "{error}");
            }
            assert!(world.requests().is_empty());
            assert_eq!(failed(&report), ["invocation"]);
        });
    }
    side_by_side(cases).await;
}

#[tokio::test]
async fn a_store_that_is_unavailable_when_a_token_is_refused_is_asked_again() {
    let world = World::new(red("", "")).await;
    let parameter = parameter("red", "red.com");
    world.sandbox().add_fault(fault("red.com", status(401, 10000, None), Some(1)));
    world.store.set_cached(&parameter, &secret("red.com"));
    world.store.problem(&parameter, Problem::Unavailable(2));
    let report = world.run(&s3("red-files", ["a.css"])).await;
    assert_all_purged(&report, "refused, then away");
    assert_eq!(report.outcomes[0].attempts, 2);
    assert_eq!(world.store.reads(&parameter, Freshness::Fresh), 3);
}

#[tokio::test]
async fn a_transient_401_while_the_store_is_unavailable_fails_its_own_batch_only() {
    let world = World::new(red("urls_per_request = 1", "")).await;
    world.sandbox().add_fault(fault("red.com", status(401, 10000, None), Some(1)));
    world.store.set_cached(&parameter("red", "red.com"), &secret("red.com"));
    world.store.problem(&parameter("red", "red.com"), Problem::Unavailable(usize::MAX));
    let (report, _) = world.timed(Duration::from_secs(3), &s3("red-files", keys("k", 40))).await;
    let purged = report.outcomes.iter().filter(|outcome| outcome.status == Status::Purged).count();
    assert_eq!(purged, 39, "{:?}", report.outcomes);
}
