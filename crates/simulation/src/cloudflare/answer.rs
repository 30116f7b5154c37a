//! Cloudflare's answers, as they arrive: the client's own code reads them.

use std::time::Duration;

use super::call_limits::Exceeded;
use crate::event::Refused;
use crate::fault::Fault;
use crate::scenario::{ItemRefusal, ZoneId};

/// What Cloudflare does with a request that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted,
    Refused(Refusal),
    /// The connection is reset, and nothing was done.
    Reset,
    /// No answer, and nothing was done.
    Silence,
}

/// An answer of any kind but success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Refused,
    /// `None` if the function brought it on itself.
    pub(crate) fault: Option<Fault>,
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: &'static str,
}

/// The body of an answer with 200.
pub(crate) const SUCCESS: &str = r#"{"success":true,"errors":[],"messages":[],"result":{"id":"1"}}"#;
/// Of the same body, what arrives before the connection is closed.
pub(crate) const CUT_OFF: &str = r#"{"success":true,"errors":[],"mess"#;

const HTML: &str = "<!DOCTYPE html><html><head><title>Just a moment</title></head><body></body></html>";

/// Bodies of 429 for the limits of clients.
const TOO_MANY_REQUESTS: &str =
    r#"{"success":false,"errors":[{"code":971,"message":"Please wait and consider throttling your request speed"}]}"#;
const TOO_MANY_CALLS: &str =
    r#"{"success":false,"errors":[{"code":10429,"message":"More than 1200 requests per 300 seconds"}]}"#;

