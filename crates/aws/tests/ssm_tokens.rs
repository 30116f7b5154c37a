//! The store of tokens on the real SDK, against a stand-in for SSM that counts what it is asked. What real services answer
//! is for the end-to-end tests; here are the cases that they can't reproduce.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

mod logged;
mod moved_clock;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::future::join_all;
use purge_router_aws::{ReadError, SsmTokens};
use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;
use purge_router_pipeline::Freshness::{self, Cached, Fresh};
use purge_router_pipeline::{TokenError, TokenStore};
use serde_json::{Value, json};
use tokio::sync::Notify;

use logged::Logged;
use moved_clock::MovedClock;

const LONG: Duration = Duration::from_secs(3600);

/// What SSM holds, what goes wrong, and the names of each call.
#[derive(Default)]
struct Ssm {
    parameters: BTreeMap<String, (String, String)>,
    /// Names that fail the call that they are in, with this code.
    bad: BTreeMap<String, String>,
    /// An error in answer to every call.
    trouble: Option<(u16, String)>,
    /// What is cut off the end of every answer.
    cut: usize,
    delay: Duration,
    /// What the answer to the next call waits for.
    hold: Option<Arc<Notify>>,
    calls: Vec<Vec<String>>,
}

#[derive(Clone, Default)]
struct Stand(Arc<Mutex<Ssm>>);

impl Stand {
    fn set(&self, name: &str, kind: &str, value: &str) {
        self.0.lock().unwrap().parameters.insert(name.to_owned(), (kind.to_owned(), value.to_owned()));
    }

    fn change(&self, change: impl FnOnce(&mut Ssm)) {
        change(&mut self.0.lock().unwrap());
    }

    /// The names of each call since the last look.
    fn calls(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    /// Waits until a call has come, answered or not.
    async fn arrived(&self) {
        let one = async {
            while self.0.lock().unwrap().calls.is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), one).await.unwrap();
    }

    async fn store(&self, ttl: Duration) -> Store {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(get_parameters)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        store_at(&url, ttl)
    }

    /// Holds the answer to the next call until the returned one is notified.
    fn hold(&self) -> Arc<Notify> {
        let hold = Arc::new(Notify::new());
        self.change(|ssm| ssm.hold = Some(Arc::clone(&hold)));
        hold
    }
}

/// A store, and the clock that it reads.
struct Store {
    tokens: SsmTokens,
    clock: MovedClock,
}

impl Deref for Store {
    type Target = SsmTokens;

    fn deref(&self) -> &SsmTokens {
        &self.tokens
    }
}

/// A store that asks this URL, once for each read: the SDK's own retries would be counted, too.
fn store_at(url: &str, ttl: Duration) -> Store {
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    let clock = MovedClock::new();
    Store { tokens: SsmTokens::new(&config, ttl, clock.clock.clone()), clock }
}

async fn get_parameters(State(stand): State<Stand>, headers: HeaderMap, request: Bytes) -> Response {
    assert_eq!(headers["x-amz-target"], "AmazonSSM.GetParameters");
    let request: Value = serde_json::from_slice(&request).unwrap();
    assert_eq!(request["WithDecryption"], true);
    let names: Vec<String> = serde_json::from_value(request["Names"].clone()).unwrap();
    let (answer, delay, hold) = {
        let mut ssm = stand.0.lock().unwrap();
        ssm.calls.push(names.clone());
        (ssm.answer(&names), ssm.delay, ssm.hold.take())
    };
    tokio::time::sleep(delay).await;
    if let Some(hold) = hold {
        hold.notified().await;
    }
    answer
}

