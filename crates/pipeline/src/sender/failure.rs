//! Why items were not purged.

use std::time::Duration;

use purge_router_cloudflare::{Meaning, Refusal};

use crate::outcome::{FailureKind, Status};
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
    /// Whether Cloudflare's API refused the request for what it is, so that no retry can help.
    pub(super) is_permanent: bool,
    /// Whether it was not sent only because it waits behind other requests at a rate limit.
    pub(super) is_queued: bool,
    /// Whether the request had too little time for its answer, so that it says nothing about its zone.
    pub(super) was_cut_short: bool,
}

impl Failure {
    /// A failure that a retry may not meet again.
    pub(super) fn transient(status: Status, error: String) -> Self {
        Self { status, error, ray: None, part: None, is_permanent: false, is_queued: false, was_cut_short: false }
    }

    pub(super) fn kind(&self) -> FailureKind {
        match (self.is_permanent, self.is_queued) {
            (true, _) => FailureKind::Permanent,
            (false, true) => FailureKind::Queued,
            (false, false) => FailureKind::Transient,
        }
    }
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
    #[error("not sent: the rate limit allows it only later")]
    RateLimited(AfterDeadline),
    #[error("not sent: the zone did not answer earlier requests; it is tried again in {:.1} s", .0.as_secs_f64())]
    ZoneCircuitOpen(Duration),
    #[error(transparent)]
    Token(#[from] TokenUnusable),
}

impl From<AfterDeadline> for NotSent {
    fn from(reason: AfterDeadline) -> Self {
        Self::RateLimited(reason)
    }
}

impl From<NotSent> for Failure {
    fn from(reason: NotSent) -> Self {
        let status = match &reason {
            NotSent::DeadlineExceeded(_) => Status::DeadlineExceeded,
            NotSent::RateLimited(_) => Status::RateLimited,
            NotSent::ZoneCircuitOpen(_) => Status::Unreachable,
            NotSent::Token(TokenUnusable::NotRead(TokenError::Missing { .. })) => Status::TokenMissing,
            // There may be a token.
            NotSent::Token(TokenUnusable::NotRead(TokenError::Unavailable { .. })) => Status::DeadlineExceeded,
            NotSent::Token(_) => Status::TokenRefused,
        };
        let error = match &reason {
            NotSent::Token(TokenUnusable::NotRead(error @ TokenError::Unavailable { .. })) => {
                format!("its token could not be read in time: {error}")
            }
            _ => reason.to_string(),
        };
        let is_queued = reason == NotSent::RateLimited(AfterDeadline::Full);
        Self { is_queued, ..Self::transient(status, error) }
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
        let is_refused = matches!(status, Status::ItemsRefused | Status::RequestRefused);
        let is_permanent = is_refused && refusal.is_from_api();
        Self { part, ray: refusal.ray, is_permanent, ..Self::transient(status, refusal.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(meaning: Meaning, status: Option<u16>) -> Refusal {
        Refusal { meaning, message: "no".to_owned(), status, ray: Some("ray".to_owned()) }
    }

    #[test]
    fn statuses_of_refusals() {
        use RefusedPart::{Hostname, Item, Unclear};
        let limited = Meaning::RateLimited { retry_after: None, all_calls: false };
        for (meaning, status, part) in [
            (limited, Status::RateLimited, None),
            (Meaning::Unreachable, Status::Unreachable, None),
            (Meaning::ServerError, Status::Unreachable, None),
            (Meaning::TokenRefused, Status::TokenRefused, None),
            (Meaning::ItemRefused, Status::ItemsRefused, Some(Item)),
            (Meaning::HostnameRefused, Status::ItemsRefused, Some(Hostname)),
            (Meaning::Unclear, Status::ItemsRefused, Some(Unclear)),
            (Meaning::RequestRefused, Status::RequestRefused, None),
        ] {
            let is_permanent = matches!(status, Status::ItemsRefused | Status::RequestRefused);
            let ray = Some("ray".to_owned());
            let expected = Failure { ray, part, is_permanent, ..Failure::transient(status, "no".to_owned()) };
            assert_eq!(Failure::from(refusal(meaning, Some(400))), expected, "{meaning:?}");
            // The answer of something between Cloudflare's API and the function may be another one the next time.
            assert!(!Failure::from(refusal(meaning, None)).is_permanent, "{meaning:?}");
        }
    }

    #[test]
    fn only_what_others_are_before_is_queued() {
        let limited = refusal(Meaning::RateLimited { retry_after: None, all_calls: false }, Some(429));
        for (failure, kind) in [
            (Failure::from(NotSent::RateLimited(AfterDeadline::Full)), FailureKind::Queued),
            (Failure::from(NotSent::RateLimited(AfterDeadline::Paused)), FailureKind::Transient),
            (Failure::from(NotSent::DeadlineExceeded("it was sent")), FailureKind::Transient),
            (Failure::from(limited), FailureKind::Transient),
            (Failure::from(refusal(Meaning::RequestRefused, Some(400))), FailureKind::Permanent),
        ] {
            assert_eq!(failure.kind(), kind, "{failure:?}");
        }
    }

    #[test]
    fn statuses_of_requests_that_were_not_sent() {
        let (team, zone, reason) = ("red".to_owned(), "red.com".to_owned(), "because".to_owned());
        let unavailable = TokenError::Unavailable { team: team.clone(), zone: zone.clone(), reason: reason.clone() };
        let missing = TokenError::Missing { team, zone, reason, help: "do this".to_owned() };
        let seconds = Duration::from_secs_f64(4.25);
        for (reason, status, error) in [
            (
                NotSent::DeadlineExceeded("it was sent"),
                Status::DeadlineExceeded,
                "deadline exceeded before it was sent",
            ),
            (
                NotSent::RateLimited(AfterDeadline::Paused),
                Status::RateLimited,
                "not sent: the rate limit allows it only later",
            ),
            (
                NotSent::ZoneCircuitOpen(seconds),
                Status::Unreachable,
                "not sent: the zone did not answer earlier requests; it is tried again in 4.2 s",
            ),
            (
                TokenUnusable::from(unavailable).into(),
                Status::DeadlineExceeded,
                "its token could not be read in time: \
                 the token of team red for zone red.com can't be read now: because",
            ),
            (
                TokenUnusable::from(missing).into(),
                Status::TokenMissing,
                "team red has no token for zone red.com: because; do this",
            ),
            (
                TokenUnusable::CircuitOpen(seconds).into(),
                Status::TokenRefused,
                "not sent: the zone's token was refused; it is tried again in 5 s",
            ),
            (
                TokenUnusable::RefusedToOthers.into(),
                Status::TokenRefused,
                "not sent: the zone's token was refused to its other requests",
            ),
            (
                TokenUnusable::TooManyRefused.into(),
                Status::TokenRefused,
                "not sent: Cloudflare refused the tokens of too many of the team's zones; it is tried again in a minute",
            ),
        ] {
            assert_eq!(Failure::from(reason), Failure::transient(status, error.to_owned()));
        }
    }
}
