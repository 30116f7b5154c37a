//! What a caller does not know of the mappings.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::names::BucketName;

/// The buckets whose mappings are not known, or may have changed. What these would decide is rejected as transient,
/// because it must not be reported as done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UncertainBuckets {
    /// Buckets whose mappings can't be read, each with the error: their changes are rejected.
    pub unreadable: BTreeMap<BucketName, String>,
    /// Buckets of which a mapping may be missing, because they are stale or were read only once: their unmatched changes
    /// are rejected, because that mapping may accept them.
    pub incomplete: BTreeSet<BucketName>,
}
