//! A stand-in for SSM, and a store with a clock that tests can move.

use std::collections::BTreeMap;
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
use purge_router_cloudflare::ApiToken;
use purge_router_pipeline::Freshness;
use purge_router_test_support::{MovedClock, until};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// An error of SSM.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Failure {
    /// With a message that must not be shown as it is.
    pub(crate) fn new(status: u16, code: &str) -> Self {
        Self { status, code: code.to_owned(), message: "cfut_secret is no reason".to_owned() }
    }
}

/// What SSM holds, what goes wrong, and the names of each call.
#[derive(Default)]
pub(crate) struct Ssm {
    pub(crate) parameters: BTreeMap<String, (String, String)>,
    /// Names that fail the call that they are in, with this code.
    pub(crate) bad: BTreeMap<String, String>,
    /// The error that every call gets.
    pub(crate) failure: Option<Failure>,
    /// What is cut off the end of every answer.
    pub(crate) cut: usize,
    /// How long each answer takes, in real time: it comes over a socket.
    pub(crate) delay: Duration,
    /// What the answer to the next call waits for.
    hold: Option<Arc<Notify>>,
    calls: Vec<Vec<String>>,
}

#[derive(Clone, Default)]
pub(crate) struct Stand(Arc<Mutex<Ssm>>);

impl Stand {
    pub(crate) fn set(&self, name: &str, kind: &str, value: &str) {
        self.0.lock().unwrap().parameters.insert(name.to_owned(), (kind.to_owned(), value.to_owned()));
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Ssm)) {
        change(&mut self.0.lock().unwrap());
    }

    /// The names of each call since the last look.
    pub(crate) fn calls(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    /// Waits until a call has come, answered or not.
    pub(crate) async fn arrived(&self) {
        until(async || !self.0.lock().unwrap().calls.is_empty()).await;
    }

    pub(crate) async fn store(&self, ttl: Duration) -> Store {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(get_parameters)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        store_at(&url, ttl)
    }

    /// Holds the answer to the next call until the returned one is notified.
    pub(crate) fn hold(&self) -> Arc<Notify> {
        let hold = Arc::new(Notify::new());
        self.change(|ssm| ssm.hold = Some(Arc::clone(&hold)));
        hold
    }
}

/// A store, and the clock that it reads.
pub(crate) struct Store {
    pub(crate) tokens: SsmTokens,
    pub(crate) clock: MovedClock,
}

impl Deref for Store {
    type Target = SsmTokens;

    fn deref(&self) -> &SsmTokens {
        &self.tokens
    }
}

/// A store that asks this URL, once for each read: the SDK's own retries would be counted, too.
pub(crate) fn store_at(url: &str, ttl: Duration) -> Store {
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(purge_router_aws::http_client())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    let clock = MovedClock::default();
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
        let of_name = names.iter().find_map(|name| Some(Failure::new(400, self.bad.get(name)?)));
        if let Some(Failure { status, code, message }) = self.failure.clone().or(of_name) {
            let body = json!({ "__type": code, "message": message });
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
pub(crate) async fn stand(tokens: usize, ttl: Duration) -> (Stand, Store) {
    let stand = Stand::default();
    names(tokens).iter().for_each(|name| stand.set(name, "SecureString", &format!("token-of-{name}")));
    let store = stand.store(ttl).await;
    (stand, store)
}

pub(crate) fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("/t/{index}")).collect()
}

pub(crate) fn token(text: &str) -> Result<ApiToken, ReadError> {
    Ok(ApiToken::parse(text).unwrap())
}

pub(crate) fn good(name: &str) -> Result<ApiToken, ReadError> {
    token(&format!("token-of-{name}"))
}

/// Reads them all at once.
pub(crate) async fn read(
    store: &SsmTokens,
    names: &[String],
    freshness: Freshness,
) -> Vec<Result<ApiToken, ReadError>> {
    join_all(names.iter().map(|name| store.read(name, freshness))).await
}
