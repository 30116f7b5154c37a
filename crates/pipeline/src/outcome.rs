//! What became of each batch, and which origins failed.

use std::time::Duration;

use indexmap::IndexSet;
use purge_router_cloudflare::redact;
use purge_router_core::{Origin, Plan, Zone};
use serde::{Serialize, Serializer};

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The batch, by its position in the plan.
    pub batch: usize,
    /// How it ended.
    pub status: Status,
    /// How many requests were sent for it.
    pub attempts: u32,
    /// Why it was not purged, or not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Items that Cloudflare refused; the others of the batch were purged if the status says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_items: Vec<String>,
    /// Cloudflare's id of the last request that it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ray: Option<String>,
    /// From its earliest change until all of it was purged, where the events say when that was.
    #[serde(skip)]
    pub latency: Option<Duration>,
    /// The origins of all items that were not purged.
    #[serde(skip)]
    pub failed: Vec<Origin>,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Cloudflare accepted all of it.
    Purged,
    /// Some items were refused for good; the rest was accepted.
    ItemsRefused,
    /// There is no token, or it can't be read.
    TokenMissing,
    /// The token was refused, and so was one read afresh.
    TokenRefused,
    /// The request was refused whatever its items are.
    RequestRefused,
    /// Still rate limited when the time was over.
    RateLimited,
    /// No good answer came before the time was over: no connection, or trouble of Cloudflare's own.
    Unreachable,
}

impl Status {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Purged,
        Self::ItemsRefused,
        Self::TokenMissing,
        Self::TokenRefused,
        Self::RequestRefused,
        Self::RateLimited,
        Self::Unreachable,
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
        }
    }

    /// What its batches are counted as.
    pub(crate) fn metric(self) -> &'static str {
        match self {
            Self::Purged => "Purged",
            Self::ItemsRefused => "ItemsRefused",
            Self::TokenMissing => "TokenMissing",
            Self::TokenRefused => "TokenRefused",
            Self::RequestRefused => "RequestRefused",
            Self::RateLimited => "RateLimited",
            Self::Unreachable => "Unreachable",
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A plan with its outcomes: what `run` prints, and what the function answers from.
#[derive(Debug, Serialize)]
pub struct Report<'p> {
    /// The plan.
    #[serde(flatten)]
    pub plan: &'p Plan,
    /// One outcome per batch, in the plan's order.
    pub outcomes: Vec<Outcome>,
    /// Every origin of something that was rejected or not purged, once.
    pub failed: Vec<Origin>,
}

impl<'p> Report<'p> {
    /// Joins a plan and its outcomes.
    pub fn new(plan: &'p Plan, outcomes: Vec<Outcome>) -> Self {
        let not_purged = outcomes.iter().flat_map(|outcome| &outcome.failed);
        let failed: IndexSet<&Origin> = plan.failed_origins().into_iter().chain(not_purged).collect();
        let failed = failed.into_iter().cloned().collect();
        Self { plan, outcomes, failed }
    }

    /// Why origins failed, on one line and without any token: the first reason, and how many more there are.
    pub fn reason(&self) -> String {
        let rejected = self.plan.rejected.iter().filter(|rejected| rejected.kind.is_failure());
        let rejected = rejected.map(|rejected| redact(&rejected.reason).into_owned());
        let failed = self.outcomes.iter().filter(|outcome| outcome.status != Status::Purged).map(|outcome| {
            let Zone { team, domain, .. } = self.plan.batches[outcome.batch].zone.as_ref();
            let error = outcome.error.as_deref().unwrap_or_default();
            format!("{domain} of team {team}: {}: {error}", outcome.status.as_str())
        });
        let reasons: Vec<String> = rejected.chain(failed).collect();
        match &reasons[..] {
            [] => "nothing failed".to_owned(),
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first}, and {} more: see the log", rest.len()),
        }
    }
}
