//! Everything that Cloudflare or the network can do to a request, transient or permanent.

use std::time::Duration;

use purge_router_pipeline::{Settings, Status};
use purge_router_sandbox::{Fault, FaultKind, Received};
use purge_router_test_support::events::{s3, sqs};

use crate::world::{
    SETTINGS, Setup, World, assert_all_purged, blue, failed, fault, keys, red, secret, side_by_side, status, statuses,
    urls,
};

const IMPATIENT: Settings = Settings { request_timeout: Duration::from_secs(1), ..SETTINGS };

fn html(status: u16) -> FaultKind {
    FaultKind::Body { status, body: "<html><title>Bad gateway</title></html>".to_owned() }
}

/// Transient faults, the least seconds between two requests, and the status of the batch if they do not end.
fn transient_faults() -> Vec<(FaultKind, u64, Status)> {
    vec![
        (status(429, 1134, Some(1)), 1, Status::RateLimited),
        (status(429, 1134, None), 0, Status::RateLimited),
        (status(429, 1134, Some(0)), 0, Status::RateLimited),
        (status(429, 971, Some(1)), 1, Status::RateLimited),
        (status(403, 10429, Some(1)), 1, Status::RateLimited),
        (status(500, 0, None), 0, Status::Unreachable),
        (status(503, 10000, None), 0, Status::Unreachable),
        (status(408, 0, None), 0, Status::Unreachable),
        (html(502), 0, Status::Unreachable),
        (html(200), 0, Status::Unreachable),
        (html(302), 0, Status::Unreachable),
        (FaultKind::Reset, 0, Status::Unreachable),
        (FaultKind::Hang, 1, Status::Unreachable),
        (FaultKind::Delay { milliseconds: 1500 }, 1, Status::Unreachable),
    ]
}

async fn impatient_world() -> World {
    Setup { teams: red("", ""), settings: IMPATIENT, ..Setup::default() }.build().await
}

#[tokio::test]
async fn a_fault_that_ends_is_retried() {
    let mut cases = Vec::new();
    let once_and_twice = |(kind, gap, _): (FaultKind, u64, Status)| [1, 2].map(|times| (kind.clone(), gap, times));
    for (kind, gap, times) in transient_faults().into_iter().flat_map(once_and_twice) {
        let (world, gap) = (impatient_world().await, Duration::from_secs(gap));
        cases.push(async move {
            let case = format!("{kind:?} {times} times");
            world.sandbox().add_fault(fault("red.com", kind, Some(times)));
            let report = world.run(&s3("red-files", ["a.css"])).await;
            assert_all_purged(&report, &case);
            assert_eq!(report.outcomes[0].attempts, times + 1, "{case}");
            let requests = world.requests();
            assert_eq!(requests.len(), times as usize + 1, "{case}");
            let is_retry = |pair: &[Received]| pair[1].at - pair[0].at >= gap * 4 / 5 && pair[1].body == pair[0].body;
            assert!(requests.windows(2).all(is_retry), "{case}");
        });
    }
    side_by_side(cases).await;
}

#[tokio::test]
async fn a_fault_that_stays_fails_by_the_deadline() {
    let mut cases = Vec::new();
    for (kind, _, expected) in transient_faults() {
        let world = impatient_world().await;
        cases.push(async move {
            let case = format!("{kind:?}");
            world.sandbox().add_fault(fault("red.com", kind, None));
            let event = sqs([("m-1", s3("red-files", ["a.css"])), ("m-2", s3("red-files", ["b.css"]))]);
            let (report, _) = world.timed(Duration::from_millis(2500), &event).await;
            let outcome = &report.outcomes[0];
            assert_eq!(statuses(&report), [expected], "{case}");
            let (attempts, arrived) = (outcome.attempts as usize, world.requests().len());
            assert!(attempts >= 2, "{case}: {attempts}");
            // The deadline may stop the last one before it has left.
            assert!((attempts - 1..=attempts).contains(&arrived), "{case}: {arrived} of {attempts}");
            assert!(outcome.error.is_some() && outcome.refused_items.is_empty(), "{case}");
            assert_eq!(failed(&report), ["m-1", "m-2"], "{case}");
        });
    }
    side_by_side(cases).await;
}

