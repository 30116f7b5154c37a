//! Why an invocation fails as a whole.

use std::fmt;

use lambda_runtime::Diagnostic;
use purge_router_cloudflare::redact;
use strum::IntoStaticStr;

/// Why an invocation fails as a whole, without any token. Lambda retries it. The name of the variant is Lambda's error
/// type, which its logs and metrics show.
#[derive(Clone, PartialEq, Eq, IntoStaticStr, thiserror::Error)]
#[error("{0}")]
pub enum InvocationError {
    /// The event is not understood.
    NotAnEvent(String),
    /// Some purges of an event that is not from SQS failed.
    NotPurged(String),
    /// The single-zone script's variables make no mappings for the event's buckets.
    BadMappings(String),
}

impl InvocationError {
    pub(crate) fn not_an_event(error: impl fmt::Display) -> Self {
        Self::NotAnEvent(without_tokens(error))
    }

    pub(crate) fn not_purged(reason: impl fmt::Display) -> Self {
        Self::NotPurged(without_tokens(reason))
    }

    pub(crate) fn bad_mappings(problems: impl fmt::Display) -> Self {
        Self::BadMappings(without_tokens(problems))
    }

    fn error_type(&self) -> &'static str {
        self.into()
    }
}

fn without_tokens(reason: impl fmt::Display) -> String {
    redact(&reason.to_string()).into_owned()
}

/// The form in which the runtime logs it.
impl fmt::Debug for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.error_type())
    }
}

impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        Self { error_type: error.error_type().to_owned(), error_message: error.to_string() }
    }
}
