//! Cloudflare's answers, as the client reads them.

use std::time::Duration;

use purge_router_cloudflare::{Meaning, Refusal};

use crate::event::Refused;

/// What Cloudflare does with a request that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted,
    /// The time in an answer 429 is its `Retry-After`.
    Refused(Refused, Option<Duration>),
    /// 429 for all calls of the account.
    AllCallsBlocked,
    /// Nothing comes, and nothing was done.
    Silence,
}

/// The refusal that the client reads from an answer.
pub(crate) fn refusal(reason: Refused, retry_after: Option<Duration>, all_calls: bool) -> Refusal {
    let (status, meaning) = match reason {
        Refused::Token => (Some(403), Meaning::TokenRefused),
        Refused::OverLimit | Refused::Limited => (Some(429), Meaning::RateLimited { retry_after, all_calls }),
        Refused::Zone => (Some(404), Meaning::RequestRefused),
        Refused::Items => (Some(400), Meaning::HostnameRefused),
        Refused::Server => (Some(500), Meaning::ServerError),
        Refused::NoAnswer => (None, Meaning::Unreachable),
    };
    Refusal { meaning, message: format!("{reason:?}"), status, ray: None }
}