/// Answers to a token that is revoked, unknown or of another zone, as observed: which one it is depends on the zone.
const TOKEN_REFUSED: [(u16, &str); 3] = [
    (401, r#"{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}]}"#),
    (403, r#"{"success":false,"errors":[{"code":9109,"message":"Unauthorized to access requested resource"}]}"#),
    (403, r#"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}"#),
];

impl Answer {
    fn of(reason: Refused, fault: Option<Fault>, status: u16, body: &'static str) -> Self {
        Self::Refused(Refusal { reason, fault, status, retry_after: None, body })
    }

    pub(super) fn token_refused(zone: ZoneId) -> Self {
        let (status, body) = TOKEN_REFUSED[zone % TOKEN_REFUSED.len()];
        Self::of(Refused::Token, Some(Fault::TokenRefused), status, body)
    }

    /// 429, because of something else than the function.
    pub(super) fn limited(retry_after: Option<Duration>) -> Self {
        let fault = if retry_after.is_some() { Fault::RetryAfter } else { Fault::NoRetryAfter };
        let body = r#"{"success":false,"errors":[{"code":1134,"message":"Unable to purge, rate limit reached"}]}"#;
        Self::Refused(Refusal { reason: Refused::Limited, fault: Some(fault), status: 429, retry_after, body })
    }

    /// 429, because the function exceeded the limit. The header has whole seconds.
    pub(super) fn over_limit(wait: Duration) -> Self {
        let retry_after = Some(Duration::from_secs(wait.as_secs() + 1));
        let body = r#"{"success":false,"errors":[{"code":1134,"message":"Unable to purge, rate limit reached"}]}"#;
        Self::Refused(Refusal { reason: Refused::OverLimit, fault: None, status: 429, retry_after, body })
    }

    /// 429, because the function exceeded a limit of clients.
    pub(super) fn over_client_limit(exceeded: Exceeded) -> Self {
        let (reason, wait, body) = match exceeded {
            Exceeded::Address(wait) => (Refused::OverLimit, wait, TOO_MANY_REQUESTS),
            Exceeded::User(wait) => (Refused::OverCalls, wait, TOO_MANY_CALLS),
        };
        let retry_after = Some(Duration::from_secs(wait.as_secs() + 1));
        Self::Refused(Refusal { reason, fault: None, status: 429, retry_after, body })
    }

    pub(super) fn all_calls_blocked() -> Self {
        Self::of(Refused::Limited, Some(Fault::AllCallsBlocked), 429, TOO_MANY_CALLS)
    }

    pub(super) fn unknown_zone() -> Self {
        let body = r#"{"success":false,"errors":[{"code":7003,"message":"Could not route to /zones"}]}"#;
        Self::of(Refused::Zone, Some(Fault::UnknownZone), 404, body)
    }

    pub(super) fn item_refused(refusal: ItemRefusal) -> Self {
        let body = match refusal {
            ItemRefusal::Hostname => {
                r#"{"success":false,"errors":[{"code":1016,"message":"Unable to purge, URL not in zone"}]}"#
            }
            ItemRefusal::Item => {
                r#"{"success":false,"errors":[{"code":1012,"message":"Request must contain one item"}]}"#
            }
            ItemRefusal::Unclear => r#"{"success":false,"errors":[{"code":1,"message":"Bad request"}]}"#,
        };
        Self::of(Refused::Items, Some(Fault::ItemRefused), 400, body)
    }

    pub(super) fn server_error() -> Self {
        let body = r#"{"success":false,"errors":[{"code":0,"message":"Internal server error"}]}"#;
        Self::of(Refused::Server, Some(Fault::ServerError), 500, body)
    }

    pub(super) fn html(status: u16) -> Self {
        Self::of(Refused::Server, Some(Fault::Html), status, HTML)
    }

    pub(super) fn unsuccessful() -> Self {
        let body = r#"{"success":false,"errors":[],"messages":[],"result":null}"#;
        Self::of(Refused::Server, Some(Fault::Unsuccessful), 200, body)
    }

    /// The fault that leads to this answer, if one does.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Accepted => None,
            Self::Refused(Refusal { fault, .. }) => *fault,
            Self::Reset => Some(Fault::Reset),
            Self::Silence => Some(Fault::NoAnswer),
        }
    }

    /// Why a request was not accepted.
    pub(super) fn reason(&self) -> Option<Refused> {
        match self {
            Self::Accepted => None,
            Self::Refused(Refusal { reason, .. }) => Some(*reason),
            Self::Reset | Self::Silence => Some(Refused::NoAnswer),
        }
    }
}

#[cfg(test)]
mod tests {
    use purge_router_cloudflare::{ApiToken, Credential, Meaning, read_answer};

    use super::*;

    /// The model is right only if the client takes its answers for what they are.
    #[test]
    fn the_client_reads_what_each_answer_means() {
        let limited = |retry_after, all_calls| Meaning::RateLimited { retry_after, all_calls };
        let second = Some(Duration::from_secs(1));
        for (answer, expected) in [
            (Answer::token_refused(0), Meaning::TokenRefused),
            (Answer::token_refused(1), Meaning::TokenRefused),
            (Answer::token_refused(2), Meaning::TokenRefused),
            (Answer::limited(second), limited(second, false)),
            (Answer::limited(None), limited(None, false)),
            (Answer::over_limit(Duration::from_millis(10)), limited(second, false)),
            (Answer::over_client_limit(Exceeded::Address(Duration::from_millis(10))), limited(second, true)),
            (Answer::over_client_limit(Exceeded::User(Duration::from_millis(10))), limited(second, true)),
            (Answer::all_calls_blocked(), limited(None, true)),
            (Answer::unknown_zone(), Meaning::RequestRefused),
            (Answer::item_refused(ItemRefusal::Hostname), Meaning::HostnameRefused),
            (Answer::item_refused(ItemRefusal::Item), Meaning::ItemRefused),
            (Answer::item_refused(ItemRefusal::Unclear), Meaning::Unclear),
            (Answer::server_error(), Meaning::ServerError),
            (Answer::html(200), Meaning::ServerError),
            (Answer::html(502), Meaning::ServerError),
            (Answer::unsuccessful(), Meaning::ServerError),
        ] {
            let credential = Credential::Token(ApiToken::parse("token-1-1").unwrap());
            let Answer::Refused(Refusal { status, retry_after, body, .. }) = answer else { panic!("{answer:?}") };
            let read = read_answer(&credential, status, retry_after, body).map_err(|refusal| refusal.meaning);
            assert_eq!(read, Err(expected), "{status} {body}");
            assert!(read_answer(&credential, 200, None, CUT_OFF).is_err());
            assert!(read_answer(&credential, 200, None, SUCCESS).is_ok());
        }
    }
}
