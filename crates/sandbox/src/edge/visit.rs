//! What a visitor asks for, and the edge's own answers.

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};

use crate::item::{Scheme, host};
use crate::record::target;

/// The header with the visitor's scheme: the edge itself has no TLS.
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// An answer of the edge itself: a status and a plain text.
pub(crate) type PlainAnswer = (StatusCode, String);

/// What a visitor asks for.
pub(crate) struct Visit {
    pub(crate) scheme: Scheme,
    /// In lower case, without a port.
    pub(crate) host: String,
    /// The host as sent.
    pub(crate) sent_host: HeaderValue,
    /// Path and query as sent; begins with `/`.
    pub(crate) target: String,
}

impl Visit {
    /// Reads a request. Without `X-Forwarded-Proto`, its scheme is https.
    pub(crate) fn read(parts: &Parts) -> Result<Self, PlainAnswer> {
        let bad = |message: &str| (StatusCode::BAD_REQUEST, format!("{message}\n"));
        let in_target = parts.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        let sent_host =
            in_target.or_else(|| parts.headers.get(HOST).cloned()).ok_or_else(|| bad("no host is given"))?;
        let host = sent_host.to_str().ok().and_then(host).ok_or_else(|| bad("the host is not a hostname"))?;
        let target = target(&parts.uri);
        if !target.starts_with('/') {
            return Err(bad("the request's target has no path"));
        }
        let scheme = parts.headers.get(X_FORWARDED_PROTO).and_then(|scheme| Scheme::parse(scheme.to_str().ok()?));
        Ok(Self { scheme: scheme.unwrap_or(Scheme::Https), host, sent_host, target: target.to_owned() })
    }
}
