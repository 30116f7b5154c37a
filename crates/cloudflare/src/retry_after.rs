//! The `Retry-After` header: seconds, or an HTTP date.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Cloudflare's longest block is five minutes. One wrong header must not stop purges until messages become dead
/// letters.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// How long the answer asks to wait, at most 300 s. A date is compared with the answer's own `Date` or, without one,
/// with `now`: the server's clock may differ from ours, and a frozen process may read the answer late.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => MAX_RETRY_AFTER,
        Err(_) => {
            let until = httpdate::parse_http_date(text).ok()?;
            until.duration_since(date(headers, DATE).unwrap_or(now)).unwrap_or_default()
        }
    };
    Some(delay.min(MAX_RETRY_AFTER))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_clamped() {
        let now = httpdate::parse_http_date("Sun, 01 Mar 2026 12:00:00 GMT").unwrap();
        for (text, date, expected) in [
            (None, None, None),
            (Some("30"), None, Some(30)),
            (Some(" 0 "), None, Some(0)),
            (Some("300"), None, Some(300)),
            (Some("86400"), None, Some(300)),
            (Some("99999999999999999999999"), None, Some(300)),
            (Some("-1"), None, None),
            (Some("1.5"), None, None),
            (Some(""), None, None),
            (Some("soon"), None, None),
            (Some("Sun, 01 Mar 2026 12:00:40 GMT"), None, Some(40)),
            (Some("Sun, 01 Mar 2026 11:59:00 GMT"), None, Some(0)),
            (Some("Sun, 01 Mar 2026 18:00:00 GMT"), None, Some(300)),
            // The server's clock is an hour ahead of ours.
            (Some("Sun, 01 Mar 2026 13:00:40 GMT"), Some("Sun, 01 Mar 2026 13:00:10 GMT"), Some(30)),
            (Some("Sun, 01 Mar 2026 12:00:40 GMT"), Some("yesterday"), Some(40)),
            (Some("Sunday, 01-Mar-26 12:00:20 GMT"), None, Some(20)),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(RETRY_AFTER, text), (DATE, date)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{text:?} {date:?}");
        }
    }
}
