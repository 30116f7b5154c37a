//! The API's routes, and what happens to every request: it is recorded, faults and the limits of clients are
//! applied, and it is answered.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};

use super::path::{not_found, segment};
use super::{purge, tokens, trace};
use crate::answer::{RATELIMIT, Refusal, ratelimit};
use crate::body::names_urls;
use crate::fault::FaultKind;
use crate::faults::Interception;
use crate::lock::lock;
use crate::server::{is_reset, reset};
use crate::state::{CF_RAY, State};

/// `Ratelimit` for answers that no bucket applies to, in calls and seconds: Cloudflare's limit over all calls. What is
/// left of it is not shown.
const GLOBAL_LIMIT: (u32, u32) = (1200, 300);

/// The largest body that is read: 500 URLs of the greatest length that Cloudflare accepts.
const MAX_BODY_BYTES: usize = 16 << 20;

pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .merge(purge::routes())
        .merge(tokens::routes())
        .merge(trace::routes())
        .fallback(unrouted)
        .method_not_allowed_fallback(unrouted)
        .layer(from_fn_with_state(state.clone(), complete_headers))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

async fn unrouted(uri: Uri) -> Refusal {
    not_found(&uri)
}

async fn complete_headers(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = record(&state, request, next).await;
    if is_reset(&response) {
        return response;
    }
    tracing::info!(%method, %path, status = response.status().as_u16(), "API request");
    let headers = response.headers_mut();
    headers.entry(RATELIMIT).or_insert_with(|| ratelimit(GLOBAL_LIMIT.0, GLOBAL_LIMIT.1));
    headers.insert(CF_RAY, state.ray());
    response
}

/// Records a request and its answer, and applies faults and the limits of clients in between.
async fn record(state: &State, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let number = state.log.add(&parts, body.clone());
    let Interception { delay, replacement } = lock(&state.faults).intercept(segment(&parts.uri, "zones"));
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let response = match replacement {
        Some(fault) => replaced(fault).await,
        None => match admit(state, &parts, &body) {
            Ok(()) => next.run(Request::from_parts(parts, Body::from(body))).await,
            Err(refusal) => refusal.into_response(),
        },
    };
    if !is_reset(&response) {
        state.log.answered(number, response.status());
    }
    response
}

/// Refuses a request whose client exceeds its limits.
fn admit(state: &State, parts: &Parts, body: &[u8]) -> Result<(), Refusal> {
    let Some(limits) = &state.client_limits else { return Ok(()) };
    let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else { return Ok(()) };
    let caller = lock(&state.tokens).caller(&parts.headers);
    let is_call = segment(&parts.uri, "zones").is_none() || !names_urls(body);
    lock(limits).admit(peer.ip(), caller, is_call).map_err(Refusal::client_limited)
}

/// A fault's answer in place of the API's.
async fn replaced(fault: FaultKind) -> Response {
    let status_of = |status| StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match fault {
        FaultKind::Status { status, code, message, retry_after } => {
            Refusal::new(status_of(status), code, message).retry_after(retry_after).into_response()
        }
        FaultKind::Body { status, body } => (status_of(status), Html(body)).into_response(),
        FaultKind::Reset => reset(),
        FaultKind::Hang => std::future::pending().await,
        // `Faults::intercept` returns none of these.
        FaultKind::Delay { .. }
        | FaultKind::RejectUrl { .. }
        | FaultKind::RejectHost { .. }
        | FaultKind::KeepCached
        | FaultKind::RejectMethod { .. } => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
