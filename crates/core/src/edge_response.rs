//! What a response of the edge says about the purge before it: fresh, stale or unknown, with the reason.
//!
//! Sources: <https://developers.cloudflare.com/cache/concepts/cache-responses/> for `CF-Cache-Status`, and RFC 9111, 5.1 for
//! `Age`: the time since the response was generated or validated at the origin server.

use std::time::Duration;

use serde::Serialize;
use strum::VariantArray;

use crate::model::mapping::Mode;

/// By how much the clocks of two instances may differ: one purges, and another one fetches.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(1);

/// What the edge answered for a URL: the headers that tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EdgeResponse {
    /// The HTTP status.
    pub status: u16,
    /// `CF-Cache-Status`.
    pub cache_status: Option<String>,
    /// `Age`: for how long the response has been cached, in whole seconds, rounded down.
    pub age: Option<u64>,
    /// `ETag`, weak or strong.
    pub etag: Option<String>,
}

/// What is known of the object that a URL should serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The object with this ETag, without quotes.
    ETag(String),
    /// None: the object was removed.
    Removed,
    /// Nothing.
    Unknown,
}

/// Whether a URL is served as it was before its purge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, VariantArray)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is not.
    Fresh,
    /// It is.
    Stale,
    /// The response does not tell.
    Unknown,
}

/// A verdict with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgment {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, for logs.
    pub reason: &'static str,
}

impl EdgeResponse {
    /// Judges the response. `since_purge` is the time from when the purge was sent, at the earliest, to the response.
    pub fn judge(&self, content: &Content, mode: Mode, since_purge: Duration) -> Judgment {
        let judgment = |verdict, reason| Judgment { verdict, reason };
        let Some(cache_status) = &self.cache_status else {
            return judgment(Verdict::Unknown, "no CF-Cache-Status: not from Cloudflare's cache");
        };
        match content {
            Content::Removed if matches!(self.status, 403 | 404 | 410) => {
                return judgment(Verdict::Fresh, "the object is not served any more");
            }
            Content::ETag(etag) if self.has_etag(etag) => {
                return judgment(Verdict::Fresh, "the ETag is that of the change");
            }
            _ => {}
        }
        match cache_status.to_ascii_uppercase().as_str() {
            "STALE" | "UPDATING" if mode == Mode::Invalidate => {
                judgment(Verdict::Fresh, "an invalidated object may be served while it is revalidated")
            }
            "HIT" | "STALE" | "UPDATING" => self.judge_cached(content, since_purge),
            "MISS" | "EXPIRED" | "BYPASS" | "DYNAMIC" => judgment(Verdict::Fresh, "from the origin server"),
            "REVALIDATED" => judgment(Verdict::Fresh, "the origin server confirmed it"),
            _ => judgment(Verdict::Unknown, "not a CF-Cache-Status of a cached or a fetched object"),
        }
    }

    /// Judges a response that was cached, by its age.
    fn judge_cached(&self, content: &Content, since_purge: Duration) -> Judgment {
        let judgment = |verdict, reason| Judgment { verdict, reason };
        let Some(age) = self.age else {
            return judgment(Verdict::Unknown, "cached, but without an Age");
        };
        if Duration::from_secs(age) > since_purge + CLOCK_TOLERANCE {
            return judgment(Verdict::Stale, "cached before the purge");
        }
        if Duration::from_secs(age.saturating_add(1)) > since_purge {
            return judgment(Verdict::Unknown, "cached about when it was purged");
        }
        match (content, self.etag.as_deref()) {
            // A newer object, or an older one that was being fetched during the purge.
            (Content::ETag(_), Some(_)) => {
                judgment(Verdict::Unknown, "cached after the purge, with an ETag other than that of the change")
            }
            _ => judgment(Verdict::Fresh, "cached after the purge"),
        }
    }

