//! The second purge of a change, against the race between a purge and a fetch that is under way at the edge.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::model::change::Change;
use crate::model::names::TeamName;

/// The second purge of a change, for all mappings of one team that want it after the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondPurge {
    /// The change, whose first purge is in the plan.
    pub change: Arc<Change>,
    /// The team of the mappings.
    pub team: TeamName,
    /// How many seconds after the first purge it is due.
    pub after: u16,
}

impl Serialize for SecondPurge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("SecondPurge", 5)?;
        fields.serialize_field("team", &self.team)?;
        fields.serialize_field("bucket", &self.change.bucket)?;
        fields.serialize_field("key", &self.change.key)?;
        fields.serialize_field("event", &self.change.kind)?;
        fields.serialize_field("after", &self.after)?;
        fields.end()
    }
}
