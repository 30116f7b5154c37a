use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use purge_router_cloudflare::Refusal;

use super::*;
use crate::outcome::Status;
use crate::patience::Patience;
use crate::rate_limit::{AfterDeadline, Share};
use crate::test_support::{Store, paused_clock, plan_of};
use crate::token_health::TokenCircuits;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn decisions_by_meaning() {
    let limited = |retry_after, all_calls| Meaning::RateLimited { retry_after, all_calls };
    let pause = |wait, all_calls| Decision::Pause { wait, all_calls };
    let (exactly, backoff) = (Wait::Exactly(SECOND), Decision::Retry(Wait::Backoff));
    for (meaning, first, second) in [
        (limited(Some(SECOND), false), pause(exactly, false), pause(exactly, false)),
        (limited(None, false), pause(Wait::Backoff, false), pause(Wait::Backoff, false)),
        (limited(Some(Duration::ZERO), false), pause(Wait::Backoff, false), pause(Wait::Backoff, false)),
        (limited(Some(SECOND), true), pause(exactly, true), pause(exactly, true)),
        (limited(None, true), pause(Wait::Exactly(DEFAULT_BLOCK), true), pause(Wait::Exactly(DEFAULT_BLOCK), true)),
        (Meaning::Unreachable, backoff, backoff),
        (Meaning::ServerError, backoff, backoff),
        (Meaning::TokenRefused, Decision::RetryWithFreshToken, Decision::GiveUp),
        (Meaning::ItemRefused, Decision::GiveUp, Decision::GiveUp),
        (Meaning::HostnameRefused, Decision::GiveUp, Decision::GiveUp),
        (Meaning::Unclear, Decision::GiveUp, Decision::GiveUp),
        (Meaning::RequestRefused, Decision::GiveUp, Decision::GiveUp),
    ] {
        assert_eq!(decide(&refused(meaning), TokenTry::First), first, "{meaning:?}");
        assert_eq!(decide(&refused(meaning), TokenTry::Second), second, "{meaning:?}");
    }
}

#[test]
fn only_a_store_that_is_unavailable_is_asked_again() {
    let decide = |reason: NotSent| decide(&AttemptError::NotSent(reason), TokenTry::First);
    assert_eq!(decide(unavailable()), Decision::Retry(Wait::Backoff));
    for reason in [
        missing(),
        NotSent::RateLimited(AfterDeadline::Full),
        NotSent::DeadlineExceeded("it was sent"),
        NotSent::ZoneCircuitOpen(SECOND),
        TokenUnusable::RefusedToOthers.into(),
    ] {
        assert_eq!(decide(reason.clone()), Decision::GiveUp, "{reason}");
    }
}

fn refused(meaning: Meaning) -> AttemptError {
    let refusal = Refusal { meaning, message: format!("{meaning:?}"), status: Some(400), ray: None };
    AttemptError::Refused { refusal, admission: None, timeout: SECOND }
}

fn unavailable() -> NotSent {
    let error = TokenError::Unavailable { team: "red".into(), zone: "red.com".into(), reason: "throttled".into() };
    TokenUnusable::from(error).into()
}

fn missing() -> NotSent {
    let (team, zone) = ("red".to_owned(), "red.com".to_owned());
    TokenUnusable::from(TokenError::Missing { team, zone, reason: "none".to_owned(), help: String::new() }).into()
}

fn limited(seconds: u32) -> AttemptError {
    refused(Meaning::RateLimited { retry_after: Some(seconds * SECOND), all_calls: false })
}

/// A layer whose requests take 10 ms and fail as scripted. When the script is over, it accepts.
#[derive(Default)]
struct ScriptedOnce {
    errors: Mutex<VecDeque<AttemptError>>,
    tries: Mutex<Vec<TokenTry>>,
}

