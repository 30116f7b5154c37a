//! The form of a response, which depends on where the event came from.

use aws_lambda_events::sqs::SqsBatchResponse;
use purge_router_core::{Origin, RejectionKind};
use purge_router_pipeline::Report;
use serde::Serialize;

use crate::invocation_error::InvocationError;

/// A response of the function.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// The failed messages. Sources other than SQS and EventBridge Pipes ignore it.
    Sqs(SqsBatchResponse),
    /// What a function URL, an API gateway or a load balancer turns into a response of HTTP.
    Http(HttpResponse),
}

/// The response to all sources but HTTP: the failed messages.
///
/// # Errors
/// A part failed that is in no message of SQS: the invocation fails as a whole.
pub(crate) fn sqs_response(failed: Vec<Origin>, report: &Report<'_>) -> Result<SqsBatchResponse, InvocationError> {
    let mut response = SqsBatchResponse::default();
    for origin in failed {
        match origin {
            Origin::Message(id) => response.add_failure(&*id),
            Origin::Invocation => return Err(InvocationError::not_purged(report.reason())),
        }
    }
    Ok(response)
}

/// A response without any field that an API gateway does not know: it would answer with status 502.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpResponse {
    status_code: u16,
    headers: Headers,
    body: String,
    is_base64_encoded: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Headers {
    #[serde(rename = "content-type")]
    content_type: &'static str,
}

impl HttpResponse {
    /// A request succeeds or fails as a whole, because its sender has no other way to retry a part of it: 200 if nothing
    /// failed, 400 if only malformed records did, else 503. Decision 35 says why.
    pub(crate) fn of(report: &Report<'_>) -> Self {
        if report.failed.is_empty() {
            return Self::new(200, "done");
        }
        let error = InvocationError::not_purged(report.reason());
        if !is_malformed(report) {
            return Self::unavailable(&error);
        }
        tracing::error!(status = 400, "{error:?}");
        // The reasons of malformed records quote only what the sender sent.
        Self::new(400, &format!("not understood: {error}"))
    }

    /// Something failed that a retry may purge. The reason is only logged: the sender may be anybody who knows the URL.
    pub(crate) fn unavailable(error: &InvocationError) -> Self {
        tracing::error!(status = 503, "{error:?}");
        Self::new(503, "not all is purged; send the request again")
    }

    fn new(status_code: u16, line: &str) -> Self {
        let headers = Headers { content_type: "text/plain; charset=utf-8" };
        Self { status_code, headers, body: format!("{line}\n"), is_base64_encoded: false }
    }
}

/// Whether all that failed was rejected as malformed.
fn is_malformed(report: &Report<'_>) -> bool {
    let mut rejected = report.plan.rejected.iter().filter(|rejected| rejected.kind.is_failure());
    rejected.all(|rejected| rejected.kind == RejectionKind::Malformed)
        && report.stopped().is_empty()
        && report.outcomes.iter().all(|outcome| outcome.failed.is_empty())
}
