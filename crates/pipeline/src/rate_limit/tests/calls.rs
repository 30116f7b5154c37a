//! The limits of the client: of each caller, and of the address.

use purge_router_cloudflare::{ApiToken, Credential};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn caller(token: &str) -> Caller {
    Caller::from(&Credential::Token(ApiToken::parse(token).unwrap()))
}

/// How many requests of a class a caller may send now.
async fn at_once(limits: &RateLimits, zone: &Zone, caller: Caller, class: LimitClass) -> usize {
    let mut passed = 0;
    loop {
        let deadline = limits.clock.now();
        let checked = limits.check_caller(zone, caller, class, deadline + SECOND);
        let acquired = limits.acquire_call(zone, caller, class, deadline + SECOND, deadline + 10 * SECOND).await;
        assert_eq!(checked, acquired);
        if acquired.is_err() || passed == 5000 {
            return passed;
        }
        passed += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_a_token_of_an_account_or_all_users_of_a_team() {
    let zones = zones(&[("red", ""), ("blue", "")]);
    let [red, blue] = [&zones[0], &zones[1]];
    let limits = self::limits(4, paused_clock());
    let requests = async |zone: &Zone, token| at_once(&limits, zone, caller(token), LimitClass::Requests).await;
    assert_eq!(requests(red, "cfat_one").await, 270, "a quarter of 1,200, less a tenth");
    assert_eq!(requests(red, "cfat_one").await, 0);
    assert_eq!(requests(red, "cfat_two").await, 270);
    assert_eq!(requests(red, "cfut_one").await, 270);
    assert_eq!(requests(red, "cfut_two").await, 0, "it may be of the same user");
    assert_eq!(requests(red, "a-token-from-before-2026").await, 0, "as well");
    assert_eq!(requests(blue, "cfut_three").await, 270);
}

#[tokio::test(start_paused = true)]
async fn purges_by_url_do_not_count_for_their_caller() {
    let zone = &zones(&[("a", "")])[0];
    let limits = self::limits(1, paused_clock());
    assert_eq!(at_once(&limits, zone, caller("cfut_one"), LimitClass::Urls).await, 5000);
    assert_eq!(at_once(&limits, zone, caller("cfut_one"), LimitClass::Requests).await, 1080);
}

#[tokio::test(start_paused = true)]
async fn a_team_has_half_of_the_address_so_that_another_one_need_not_wait() {
    let zones = zones(&[("red", ""), ("blue", "")]);
    let limits = Arc::new(limits(4, paused_clock()));
    let start = limits.clock.now();
    let acquire = async |limits: &RateLimits, zone: &Zone| {
        let deadline = start + 60 * SECOND;
        limits.acquire_call(zone, caller("cfut_one"), LimitClass::Urls, start, deadline).await.unwrap();
    };
    for _ in 0..200 {
        let (limits, zone) = (Arc::clone(&limits), Arc::clone(&zones[0]));
        tokio::spawn(async move {
            let deadline = start + 60 * SECOND;
            limits.acquire_call(&zone, caller("cfut_one"), LimitClass::Urls, start, deadline).await.unwrap();
        });
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    acquire(&limits, &zones[1]).await;
    let waited = limits.clock.now() - start;
    assert!(waited < SECOND / 100, "{waited:?}");
    acquire(&limits, &zones[0]).await;
    let waited = limits.clock.now() - start;
    assert!((9 * SECOND..10 * SECOND).contains(&waited), "201 requests, 22 in a second: {waited:?}");
}

#[tokio::test(start_paused = true)]
async fn all_teams_together_have_the_address_once() {
    let zones = zones(&[("red", ""), ("blue", ""), ("green", "")]);
    let limits = limits(4, paused_clock());
    let mut passed = [0; 3];
    for _ in 0..100 {
        for (zone, passed) in zones.iter().zip(&mut passed) {
            let now = limits.clock.now();
            let acquired = limits.acquire_call(zone, caller("cfut_one"), LimitClass::Urls, now, now).await;
            *passed += usize::from(acquired.is_ok());
        }
    }
    assert_eq!(passed.iter().sum::<usize>(), 45);
    assert!(passed.iter().all(|passed| *passed <= 22), "{passed:?}");
}