impl SendOnce for ScriptedOnce {
    async fn send_once(
        &self,
        _: &Piece<'_>,
        token_try: TokenTry,
        _: Option<crate::token_health::Admission>,
    ) -> Result<Accepted, AttemptError> {
        self.tries.lock().unwrap().push(token_try);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.errors.lock().unwrap().pop_front().map_or(Ok(Accepted { ray: None }), Err)
    }
}

/// How sending a piece ended.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    result: Result<Accepted, (Status, String)>,
    attempts: u32,
    tries: Vec<TokenTry>,
    token_reads: usize,
    whole_seconds: u64,
}

/// Sends a piece while requests fail with these errors. Each backoff is below a second.
async fn send(patience: impl Fn(Timestamp) -> Patience, errors: Vec<AttemptError>) -> Ended {
    let (clock, plan, store) = (paused_clock(), plan_of(1), Store::default());
    let start = clock.now();
    let limits = RateLimits::new(Share::new(NonZeroU32::MIN, 0, clock.clone()), clock.clone());
    let circuits = TokenCircuits::new(5 * SECOND, clock.clone());
    let (zone, backoff) = (&*plan.batches[0].zone, Backoff { base: SECOND / 2, cap: SECOND / 2 });
    let store_ref = &store;
    let token = Arc::new(ZoneToken::new(&store_ref, &circuits, zone));
    let inner = ScriptedOnce { errors: Mutex::new(errors.into()), ..ScriptedOnce::default() };
    let retry = Retry::new(inner, zone, token, &limits, backoff, Deadline::new(&clock, patience(start)));
    let mut attempts = 0;
    let result = retry.send(&Piece::whole(&plan.batches[0]), &mut attempts).await;
    Ended {
        result: result.map_err(|failure| (failure.status, failure.error)),
        attempts,
        tries: retry.inner.tries.into_inner().unwrap(),
        token_reads: store.reads.load(Ordering::Relaxed),
        whole_seconds: (clock.now() - start).as_secs(),
    }
}

fn patient(start: Timestamp) -> Patience {
    Patience::from(start + 30 * SECOND)
}

fn brief(start: Timestamp) -> Patience {
    Patience { retry_for: SECOND, rate_limit_deadline: start + 5 * SECOND, ..patient(start) }
}

