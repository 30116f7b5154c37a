//! What an event says: objects that changed, records that change nothing, and records that are rejected.

use std::collections::HashMap;

use serde::Serialize;

use crate::model::change::{Change, Origin};
use crate::model::purged_items::PurgedItems;

/// What an event says. Each list is in the order of the records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The objects that changed.
    pub changes: Vec<Change>,
    /// Records that change nothing that is served.
    pub ignored: Vec<Ignored>,
    /// Records and changes that lead to no purge, each with the reason.
    pub rejected: Vec<Rejected>,
    /// What earlier receives purged of messages: it is not purged again.
    pub purged: HashMap<Origin, PurgedItems>,
}

/// A record that changes nothing that is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// Where it came from.
    pub origin: Origin,
    /// `test-event`, or the event's name.
    pub reason: String,
}

/// A record or a change that is not purged, or not as its mapping asks. It never affects its neighbors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Where it came from.
    pub origin: Origin,
    /// Whether a retry can help.
    pub kind: RejectionKind,
    /// The place, the value and what was expected there.
    pub reason: String,
}

/// Whether a retry of what was rejected can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionKind {
    /// Not understood. Its origin fails, so that somebody looks at it.
    Malformed,
    /// Understood, but it can't be done now. Its origin fails, and the redelivered message succeeds.
    Transient,
    /// Understood, but no URL or tag exists for it. Its origin is done, because no retry can help.
    Unpurgeable,
}

impl RejectionKind {
    /// Whether the origin of such a rejection fails.
    pub fn is_failure(self) -> bool {
        match self {
            Self::Malformed | Self::Transient => true,
            Self::Unpurgeable => false,
        }
    }
}
