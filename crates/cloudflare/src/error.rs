//! What Cloudflare's refusals mean, and what may be done about each.

use std::time::Duration;

/// A request that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", ray.as_ref().map(|ray| format!(" (CF-Ray {ray})")).unwrap_or_default())]
pub struct Refusal {
    /// What it means.
    pub meaning: Meaning,
    /// Status, codes and messages of the answer, or the cause of its absence; without any token.
    pub message: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Cloudflare's id of the request, where it answered.
    pub ray: Option<String>,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Too many requests; try again after the delay that the answer named.
    RateLimited {
        /// How long to wait, where the answer said it.
        retry_after: Option<Duration>,
        /// Whether all calls of the account are blocked, not only purges.
        all_calls: bool,
    },
    /// No answer came: refused, reset, timed out. Purging twice is harmless, so trying again is safe.
    Unreachable,
    /// Cloudflare had trouble of its own (5xx, or an answer that is none of its API's).
    ServerTrouble,
    /// The token is wrong, revoked, expired or lacks the permission.
    TokenRefused,
    /// An item, or the number of items, is wrong: without it the rest would pass.
    ItemRefused,
    /// The request is wrong whatever its items are, such as an unknown zone id.
    RequestRefused,
}

/// Reads status and codes. Codes come first: they say more than the status, and one status stands for several of them.
pub(crate) fn meaning(status: u16, codes: &[i64], retry_after: Option<Duration>) -> Meaning {
    let has = |wanted: &[i64]| codes.iter().any(|code| wanted.contains(code));
    // 10502 is "too many authentication failures": another try with any token only prolongs it.
    if status == 429 || has(&[1134, 971, 10429, 10502]) {
        return Meaning::RateLimited { retry_after, all_calls: has(&[971, 10429, 10502]) };
    }
    if status >= 500 {
        return Meaning::ServerTrouble;
    }
    if matches!(status, 401 | 403) || has(&[1000, 6003, 9109, 10000]) {
        return Meaning::TokenRefused;
    }
    if status == 404 || has(&[7000, 7003, 1092, 1136]) {
        return Meaning::RequestRefused;
    }
    match status {
        // 408 and 425 ask for another try; a redirect or a success that is none comes from something in between.
        408 | 425 | 0..=399 => Meaning::ServerTrouble,
        400 | 413 | 422 => Meaning::ItemRefused,
        _ => Meaning::RequestRefused,
    }
}

/// Reads the status alone: the answer is none of the API's, but of something in between, which knows no items and no
/// tokens.
pub(crate) fn meaning_without_codes(status: u16, retry_after: Option<Duration>) -> Meaning {
    match status {
        429 => Meaning::RateLimited { retry_after, all_calls: false },
        404 => Meaning::RequestRefused,
        413 => Meaning::ItemRefused,
        _ => Meaning::ServerTrouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings_of_what_is_no_answer_of_the_api() {
        let limited = Meaning::RateLimited { retry_after: None, all_calls: false };
        for (status, expected) in [
            (200, Meaning::ServerTrouble),
            (403, Meaning::ServerTrouble),
            (404, Meaning::RequestRefused),
            (405, Meaning::ServerTrouble),
            (413, Meaning::ItemRefused),
            (429, limited),
            (502, Meaning::ServerTrouble),
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
            (422, &[], Meaning::ItemRefused),
            (400, &[1134], limited(false)),
            (500, &[0], Meaning::ServerTrouble),
            (503, &[10000], Meaning::ServerTrouble),
            (200, &[], Meaning::ServerTrouble),
            (302, &[], Meaning::ServerTrouble),
            (408, &[], Meaning::ServerTrouble),
            (401, &[10000], Meaning::TokenRefused),
            (403, &[9109], Meaning::TokenRefused),
            (400, &[6003], Meaning::TokenRefused),
            (401, &[], Meaning::TokenRefused),
            (404, &[7003, 7000], Meaning::RequestRefused),
            (400, &[7003], Meaning::RequestRefused),
            (400, &[1092], Meaning::RequestRefused),
            (400, &[1136], Meaning::RequestRefused),
            (400, &[1012], Meaning::ItemRefused),
            (400, &[1016], Meaning::ItemRefused),
            (400, &[1082], Meaning::ItemRefused),
            (413, &[], Meaning::ItemRefused),
            (400, &[999_999], Meaning::ItemRefused),
        ] {
            assert_eq!(meaning(status, codes, delay), expected, "{status} {codes:?}");
        }
    }
}
