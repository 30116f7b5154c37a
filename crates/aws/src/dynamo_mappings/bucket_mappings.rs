//! What one read found for one bucket, and how much memory that takes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use purge_router_config::{PartitionKey, Row, RowKey, Skipped};
use purge_router_core::Mappings;
use purge_router_core::bounds::VALUE_OVERHEAD;
use purge_router_core::glob::distinct_size;
use purge_router_core::names::BucketName;
use purge_router_pipeline::Timestamp;
use serde_json::Value;

/// By how much a compiled pattern is larger than its text, at most.
const COMPILED_PATTERN: usize = 200;

/// The mappings of one bucket.
#[derive(Debug)]
pub(super) struct BucketMappings {
    /// When the read of the grants and zones started. The rows themselves were read before that.
    pub(super) needs_read_at: Timestamp,
    pub(super) mappings: Mappings,
    /// Rows that are skipped, with the reasons.
    pub(super) skipped: Arc<[Skipped]>,
    /// Those of the skipped rows that should have been read a second time, but could not be.
    pub(super) unverified: BTreeSet<RowKey>,
    bytes: usize,
    /// A hash of the rows. Its keys are secret, so nobody can write rows that have the hash of others.
    rows_hash: u64,
    hash_keys: RandomState,
}

impl BucketMappings {
    /// Reads the rows of a bucket, with the grants and zones that they need. If these are the rows of the read before,
    /// its mappings are used again, with the globs that it compiled.
    pub(super) fn from_rows<'r>(
        rows: impl Iterator<Item = &'r Row> + Clone,
        needs_read_at: Timestamp,
        before: Option<&Self>,
    ) -> Self {
        let hash_keys = before.map(|before| before.hash_keys.clone()).unwrap_or_default();
        let rows_hash = hash_keys.hash_one(rows.clone().collect::<Vec<_>>());
        if let Some(before) = before.filter(|before| before.rows_hash == rows_hash) {
            let (mappings, skipped) = (before.mappings.clone(), Arc::clone(&before.skipped));
            let (unverified, bytes) = (BTreeSet::new(), before.bytes);
            return Self { needs_read_at, mappings, skipped, unverified, bytes, rows_hash, hash_keys };
        }
        let bytes = rows.clone().map(|row| row.fields.values().map(bytes_of).sum::<usize>()).sum::<usize>();
        let (mappings, skipped) = purge_router_config::from_rows(rows);
        let lists = mappings.all().iter().flat_map(|mapping| [&mapping.include, &mapping.exclude]);
        let bytes = bytes + COMPILED_PATTERN * distinct_size(lists);
        let (skipped, unverified) = (skipped.into(), BTreeSet::new());
        Self { needs_read_at, mappings, skipped, unverified, bytes, rows_hash, hash_keys }
    }

    /// About how many bytes of memory they take, at most.
    pub(super) fn weight(&self) -> u64 {
        self.bytes as u64
    }
}

/// The skipped rows by partition, each row once.
pub(super) fn skipped_by_partition(
    resolved: &BTreeMap<BucketName, BucketMappings>,
) -> BTreeMap<PartitionKey, BTreeMap<&RowKey, &Skipped>> {
    let mut partitions: BTreeMap<PartitionKey, BTreeMap<&RowKey, &Skipped>> = BTreeMap::new();
    for skipped in resolved.values().flat_map(|of_bucket| &*of_bucket.skipped) {
        partitions.entry(skipped.key.partition()).or_default().insert(&skipped.key, skipped);
    }
    partitions
}

fn bytes_of(value: &Value) -> usize {
    let content = match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(bytes_of).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + bytes_of(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    VALUE_OVERHEAD + content
}
