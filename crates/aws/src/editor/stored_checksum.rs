//! Checksums as attributes of rows. Anyone who may edit the table may write any string there: one that is not a
//! checksum is read as none, so that the row can still be shown and replaced.

use purge_router_config::Checksum;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes the checksum as text; none as an empty one.
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
pub(super) fn serialize<S: Serializer>(checksum: &Option<Checksum>, serializer: S) -> Result<S::Ok, S::Error> {
    match checksum {
        Some(checksum) => serializer.collect_str(checksum),
        None => serializer.serialize_str(""),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Checksum>, D::Error> {
    Ok(String::deserialize(deserializer)?.parse().ok())
}