#[tokio::test]
async fn faults_of_the_request_itself_are_not_retried() {
    for (kind, expected) in [
        (status(404, 7003, None), Status::RequestRefused),
        (status(400, 1092, None), Status::RequestRefused),
        (status(400, 1082, None), Status::ItemsRefused),
    ] {
        let world = World::new(red("", "")).await;
        world.sandbox().add_fault(fault("red.com", kind, None));
        let report = world.run(&s3("red-files", ["a.css"])).await;
        assert_eq!(statuses(&report), [expected]);
        assert_eq!((world.requests().len(), report.outcomes[0].attempts), (1, 1));
        assert_eq!(failed(&report), ["invocation"]);
    }
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_fails_at_once() {
    let world = World::new(red("", "")).await;
    world.sandbox().add_fault(fault("red.com", status(429, 1134, Some(30)), None));
    let (report, elapsed) = world.timed(Duration::from_secs(5), &s3("red-files", ["a.css"])).await;
    assert_eq!(statuses(&report), [Status::RateLimited]);
    assert_eq!(world.requests().len(), 1);
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
}

#[tokio::test]
async fn a_batch_behind_a_pause_beyond_the_deadline_fails_at_once() {
    let world = World::new(red("", "")).await;
    world.sandbox().add_fault(fault("red.com", status(429, 1134, Some(30)), None));
    world.timed(Duration::from_secs(5), &s3("red-files", ["a.css"])).await;
    let (report, elapsed) = world.timed(Duration::from_secs(3), &s3("red-files", ["b.css"])).await;
    assert_eq!(statuses(&report), [Status::RateLimited]);
    assert!(elapsed < Duration::from_millis(1500), "the pause is known to end after the deadline: {elapsed:?}");
}

#[tokio::test]
async fn one_request_that_hangs_does_not_outlast_the_deadline() {
    let world = World::new(red("", "")).await;
    world.sandbox().add_fault(fault("red.com", FaultKind::Hang, None));
    let (report, _) = world.timed(Duration::from_secs(1), &s3("red-files", ["a.css"])).await;
    assert_eq!(statuses(&report), [Status::Unreachable]);
    assert_eq!(report.outcomes[0].attempts, 1);
}

#[tokio::test]
async fn batches_that_wait_for_a_slot_of_a_hanging_zone_exceed_the_deadline() {
    let settings = Settings { requests_per_zone: 1, ..SETTINGS };
    let world = Setup { teams: red("", ""), settings, ..Setup::default() }.build().await;
    world.sandbox().add_fault(fault("red.com", FaultKind::Hang, None));
    let (report, _) = world.timed(Duration::from_secs(1), &s3("red-files", keys("k", 200))).await;
    let mut seen = statuses(&report);
    seen.sort_by_key(|status| status.as_str());
    assert_eq!(seen, [Status::DeadlineExceeded, Status::Unreachable], "{:?}", report.outcomes);
}

#[tokio::test]
async fn a_block_of_all_calls_without_a_delay_is_not_retried() {
    for code in [971, 10429, 10502] {
        let world = World::new(red("", "")).await;
        world.sandbox().add_fault(fault("red.com", status(403, code, None), None));
        let (report, elapsed) = world.timed(Duration::from_secs(20), &s3("red-files", ["a.css"])).await;
        assert_eq!((statuses(&report), world.requests().len()), (vec![Status::RateLimited], 1), "{code}");
        assert!(elapsed < Duration::from_secs(5), "it lasts five minutes, and the deadline is before: {elapsed:?}");
    }
}

#[tokio::test]
async fn a_global_limit_holds_back_both_classes_of_its_team() {
    let tags = "[[teams.red.mappings]]\nsource = \"s3://red-files/\"\nzones = [\"red.com\"]\ninclude = [\"*.txt\"]\n\
                purge = \"tags\"\ntags = [\"{stem}\"]";
    let mut cases = Vec::new();
    for (code, both) in [(971, true), (1134, false)] {
        let world = World::new(red("", &format!("include = [\"*.css\"]\n{tags}")) + &blue("", "")).await;
        cases.push(async move {
            world.sandbox().add_fault(fault("red.com", status(429, code, Some(2)), Some(1)));
            let report = world.run_within(Duration::from_secs(1), &s3("red-files", ["a.css"])).await;
            assert_eq!(statuses(&report), [Status::RateLimited]);

            let (tags, others) = (s3("red-files", ["a.txt"]), s3("blue-files", ["a.css"]));
            let (report, other) = tokio::join!(world.run(&tags), world.run(&others));
            assert_all_purged(&report, "tags");
            assert_all_purged(&other, "the other team");
            let requests = world.requests_of("red.com");
            assert_eq!(requests.len(), 2, "{code}");
            assert_eq!(requests[1].at - requests[0].at >= Duration::from_millis(1900), both, "{code}");
            assert!(world.requests_of("blue.net")[0].at < requests[0].at + Duration::from_millis(1500));
        });
    }
    side_by_side(cases).await;
}

#[tokio::test]
async fn no_server_listens() {
    let mut world = World::new(red("", "")).await;
    assert_all_purged(&world.run(&s3("red-files", ["a.css"])).await, "while the sandbox runs");
    world.stop_sandbox().await;
    let (report, _) = world.timed(Duration::from_secs(1), &s3("red-files", ["b.css"])).await;
    assert_eq!(statuses(&report), [Status::Unreachable]);
    let outcome = &report.outcomes[0];
    assert!(outcome.attempts >= 2);
    let error = outcome.error.as_ref().unwrap();
    assert!(error.contains("refused") && !error.contains(&secret("red.com")), "{error}");
    assert_eq!(failed(&report), ["invocation"]);
}

#[tokio::test]
async fn a_share_of_requests_fails_and_all_are_purged_in_the_end() {
    let world = World::new(red("urls_per_request = 1", "")).await;
    for kind in [status(500, 0, None), FaultKind::Reset, status(429, 1134, None)] {
        world.sandbox().add_fault(Fault { share: 0.25, ..fault("red.com", kind, None) });
    }
    let keys = keys("k", 60);
    let report = world.run(&s3("red-files", &keys)).await;
    assert_all_purged(&report, "a share");
    assert_eq!(report.outcomes.len(), 60);
    assert_eq!(world.purged_items("red.com"), urls("red.com", &keys));
    let attempts: u32 = report.outcomes.iter().map(|outcome| outcome.attempts).sum();
    assert_eq!(world.requests().len(), attempts as usize);
}