    /// Whether the response has this ETag. Cloudflare weakens the ETag of what it compresses.
    fn has_etag(&self, etag: &str) -> bool {
        let found = self.etag.as_deref().unwrap_or_default();
        let found = found.strip_prefix("W/").unwrap_or(found);
        (200..300).contains(&self.status)
            && found.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).is_some_and(|found| found == etag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "9b2cf535f27731c974343645a3985328";

    /// `CF-Cache-Status`, `Age` and `ETag` of a response 10 s after the purge.
    fn response(cache_status: &str, age: Option<u64>, etag: Option<&str>) -> EdgeResponse {
        let cache_status = Some(cache_status.to_owned()).filter(|text| !text.is_empty());
        EdgeResponse { status: 200, cache_status, age, etag: etag.map(str::to_owned) }
    }

    fn verdict(response: &EdgeResponse, content: &Content, mode: Mode) -> Verdict {
        response.judge(content, mode, Duration::from_millis(10_500)).verdict
    }

    #[test]
    fn the_cache_status_and_the_age_tell() {
        use Verdict::{Fresh, Stale, Unknown};
        for (cache_status, age, purge, invalidate) in [
            ("HIT", Some(12), Stale, Stale),
            ("HIT", Some(u64::MAX), Stale, Stale),
            ("hit", Some(12), Stale, Stale),
            ("HIT", Some(11), Unknown, Unknown),
            ("HIT", Some(10), Unknown, Unknown),
            ("HIT", Some(9), Fresh, Fresh),
            ("HIT", Some(0), Fresh, Fresh),
            ("HIT", None, Unknown, Unknown),
            ("STALE", Some(12), Stale, Fresh),
            ("STALE", Some(9), Fresh, Fresh),
            ("STALE", None, Unknown, Fresh),
            ("UPDATING", Some(12), Stale, Fresh),
            ("UPDATING", None, Unknown, Fresh),
            ("REVALIDATED", Some(12), Fresh, Fresh),
            ("MISS", None, Fresh, Fresh),
            ("MISS", Some(12), Fresh, Fresh),
            ("EXPIRED", None, Fresh, Fresh),
            ("BYPASS", None, Fresh, Fresh),
            ("DYNAMIC", None, Fresh, Fresh),
            ("NONE", None, Unknown, Unknown),
            ("NONE/UNKNOWN", Some(12), Unknown, Unknown),
            ("something new", Some(12), Unknown, Unknown),
            ("", Some(12), Unknown, Unknown),
        ] {
            let response = response(cache_status, age, None);
            let found = [Mode::Purge, Mode::Invalidate].map(|mode| verdict(&response, &Content::Unknown, mode));
            assert_eq!(found, [purge, invalidate], "{cache_status} {age:?}");
        }
    }

    #[test]
    fn the_etag_of_the_change_is_fresh_whatever_its_age_and_another_one_is_no_proof() {
        use Verdict::{Fresh, Stale, Unknown};
        let (strong, weak) = (format!("\"{ETAG}\""), format!("W/\"{ETAG}\""));
        for (cache_status, age, etag, expected) in [
            ("HIT", Some(12), Some(&*strong), Fresh),
            ("HIT", Some(12), Some(&weak), Fresh),
            ("HIT", None, Some(&strong), Fresh),
            ("HIT", Some(12), Some(ETAG), Stale),
            ("HIT", Some(12), Some("\"other\""), Stale),
            ("HIT", Some(12), Some("\""), Stale),
            ("HIT", Some(12), None, Stale),
            ("HIT", Some(3), Some("\"other\""), Unknown),
            ("HIT", Some(3), None, Fresh),
            ("MISS", None, Some("\"other\""), Fresh),
            ("REVALIDATED", None, Some("\"other\""), Fresh),
            ("", None, Some(&strong), Unknown),
        ] {
            let response = response(cache_status, age, etag);
            let found = verdict(&response, &Content::ETag(ETAG.to_owned()), Mode::Purge);
            assert_eq!(found, expected, "{cache_status} {age:?} {etag:?}");
        }
    }

    #[test]
    fn a_removed_object_is_fresh_if_it_is_not_served() {
        use Verdict::{Fresh, Stale, Unknown};
        for (status, cache_status, age, expected) in [
            (404, "MISS", None, Fresh),
            (404, "HIT", Some(12), Fresh),
            (403, "EXPIRED", None, Fresh),
            (410, "DYNAMIC", None, Fresh),
            (403, "", None, Unknown),
            (200, "HIT", Some(12), Stale),
            (301, "HIT", Some(12), Stale),
            (200, "HIT", Some(3), Fresh),
            (200, "MISS", None, Fresh),
        ] {
            let response = EdgeResponse { status, ..response(cache_status, age, None) };
            assert_eq!(verdict(&response, &Content::Removed, Mode::Purge), expected, "{status} {cache_status} {age:?}");
        }
        // Of an object that exists, a cached error is as stale as anything else.
        let response = EdgeResponse { status: 404, ..response("HIT", Some(12), Some(&format!("\"{ETAG}\""))) };
        assert_eq!(verdict(&response, &Content::ETag(ETAG.to_owned()), Mode::Purge), Stale);
    }
}
