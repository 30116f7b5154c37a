//! Requests of visitors to the edge.
//!
//! The request's host selects the zone. Only answers to GET and HEAD with status 200 are cached, until they are purged.
//! `CF-Cache-Status` says what happened: `HIT`, `MISS`, `EXPIRED` (fetched again because it was invalidated), `STALE`
//! (the same, but the origin server does not answer), `BYPASS` (the answer has `no-store` or `private`) or `DYNAMIC`
//! (another method). `Age` is the number of seconds since a cached answer was fetched.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::http::header::{AGE, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::cache::{CACHE_TAG, CacheKey, CachedObject, Lookup, VaryValues};
use super::origins::Origins;
use super::visit::{PlainAnswer, Visit};
use crate::lock::lock;
use crate::state::{CF_RAY, State};
use crate::zone::Zone;

const CF_CACHE_STATUS: HeaderName = HeaderName::from_static("cf-cache-status");

struct Edge {
    state: Arc<State>,
    origins: Origins,
}

pub(crate) fn router(state: Arc<State>, origins: Origins) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(Edge { state, origins }))
}

async fn serve(Shared(edge): Shared<Arc<Edge>>, request: Request) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut response = edge.answer(request).await.unwrap_or_else(IntoResponse::into_response);
    let status = response.status().as_u16();
    tracing::info!(%method, %uri, status, cache = ?response.headers().get(CF_CACHE_STATUS), "edge request");
    response.headers_mut().insert(CF_RAY, edge.state.ray());
    response
}

impl Edge {
    async fn answer(&self, request: Request) -> Result<Response, PlainAnswer> {
        let (parts, body) = request.into_parts();
        let visit = Visit::read(&parts)?;
        let Some((zone_index, zone)) = self.zone(&visit.host) else {
            let message = format!("no zone of this sandbox has the hostname {:?}\n", visit.host);
            return Err((StatusCode::MISDIRECTED_REQUEST, message));
        };
        if parts.method != Method::GET && parts.method != Method::HEAD {
            let mut response = self.origins.forward(&visit, parts, body).await?;
            set_status(response.headers_mut(), "DYNAMIC");
            return Ok(response);
        }
        let key = CacheKey {
            zone: zone_index,
            scheme: visit.scheme,
            vary: vary_values(zone, &parts.headers),
            host: visit.host.clone(),
            target: visit.target.clone(),
        };
        self.cached(key, &visit, parts.headers).await
    }

    async fn cached(&self, key: CacheKey, visit: &Visit, headers: HeaderMap) -> Result<Response, PlainAnswer> {
        let (stale, generation) = match lock(&self.state.cache).find(&key) {
            Lookup::Fresh(object) => return Ok(answer_from_cache(&object, "HIT")),
            Lookup::Stale(object, generation) => (Some(object), generation),
            Lookup::Absent(generation) => (None, generation),
        };
        let response = match self.origins.fetch(visit, headers).await {
            Ok(response) => response,
            Err(problem) => return stale.map(|object| answer_from_cache(&object, "STALE")).ok_or(problem),
        };
        let cacheable = !is_uncacheable(response.headers());
        let status = match &stale {
            _ if !cacheable => "BYPASS",
            Some(_) => "EXPIRED",
            None => "MISS",
        };
        if response.status() == StatusCode::OK && cacheable {
            let object = Arc::new(CachedObject::new(response));
            lock(&self.state.cache).store(key, Arc::clone(&object), generation);
            return Ok(answer_from_cache(&object, status));
        }
        if stale.is_some() && !response.status().is_server_error() {
            lock(&self.state.cache).remove_stale(&key);
        }
        let mut response = response.map(Body::from);
        set_status(response.headers_mut(), status);
        Ok(response)
    }

    fn zone(&self, host: &str) -> Option<(usize, &Zone)> {
        let serves = |zone: &Zone| zone.hostnames.iter().any(|hostname| hostname == host);
        self.state.zones.iter().enumerate().find(|(_, zone)| serves(zone))
    }
}

fn vary_values(zone: &Zone, headers: &HeaderMap) -> VaryValues {
    zone.vary_headers.iter().map(|name| headers.get(name).map(|value| value.as_bytes().to_vec())).collect()
}

fn is_uncacheable(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(','));
    directives.any(|directive| ["no-store", "private"].iter().any(|name| directive.trim().eq_ignore_ascii_case(name)))
}

fn answer_from_cache(object: &CachedObject, status: &'static str) -> Response {
    let mut response = Body::from(object.body.clone()).into_response();
    *response.headers_mut() = object.headers.clone();
    if status == "HIT" || status == "STALE" {
        response.headers_mut().insert(AGE, HeaderValue::from(object.age().as_secs()));
    }
    set_status(response.headers_mut(), status);
    response
}

/// Sets `CF-Cache-Status`, and removes `Cache-Tag`, which Cloudflare does not show to visitors.
fn set_status(headers: &mut HeaderMap, status: &'static str) {
    headers.remove(CACHE_TAG);
    headers.insert(CF_CACHE_STATUS, HeaderValue::from_static(status));
}