impl Ssm {
    fn answer(&self, names: &[String]) -> Response {
        let of_name = names.iter().find_map(|name| Some((400, self.bad.get(name)?.clone())));
        if let Some((status, code)) = self.trouble.clone().or(of_name) {
            let body = json!({ "__type": code, "message": "cfut_secret is no reason" });
            return (StatusCode::from_u16(status).unwrap(), Json(body)).into_response();
        }
        let found = |name: &String| {
            let (kind, value) = self.parameters.get(name)?;
            // As SSM answers, however it was asked.
            let bare = name.rsplit_once(":parameter").map_or(name.as_str(), |(_, bare)| bare);
            let (bare, selector) =
                bare.split_once(':').map_or((bare, None), |(bare, it)| (bare, Some(format!(":{it}"))));
            let arn = format!("arn:aws:ssm:eu-west-1:123456789012:parameter{bare}");
            Some(json!({ "Name": bare, "ARN": arn, "Selector": selector, "Type": kind, "Value": value }))
        };
        let found: Value = names.iter().filter_map(found).collect();
        let invalid: Value = names.iter().filter(|name| !self.parameters.contains_key(*name)).cloned().collect();
        let mut answer = json!({ "Parameters": found, "InvalidParameters": invalid }).to_string();
        answer.truncate(answer.len() - self.cut);
        answer.into_response()
    }
}

/// A store, and what it asks, with a token for each of the parameters `/t/0`, `/t/1`, …
async fn stand(tokens: usize, ttl: Duration) -> (Stand, Store) {
    let stand = Stand::default();
    names(tokens).iter().for_each(|name| stand.set(name, "SecureString", &format!("token-of-{name}")));
    let store = stand.store(ttl).await;
    (stand, store)
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("/t/{nth}")).collect()
}

fn token(text: &str) -> Result<ApiToken, ReadError> {
    Ok(ApiToken::parse(text).unwrap())
}

fn good(name: &str) -> Result<ApiToken, ReadError> {
    token(&format!("token-of-{name}"))
}

/// Reads them all at once.
async fn read(store: &SsmTokens, names: &[String], freshness: Freshness) -> Vec<Result<ApiToken, ReadError>> {
    join_all(names.iter().map(|name| store.read(name, freshness))).await
}

#[tokio::test]
async fn up_to_ten_parameters_are_read_in_one_call_and_then_cached() {
    let (stand, store) = stand(23, LONG).await;
    let names = names(23);
    assert!(stand.calls().is_empty(), "nothing is read before it is needed");
    for _ in 0..2 {
        let expected: Vec<_> = names.iter().map(|name| good(name)).collect();
        assert_eq!(read(&store, &names, Cached).await, expected);
    }
    let calls = stand.calls();
    let mut sizes: Vec<usize> = calls.iter().map(Vec::len).collect();
    sizes.sort();
    assert_eq!(sizes, [3, 10, 10]);
    assert_eq!(calls.concat().into_iter().collect::<BTreeSet<_>>().len(), 23);
}

