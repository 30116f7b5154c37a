//! What a caller does not know of the mappings.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::names::BucketName;

/// The buckets whose mappings are not known, or may have changed. What these would decide is rejected as transient,
/// because it must not be reported as done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UncertainBuckets {
    /// Buckets whose mappings can't be read, each with the error: their changes are rejected.
    pub unreadable: BTreeMap<BucketName, String>,
    /// Buckets whose mappings are stale: their unmatched changes are rejected, because a mapping that was added since
    /// may accept them.
    pub stale: BTreeSet<BucketName>,
}
