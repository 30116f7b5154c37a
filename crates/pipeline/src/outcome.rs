//! What became of each batch.

use std::collections::HashSet;
use std::time::Duration;

use purge_router_core::{Batch, BatchItem, Origin, PurgeHash};
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

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
    pub failed: Vec<FailedOrigin>,
    /// The items that were purged, if others were not.
    #[serde(skip)]
    pub purged: Vec<PurgeHash>,
}

/// An origin of an item that was not purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedOrigin {
    /// The origin.
    pub origin: Origin,
    /// Whether a retry may help.
    pub kind: FailureKind,
}

/// Whether a retry may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// No: Cloudflare refused the item, or the request whatever its items are.
    Permanent,
    /// Cloudflare refused the item together with others, and it was not tried alone. A retry may help, unless the same
    /// origin has a permanent failure too: then the next try would end in the same way.
    Untried,
    /// Yes.
    Transient,
    /// Yes: it only waits behind other requests at a rate limit.
    Queued,
}

/// How a batch ended. Reports and logs have its name in kebab-case, and metrics have it as it is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
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
    /// Rate limited for longer than the event waits.
    RateLimited,
    /// The zone did not answer in time, or only with server errors, or its circuit is open.
    Unreachable,
    /// The deadline passed while the batch, or the rest of it, waited to be sent, or its token could not be read in time.
    DeadlineExceeded,
}

impl Status {
    pub(crate) const ALL: &[Self] = Self::VARIANTS;

    /// Its name in reports and logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The metric that counts its batches.
    pub(crate) fn metric(self) -> String {
        format!("{self:?}")
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
            purged: Vec::new(),
        }
    }

    /// The items of its batch that Cloudflare accepted.
    pub(crate) fn accepted<'b>(&self, batch: &'b Batch) -> impl Iterator<Item = &'b BatchItem> {
        let (all, some): (bool, HashSet<PurgeHash>) = (self.failed.is_empty(), self.purged.iter().copied().collect());
        batch.items().iter().filter(move |item| all || some.contains(&batch.purge_hash(item)))
    }

    /// Notes that items were not purged. The last failure sets status and error.
    pub(crate) fn fail(&mut self, FailedItems { items, reason, kind, error, ray }: FailedItems<'_>) {
        match reason {
            Reason::Refused => self.refused_items.extend(items.iter().map(|item| item.item.to_string())),
            Reason::Untried => self.untried_items += items.len(),
            Reason::Request(_) => {}
        }
        let origins = items.into_iter().flat_map(|item| &item.origins).cloned();
        self.failed.extend(origins.map(|origin| FailedOrigin { origin, kind }));
        self.status = match reason {
            Reason::Refused | Reason::Untried => Status::ItemsRefused,
            Reason::Request(status) => status,
        };
        self.error = Some(error);
        self.ray = ray.or(self.ray.take());
    }
}

/// Items that were not purged.
#[derive(Debug)]
pub(crate) struct FailedItems<'b> {
    pub(crate) items: Vec<&'b BatchItem>,
    pub(crate) reason: Reason,
    pub(crate) kind: FailureKind,
    pub(crate) error: String,
    pub(crate) ray: Option<String>,
}

/// Why items were not purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Cloudflare refused them, or their hostname.
    Refused,
    /// Cloudflare refused them together. They were not tried one by one, because the split budget is spent.
    Untried,
    /// Their request failed, whatever its items are, and ended with this status.
    Request(Status),
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use purge_router_core::Item;

    use super::*;

    fn item(name: &str) -> BatchItem {
        let origins = vec![Origin::Message(name.into()), Origin::Message("shared".into())].into();
        BatchItem { item: Item::Tag(name.to_owned()), origins, changed_at: None }
    }

    fn fail(outcome: &mut Outcome, item: &BatchItem, reason: Reason, kind: FailureKind, ray: Option<&str>) {
        let (error, ray) = (format!("{reason:?}"), ray.map(str::to_owned));
        outcome.fail(FailedItems { items: vec![item], reason, kind, error, ray });
    }

    #[test]
    fn refused_and_untried_items_are_counted() {
        for (reason, status, refused, untried) in [
            (Reason::Refused, Status::ItemsRefused, 1, 0),
            (Reason::Untried, Status::ItemsRefused, 0, 1),
            (Reason::Request(Status::RequestRefused), Status::RequestRefused, 0, 0),
            (Reason::Request(Status::Unreachable), Status::Unreachable, 0, 0),
        ] {
            let mut outcome = Outcome::new(0);
            fail(&mut outcome, &item("a"), reason, FailureKind::Untried, None);
            let found = (outcome.status, outcome.refused_items.len(), outcome.untried_items);
            assert_eq!(found, (status, refused, untried), "{reason:?}");
        }
    }

    #[test]
    fn each_origin_keeps_its_kind_and_the_last_failure_sets_the_status() {
        let mut outcome = Outcome::new(0);
        fail(&mut outcome, &item("a"), Reason::Refused, FailureKind::Permanent, Some("first"));
        fail(&mut outcome, &item("b"), Reason::Request(Status::Unreachable), FailureKind::Transient, None);
        assert_eq!((outcome.status, outcome.error.as_deref()), (Status::Unreachable, Some("Request(Unreachable)")));
        assert_eq!(outcome.ray.as_deref(), Some("first"), "the last request that was answered");
        assert_eq!(outcome.refused_items, ["a"]);
        let failed = |name: &str, kind| FailedOrigin { origin: Origin::Message(name.into()), kind };
        let (permanent, transient) = (FailureKind::Permanent, FailureKind::Transient);
        let expected = [("a", permanent), ("shared", permanent), ("b", transient), ("shared", transient)];
        assert_eq!(outcome.failed, expected.map(|(name, kind)| failed(name, kind)));
    }

    /// Operators use these names in filters of the log, in alarms and in dashboards.
    #[test]
    fn each_status_has_the_same_name_in_reports_and_logs_and_one_for_metrics() {
        let names = Status::ALL.iter().map(|status| {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            (status.as_str(), status.metric())
        });
        let expected = [
            ("purged", "Purged"),
            ("items-refused", "ItemsRefused"),
            ("token-missing", "TokenMissing"),
            ("token-refused", "TokenRefused"),
            ("request-refused", "RequestRefused"),
            ("rate-limited", "RateLimited"),
            ("unreachable", "Unreachable"),
            ("deadline-exceeded", "DeadlineExceeded"),
        ];
        assert_eq!(names.collect::<Vec<_>>(), expected.map(|(name, metric)| (name, metric.to_owned())));
    }
}
