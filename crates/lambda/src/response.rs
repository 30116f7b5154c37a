//! The form of a response, which depends on where the event came from.

use aws_lambda_events::sqs::SqsBatchResponse;
use serde::Serialize;

/// A response of the function.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// The failed messages. Sources other than SQS and EventBridge Pipes ignore it.
    Sqs(SqsBatchResponse),
    /// What a function URL, an API gateway or a load balancer turns into a response of HTTP.
    Http(HttpResponse),
}

/// A response without any field that an API gateway does not know: it would answer with status 502.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpResponse {
    status_code: u16,
    headers: Headers,
    body: &'static str,
    is_base64_encoded: bool,
}

#[derive(Debug, Serialize)]
struct Headers {
    #[serde(rename = "content-type")]
    content_type: &'static str,
}

impl Response {
    /// All that the request holds is done.
    pub(crate) fn http_ok() -> Self {
        Self::Http(HttpResponse {
            status_code: 200,
            headers: Headers { content_type: "text/plain" },
            body: "done\n",
            is_base64_encoded: false,
        })
    }
}
