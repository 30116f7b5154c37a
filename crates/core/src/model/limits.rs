//! What each Cloudflare plan allows, as data.
//!
//! Source: "Purge cache: availability and limits" in Cloudflare's cache documentation. Limits belong to the
//! account and are shared by its zones on the same plan, in two classes: purges by URL, and all others. The limits of
//! the client hold for all plans, and come from "Rate limits" in the documentation of Cloudflare's API.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The plan of a Cloudflare zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloudflarePlan {
    /// Free; also the default, because the lowest limits are never too high.
    #[default]
    Free,
    /// Pro.
    Pro,
    /// Business.
    Business,
    /// Enterprise.
    Enterprise,
}

/// Which of the two rate limits of a plan a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitClass {
    /// Purges by URL: each URL counts.
    Urls,
    /// Purges by prefix, host or tag, and of everything: each request counts.
    Requests,
}

/// A token bucket: it holds at most `capacity` and gains `refill` every `period_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many may be taken at once.
    pub capacity: u32,
    /// How many come back each period.
    pub refill: u32,
    /// The length of a period, in seconds.
    pub period_seconds: u32,
}

impl LimitClass {
    /// Whether its requests count towards [`CALLS_PER_CALLER`]. Purges by URL are exempt.
    pub fn counts_as_call(self) -> bool {
        self == Self::Requests
    }
}

/// At most `calls` requests in any `period`, whatever they ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimit {
    /// How many requests.
    pub calls: u32,
    /// In how much time.
    pub period: Duration,
}

/// The limit of one client address.
pub const CALLS_PER_ADDRESS: CallLimit = CallLimit { calls: 200, period: Duration::from_secs(1) };

/// The limit of one caller, who is a user with all tokens of that user, or a token of an account. Beyond it, Cloudflare
/// blocks all calls of the caller for five minutes.
pub const CALLS_PER_CALLER: CallLimit = CallLimit { calls: 1200, period: Duration::from_secs(300) };

impl CloudflarePlan {
    /// All plans, the smallest first.
    pub const ALL: [Self; 4] = [Self::Free, Self::Pro, Self::Business, Self::Enterprise];

    /// The plan's name in a mapping file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Business => "business",
            Self::Enterprise => "enterprise",
        }
    }

    /// The token bucket of one class, per account.
    pub fn rate(self, class: LimitClass) -> Rate {
        let (capacity, refill, period_seconds) = match (class, self) {
            (LimitClass::Urls, Self::Free) => (800, 800, 1),
            (LimitClass::Urls, Self::Pro | Self::Business) => (1500, 1500, 1),
            (LimitClass::Urls, Self::Enterprise) => (3000, 3000, 1),
            (LimitClass::Requests, Self::Free) => (25, 5, 60),
            (LimitClass::Requests, Self::Pro) => (25, 5, 1),
            (LimitClass::Requests, Self::Business) => (50, 10, 1),
            (LimitClass::Requests, Self::Enterprise) => (500, 50, 1),
        };
        Rate { capacity, refill, period_seconds }
    }

    /// How many Cache Response Rules a zone may have.
    /// Source: <https://developers.cloudflare.com/cache/how-to/cache-response-rules/>.
    pub fn cache_response_rules(self) -> usize {
        match self {
            Self::Free => 10,
            Self::Pro => 25,
            Self::Business => 50,
            Self::Enterprise => 300,
        }
    }

    /// How many items one request of this class may hold.
    pub const fn items_per_request(self, class: LimitClass) -> usize {
        match (class, self) {
            (LimitClass::Urls, Self::Enterprise) => 500,
            _ => 100,
        }
    }
}

/// The longest expression of a rule, in characters.
pub const EXPRESSION_LENGTH: usize = 4096;

/// The longest cache tag, in bytes.
pub const TAG_LENGTH: usize = 1024;

/// How many `/` a prefix may hold.
pub const PREFIX_SEPARATORS: usize = 31;

#[cfg(test)]
mod tests {
    use super::*;

    /// Cloudflare's own table: URLs a second, URLs a request, other requests, their bucket, items of such a request.
    #[test]
    fn the_limits_are_those_that_cloudflare_documents() {
        for (plan, urls, urls_per_request, requests, per_seconds, bucket) in [
            ("free", 800, 100, 5, 60, 25),
            ("pro", 1500, 100, 5, 1, 25),
            ("business", 1500, 100, 10, 1, 50),
            ("enterprise", 3000, 500, 50, 1, 500),
        ] {
            let plan = *CloudflarePlan::ALL.iter().find(|known| known.as_str() == plan).unwrap();
            assert_eq!(plan.rate(LimitClass::Urls), Rate { capacity: urls, refill: urls, period_seconds: 1 });
            let others = Rate { capacity: bucket, refill: requests, period_seconds: per_seconds };
            assert_eq!(plan.rate(LimitClass::Requests), others);
            assert_eq!(plan.items_per_request(LimitClass::Urls), urls_per_request);
            assert_eq!(plan.items_per_request(LimitClass::Requests), 100);
        }
    }
}
