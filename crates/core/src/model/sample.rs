//! The URLs of a change that are verified after their purge.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::model::change::Change;
use crate::model::names::TeamName;

/// URLs of one change, which one team asks to be verified after their purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The change, whose purge is in the plan.
    pub change: Arc<Change>,
    /// The team of the mappings.
    pub team: TeamName,
    /// The URLs, as they are purged; never empty.
    pub urls: Vec<String>,
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Sample", 4)?;
        fields.serialize_field("team", &self.team)?;
        fields.serialize_field("bucket", &self.change.bucket)?;
        fields.serialize_field("key", &self.change.key)?;
        fields.serialize_field("urls", &self.urls)?;
        fields.end()
    }
}
