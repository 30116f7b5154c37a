//! What Cloudflare's refusals mean.

use std::time::Duration;

/// A request that Cloudflare did not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", ray.as_ref().map(|ray| format!(" (CF-Ray {ray})")).unwrap_or_default())]
pub struct Refusal {
    /// What it means.
    pub meaning: Meaning,
    /// Status, codes and messages of the answer with their causes, or why there was none. Tokens are redacted. For a
    /// refused purge, advice may follow, which [`split_advice`](crate::split_advice) splits off.
    pub message: String,
    /// The HTTP status, if the API answered.
    pub status: Option<u16>,
    /// The answer's `CF-Ray`.
    pub ray: Option<String>,
}

impl Refusal {
    /// Whether Cloudflare's API answered, rather than something in between.
    pub fn is_from_api(&self) -> bool {
        self.status.is_some()
    }
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Too many requests.
    RateLimited {
        /// How long the answer asks to wait, at most 300 s.
        retry_after: Option<Duration>,
        /// Whether all calls are blocked, not only purges: those of the account, the user or the address.
        all_calls: bool,
    },
    /// No answer: connection refused or reset, or a timeout. Purging twice is harmless, so a retry is safe.
    Unreachable,
    /// Cloudflare had a problem (5xx), or something between us and the API answered.
    ServerError,
    /// The token is malformed, unknown, revoked, expired or lacks the permission.
    TokenRefused,
    /// At least one item is wrong, or there are too many items. The others would be accepted.
    ItemRefused,
    /// At least one URL, prefix or host is not of this zone, or is not a valid one. The others would be accepted.
    HostnameRefused,
    /// The request is wrong whatever its items are: an unknown zone id, or a method that the zone's plan lacks.
    RequestRefused,
    /// A 400 with a code that is not in our lists: either the request or an item is wrong.
    Unclear,
}

/// Codes of blocks: 1134 of purges, 971 and 10429 of all calls. 10502 is "too many authentication failures": another
/// request with any token only prolongs it.
const RATE_LIMITED: &[i64] = &[1134, 971, 10429, 10502];
const ALL_CALLS_BLOCKED: &[i64] = &[971, 10429, 10502];

/// 9103: an unknown global API key or e-mail address. 9106: a request without its token.
const TOKEN_REFUSED: &[i64] = &[1000, 6003, 9103, 9106, 9109, 10000];

/// Causes of 6003: a malformed X-Auth-Email, X-Auth-Key or Authorization header.
const MALFORMED_TOKEN: &[i64] = &[6102, 6103, 6111];

/// 1092 and 1014: a body of the wrong shape. 1107 and 1112: the plan lacks the method. 1136: `files` in an environment
/// that can't purge by URL. 7000 and 7003: an unknown zone id.
const REQUEST_REFUSED: &[i64] = &[1092, 1014, 1107, 1112, 1136, 7000, 7003];

const HOSTNAME_REFUSED: &[i64] = &[1016, 1082];

/// 1012 is documented for a body without any known field, which we never send. Of the bodies that we do send, only an
/// item (a tag or prefix of the wrong form) or their number can be wrong, so it is worth splitting.
const ITEM_REFUSED: &[i64] = &[1012];

/// Whether a code has a meaning of its own.
pub(crate) fn is_known(code: i64) -> bool {
    let lists = [RATE_LIMITED, TOKEN_REFUSED, REQUEST_REFUSED, HOSTNAME_REFUSED, ITEM_REFUSED, MALFORMED_TOKEN];
    lists.iter().any(|codes| codes.contains(&code))
}