fn accepted(attempts: u32, tries: &[TokenTry], token_reads: usize, whole_seconds: u64) -> Ended {
    Ended { result: Ok(Accepted { ray: None }), attempts, tries: tries.to_vec(), token_reads, whole_seconds }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_sent_until_it_is_accepted() {
    let first = TokenTry::First;
    assert_eq!(send(patient, vec![]).await, accepted(1, &[first], 0, 0));
    let ended = send(patient, vec![refused(Meaning::ServerError), refused(Meaning::Unreachable)]).await;
    assert_eq!((ended.result.is_ok(), ended.attempts), (true, 3));
    assert_eq!(send(patient, vec![limited(3), limited(4)]).await, accepted(3, &[first; 3], 0, 7));
    let ended = send(patient, vec![AttemptError::NotSent(unavailable())]).await;
    assert_eq!((ended.result.is_ok(), ended.attempts, ended.tries.len()), (true, 1, 2), "it was sent once");
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_read_afresh_and_tried_once_more() {
    let refused = || refused(Meaning::TokenRefused);
    let tries = [TokenTry::First, TokenTry::Second];
    assert_eq!(send(patient, vec![refused()]).await, accepted(2, &tries, 1, 0));
    let ended = send(patient, vec![refused(), refused()]).await;
    assert_eq!((ended.result.unwrap_err().0, ended.tries), (Status::TokenRefused, tries.to_vec()));
    let ended = send(patient, vec![refused(), limited(1)]).await;
    assert_eq!(ended.tries, [TokenTry::First, TokenTry::Second, TokenTry::Second], "no first try again");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_not_sent_again() {
    for (meaning, status) in [
        (Meaning::ItemRefused, Status::ItemsRefused),
        (Meaning::HostnameRefused, Status::ItemsRefused),
        (Meaning::Unclear, Status::ItemsRefused),
        (Meaning::RequestRefused, Status::RequestRefused),
    ] {
        let ended = send(patient, vec![refused(meaning)]).await;
        assert_eq!((ended.result.unwrap_err().0, ended.attempts), (status, 1));
    }
    let ended = send(patient, vec![AttemptError::NotSent(missing())]).await;
    assert_eq!((ended.result.unwrap_err().0, ended.attempts), (Status::TokenMissing, 0));
}

#[tokio::test(start_paused = true)]
async fn retries_end_with_the_patience_and_keep_the_last_answer() {
    let errors = || (0..1000).map(|_| refused(Meaning::ServerError)).collect();
    let ended = send(brief, errors()).await;
    assert!(ended.attempts > 1 && ended.whole_seconds <= 1, "{ended:?}");
    assert_eq!(ended.result.unwrap_err().0, Status::Unreachable);
    let ended = send(patient, errors()).await;
    assert!(ended.attempts > 50 && (28..=30).contains(&ended.whole_seconds), "{ended:?}");

    assert_eq!(send(brief, vec![limited(4)]).await.attempts, 2, "rate limits are waited for");
    let ended = send(brief, vec![limited(5)]).await;
    assert_eq!((ended.result.unwrap_err().0, ended.attempts, ended.whole_seconds), (Status::RateLimited, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_explains_more_than_that_a_later_try_was_not_sent() {
    let not_sent = |reason: NotSent| {
        let not_sent = std::iter::repeat_with(move || AttemptError::NotSent(reason.clone())).take(1000);
        std::iter::once(refused(Meaning::ServerError)).chain(not_sent).collect()
    };
    for (reason, status, error) in [
        (NotSent::DeadlineExceeded("it was sent"), Status::Unreachable, "ServerError"),
        (NotSent::RateLimited(AfterDeadline::Full), Status::Unreachable, "ServerError"),
        (unavailable(), Status::Unreachable, "ServerError"),
        (missing(), Status::TokenMissing, "team red has no token for zone red.com: none; "),
    ] {
        let ended = send(patient, not_sent(reason)).await;
        assert_eq!((ended.result, ended.attempts), (Err((status, error.to_owned())), 1));
    }
    let only = send(patient, vec![AttemptError::NotSent(NotSent::DeadlineExceeded("it was sent"))]).await;
    assert_eq!(only.result.unwrap_err().0, Status::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_pauses_the_class_and_a_global_one_all_calls() {
    for (all_calls, other_class_waits) in [(false, false), (true, true)] {
        let (clock, plan, store) = (paused_clock(), plan_of(1), Store::default());
        let limits = RateLimits::new(Share::new(NonZeroU32::MIN, 0, clock.clone()), clock.clone());
        let circuits = TokenCircuits::new(5 * SECOND, clock.clone());
        let (zone, store_ref) = (&*plan.batches[0].zone, &store);
        let token = Arc::new(ZoneToken::new(&store_ref, &circuits, zone));
        let limited = refused(Meaning::RateLimited { retry_after: Some(20 * SECOND), all_calls });
        let inner = ScriptedOnce { errors: Mutex::new([limited].into()), ..ScriptedOnce::default() };
        let deadline = Deadline::new(&clock, brief(clock.now()));
        let retry = Retry::new(inner, zone, token, &limits, Backoff::default(), deadline);
        _ = retry.send(&Piece::whole(&plan.batches[0]), &mut 0).await;
        let soon = clock.now() + SECOND;
        let waits = async |class| limits.acquire(zone, class, 1, soon).await.is_err();
        use purge_router_core::limits::LimitClass::{Requests, Urls};
        assert_eq!((waits(Urls).await, waits(Requests).await), (true, other_class_waits));
    }
}
