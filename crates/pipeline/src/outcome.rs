//! What became of each batch.

use std::time::Duration;

use purge_router_core::{BatchItem, Origin};
use serde::{Serialize, Serializer};

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The batch, as an index of [`Plan::batches`](purge_router_core::Plan::batches).
    pub batch: usize,
    /// How it ended.
    pub status: Status,
    /// How many requests were sent for it.
    pub attempts: u32,
    /// Why it was not purged, or not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Items that Cloudflare refused, in this event or a moment before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_items: Vec<String>,
    /// How many items are neither purged nor known to be refused, because the batch's split budget was spent.
    #[serde(skip_serializing_if = "is_zero")]
    pub untried_items: usize,
    /// The `CF-Ray` of the last request that Cloudflare answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ray: Option<String>,
    /// From the batch's earliest change until all of it was purged, if the events say when that was.
    #[serde(skip)]
    pub latency: Option<Duration>,
    /// The origins of all items that were not purged. An origin may be in it several times.
    #[serde(skip)]
    pub failed: Vec<Origin>,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Cloudflare accepted all items.
    Purged,
    /// Some items were refused for good. The others were accepted, except for [`Outcome::untried_items`].
    ItemsRefused,
    /// There is no token, or it may not be read.
    TokenMissing,
    /// The token was refused, and was refused again after it was read afresh.
    TokenRefused,
    /// The request was refused whatever its items are.
    RequestRefused,
    /// Still rate limited at the deadline.
    RateLimited,
    /// No good answer came before the deadline: no connection, or a server error of Cloudflare.
    Unreachable,
    /// The deadline passed while the batch, or the rest of it, waited to be sent, or its token could not be read until then.
    DeadlineExceeded,
}

impl Status {
    pub(crate) const ALL: [Self; 8] = [
        Self::Purged,
        Self::ItemsRefused,
        Self::TokenMissing,
        Self::TokenRefused,
        Self::RequestRefused,
        Self::RateLimited,
        Self::Unreachable,
        Self::DeadlineExceeded,
    ];

    /// Its name in reports and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Purged => "purged",
            Self::ItemsRefused => "items-refused",
            Self::TokenMissing => "token-missing",
            Self::TokenRefused => "token-refused",
            Self::RequestRefused => "request-refused",
            Self::RateLimited => "rate-limited",
            Self::Unreachable => "unreachable",
            Self::DeadlineExceeded => "deadline-exceeded",
        }
    }

    /// The metric that counts its batches.
    pub(crate) fn metric(self) -> &'static str {
        match self {
            Self::Purged => "Purged",
            Self::ItemsRefused => "ItemsRefused",
            Self::TokenMissing => "TokenMissing",
            Self::TokenRefused => "TokenRefused",
            Self::RequestRefused => "RequestRefused",
            Self::RateLimited => "RateLimited",
            Self::Unreachable => "Unreachable",
            Self::DeadlineExceeded => "DeadlineExceeded",
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Outcome {
    /// The outcome of a batch without failures.
    pub(crate) fn new(batch: usize) -> Self {
        Self {
            batch,
            status: Status::Purged,
            attempts: 0,
            error: None,
            refused_items: Vec::new(),
            untried_items: 0,
            ray: None,
            latency: None,
            failed: Vec::new(),
        }
    }

    /// Notes that these items were not purged. The last status and error count: an error that a retry may fix comes after
    /// refused items, and outweighs them.
    pub(crate) fn fail<'b>(
        &mut self,
        items: impl IntoIterator<Item = &'b BatchItem>,
        status: Status,
        error: String,
        ray: Option<String>,
    ) {
        self.failed.extend(items.into_iter().flat_map(|item| &item.origins).cloned());
        self.status = status;
        self.error = Some(error);
        self.ray = ray.or(self.ray.take());
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}