#[tokio::test]
async fn one_parameter_is_read_once_for_all_concurrent_callers() {
    for freshness in [Cached, Fresh] {
        let (stand, store) = stand(1, LONG).await;
        stand.change(|ssm| ssm.delay = Duration::from_millis(50));
        let fifty = vec!["/t/0".to_owned(); 50];
        assert_eq!(read(&store, &fifty, freshness).await, vec![good("/t/0"); 50]);
        assert_eq!(stand.calls(), [["/t/0"]], "{freshness:?}");
        // All of them get a failure, too.
        stand.change(|ssm| ssm.parameters.clear());
        assert_eq!(read(&store, &fifty, Fresh).await, vec![Err(ReadError::Absent); 50]);
        assert_eq!(stand.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_fresh_read_begins_after_it_was_asked_for() {
    let (stand, store) = stand(1, LONG).await;
    stand.change(|ssm| ssm.delay = Duration::from_millis(100));
    let (cached, fresh) = tokio::join!(store.read("/t/0", Cached), async {
        // The read that is under way has seen the old token already.
        stand.arrived().await;
        stand.set("/t/0", "SecureString", "rolled");
        store.read("/t/0", Fresh).await
    });
    assert_eq!(cached, good("/t/0"));
    assert_eq!(fresh, token("rolled"));
    assert_eq!(store.read("/t/0", Cached).await, fresh, "the fresh one is kept");
    assert_eq!(stand.calls().len(), 2);
}

#[tokio::test]
async fn a_token_is_cached_for_the_ttl() {
    for (time_to_live, calls) in [(LONG, 1), (Duration::ZERO, 3)] {
        let (stand, store) = stand(1, time_to_live).await;
        for _ in 0..3 {
            assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
        }
        assert_eq!(stand.calls().len(), calls, "{time_to_live:?}");
    }
}

#[tokio::test]
async fn a_token_is_read_again_after_the_ttl() {
    let (stand, store) = stand(1, Duration::from_millis(300)).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    stand.set("/t/0", "SecureString", "new");
    store.clock.advance(Duration::from_millis(300));
    assert_eq!(store.read("/t/0", Cached).await, token("new"));
}

#[tokio::test]
async fn a_failed_read_is_retried_after_five_seconds_or_by_a_fresh_read() {
    for (freshness, pause, calls) in [(Cached, 0, 1), (Cached, 4, 1), (Cached, 5, 2), (Fresh, 0, 2)] {
        let (stand, store) = stand(0, LONG).await;
        assert_eq!(store.read("/t/0", Cached).await, Err(ReadError::Absent));
        stand.set("/t/0", "SecureString", "later");
        store.clock.advance(Duration::from_secs(pause));
        let expected = if calls == 1 { Err(ReadError::Absent) } else { token("later") };
        assert_eq!(store.read("/t/0", freshness).await, expected);
        assert_eq!(stand.calls().len(), calls, "{freshness:?} after {pause} s");
    }
}

#[tokio::test]
async fn a_plaintext_token_is_refused_or_accepted_and_a_fixed_one_is_found() {
    let (stand, strict) = stand(0, LONG).await;
    let lax = stand.store(LONG).await.tokens.accepting_plaintext();
    stand.set("/t/0", "String", "open");
    assert_eq!(strict.read("/t/0", Cached).await, Err(ReadError::NotSecure("String".to_owned())));
    assert_eq!(lax.read("/t/0", Cached).await, token("open"));
    stand.set("/t/1", "String", "not a token");
    let error = lax.read("/t/1", Cached).await.unwrap_err();
    assert!(matches!(error, ReadError::NotAToken(_)), "{error}");
    stand.set("/t/0", "SecureString", "hidden");
    strict.clock.advance(Duration::from_secs(5));
    assert_eq!(strict.read("/t/0", Cached).await, token("hidden"));
}

#[tokio::test]
async fn a_slow_failure_pauses_reads_too() {
    let (stand, store) = stand(1, Duration::ZERO).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    stand.change(|ssm| ssm.trouble = Some((500, "InternalServerError".to_owned())));
    stand.change(|ssm| ssm.delay = Duration::from_millis(1100));
    for _ in 0..3 {
        assert_eq!(store.read("/t/0", Cached).await, good("/t/0"), "the old one");
    }
    assert_eq!(stand.calls().len(), 2);
}

#[tokio::test]
async fn a_young_token_is_used_even_if_a_fresh_read_failed() {
    let (stand, store) = stand(1, LONG).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    stand.change(|ssm| ssm.trouble = Some((500, "InternalServerError".to_owned())));
    assert!(store.read("/t/0", Fresh).await.unwrap_err().is_transient());
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    assert_eq!(stand.calls().len(), 2, "the second cached read needs none");
}

#[tokio::test]
async fn a_parameter_is_found_by_arn_and_with_a_version() {
    let (stand, store) = stand(0, LONG).await;
    let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/t/0";
    for asked in ["/t/0:3", "/t/0:label", arn, &format!("{arn}:3")] {
        stand.set(asked, "SecureString", "versioned");
        assert_eq!(store.read(asked, Cached).await, token("versioned"), "{asked}");
    }
}

#[tokio::test]
async fn a_parameter_that_is_refused_fails_alone() {
    let (stand, store) = stand(5, LONG).await;
    stand.change(|ssm| drop(ssm.bad.insert("/t/3".into(), "AccessDeniedException".into())));
    let reads = read(&store, &names(6), Cached).await;
    let denied = ReadError::Denied("AccessDeniedException: cfut_[redacted] is no reason".into());
    let expected = [good("/t/0"), good("/t/1"), good("/t/2"), Err(denied), good("/t/4"), Err(ReadError::Absent)];
    assert_eq!(reads, expected);
    let sizes: Vec<usize> = stand.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes, [6, 1, 1, 1, 1, 1, 1]);
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_stop_the_others() {
    let (stand, store) = stand(3, LONG).await;
    stand.change(|ssm| ssm.delay = Duration::from_millis(100));
    let names = names(3);
    let hasty = tokio::time::timeout(Duration::from_millis(1), store.read(&names[0], Cached));
    let (hasty, others) = tokio::join!(hasty, read(&store, &names, Cached));
    assert!(hasty.is_err());
    assert_eq!(others, [good("/t/0"), good("/t/1"), good("/t/2")]);
}

/// What SSM answers to every call → how the read ends, and whether trying again may help.
#[tokio::test]
async fn errors_are_classified_by_status_and_code() {
    let (stand, store) = stand(3, LONG).await;
    let said = |code: &str| format!("{code}: cfut_[redacted] is no reason");
    type Kind = fn(String) -> ReadError;
    for (status, code, kind, is_transient) in [
        (400, "ThrottlingException", ReadError::Throttled as Kind, true),
        (429, "TooManyRequests", ReadError::Throttled, true),
        (400, "RequestLimitExceeded", ReadError::Throttled, true),
        (500, "InternalServerError", ReadError::Unavailable, true),
        (503, "ServiceUnavailable", ReadError::Unavailable, true),
        (400, "ExpiredTokenException", ReadError::Settings, true),
        (400, "RequestTimeTooSkewed", ReadError::Settings, true),
        (400, "AccessDeniedException", ReadError::Denied, false),
        (403, "AccessDenied", ReadError::Denied, false),
        (400, "InvalidKeyId", ReadError::Refused, false),
        (400, "ValidationException", ReadError::Refused, false),
    ] {
        stand.change(|ssm| ssm.trouble = Some((status, code.to_owned())));
        let error = kind(said(code));
        assert_eq!(error.is_transient(), is_transient, "{code}");
        assert_eq!(read(&store, &names(3), Fresh).await, vec![Err(error); 3], "{code}");
        // If it affects all parameters, reading each alone would only add to the load.
        assert_eq!(stand.calls().len(), if is_transient { 1 } else { 4 }, "{code}");
    }
}

#[tokio::test]
async fn a_stale_token_is_used_while_ssm_can_not_be_read() {
    let (stand, store) = stand(1, Duration::ZERO).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    for code in ["ThrottlingException", "InternalServerError"] {
        let logged = Logged::new();
        stand.change(|ssm| ssm.trouble = Some((500, code.to_owned())));
        assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
        let said = logged.with("using a stale token: can't read SSM parameter=\"/t/0\"");
        assert_eq!(said.len(), 1, "{code}");
        assert!(store.read("/t/0", Fresh).await.unwrap_err().is_transient());
    }
    // A token that was taken away does not.
    stand.change(|ssm| ssm.trouble = None);
    stand.change(|ssm| ssm.parameters.clear());
    assert_eq!(store.read("/t/0", Fresh).await, Err(ReadError::Absent));
    stand.change(|ssm| ssm.trouble = Some((500, "InternalServerError".to_owned())));
    assert!(store.read("/t/0", Fresh).await.unwrap_err().is_transient());
    assert!(store.read("/t/0", Cached).await.unwrap_err().is_transient());
}

/// A call that was under way during a freeze: its connection may be dead, and its token old.
#[tokio::test]
async fn a_read_from_before_a_freeze_delays_nobody() {
    let (stand, store) = stand(1, LONG).await;
    let hold = stand.hold();
    let before = tokio::time::timeout(Duration::from_millis(100), store.read("/t/0", Cached)).await;
    assert!(before.is_err(), "its deadline passed");
    store.clock.advance(LONG);
    stand.set("/t/0", "SecureString", "rolled");
    for freshness in [Cached, Fresh] {
        let read = tokio::time::timeout(Duration::from_secs(4), store.read("/t/0", freshness)).await;
        assert_eq!(read.unwrap(), token("rolled"), "{freshness:?}");
    }
    hold.notify_one();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(store.read("/t/0", Cached).await, token("rolled"), "the old answer replaces no newer one");
    assert_eq!(stand.calls().len(), 3);
}

#[tokio::test]
async fn a_token_that_arrives_after_a_freeze_is_stale() {
    let (stand, store) = stand(1, Duration::from_secs(5)).await;
    let hold = stand.hold();
    let before = tokio::time::timeout(Duration::from_millis(100), store.read("/t/0", Cached)).await;
    assert!(before.is_err(), "its deadline passed");
    stand.set("/t/0", "SecureString", "rolled");
    store.clock.advance(Duration::from_secs(3));
    let (read, ()) = tokio::join!(store.read("/t/0", Cached), async {
        store.clock.advance(Duration::from_secs(3));
        hold.notify_one();
    });
    assert_eq!(read, token("rolled"), "the age is checked again after waiting");
}

#[tokio::test]
async fn a_read_that_fails_after_a_freeze_does_not_stop_the_next_one() {
    let (stand, store) = stand(1, Duration::from_secs(5)).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    store.clock.advance(Duration::from_secs(5));
    stand.change(|ssm| ssm.trouble = Some((500, "InternalServerError".to_owned())));
    let hold = stand.hold();
    let before = tokio::time::timeout(Duration::from_millis(100), store.read("/t/0", Cached)).await;
    assert!(before.is_err(), "its deadline passed");
    stand.change(|ssm| ssm.trouble = None);
    stand.set("/t/0", "SecureString", "rolled");
    store.clock.advance(Duration::from_secs(3));
    let (read, ()) = tokio::join!(store.read("/t/0", Cached), async { hold.notify_one() });
    assert_eq!(read, token("rolled"), "the failed read began before this one was asked for");
}

#[tokio::test]
async fn an_unreachable_service_is_unavailable() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let store = store_at(&format!("http://{address}"), LONG);
    let error = store.read("/t/0", Cached).await.unwrap_err();
    assert!(matches!(&error, ReadError::Unavailable(_)), "{error}");
    assert!(error.to_string().starts_with("SSM does not answer: "), "{error}");
}

#[tokio::test]
async fn a_broken_answer_is_not_shown() {
    let (stand, store) = stand(1, LONG).await;
    stand.change(|ssm| ssm.cut = 3);
    let error = store.read("/t/0", Cached).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("token-of"), "{error:?}");
}

/// The error names the parameter, what is wrong with it, and the fix.
#[tokio::test]
async fn a_zone_without_a_valid_token_gets_the_reason_and_the_fix() {
    let zone = zone();
    let name = zone.token.as_str();
    let (stand, store) = stand(0, LONG).await;
    let missing = |error: TokenError| match error {
        TokenError::Missing { team, zone, reason, help } => {
            assert_eq!((team.as_str(), zone.as_str()), ("web", "website.co.uk"));
            (reason, help)
        }
        TokenError::Unavailable { .. } => panic!("{error}"),
    };
    let (reason, help) = missing(store.token(&zone, Cached).await.unwrap_err());
    assert_eq!(reason, "/purge-router/web/uk: SSM has no such parameter in this region");
    assert_eq!(help, "store the token there as a SecureString");
    for (kind, value, expected) in [
        ("String", "secret", "/purge-router/web/uk: it is a String, not a SecureString"),
        ("String", "not a token", "/purge-router/web/uk: it is a String, not a SecureString"),
        ("StringList", "secret", "/purge-router/web/uk: it is a StringList, not a SecureString"),
        ("SecureString", " ", "/purge-router/web/uk: this is not an API token: it is empty"),
    ] {
        stand.set(name, kind, value);
        let (reason, _) = missing(store.token(&zone, Fresh).await.unwrap_err());
        assert_eq!(reason, expected);
    }
    stand.change(|ssm| ssm.trouble = Some((400, "ThrottlingException".to_owned())));
    let error = store.token(&zone, Fresh).await.unwrap_err();
    assert!(matches!(error, TokenError::Unavailable { .. }), "{error}");
    stand.change(|ssm| ssm.trouble = None);
    stand.set(name, "SecureString", " secret\n");
    assert_eq!(store.token(&zone, Fresh).await, Ok(Credential::Token(ApiToken::parse("secret").unwrap())));
}

fn zone() -> Arc<Zone> {
    let file = r#"
        version = 1
        [teams.web]
        owns = []
        [teams.web.zones."website.co.uk"]
        zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
        hostnames = ["www.website.co.uk"]
        token = "uk"
    "#;
    Arc::clone(purge_router_config::from_toml(file).unwrap().zones().next().unwrap())
}
