//! The credentials of a request: a token, or a global API key with its user's email address.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};

use crate::answer::Refusal;

/// The headers of a request with a global API key in place of a token.
pub(crate) const X_AUTH_EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
pub(crate) const X_AUTH_KEY: HeaderName = HeaderName::from_static("x-auth-key");

/// The secret of the request's token.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = value.and_then(|value| value.split_once(' ')).filter(|(scheme, secret)| {
        scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty() && !secret.contains(' ')
    });
    secret.map(|(_, secret)| secret).ok_or_else(Refusal::malformed_authorization)
}
