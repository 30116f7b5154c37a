//! The record of requests that a server received, byte for byte.
//!
//! The last 100,000 requests or 256 MiB of bodies are kept, so that a long demo does not grow for ever.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri};

use crate::state::lock;
use crate::token::X_AUTH_KEY;

const MOST_REQUESTS: usize = 100_000;
const MOST_BYTES: usize = 256 << 20;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// Path and query exactly as sent.
    pub path: String,
    /// The headers. `Authorization` is kept, and marked sensitive so that debug output hides it.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When it had arrived, since the start of the server.
    pub at: Duration,
    /// The status that was answered; none yet, or none ever after a reset or hang.
    pub status: Option<u16>,
}

/// Requests in order of arrival.
pub(crate) struct Log {
    started: Instant,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    requests: VecDeque<Received>,
    bytes: usize,
    /// The number of the first request in `requests`; numbers are never used again.
    first: usize,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), kept: Mutex::default() }
    }

    /// Records a request and returns its number.
    pub(crate) fn add(&self, parts: &Parts, body: Bytes) -> usize {
        let mut headers = parts.headers.clone();
        for name in [AUTHORIZATION, X_AUTH_KEY] {
            if let Some(secret) = headers.get_mut(name) {
                secret.set_sensitive(true);
            }
        }
        let path = target(&parts.uri).to_owned();
        let at = self.started.elapsed();
        let mut kept = lock(&self.kept);
        let number = kept.first + kept.requests.len();
        kept.bytes += body.len();
        kept.requests.push_back(Received { method: parts.method.clone(), path, headers, body, at, status: None });
        while kept.requests.len() > MOST_REQUESTS || kept.bytes > MOST_BYTES {
            kept.drop_first();
        }
        number
    }

    /// Notes the answer to a request.
    pub(crate) fn answered(&self, number: usize, status: StatusCode) {
        let mut kept = lock(&self.kept);
        let index = number.checked_sub(kept.first);
        if let Some(request) = index.and_then(|index| kept.requests.get_mut(index)) {
            request.status = Some(status.as_u16());
        }
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        lock(&self.kept).requests.iter().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.kept).requests.len()
    }

    pub(crate) fn clear(&self) {
        let mut kept = lock(&self.kept);
        *kept = Kept { first: kept.first + kept.requests.len(), ..Kept::default() };
    }
}

impl Kept {
    fn drop_first(&mut self) {
        if let Some(request) = self.requests.pop_front() {
            self.bytes -= request.body.len();
            self.first += 1;
        }
    }
}

/// Path and query as sent.
pub(crate) fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("", |target| target.as_str())
}
