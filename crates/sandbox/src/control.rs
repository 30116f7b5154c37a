//! The control API, under `/_sandbox` on the API's port, for tests in other languages.
//!
//! It needs no token, and so answers only to loopback. Its requests are not recorded, and no fault affects them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::fault::Fault;
use crate::lock::lock;
use crate::record::Received;
use crate::state::State;
use crate::token::credentials::X_AUTH_KEY;
use crate::token::sandbox_token::{SandboxToken, TokenStatus};

/// The prefix of every path.
pub(crate) const BASE: &str = "/_sandbox";

/// How many characters of a secret are shown.
const SHOWN_CHARACTERS: usize = 4;

pub(crate) fn router(state: Arc<State>) -> Router {
    let routes = Router::new()
        .route("/health", get(health))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/faults", post(add_fault).delete(clear_faults))
        .route("/tokens", post(add_token))
        .route("/global-keys", post(set_global_key))
        .route("/cache", get(cache))
        .fallback(async || Problem(StatusCode::NOT_FOUND, "nothing is here".to_owned()))
        .method_not_allowed_fallback(async || {
            Problem(StatusCode::METHOD_NOT_ALLOWED, "not with this method".to_owned())
        })
        .layer(from_fn(require_loopback));
    Router::new().nest(BASE, routes).with_state(state)
}

/// An error of the control API: `{"error": "…"}`.
struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        bad(rejection.body_text())
    }
}

fn bad(message: impl Into<String>) -> Problem {
    Problem(StatusCode::BAD_REQUEST, message.into())
}

async fn require_loopback(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    if peer.ip().to_canonical().is_loopback() {
        return next.run(request).await;
    }
    Problem(StatusCode::FORBIDDEN, "the control API answers only to loopback".to_owned()).into_response()
}

async fn health(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let zones = state.zones.iter().map(|zone| json!({ "zone_id": zone.id, "domain": zone.domain }));
    Json(json!({ "status": "ok", "zones": zones.collect::<Value>() }))
}

async fn requests(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(state.log.all().iter().map(describe).collect())
}

async fn clear_requests(Shared(state): Shared<Arc<State>>) -> StatusCode {
    state.log.clear();
    StatusCode::NO_CONTENT
}

async fn add_fault(
    Shared(state): Shared<Arc<State>>,
    fault: Result<Json<Fault>, JsonRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Json(fault) = fault?;
    let unknown = fault.zone_id.as_deref().and_then(|zone_id| unknown_zone(&state, zone_id));
    if let Some(problem) = fault.problem().or(unknown) {
        return Err(bad(problem));
    }
    lock(&state.faults).add(fault.clone());
    Ok((StatusCode::CREATED, Json(fault)))
}

async fn clear_faults(Shared(state): Shared<Arc<State>>) -> StatusCode {
    lock(&state.faults).clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    secret: String,
    zones: Vec<String>,
    #[serde(default)]
    status: TokenStatus,
    #[serde(default)]
    account_id: Option<String>,
    #[serde(default)]
    manages_tokens: bool,
    #[serde(default)]
    traces_account: Option<String>,
}

/// Adds a token. One that replaces another keeps its id.
async fn add_token(
    Shared(state): Shared<Arc<State>>,
    token: Result<Json<NewToken>, JsonRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Json(NewToken { secret, zones, status, account_id, manages_tokens, traces_account }) = token?;
    header_value("secret", &secret)?;
    if let Some(problem) = zones.iter().find_map(|zone_id| unknown_zone(&state, zone_id)) {
        return Err(bad(problem));
    }
    let mut tokens = lock(&state.tokens);
    let id = tokens.get(&secret).map_or_else(|| tokens.unused_id(), |token| token.id.clone());
    let answer = json!({ "id": id, "zones": zones, "status": status });
    tokens.add(SandboxToken { secret, id, zones, status, account_id, manages_tokens, traces_account });
    Ok((StatusCode::CREATED, Json(answer)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GlobalKey {
    email: String,
    key: String,
}

/// Sets a user's global key. It replaces the user's previous one.
async fn set_global_key(
    Shared(state): Shared<Arc<State>>,
    key: Result<Json<GlobalKey>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(GlobalKey { email, key }) = key?;
    header_value("email", &email)?;
    header_value("key", &key)?;
    lock(&state.tokens).set_global_key(email, key);
    Ok(StatusCode::NO_CONTENT)
}

fn header_value(field: &str, text: &str) -> Result<(), Problem> {
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(bad(format!("{field} must be printable ASCII without spaces, because it is sent in a header"))),
    }
}

async fn cache(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(lock(&state.cache).list(&state.zones))
}

fn unknown_zone(state: &State, zone_id: &str) -> Option<String> {
    state.zone(zone_id).is_none().then(|| format!("the sandbox has no zone {zone_id:?}"))
}

fn describe(request: &Received) -> Value {
    json!({
        "method": request.method.as_str(),
        "path": request.path,
        "headers": redacted_headers(&request.headers),
        "body": String::from_utf8_lossy(&request.body),
        "at_milliseconds": u64::try_from(request.at.as_millis()).unwrap_or(u64::MAX),
        "status": request.status,
    })
}

/// Headers as an object; values of one name are joined as in HTTP.
fn redacted_headers(headers: &HeaderMap) -> Map<String, Value> {
    let value_of = |name: &HeaderName| {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| redacted_value(name, value)).collect();
        values.join(", ")
    };
    headers.keys().map(|name| (name.to_string(), Value::String(value_of(name)))).collect()
}

fn redacted_value(name: &HeaderName, value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    if name != AUTHORIZATION && name != X_AUTH_KEY {
        return text.into_owned();
    }
    let (scheme, secret) = text.split_once(' ').unwrap_or(("", &text));
    let length = secret.chars().count();
    // The last characters of a short secret would be most of it.
    let hidden = if length < 2 * SHOWN_CHARACTERS { length } else { length - SHOWN_CHARACTERS };
    format!("{scheme} …{}", secret.chars().skip(hidden).collect::<String>()).trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_secret_is_shown() {
        assert_eq!(redacted_value(&X_AUTH_KEY, &HeaderValue::from_static("0123456789abcdef")), "…cdef");
        for (value, expected) in [
            ("Bearer cfut_0123456789abcdef", "Bearer …cdef"),
            ("Bearer 12345678", "Bearer …5678"),
            ("Bearer 1234567", "Bearer …"),
            ("cfut_0123456789abcdef", "…cdef"),
        ] {
            assert_eq!(redacted_value(&AUTHORIZATION, &HeaderValue::from_static(value)), expected);
        }
    }
}
