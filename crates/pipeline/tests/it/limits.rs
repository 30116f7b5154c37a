//! Rate limits: kept by us, so that the sandbox's own, which is another implementation, never has to.

use std::time::Duration;

use purge_router_sandbox::{FaultKind, Received};
use purge_router_test_support::events::{s3, sqs};

use crate::world::{PLENTY, Setup, World, assert_all_purged, blue, fault, items, keys, outcomes_of, red, run_on, urls};

const ACCOUNT: &str = "account_id = \"acacacacacacacacacacacacacacacac\"";

async fn limited(teams: String) -> World {
    Setup { teams, rate_limits: true, ..Setup::default() }.build().await
}

fn refused(requests: &[Received]) -> usize {
    requests.iter().filter(|request| request.status != Some(200)).count()
}

fn span(requests: &[Received]) -> Duration {
    requests.last().unwrap().at - requests[0].at
}

/// So many requests were accepted, and none was refused.
fn assert_accepted(requests: &[Received], count: usize) {
    assert_eq!((refused(requests), requests.len()), (0, count));
}

/// 800 URLs may go at once, then 800 a second; what is more is for a slow machine.
fn assert_pace(requests: &[Received], urls: u32) {
    let (taken, expected) = (span(requests), Duration::from_secs(1) * (urls - 800) / 800);
    assert!(taken >= expected - Duration::from_millis(200), "faster than the limit: {taken:?}");
    assert!(taken < expected + Duration::from_secs(3), "slower than it need be: {taken:?}");
}

#[tokio::test]
async fn many_urls_go_at_the_rate_that_cloudflare_allows() {
    let world = limited(red("", "")).await;
    let keys = keys("k", 3000);
    let report = world.run(&s3("red-files", &keys)).await;
    assert_all_purged(&report, "3000 URLs");
    let requests = world.requests();
    assert_accepted(&requests, 30);
    assert_eq!(world.purged_items("red.com"), urls("red.com", &keys));
    assert_pace(&requests, 3000);
}

#[tokio::test]
async fn instances_share_the_rate() {
    let world = limited(red("", "")).await;
    let (one, two) = (world.instance(2), world.instance(2));
    let plan = |prefix| world.plan(&s3("red-files", keys(prefix, 1500)));
    let (first, second) = tokio::join!(run_on(&one, plan("a"), PLENTY), run_on(&two, plan("b"), PLENTY));
    assert_all_purged(&first, "one");
    assert_all_purged(&second, "two");
    let requests = world.requests();
    assert_accepted(&requests, 30);
    assert_pace(&requests, 3000);
}

#[tokio::test]
async fn the_limit_outlasts_a_plan() {
    let world = limited(red("", "")).await;
    for prefix in ["a", "b", "c"] {
        assert_all_purged(&world.run(&s3("red-files", keys(prefix, 800))).await, prefix);
    }
    let requests = world.requests();
    assert_accepted(&requests, 24);
    assert_pace(&requests, 2400);
}

#[tokio::test]
async fn other_purges_have_a_rate_of_their_own() {
    // 25 requests at once, then 5 a second.
    let world = limited(red("plan = \"pro\"", "purge = \"tags\"\ntags = [\"{stem}\"]")).await;
    let report = world.run(&s3("red-files", keys("k", 3300))).await;
    assert_all_purged(&report, "tags");
    let requests = world.requests();
    assert_accepted(&requests, 33);
    let taken = span(&requests);
    assert!((Duration::from_millis(1500)..Duration::from_secs(4)).contains(&taken), "{taken:?}");
}

#[tokio::test]
async fn a_large_event_of_one_team_lets_another_of_its_account_in_between() {
    let world = limited(red(ACCOUNT, "") + &blue(ACCOUNT, "")).await;
    let event = sqs([("m-1", s3("red-files", keys("k", 1500))), ("m-2", s3("blue-files", keys("b", 150)))]);
    let report = world.run(&event).await;
    assert_all_purged(&report, "one account");
    let requests = world.requests();
    assert_accepted(&requests, 17);
    let of_blue = world.requests_of("blue.net");
    assert_eq!(of_blue.iter().map(|request| items(request).len()).sum::<usize>(), 150);
    assert_eq!(outcomes_of(&report, "blue.net").len(), 2);
    let last_of_blue = requests.iter().rposition(|request| request.path == of_blue[0].path).unwrap();
    assert!(last_of_blue < 12, "the second request of the other team came as number {last_of_blue}");
}

#[tokio::test]
async fn the_limit_leaves_room_for_the_first_connection() {
    let world = limited(red("", "")).await;
    assert_all_purged(&world.run(&s3("red-files", keys("k", 1500))).await, "1500 URLs");
    assert_eq!(refused(&world.requests()), 0);
}

#[tokio::test]
async fn slow_answers_do_not_save_up_requests() {
    // The limit would let more requests pass in a second than the zone may have under way. They must not all go at once
    // when those are answered. (The sandbox counts after a delay, Cloudflare before; so arrivals count here.)
    let world = World::new(red("", "")).await;
    world.sandbox().add_fault(fault("red.com", FaultKind::Delay { milliseconds: 1000 }, Some(8)));
    assert_all_purged(&world.run(&s3("red-files", keys("k", 2000))).await, "slow");
    let arrivals: Vec<Duration> = world.requests().iter().map(|request| request.at).collect();
    assert_eq!(arrivals.len(), 20);
    for (first, from) in arrivals.iter().enumerate() {
        for (last, to) in arrivals.iter().enumerate().skip(first) {
            let (urls, allowed) = ((last - first + 1) * 100, 800.0 + 800.0 * (*to - *from).as_secs_f64());
            assert!(urls as f64 <= allowed, "{urls} URLs from {from:?} to {to:?}");
        }
    }
}
