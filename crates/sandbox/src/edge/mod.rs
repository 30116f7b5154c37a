//! The edge: a caching reverse proxy that keys and answers as Cloudflare's does.
//!
//! The zone is found by the request's host. Only GET and HEAD are cached, only answers with 200, and for as long as
//! nobody purges them. `CF-Cache-Status` tells what happened: `HIT`, `MISS`, `EXPIRED` (fetched anew because it was
//! invalidated), `STALE` (the same, but the origin server does not answer), `BYPASS` (it says `no-store` or `private`)
//! or `DYNAMIC` (another method). `Age` tells how many seconds ago a cached answer was fetched.

pub(crate) mod cache;
pub(crate) mod proxy;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::http::header::{AGE, CACHE_CONTROL, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::item::{Scheme, host};
use crate::record::target;
use crate::state::{CF_RAY, State, lock};
use crate::zone::Zone;

use cache::{CACHE_TAG, CacheKey, Found, Object, VaryValues};
use proxy::{Origins, Visit, X_FORWARDED_PROTO};

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

/// An answer of the edge's own: a status and a plain text.
type Plain = (StatusCode, String);

impl Edge {
    async fn answer(&self, request: Request) -> Result<Response, Plain> {
        let (parts, body) = request.into_parts();
        let visit = visit(&parts)?;
        let Some((place, zone)) = self.zone(&visit.host) else {
            let message = format!("no zone of this sandbox has the hostname {:?}\n", visit.host);
            return Err((StatusCode::MISDIRECTED_REQUEST, message));
        };
        if parts.method != Method::GET && parts.method != Method::HEAD {
            let mut response = self.origins.pass(&visit, parts, body).await?;
            mark(response.headers_mut(), "DYNAMIC");
            return Ok(response);
        }
        let key = CacheKey {
            zone: place,
            scheme: visit.scheme,
            vary: vary_values(zone, &parts.headers),
            host: visit.host.clone(),
            target: visit.target.clone(),
        };
        self.cached(key, &visit, parts.headers).await
    }

    async fn cached(&self, key: CacheKey, visit: &Visit, headers: HeaderMap) -> Result<Response, Plain> {
        let (stale, generation) = match lock(&self.state.cache).find(&key) {
            Found::Fresh(object) => return Ok(answer_from_cache(&object, "HIT")),
            Found::Stale(object, generation) => (Some(object), generation),
            Found::Absent(generation) => (None, generation),
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
            let object = Arc::new(Object::new(response));
            lock(&self.state.cache).store(key, Arc::clone(&object), generation);
            return Ok(answer_from_cache(&object, status));
        }
        if stale.is_some() && !response.status().is_server_error() {
            lock(&self.state.cache).drop_stale(&key);
        }
        let mut response = response.map(Body::from);
        mark(response.headers_mut(), status);
        Ok(response)
    }

    fn zone(&self, host: &str) -> Option<(usize, &Zone)> {
        let serves = |zone: &Zone| zone.hostnames.iter().any(|hostname| hostname == host);
        self.state.zones.iter().enumerate().find(|(_, zone)| serves(zone))
    }
}

/// Reads what a visitor asks for. The scheme is that of `X-Forwarded-Proto`, as the edge itself has no TLS; without
/// one it is https.
fn visit(parts: &Parts) -> Result<Visit, Plain> {
    let bad = |message: &str| (StatusCode::BAD_REQUEST, format!("{message}\n"));
    let in_target = parts.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    let sent_host = in_target.or_else(|| parts.headers.get(HOST).cloned()).ok_or_else(|| bad("no host is given"))?;
    let host = sent_host.to_str().ok().and_then(host).ok_or_else(|| bad("the host is not a hostname"))?;
    let target = target(&parts.uri);
    if !target.starts_with('/') {
        return Err(bad("the request's target has no path"));
    }
    let scheme = parts.headers.get(X_FORWARDED_PROTO).and_then(|scheme| Scheme::parse(scheme.to_str().ok()?));
    Ok(Visit { scheme: scheme.unwrap_or(Scheme::Https), host, sent_host, target: target.to_owned() })
}

fn vary_values(zone: &Zone, headers: &HeaderMap) -> VaryValues {
    zone.vary_headers.iter().map(|name| headers.get(name).map(|value| value.as_bytes().to_vec())).collect()
}

fn is_uncacheable(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(','));
    directives.any(|directive| ["no-store", "private"].iter().any(|name| directive.trim().eq_ignore_ascii_case(name)))
}

fn answer_from_cache(object: &Object, status: &'static str) -> Response {
    let mut response = Body::from(object.body.clone()).into_response();
    *response.headers_mut() = object.headers.clone();
    if status == "HIT" || status == "STALE" {
        response.headers_mut().insert(AGE, HeaderValue::from(object.age().as_secs()));
    }
    mark(response.headers_mut(), status);
    response
}

/// Completes an answer's headers. `Cache-Tag` is between the origin server and the edge, and visitors never see it.
fn mark(headers: &mut HeaderMap, status: &'static str) {
    headers.remove(CACHE_TAG);
    headers.insert(CF_CACHE_STATUS, HeaderValue::from_static(status));
}
