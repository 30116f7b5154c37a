//! Cloudflare's API: purge and invalidate; that of tokens lies beside.
//!
//! Every request is recorded, then disturbed by faults, then answered: routing, token, body, rate limit, eviction, in
//! this order, so that only what is carried out costs anything.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::post;
use serde_json::json;

use crate::answer::{RATELIMIT, Refusal, ratelimit, success};
use crate::body::Purge;
use crate::edge::cache::Mode;
use crate::fault::FaultKind;
use crate::faults::Interception;
use crate::limit::Allowance;
use crate::server::{is_reset, reset};
use crate::state::{CF_RAY, State, lock};
use crate::zone::is_id;

/// The path below which the API lies.
pub(crate) const BASE: &str = "/client/v4";

/// What `Ratelimit` says where no bucket was touched, in calls and seconds: Cloudflare's limit over all calls, which is
/// not counted here.
const GLOBAL_LIMIT: (u32, u32) = (1200, 300);

/// The largest body that is read: 500 URLs of the greatest length that Cloudflare accepts.
const LARGEST_BODY: usize = 16 << 20;

pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/client/v4/zones/{zone_id}/purge_cache", post(purge))
        .route("/client/v4/zones/{zone_id}/invalidate_cache", post(invalidate))
        .merge(crate::token_api::routes())
        .fallback(unrouted)
        .method_not_allowed_fallback(unrouted)
        .layer(from_fn_with_state(state.clone(), observe))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

/// Completes the headers of every answer.
async fn observe(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = record(&state, request, next).await;
    if is_reset(&response) {
        return response;
    }
    tracing::info!(%method, path, status = response.status().as_u16(), "API request");
    let headers = response.headers_mut();
    headers.entry(RATELIMIT).or_insert_with(|| ratelimit(GLOBAL_LIMIT.0, GLOBAL_LIMIT.1));
    headers.insert(CF_RAY, state.ray());
    response
}

/// Records a request and its answer, and lets the faults at it in between.
async fn record(state: &State, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let number = state.log.add(&parts, body.clone());
    let Interception { delay, replacement } = lock(&state.faults).intercept(segment(&parts.uri, "zones"));
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let response = match replacement {
        Some(fault) => replaced(fault).await,
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
    };
    if !is_reset(&response) {
        state.log.answered(number, response.status());
    }
    response
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
        | FaultKind::RejectMethod { .. } => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

type Peer = ConnectInfo<SocketAddr>;

async fn purge(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(peer): Peer,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    evict(&state, peer.ip(), &uri, &headers, &body, Mode::Purge)
}

async fn invalidate(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(peer): Peer,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    evict(&state, peer.ip(), &uri, &headers, &body, Mode::Invalidate)
}

fn evict(
    state: &State,
    from: IpAddr,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    mode: Mode,
) -> Result<Response, Refusal> {
    let zone_id = segment(uri, "zones").filter(|id| is_id(id)).ok_or_else(|| not_found(uri))?;
    let zone = state.zone(zone_id);
    lock(&state.tokens).authorize(headers, from, zone_id, zone.map(|(_, zone)| zone))?;
    // A token can be added for a zone that the sandbox does not have.
    let (place, zone) = zone.ok_or_else(|| Refusal::authentication(StatusCode::FORBIDDEN))?;
    let purge = Purge::read(body, zone)?;
    if let Some(refusal) = lock(&state.faults).refuse(zone_id, &purge) {
        return Err(refusal);
    }
    let (class, cost) = purge.cost();
    let allowance = state.limits.as_ref().map(|limits| lock(limits).spend(zone, class, cost)).transpose();
    let allowance = allowance.map_err(Refusal::rate_limited)?;
    lock(&state.cache).evict(place, zone, &purge, mode);

    let mut response = success(&json!({ "id": zone_id }), &[]);
    if let Some(Allowance { remaining, full_in }) = allowance {
        response.headers_mut().insert(RATELIMIT, ratelimit(remaining, full_in));
    }
    Ok(response)
}

async fn unrouted(uri: Uri) -> Refusal {
    not_found(&uri)
}

pub(crate) fn not_found(uri: &Uri) -> Refusal {
    let path = uri.path();
    Refusal::unrouted(path.strip_prefix(BASE).unwrap_or(path))
}

/// The path's segment after `collection`, which is the first below the API's base.
pub(crate) fn segment<'a>(uri: &'a Uri, collection: &str) -> Option<&'a str> {
    let mut segments = uri.path().strip_prefix(BASE)?.strip_prefix('/')?.split('/');
    segments.next().filter(|first| *first == collection)?;
    segments.next()
}
