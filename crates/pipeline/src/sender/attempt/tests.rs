use std::sync::atomic::Ordering;
use std::time::Duration;

use purge_router_cloudflare::Meaning;

use super::*;
use crate::clock::Timestamp;
use crate::patience::Patience;
use crate::settings::Settings;
use crate::test_support::{Answer, Api, Request, Store, paused_clock, plan_of};

const SECOND: Duration = Duration::from_secs(1);
const ZONE: &str = "00000000000000000000000000000007";

/// Sends one request of this many URLs. Returns its result, and the requests that Cloudflare received.
async fn send_once(
    shared: &Shared<&Store, &Api>,
    urls: usize,
    token_try: TokenTry,
    patience: Patience,
) -> (Result<Accepted, AttemptError>, Vec<Request>) {
    let plan = plan_of(urls);
    let zone = &*plan.batches[0].zone;
    let token = Arc::new(ZoneToken::new(&shared.tokens, &shared.token_circuits, zone));
    let attempt = Attempt::new(shared, zone, token, Deadline::new(&shared.clock, patience));
    let result = attempt.send_once(&Piece::whole(&plan.batches[0]), token_try, None).await;
    (result, shared.api.take())
}

fn shared<'t>(store: &'t Store, api: &'t Api) -> Shared<&'t Store, &'t Api> {
    Shared::new(api, store, Settings::default(), paused_clock())
}

fn patient(now: Timestamp) -> Patience {
    Patience::from(now + 30 * SECOND)
}

#[tokio::test(start_paused = true)]
async fn a_request_has_the_token_the_items_and_the_time_that_is_left() {
    let (store, api) = (Store::default(), Api::default());
    let shared = shared(&store, &api);
    // The store takes a millisecond.
    let left = |seconds: u32| seconds * SECOND - Duration::from_millis(1);
    for (seconds, retry_for, timeout) in
        [(30u32, Duration::MAX, 15 * SECOND), (30, 2 * SECOND, 2 * SECOND), (10, Duration::MAX, left(10))]
    {
        let patience = Patience { retry_for, ..Patience::from(shared.clock.now() + seconds * SECOND) };
        let (result, requests) = send_once(&shared, 3, TokenTry::First, patience).await;
        assert!(result.is_ok());
        assert_eq!(requests, [Request { token: "first".to_owned(), items: 3, timeout }]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_keeps_its_admission_for_the_second_try_and_opens_the_circuit_after_it() {
    let (store, api) = (Store::default(), Api::default());
    let shared = shared(&store, &api);
    api.answer(ZONE, Answer::Refuse(Meaning::TokenRefused));
    let patience = || patient(shared.clock.now());
    let (result, _) = send_once(&shared, 1, TokenTry::First, patience()).await;
    let Err(AttemptError::Refused { refusal, admission, .. }) = result else { panic!("{result:?}") };
    assert_eq!((refusal.meaning, admission.is_some()), (Meaning::TokenRefused, true));
    assert!(send_once(&shared, 1, TokenTry::Second, patience()).await.0.is_err());

    let plan = plan_of(1);
    let token = ZoneToken::new(&shared.tokens, &shared.token_circuits, &plan.batches[0].zone);
    assert!(token.enter().await.is_err(), "the circuit is open");
}

#[tokio::test(start_paused = true)]
async fn what_the_rate_limit_or_the_deadline_stops_is_not_sent() {
    let (store, api) = (Store::default(), Api::default());
    let shared = shared(&store, &api);
    let now = shared.clock.now();
    // The account's bucket lets 2,700 URLs pass at once, and 3,000 a second.
    for _ in 0..5 {
        send_once(&shared, 500, TokenTry::First, patient(now)).await.0.unwrap();
    }
    let impatient = Patience { rate_limit_deadline: shared.clock.now(), ..patient(now) };
    let (result, requests) = send_once(&shared, 500, TokenTry::First, impatient).await;
    assert!(matches!(result, Err(AttemptError::NotSent(NotSent::RateLimited(_)))), "{result:?}");
    assert_eq!((requests.len(), store.reads.load(Ordering::Relaxed)), (0, 6), "the token is read before");

    let over = Patience::from(shared.clock.now());
    let (result, requests) = send_once(&shared, 1, TokenTry::First, over).await;
    assert!(matches!(result, Err(AttemptError::NotSent(NotSent::DeadlineExceeded(_)))), "{result:?}");
    assert!(requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_second_try_reads_the_token_afresh() {
    let (store, api) = (Store::default(), Api::default());
    let shared = shared(&store, &api);
    send_once(&shared, 1, TokenTry::First, patient(shared.clock.now())).await.0.unwrap();
    *store.token.lock().unwrap() = "second";
    let (_, requests) = send_once(&shared, 1, TokenTry::Second, patient(shared.clock.now())).await;
    assert_eq!(requests[0].token, "second");
}

#[test]
fn a_zone_that_had_too_little_time_for_its_answer_has_not_failed() {
    let millisecond = Duration::from_millis(1);
    for (meaning, timeout, was_cut_short) in [
        (Meaning::Unreachable, 499 * millisecond, true),
        (Meaning::Unreachable, 500 * millisecond, false),
        (Meaning::ServerError, 499 * millisecond, false),
    ] {
        let refusal = Refusal { meaning, message: String::new(), status: None, ray: None };
        let (failure, _) = AttemptError::Refused { refusal, admission: None, timeout }.into_failure();
        assert_eq!(failure.was_cut_short, was_cut_short, "{meaning:?}, {timeout:?}");
    }
}
