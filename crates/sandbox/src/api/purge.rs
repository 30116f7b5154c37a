//! Purge and invalidate.
//!
//! Routing, token, body, faults, rate limit and eviction follow in this order, so that only an accepted request costs
//! quota.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::post;
use serde_json::json;

use super::path::{environment, not_found, segment};
use crate::answer::{RATELIMIT, Refusal, ratelimit, success};
use crate::body::Purge;
use crate::edge::cache::Mode;
use crate::limit::Allowance;
use crate::lock::lock;
use crate::state::State;
use crate::zone::is_id;

type Peer = ConnectInfo<SocketAddr>;

pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/client/v4/zones/{zone_id}/purge_cache", post(purge))
        .route("/client/v4/zones/{zone_id}/invalidate_cache", post(invalidate))
        .route("/client/v4/zones/{zone_id}/environments/{environment_id}/purge_cache", post(purge))
        .route("/client/v4/zones/{zone_id}/environments/{environment_id}/invalidate_cache", post(invalidate))
}

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
    lock(&state.tokens).authorize_purge(headers, from, zone_id, zone.map(|(_, zone)| zone))?;
    // A token can be created for a zone that the sandbox does not have.
    let (zone_index, zone) = zone.ok_or_else(|| Refusal::authentication(StatusCode::FORBIDDEN))?;
    let environment = environment(uri);
    if environment.is_some_and(|id| !zone.environments.iter().any(|known| known == id)) {
        return Err(not_found(uri));
    }
    let purge = Purge::read(body, zone)?;
    if let Some(refusal) = lock(&state.faults).refuse(zone_id, &purge) {
        return Err(refusal);
    }
    let (class, cost) = purge.cost();
    let allowance = state.limits.as_ref().map(|limits| lock(limits).spend(zone, class, cost)).transpose();
    let allowance = allowance.map_err(Refusal::rate_limited)?;
    // The edge serves production only.
    if environment.is_none() && !lock(&state.faults).keep_cached(zone_id) {
        lock(&state.cache).evict(zone_index, zone, &purge, mode);
    }

    let mut response = success(&json!({ "id": zone_id }), &[]);
    if let Some(Allowance { remaining, full_in }) = allowance {
        response.headers_mut().insert(RATELIMIT, ratelimit(remaining, full_in));
    }
    Ok(response)
}