/// Reads status and codes. Codes take precedence: one status has several meanings.
pub(crate) fn meaning(status: u16, codes: &[i64], retry_after: Option<Duration>) -> Meaning {
    let has = |listed: &[i64]| codes.iter().any(|code| listed.contains(code));
    if status == 429 || has(RATE_LIMITED) {
        return Meaning::RateLimited { retry_after, all_calls: has(ALL_CALLS_BLOCKED) };
    }
    if status >= 500 {
        return Meaning::ServerError;
    }
    if has(TOKEN_REFUSED) || has(MALFORMED_TOKEN) {
        return Meaning::TokenRefused;
    }
    if status == 404 || has(REQUEST_REFUSED) {
        return Meaning::RequestRefused;
    }
    if matches!(status, 401 | 403) {
        return Meaning::TokenRefused;
    }
    match status {
        // 408 and 425 ask for a retry; a redirect, or a success without `success`, comes from a proxy.
        408 | 425 | 0..=399 => Meaning::ServerError,
        413 => Meaning::ItemRefused,
        400 | 422 if has(HOSTNAME_REFUSED) => Meaning::HostnameRefused,
        400 | 422 if has(ITEM_REFUSED) => Meaning::ItemRefused,
        400 | 422 => Meaning::Unclear,
        _ => Meaning::RequestRefused,
    }
}

/// Reads the status alone: the answer is not the API's, but of something in between, which knows nothing about items
/// and tokens.
pub(crate) fn meaning_without_codes(status: u16, retry_after: Option<Duration>) -> Meaning {
    match status {
        429 => Meaning::RateLimited { retry_after, all_calls: false },
        404 => Meaning::RequestRefused,
        413 => Meaning::ItemRefused,
        _ => Meaning::ServerError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings_of_answers_that_are_not_the_apis() {
        let limited = Meaning::RateLimited { retry_after: None, all_calls: false };
        for (status, expected) in [
            (200, Meaning::ServerError),
            (403, Meaning::ServerError),
            (404, Meaning::RequestRefused),
            (405, Meaning::ServerError),
            (413, Meaning::ItemRefused),
            (429, limited),
            (502, Meaning::ServerError),
        ] {
            assert_eq!(meaning_without_codes(status, None), expected, "{status}");
        }
    }

    #[test]
    fn meanings() {
        let delay = Some(Duration::from_secs(30));
        let limited = |all_calls| Meaning::RateLimited { retry_after: delay, all_calls };
        for (status, codes, expected) in [
            (429, &[1134][..], limited(false)),
            (429, &[], limited(false)),
            (429, &[971], limited(true)),
            (403, &[10429], limited(true)),
            (403, &[10000, 10502], limited(true)),
            (405, &[], Meaning::RequestRefused),
            (422, &[], Meaning::Unclear),
            (400, &[1134], limited(false)),
            (500, &[0], Meaning::ServerError),
            (503, &[10000], Meaning::ServerError),
            (200, &[], Meaning::ServerError),
            (302, &[], Meaning::ServerError),
            (408, &[], Meaning::ServerError),
            (401, &[10000], Meaning::TokenRefused),
            (403, &[9109], Meaning::TokenRefused),
            (400, &[9103], Meaning::TokenRefused),
            (400, &[9106], Meaning::TokenRefused),
            (400, &[6003], Meaning::TokenRefused),
            (400, &[6111], Meaning::TokenRefused),
            (401, &[], Meaning::TokenRefused),
            (404, &[7003, 7000], Meaning::RequestRefused),
            (400, &[7003], Meaning::RequestRefused),
            (400, &[1092], Meaning::RequestRefused),
            (400, &[1136], Meaning::RequestRefused),
            (400, &[1012], Meaning::ItemRefused),
            (400, &[1016], Meaning::HostnameRefused),
            (400, &[1082], Meaning::HostnameRefused),
            (400, &[1014], Meaning::RequestRefused),
            (400, &[1107], Meaning::RequestRefused),
            (403, &[1107], Meaning::RequestRefused),
            (403, &[1107, 10000], Meaning::TokenRefused),
            (400, &[1112], Meaning::RequestRefused),
            (413, &[], Meaning::ItemRefused),
            (400, &[999_999], Meaning::Unclear),
            (400, &[], Meaning::Unclear),
        ] {
            assert_eq!(meaning(status, codes, delay), expected, "{status} {codes:?}");
        }
    }
}
