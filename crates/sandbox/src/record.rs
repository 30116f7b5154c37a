//! The record of requests that a server received, byte for byte.
//!
//! It keeps the last 100,000 requests or 256 MiB of bodies, so that its memory is bounded.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri};

use crate::lock::lock;
use crate::token::credentials::X_AUTH_KEY;

const MAX_REQUESTS: usize = 100_000;
const MAX_BYTES: usize = 256 << 20;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The HTTP method.
    pub method: Method,
    /// Path and query exactly as sent.
    pub path: String,
    /// The headers. `Authorization` is kept, and marked sensitive so that debug output hides it.
    pub headers: HeaderMap,
    /// The body as sent, not parsed.
    pub body: Bytes,
    /// When its body was complete, since the start of the server.
    pub at: Duration,
    /// The status of the answer. None before the answer, and after a reset or hang.
    pub status: Option<u16>,
}

/// The received requests, in order of arrival.
pub(crate) struct Log {
    started: Instant,
    entries: Mutex<RecordedRequests>,
}

#[derive(Default)]
struct RecordedRequests {
    requests: VecDeque<Received>,
    bytes: usize,
    /// The number of the first request in `requests`. Numbers are never reused.
    first: usize,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), entries: Mutex::default() }
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
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
        let mut entries = lock(&self.entries);
        let number = entries.first + entries.requests.len();
        entries.bytes += body.len();
        entries.requests.push_back(Received { method: parts.method.clone(), path, headers, body, at, status: None });
        while entries.requests.len() > MAX_REQUESTS || entries.bytes > MAX_BYTES {
            entries.drop_first();
        }
        number
    }

    /// Records the status of an answer.
    pub(crate) fn answered(&self, number: usize, status: StatusCode) {
        let mut entries = lock(&self.entries);
        let index = number.checked_sub(entries.first);
        if let Some(request) = index.and_then(|index| entries.requests.get_mut(index)) {
            request.status = Some(status.as_u16());
        }
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        lock(&self.entries).requests.iter().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.entries).requests.len()
    }

    pub(crate) fn clear(&self) {
        let mut entries = lock(&self.entries);
        *entries = RecordedRequests { first: entries.first + entries.requests.len(), ..RecordedRequests::default() };
    }
}

impl RecordedRequests {
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
