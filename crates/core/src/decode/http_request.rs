//! The body of a request that came by a function URL, an API gateway or a load balancer.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::decode::json::Json;
use crate::decode::values::{excerpt, message_at};

/// Methods of requests that only look whether anybody answers, as some senders do before they send events.
const HEALTH_CHECKS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// The names of the method: of a function URL and version 2, and of version 1 and load balancers.
const METHODS: [&str; 3] = ["requestContext.http.method", "httpMethod", "requestContext.httpMethod"];

/// The body as text; `None` for a health check.
pub(super) fn http_body(request: Json<'_>) -> Result<Option<Cow<'_, str>>, String> {
    let method = METHODS.iter().find_map(|place| request.string(place)).unwrap_or_default();
    let is_empty = request.get("body").is_none_or(|body| body.is_null() || body.as_str() == Some(""));
    if is_empty && HEALTH_CHECKS.contains(&method) {
        return Ok(None);
    }
    let body = message_at(request, "body")?;
    let is_base64 = request.get("isBase64Encoded").is_some_and(|it| it.is_true() || it.as_str() == Some("true"));
    if !is_base64 {
        return Ok(Some(body));
    }
    let bytes = STANDARD
        .decode(body.trim())
        .map_err(|error| format!("body: expected base64, found `{}`: {error}", excerpt(&body)))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(Cow::Owned(text))),
        Err(_) => Err("body: expected text in base64, found bytes that are not UTF-8".to_owned()),
    }
}
