//! An origin server in memory, which plays a bucket behind the edge.
//!
//! The percent-decoded path is the key, so `/a%20b` is the object `a b`. Nothing else is decoded, and the query is
//! ignored.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use crate::lock::lock;
use crate::record::{Log, Received};
use crate::server::Server;

/// A running origin server on loopback. Dropping it stops it.
pub struct Origin {
    server: Server,
    bucket: Arc<Bucket>,
}

struct Bucket {
    objects: Mutex<HashMap<Vec<u8>, (StatusCode, HeaderMap, Bytes)>>,
    delay: Mutex<Duration>,
    log: Log,
}

impl Origin {
    /// Starts an origin server without objects.
    ///
    /// # Errors
    /// If no port of loopback can be bound.
    pub async fn start() -> io::Result<Self> {
        let bucket = Arc::new(Bucket { objects: Mutex::default(), delay: Mutex::default(), log: Log::new() });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&bucket));
        let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), router).await?;
        Ok(Self { server, bucket })
    }

    /// Its address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Stores an object under a decoded path, with or without a leading `/`. It replaces the previous one.
    pub fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.put_with_headers(path, body, &[]);
    }

    /// Stores an object that is served with these headers.
    ///
    /// # Panics
    /// If a name or value is not valid in a header, or a name is not in lower case.
    pub fn put_with_headers(&self, path: &str, body: impl Into<Vec<u8>>, headers: &[(&'static str, &'static str)]) {
        let plain = [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))];
        let given =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let headers = plain.into_iter().chain(given).collect();
        lock(&self.bucket.objects).insert(key(path), (StatusCode::OK, headers, Bytes::from(body.into())));
    }

    /// Answers requests for a path with a redirect.
    ///
    /// # Panics
    /// If the location is not valid in a header.
    pub fn put_redirect(&self, path: &str, location: &'static str) {
        let headers = [(LOCATION, HeaderValue::from_static(location))].into_iter().collect();
        lock(&self.bucket.objects).insert(key(path), (StatusCode::FOUND, headers, Bytes::new()));
    }

    /// Removes an object. Requests for it are then answered with 404.
    pub fn remove(&self, path: &str) {
        lock(&self.bucket.objects).remove(&key(path));
    }

    /// Delays the answers to later requests. An answer has the object as it was when the request arrived.
    pub fn set_delay(&self, delay: Duration) {
        *lock(&self.bucket.delay) = delay;
    }

    /// The number of requests.
    pub fn hits(&self) -> usize {
        self.bucket.log.len()
    }

    /// The requests, in order.
    pub fn requests(&self) -> Vec<Received> {
        self.bucket.log.all()
    }

    /// Stops, and waits until every connection is closed.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

fn key(path: &str) -> Vec<u8> {
    path.strip_prefix('/').unwrap_or(path).into()
}

async fn serve(Shared(bucket): Shared<Arc<Bucket>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let path = parts.uri.path();
    let key: Vec<u8> = percent_decode_str(path.strip_prefix('/').unwrap_or(path)).collect();
    let object = lock(&bucket.objects).get(&key).cloned();
    // Recorded after the lookup, so that a test that sees the request knows which object the answer has.
    let number = bucket.log.add(&parts, body);
    let delay = *lock(&bucket.delay);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let response = match object {
        Some(object) => object.into_response(),
        None => (StatusCode::NOT_FOUND, "no such object\n").into_response(),
    };
    bucket.log.answered(number, response.status());
    response
}
