//! Cloudflare's answers: the envelope around every result, and the refusals with their codes.
//!
//! Codes and messages are those that Cloudflare documents or has been seen to send. A message is ours only if neither
//! is known.

use std::net::IpAddr;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client_limit::Exceeded;
use crate::fault::PurgeMethod;

/// The header with the remaining quota of a rate limit.
pub(crate) const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The value of `Ratelimit`: `remaining` units now, and the full quota in `seconds`.
pub(crate) fn ratelimit(remaining: u32, seconds: u32) -> HeaderValue {
    let value = format!("\"default\";r={remaining};t={seconds}");
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("\"default\""))
}

/// The answer to a request that is not carried out: a status and at least one error.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    errors: Vec<Message>,
    retry_after: Option<u32>,
}

/// An entry of `errors` or `messages`.
#[derive(Debug, Serialize)]
pub(crate) struct Message {
    code: i64,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error_chain: Vec<Message>,
}

impl Message {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), error_chain: Vec::new() }
    }
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: i64, message: impl Into<String>) -> Self {
        Self { status, errors: vec![Message::new(code, message)], retry_after: None }
    }

    /// 400 with one error: the request itself is wrong.
    pub(crate) fn bad_request(code: i64, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The path has no route, or an id in it has the wrong shape. `path` is the part after `/client/v4`.
    pub(crate) fn unrouted(path: &str) -> Self {
        let could_not = format!("Could not route to {path}, perhaps your object identifier is invalid?");
        let errors = vec![Message::new(7003, could_not), Message::new(7000, "No route for that URI")];
        Self { status: StatusCode::NOT_FOUND, errors, retry_after: None }
    }

    /// The `Authorization` header is missing or is not `Bearer` with a token.
    pub(crate) fn malformed_authorization() -> Self {
        let cause = Message::new(6111, "Invalid format for Authorization header");
        let error = Message { error_chain: vec![cause], ..Message::new(6003, "Invalid request headers") };
        Self { status: StatusCode::BAD_REQUEST, errors: vec![error], retry_after: None }
    }

    /// The token lacks permission: 401 for an unknown or inactive token, 403 for a token of other zones.
    pub(crate) fn authentication(status: StatusCode) -> Self {
        Self::new(status, 10000, "Authentication error")
    }

    /// A global key, or its user's email address, is unknown.
    pub(crate) fn unknown_global_key() -> Self {
        Self::new(StatusCode::FORBIDDEN, 9103, "Unknown X-Auth-Key or X-Auth-Email")
    }

    /// A verification of a token that does not exist.
    pub(crate) fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 1000, "Invalid API Token")
    }

    /// A token that must not be used from this address.
    pub(crate) fn wrong_address(from: IpAddr) -> Self {
        Self::new(StatusCode::FORBIDDEN, 9109, format!("Cannot use the access token from location: {from}"))
    }

    /// A URL that can't be purged, though it belongs to the zone.
    pub(crate) fn invalid_url(url: &str) -> Self {
        Self::bad_request(1082, format!("Unable to purge {url}, which is an invalid URL"))
    }

    /// A URL of a hostname that does not belong to the zone.
    pub(crate) fn foreign_url(url: &str) -> Self {
        Self::bad_request(1082, format!("Unable to purge {url}, which is not a URL of this zone"))
    }

    /// A host or prefix of a hostname that does not belong to the zone.
    pub(crate) fn foreign_host(item: &str) -> Self {
        Self::bad_request(1016, format!("Unable to purge {item}, which is not of this zone"))
    }

    /// A method that the zone's plan lacks. Users reported codes 1107 and 1112 and this form of the message.
    pub(crate) fn unavailable_method(code: i64, method: PurgeMethod) -> Self {
        let by = match method {
            PurgeMethod::PurgeEverything => "everything",
            PurgeMethod::Files => "by URL",
            PurgeMethod::Hosts => "by host",
            PurgeMethod::Prefixes => "by prefix",
            PurgeMethod::Tags => "by tag",
        };
        Self::bad_request(code, format!("Only enterprise zones can purge {by}."))
    }

    /// The rate limit's bucket is empty for `retry_after` seconds.
    pub(crate) fn rate_limited(retry_after: u32) -> Self {
        let message = "Unable to purge, rate limit reached. Please wait and consider throttling your request speed";
        Self::new(StatusCode::TOO_MANY_REQUESTS, 1134, message).retry_after(Some(retry_after))
    }

    /// A client exceeds its limit for this long. The codes are those of the limit over all calls: which one Cloudflare
    /// sends to an address, it does not document.
    pub(crate) fn client_limited(exceeded: Exceeded) -> Self {
        let (code, message, wait) = match exceeded {
            Exceeded::Address(wait) => (971, "Please wait and consider throttling your request speed", wait),
            Exceeded::Caller(wait) => (
                10429,
                "More than 1200 requests per 300 seconds reached. Please wait and consider throttling your request speed",
                wait,
            ),
        };
        let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_after(Some(seconds))
    }

    pub(crate) fn retry_after(self, seconds: Option<u32>) -> Self {
        Self { retry_after: seconds, ..self }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, envelope(false, &self.errors, &[], &Value::Null)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            if self.status == StatusCode::TOO_MANY_REQUESTS {
                response.headers_mut().insert(RATELIMIT, ratelimit(0, seconds));
            }
        }
        response
    }
}

/// 200 with a result. Its messages may have codes too.
pub(crate) fn success(result: &Value, messages: &[Message]) -> Response {
    envelope(true, &[], messages, result).into_response()
}

/// One page of a list.
pub(crate) fn list_page(results: &[Value], page: usize, per_page: usize, total: usize) -> Response {
    let Json(mut answer) = envelope(true, &[], &[], &json!(results));
    let count = results.len();
    answer["result_info"] = json!({ "page": page, "per_page": per_page, "count": count, "total_count": total });
    Json(answer).into_response()
}

fn envelope(success: bool, errors: &[Message], messages: &[Message], result: &Value) -> Json<Value> {
    Json(json!({ "success": success, "errors": errors, "messages": messages, "result": result }))
}
