//! Why items were not purged.

use std::time::Duration;

use purge_router_cloudflare::{Meaning, Refusal};

use crate::outcome::Status;
use crate::rate_limit::AfterDeadline;
use crate::store::TokenError;
use crate::token_health::TokenUnusable;

/// Why a request was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: Status,
    pub(super) error: String,
    pub(super) ray: Option<String>,
    /// What the refusal is about, if a smaller request may be accepted.
    pub(super) part: Option<RefusedPart>,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusedPart {
    /// At least one of the items, or their number.
    Item,
    /// The hostname of at least one of the items, perhaps.
    Hostname,
    /// An item or the whole request.
    Unclear,
}

/// Why a request was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotSent {
    #[error("deadline exceeded before {0}")]
    DeadlineExceeded(&'static str),
    #[error("the rate limit would let it pass only later")]
    RateLimited,
    #[error("the zone did not answer a moment ago; it is tried again in {:.1} s", .0.as_secs_f64())]
    ZoneCircuitOpen(Duration),
    #[error(transparent)]
    Token(#[from] TokenUnusable),
}

impl From<AfterDeadline> for NotSent {
    fn from(_: AfterDeadline) -> Self {
        Self::RateLimited
    }
}

impl From<NotSent> for Failure {
    fn from(reason: NotSent) -> Self {
        let status = match &reason {
            NotSent::DeadlineExceeded(_) => Status::DeadlineExceeded,
            NotSent::RateLimited => Status::RateLimited,
            NotSent::ZoneCircuitOpen(_) => Status::Unreachable,
            NotSent::Token(TokenUnusable::NotRead(error @ TokenError::Unavailable { .. })) => {
                // Reads are retried until the deadline: nobody knows whether there is a token.
                let error = format!("deadline exceeded before its token was read: {error}");
                return Self { status: Status::DeadlineExceeded, error, ray: None, part: None };
            }
            NotSent::Token(TokenUnusable::NotRead(TokenError::Missing { .. })) => Status::TokenMissing,
            NotSent::Token(_) => Status::TokenRefused,
        };
        Self { status, error: reason.to_string(), ray: None, part: None }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (status, part) = match refusal.meaning {
            Meaning::RateLimited { .. } => (Status::RateLimited, None),
            Meaning::Unreachable | Meaning::ServerError => (Status::Unreachable, None),
            Meaning::TokenRefused => (Status::TokenRefused, None),
            Meaning::ItemRefused => (Status::ItemsRefused, Some(RefusedPart::Item)),
            Meaning::HostnameRefused => (Status::ItemsRefused, Some(RefusedPart::Hostname)),
            Meaning::Unclear => (Status::ItemsRefused, Some(RefusedPart::Unclear)),
            Meaning::RequestRefused => (Status::RequestRefused, None),
        };
        Self { status, error: refusal.message, ray: refusal.ray, part }
    }
}
