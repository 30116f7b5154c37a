mod calls;

use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::test_support::{frozen_clock, paused_clock, zones};

const ACCOUNT: &str = "account_id = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"";
const CLAIMED: &str = "account_id = \"cccccccccccccccccccccccccccccccc\"";

/// The limits of one of this many instances, which take equal shares.
fn limits(instances: u32, clock: Clock) -> RateLimits {
    RateLimits::new(Share::new(NonZeroU32::new(instances).unwrap(), 0, clock.clone()), clock)
}

/// How many URLs may go within this many seconds, asked for in requests of 100.
async fn urls_within(limits: &RateLimits, zone: &Zone, seconds: u64) -> usize {
    let end = limits.clock.now() + Duration::from_secs(seconds);
    let mut urls = 0;
    while limits.acquire(zone, LimitClass::Urls, 100, end).await.is_ok() {
        urls += 100;
    }
    urls
}

/// Waits as long as it takes.
async fn acquire(limits: &RateLimits, zone: &Zone, class: LimitClass, cost: usize) {
    limits.acquire(zone, class, cost, limits.clock.now() + Duration::from_secs(3600)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_bucket_then_the_rate() {
    for (plan, urls) in [("free", 800), ("pro", 1500), ("business", 1500), ("enterprise", 3000)] {
        let zone = &zones(&[("a", &format!("plan = \"{plan}\""))])[0];
        let seen = urls_within(&limits(1, paused_clock()), zone, 10).await;
        let expected = urls * 9 / 10 + 10 * urls;
        assert!((expected - 100..=expected).contains(&seen), "{plan}: {seen} of {expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_instance_takes_its_share() {
    let zone = &zones(&[("a", "")])[0];
    let seen = urls_within(&limits(4, paused_clock()), zone, 10).await;
    assert!((2000..=2180).contains(&seen), "a quarter of 800 a second for 10 seconds, and 180 at once: {seen}");
    // A share that is smaller than one request still lets it pass, as seldom as the share says.
    let seen = urls_within(&limits(80, paused_clock()), zone, 30).await;
    assert!((300..=400).contains(&seen), "10 a second for 30 seconds, and one request at once: {seen}");
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_free_plan_come_back_five_a_minute() {
    let zone = &zones(&[("a", "")])[0];
    let limits = self::limits(1, paused_clock());
    let start = limits.clock.now();
    for _ in 0..30 {
        acquire(&limits, zone, LimitClass::Requests, 1).await;
    }
    let seconds = (limits.clock.now() - start).as_secs();
    assert!((89..=91).contains(&seconds), "22.5 at once, the other 7.5 at one in 12 seconds: {seconds}");
}

#[tokio::test(start_paused = true)]
async fn zones_of_one_account_and_plan_share_a_bucket_and_others_do_not() {
    for (one, other, shared) in [
        (ACCOUNT, ACCOUNT, true),
        (ACCOUNT, "", false),
        (CLAIMED, CLAIMED, false),
        ("", "", false),
        (ACCOUNT, &format!("{ACCOUNT}\nplan = \"pro\""), false),
    ] {
        let zones = zones(&[("a", one), ("b", other)]);
        let limits = self::limits(1, paused_clock());
        acquire(&limits, &zones[0], LimitClass::Urls, 800).await;
        let start = limits.clock.now();
        acquire(&limits, &zones[1], LimitClass::Urls, 400).await;
        assert_eq!((limits.clock.now() - start) > Duration::from_millis(400), shared, "{one} and {other}");
    }
}

#[tokio::test(start_paused = true)]
async fn zones_of_one_team_share_the_account_that_only_it_names() {
    let text = "version = 1\n[teams.a]\nowns = []\n".to_owned()
        + &["a", "b"].map(|name| {
            format!("[teams.a.zones.\"{name}.com\"]\nhostnames = [\"{name}.com\"]\nzone_id = \"{name:0>32}\"\n{CLAIMED}\n")
        }).concat();
    let mappings = purge_router_config::from_toml(&text).unwrap();
    let zones: Vec<&Arc<Zone>> = mappings.zones().collect();
    let limits = self::limits(1, paused_clock());
    acquire(&limits, zones[0], LimitClass::Urls, 800).await;
    let start = limits.clock.now();
    acquire(&limits, zones[1], LimitClass::Urls, 400).await;
    assert!((limits.clock.now() - start) > Duration::from_millis(400));
}

#[tokio::test(start_paused = true)]
async fn teams_of_one_account_take_turns() {
    let zones = zones(&[("a", ACCOUNT), ("b", ACCOUNT)]);
    let limits = Arc::new(limits(1, paused_clock()));
    for _ in 0..100 {
        let (limits, zone) = (Arc::clone(&limits), Arc::clone(&zones[0]));
        tokio::spawn(async move { acquire(&limits, &zone, LimitClass::Urls, 100).await });
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let start = limits.clock.now();
    acquire(&limits, &zones[1], LimitClass::Urls, 100).await;
    let waited = limits.clock.now() - start;
    assert!(waited < Duration::from_millis(600), "one request of the other team goes first, not ninety: {waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_limited_until_after_the_deadline_fails_at_once() {
    let zones = zones(&[("a", ""), ("b", "")]);
    let limits = self::limits(1, paused_clock());
    let start = limits.clock.now();
    limits.pause(&zones[0], None, start + Duration::from_secs(30));
    acquire(&limits, &zones[1], LimitClass::Urls, 800).await;
    for zone in &zones {
        let deadline = start + Duration::from_millis(100);
        assert_eq!(
            limits.acquire(zone, LimitClass::Urls, 100, deadline).await.err(),
            Some(if zone.team == zones[0].team { AfterDeadline::Paused } else { AfterDeadline::Full })
        );
    }
    assert!((limits.clock.now() - start) < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_its_team_and_class_only() {
    let zones = zones(&[("a", ACCOUNT), ("b", ACCOUNT)]);
    let limits = self::limits(1, paused_clock());
    let start = limits.clock.now();
    limits.pause(&zones[0], Some(LimitClass::Urls), start + Duration::from_secs(30));
    acquire(&limits, &zones[0], LimitClass::Requests, 1).await;
    acquire(&limits, &zones[1], LimitClass::Urls, 1).await;
    assert_eq!((limits.clock.now() - start).as_secs(), 0);
    acquire(&limits, &zones[0], LimitClass::Urls, 1).await;
    assert_eq!((limits.clock.now() - start).as_secs(), 30);
    limits.pause(&zones[0], None, start + Duration::from_secs(60));
    limits.pause(&zones[0], None, start + Duration::from_secs(40));
    acquire(&limits, &zones[0], LimitClass::Requests, 1).await;
    assert_eq!((limits.clock.now() - start).as_secs(), 60, "a shorter pause does not end a longer one");
}

#[tokio::test(start_paused = true)]
async fn pauses_that_follow_each_other_grow_to_half_a_minute() {
    let zone = &zones(&[("a", "")])[0];
    let limits = self::limits(1, paused_clock());
    for (idle, asked_for, seconds) in
        [(0, 0.1, 0.1), (0, 0.1, 1.0), (0, 0.2, 2.0), (0, 5.0, 5.0), (3, 0.1, 10.0), (0, 0.1, 20.0), (0, 0.1, 30.0)]
            .into_iter()
            .chain([(0, 0.1, 30.0), (0, 40.0, 40.0), (0, 0.1, 30.0), (31, 0.1, 0.1)])
    {
        tokio::time::sleep(Duration::from_secs(idle)).await;
        let start = limits.clock.now();
        limits.pause(zone, Some(LimitClass::Urls), start + Duration::from_secs_f64(asked_for));
        acquire(&limits, zone, LimitClass::Urls, 1).await;
        let waited = (limits.clock.now() - start).as_secs_f64();
        assert!((waited - seconds).abs() < 0.01, "{waited} s instead of {seconds}, after {idle} s without a pause");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_do_not_grow_if_requests_are_accepted_between_them() {
    let zone = &zones(&[("a", "")])[0];
    let limits = self::limits(1, paused_clock());
    for class in [Some(LimitClass::Urls), None, Some(LimitClass::Urls), None] {
        let start = limits.clock.now();
        limits.pause(zone, class, start + Duration::from_millis(100));
        // A request that was sent before the pause says nothing about it.
        limits.accepted(zone, LimitClass::Urls);
        acquire(&limits, zone, LimitClass::Urls, 1).await;
        assert_eq!((limits.clock.now() - start).as_millis(), 100, "{class:?}");
        limits.accepted(zone, LimitClass::Urls);
    }
}

#[tokio::test(start_paused = true)]
async fn a_block_of_all_calls_stops_all_zones_of_its_team_and_no_other_team() {
    let pro = format!("{ACCOUNT}\nplan = \"pro\"");
    let teams = [("a", ACCOUNT), ("a", CLAIMED), ("a", ""), ("a", &pro), ("b", ACCOUNT), ("b", "")];
    let limits = self::limits(1, paused_clock());
    let zones = zones(&teams);
    let start = limits.clock.now();
    limits.pause(&zones[0], None, start + Duration::from_secs(30));
    let in_time = async |zone, class| limits.acquire(zone, class, 1, start + Duration::from_secs(20)).await.is_ok();
    for zone in &zones {
        for class in [LimitClass::Urls, LimitClass::Requests] {
            assert_eq!(in_time(zone, class).await, zone.team.as_str() == "b", "{} {class:?}", zone.domain);
        }
    }
    acquire(&limits, &zones[2], LimitClass::Urls, 1).await;
    assert_eq!((limits.clock.now() - start).as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_pause_does_not_outlive_a_freeze() {
    let (clock, freeze) = frozen_clock();
    let limits = self::limits(1, clock);
    let zone = &zones(&[("a", "")])[0];
    limits.pause(zone, None, limits.clock.now() + Duration::from_secs(300));
    let soon = || limits.clock.now() + Duration::from_secs(10);
    assert_eq!(limits.acquire(zone, LimitClass::Urls, 1, soon()).await, Err(AfterDeadline::Paused));
    freeze(Duration::from_secs(290));
    let start = limits.clock.now();
    assert_eq!(limits.acquire(zone, LimitClass::Urls, 1, soon() + Duration::from_secs(5)).await, Ok(()));
    assert_eq!((limits.clock.now() - start).as_secs(), 10, "ten of the 300 seconds were left");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_fills_while_the_process_is_frozen() {
    let (clock, freeze) = frozen_clock();
    let limits = self::limits(1, clock);
    let zone = &zones(&[("a", "")])[0];
    acquire(&limits, zone, LimitClass::Requests, 22).await;
    freeze(Duration::from_secs(3600));
    let start = limits.clock.now();
    for _ in 0..22 {
        acquire(&limits, zone, LimitClass::Requests, 1).await;
    }
    assert_eq!((limits.clock.now() - start).as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_team_that_writes_many_zones_evicts_no_bucket_of_another_team() {
    let limits = self::limits(1, paused_clock());
    let start = limits.clock.now();
    let blue = &zones(&[("blue", "")])[0];
    limits.pause(blue, None, start + Duration::from_secs(30));
    let many: Vec<(&str, &str)> = vec![("red", ""); 3000];
    for zone in zones(&many) {
        acquire(&limits, &zone, LimitClass::Urls, 1).await;
    }
    acquire(&limits, blue, LimitClass::Urls, 1).await;
    assert_eq!((limits.clock.now() - start).as_secs(), 30);
}
