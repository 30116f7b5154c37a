//! An origin server in memory, which stands for a bucket behind the edge.
//!
//! Keys are looked up by the percent-decoded path, so `/a%20b` finds `a b`; nothing else is decoded, and the query is
//! ignored.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use crate::record::{Log, Received};
use crate::server::Server;
use crate::state::lock;

/// A running origin server on loopback. Dropping it stops it.
pub struct Origin {
    server: Server,
    shelf: Arc<Shelf>,
}

struct Shelf {
    objects: Mutex<HashMap<Vec<u8>, (HeaderMap, Bytes)>>,
    delay: Mutex<Duration>,
    log: Log,
}

impl Origin {
    /// Starts an origin server without objects.
    ///
    /// # Errors
    /// If no port of loopback can be bound.
    pub async fn start() -> io::Result<Self> {
        let shelf = Arc::new(Shelf { objects: Mutex::default(), delay: Mutex::default(), log: Log::new() });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shelf));
        let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), router).await?;
        Ok(Self { server, shelf })
    }

    /// Its address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Puts an object under a decoded path, in place of the one that was there. A leading `/` may be left out.
    pub fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.put_with_headers(path, body, &[]);
    }

    /// Puts an object that is served with these headers.
    ///
    /// # Panics
    /// If a name or value is not fit for a header, or a name is not in lower case.
    pub fn put_with_headers(&self, path: &str, body: impl Into<Vec<u8>>, headers: &[(&'static str, &'static str)]) {
        let plain = [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))];
        let given =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let headers = plain.into_iter().chain(given).collect();
        lock(&self.shelf.objects).insert(key(path), (headers, Bytes::from(body.into())));
    }

    /// Removes an object; asked for, it is then a 404.
    pub fn remove(&self, path: &str) {
        lock(&self.shelf.objects).remove(&key(path));
    }

    /// Lets every later request wait. It is answered with what was there when it came.
    pub fn set_delay(&self, delay: Duration) {
        *lock(&self.shelf.delay) = delay;
    }

    /// How many requests came.
    pub fn hits(&self) -> usize {
        self.shelf.log.len()
    }

    /// The requests, in order.
    pub fn requests(&self) -> Vec<Received> {
        self.shelf.log.all()
    }

    /// Stops, and waits until every connection is closed.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

fn key(path: &str) -> Vec<u8> {
    path.strip_prefix('/').unwrap_or(path).into()
}

async fn serve(Shared(shelf): Shared<Arc<Shelf>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let path = parts.uri.path();
    let key: Vec<u8> = percent_decode_str(path.strip_prefix('/').unwrap_or(path)).collect();
    let object = lock(&shelf.objects).get(&key).cloned();
    // Recorded after the look, so that whoever sees the request counted knows which object it will get.
    let number = shelf.log.add(&parts, body);
    let delay = *lock(&shelf.delay);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let response = match object {
        Some(object) => object.into_response(),
        None => (StatusCode::NOT_FOUND, "no such object\n").into_response(),
    };
    shelf.log.answered(number, response.status());
    response
}
