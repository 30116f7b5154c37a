//! What planning yields. Its JSON is a public interface.

use std::time::Duration;

use indexmap::IndexSet;
use serde::{Serialize, Serializer};
use time::UtcDateTime;

use crate::model::change::Origin;
use crate::model::event::{Ignored, Rejected};
use crate::model::last_purge::{LastPurge, PurgedContent, Sequencer, TeamObject};
use crate::model::names::{BucketName, TeamName};
use crate::model::sample::Sample;
use crate::model::second_purge::SecondPurge;
use crate::plan::batch::Batch;
use crate::plan::verification::EdgeCheck;

/// Everything that one event leads to.
#[derive(Debug, Default, Serialize)]
pub struct Plan {
    /// How many objects changed.
    pub changes: usize,
    /// Records that change nothing that is served.
    pub ignored: Vec<Ignored>,
    /// What is not purged, and why; [`Plan::failed_origins`] says which of it fails.
    pub rejected: Vec<Rejected>,
    /// Changes that no mapping accepts.
    pub unmatched: Vec<Unmatched>,
    /// Changes that mappings with `skip_unchanged` do not purge, because the same content was purged last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<Unchanged>,
    /// Mappings whose URLs became one folder in this event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub escalated: Vec<Escalated>,
    /// The requests, by team, then by zone.
    pub batches: Vec<Batch>,
    /// What is purged once more after a while, if the batches are purged: by change, team and time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub second_purges: Vec<SecondPurge>,
    /// What is verified a while after it is purged: by team, then by change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// What is verified now: the URLs of changes that came back for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<EdgeCheck>,
    /// What is to be remembered once the batches have ended, by object.
    #[serde(skip)]
    pub remember: Vec<Remember>,
}

/// A change that a team's mappings with `skip_unchanged` do not purge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchanged {
    /// The team of the mappings.
    pub team: TeamName,
    /// The bucket's name.
    pub bucket: BucketName,
    /// The key, decoded.
    pub key: String,
    /// The ETag, which is that of the content that was purged last.
    pub etag: String,
}

/// What is to be remembered of an object once the batches have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remember {
    /// The object.
    pub object: TeamObject,
    /// Where its changes came from. They fail if it can't be remembered.
    pub origins: Vec<Origin>,
    /// When it changed for the last time, if known.
    pub changed_at: Option<UtcDateTime>,
    /// What was known when the event was planned, and must still be; `None` if it could not be read.
    pub before: Option<LastPurge>,
    /// The content that caches hold, if all batches of the team for these origins are accepted; `None` if that is not known
    /// for certain.
    pub content: Option<PurgedContent>,
    /// The newest event of the object.
    pub sequencer: Option<Sequencer>,
}

/// A mapping that had more URLs in one event than its `escalate_above`, or that take longer than its `escalate_after`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Escalated {
    /// The mapping's [`Mapping::name`](crate::Mapping::name).
    pub mapping: String,
    /// How many URLs it had.
    pub urls: usize,
    /// Its `escalate_above`; 0 if it has none.
    pub above: usize,
    /// How long the URLs would take, if that is longer than its `escalate_after`.
    #[serde(flatten)]
    pub drain: Option<Drain>,
}

/// How long the URLs of a mapping would take at the rate limits of their accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Drain {
    /// That time, in milliseconds: if no other mapping and no other event uses these limits.
    #[serde(rename = "drain_ms", serialize_with = "milliseconds")]
    pub time: Duration,
    /// The mapping's `escalate_after`, in milliseconds.
    #[serde(rename = "after_ms", serialize_with = "milliseconds")]
    pub after: Duration,
}

fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// A change that no mapping accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// The bucket's name.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// Where the change came from.
    #[serde(skip)]
    pub origin: Origin,
}

impl Plan {
    /// The origins that fail whatever becomes of the batches, each once: those of malformed and transient rejections.
    pub fn failed_origins(&self) -> IndexSet<&Origin> {
        self.rejected.iter().filter(|rejected| rejected.kind.is_failure()).map(|rejected| &rejected.origin).collect()
    }
}
