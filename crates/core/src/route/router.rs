//! All mappings, found by bucket, prefix and globs.
//!
//! ```text
//!  buckets                            positions
//!  │assets│ Bucket │ first 0 │ ──→    │ 0 │ 2 │ 5 │   the mappings' indices
//!  │media │ Bucket │ first 3 │ ──→    │ 1 │ 3 │ 4 │
//! ```

#![expect(clippy::mutable_key_type, reason = "a slot is found by its bucket's name, which never changes")]

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::model::mapping::Mapping;
use crate::model::names::BucketName;
use crate::route::bucket::{Bucket, BucketBuilder, Candidate};

/// Finds the mappings that may accept a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Router {
    buckets: HashSet<Slot, RandomState>,
    /// The indices of the mappings, bucket by bucket.
    indices: Vec<u32>,
}

/// A bucket, found by its name.
#[derive(Debug, Clone)]
struct Slot {
    bucket: Bucket,
    /// Where its mappings begin in [`Router::indices`], and how many there are.
    first: u32,
    count: u32,
    /// The index of its first mapping, if the others follow it. A lookup then does not have to read [`Router::indices`].
    run: Option<u32>,
}

impl Router {
    /// Indexes mappings.
    pub(crate) fn new(mappings: &[Arc<Mapping>]) -> Self {
        // In their order: the mappings are read in the order in which they are in memory, and each run takes the same steps.
        let mut by_bucket: IndexMap<&str, Vec<u32>, RandomState> = IndexMap::default();
        for (index, mapping) in (0..).zip(mappings) {
            by_bucket.entry(mapping.source.bucket.as_str()).or_default().push(index);
        }
        let buckets = HashSet::with_capacity_and_hasher(by_bucket.len(), RandomState::default());
        let mut router = Self { buckets, indices: Vec::with_capacity(mappings.len()) };
        let mut builder = BucketBuilder::default();
        for (name, indices) in by_bucket {
            let of_bucket = indices.iter().filter_map(|index| mappings.get(*index as usize));
            let bucket = builder.build(name, of_bucket.map(Arc::as_ref));
            router.insert(bucket, indices.into_iter());
        }
        router
    }

    /// With the buckets of another router, whose mappings come after `before` others. `None` if a bucket is in both.
    pub(crate) fn with(mut self, other: &Self, before: usize) -> Option<Self> {
        let mut slots: Vec<&Slot> = other.buckets.iter().collect();
        slots.sort_unstable_by_key(|slot| slot.first);
        for slot in slots {
            if self.buckets.contains(slot) {
                return None;
            }
            let indices = other.indices_of(slot).iter().map(|index| before as u32 + index);
            self.insert(slot.bucket.clone(), indices);
        }
        Some(self)
    }

    /// The indices of a bucket's mappings, in ascending order.
    pub(crate) fn of_bucket(&self, bucket: &BucketName) -> &[u32] {
        self.buckets.get(bucket.as_str().as_bytes()).map(|slot| self.indices_of(slot)).unwrap_or_default()
    }

    /// The mappings of a bucket whose prefixes start a key, with their indices. The longest prefix comes first.
    pub(crate) fn candidates<'r>(
        &'r self,
        bucket: &BucketName,
        key: &'r str,
    ) -> impl Iterator<Item = (usize, Candidate<'r>)> {
        let slot = self.buckets.get(bucket.as_str().as_bytes());
        let candidates = slot.map(|slot| (slot, slot.bucket.candidates(key)));
        candidates.into_iter().flat_map(move |(slot, candidates)| {
            candidates.filter_map(move |candidate| Some((self.index(slot, candidate.position())?, candidate)))
        })
    }

    fn insert(&mut self, bucket: Bucket, indices: impl ExactSizeIterator<Item = u32>) {
        let (first, count) = (self.indices.len() as u32, indices.len() as u32);
        self.indices.extend(indices);
        let added = self.indices.get(first as usize..).unwrap_or_default();
        let is_run = added.is_sorted_by(|one, other| one + 1 == *other);
        let run = added.first().copied().filter(|_| is_run);
        self.buckets.insert(Slot { bucket, first, count, run });
    }

    /// The index of the mapping at a position in a bucket.
    fn index(&self, slot: &Slot, position: usize) -> Option<usize> {
        match slot.run {
            Some(first) => Some(first as usize + position),
            None => self.indices_of(slot).get(position).map(|index| *index as usize),
        }
    }

    fn indices_of(&self, slot: &Slot) -> &[u32] {
        let first = slot.first as usize;
        self.indices.get(first..first + slot.count as usize).unwrap_or_default()
    }
}

impl Borrow<[u8]> for Slot {
    fn borrow(&self) -> &[u8] {
        self.bucket.name()
    }
}

impl Hash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bucket.name().hash(state);
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        self.bucket.name() == other.bucket.name()
    }
}

impl Eq for Slot {}
