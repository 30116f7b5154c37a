//! All mappings, found by bucket, prefix and globs.
//!
//! ```text
//!  slots                                indices
//!  │ Bucket assets │ from 0        │
//!  │ Bucket media  │ listed from 0 │ ──→ │ 3 │ 5 │ 9 │   where its mappings are
//! ```

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use indexmap::IndexMap;

use crate::model::change::Change;
use crate::model::mapping::Mapping;
use crate::model::names::BucketName;
use crate::route::bucket::{Bucket, BucketBuilder, Candidate};

/// How many buckets are looked up together.
pub(crate) const GROUP: usize = 16;

/// Finds the mappings that may accept a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Router {
    slots: HashTable<Slot>,
    hasher: RandomState,
    /// The indices of the mappings of each bucket whose mappings don't follow one another.
    indices: Vec<u32>,
}

/// A bucket, found by its name.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    bucket: Bucket,
    indices: Indices,
}

/// A change, and where the mappings of its bucket are.
#[derive(Debug, Clone, Copy)]
pub struct LocatedChange<'m> {
    /// The change.
    pub change: &'m Change,
    /// None: its bucket has no mappings.
    pub(crate) slot: Option<&'m Slot>,
}

/// The indices of a bucket's mappings among all of them, in ascending order.
#[derive(Debug, Clone, Copy)]
enum Indices {
    /// One after the other, from this one on. A lookup then has nothing to read.
    From(u32),
    /// In [`Router::indices`], from this place on.
    Listed(u32),
}

impl Router {
    /// Indexes mappings.
    pub(crate) fn new(mappings: &[Arc<Mapping>]) -> Self {
        // In their order: the mappings are read in the order in which they are in memory, and each run takes the same steps.
        let mut by_bucket: IndexMap<&str, Vec<(u32, &Mapping)>, RandomState> = IndexMap::default();
        for (index, mapping) in (0..).zip(mappings) {
            by_bucket.entry(mapping.source.bucket.as_str()).or_default().push((index, mapping));
        }
        let mut router = Self { slots: HashTable::with_capacity(by_bucket.len()), ..Self::default() };
        let mut builder = BucketBuilder::default();
        for (name, of_bucket) in by_bucket {
            let bucket = builder.build(name, of_bucket.iter().map(|(_, mapping)| *mapping));
            router.insert(bucket, of_bucket.iter().map(|(index, _)| *index));
        }
        router
    }

    /// With the buckets of another router, whose mappings come after `before` others. `None` if a bucket is in both.
    pub(crate) fn with(mut self, other: &Self, before: usize) -> Option<Self> {
        for slot in &other.slots {
            if self.slot(slot.bucket.name()).is_some() {
                return None;
            }
            self.insert(slot.bucket.clone(), other.indices_of(slot).map(|index| (before + index) as u32));
        }
        Some(self)
    }

    /// The indices of a bucket's mappings, in ascending order.
    pub(crate) fn of_bucket(&self, bucket: &BucketName) -> impl Iterator<Item = usize> {
        self.slot(bucket.as_str().as_bytes()).into_iter().flat_map(|slot| self.indices_of(slot))
    }

    /// Finds the slots of up to [`GROUP`] changes.
    ///
    /// Among many mappings, a slot and its block are in none of the processor's caches. They are read for the whole group before the
    /// first name is compared: none of these reads depends on another, so the processor waits for all of them at once.
    pub(crate) fn locate<'r>(&'r self, group: &mut [LocatedChange<'r>]) {
        // `None`: the same bucket as the one before.
        let mut hashes = [None; GROUP];
        let mut before = None;
        for (located, hash) in group.iter_mut().zip(&mut hashes) {
            let name = &located.change.bucket;
            if before.replace(name) != Some(name) {
                let hash_of_name = self.hash(name.as_str().as_bytes());
                *hash = Some(hash_of_name);
                // The first with a hash that is alike. Mostly it is the bucket's.
                located.slot = self.slots.find(hash_of_name, |_| true);
            }
        }
        let alike = group.iter().filter_map(|located| located.slot);
        alike.for_each(|slot| slot.bucket.read_at_once());
        let mut slot = None;
        for (located, hash) in group.iter_mut().zip(hashes) {
            if let Some(hash) = hash {
                let has_name = |slot: &Slot| slot.bucket.name() == located.change.bucket.as_str().as_bytes();
                let alike = located.slot.filter(|slot| has_name(slot));
                slot = alike.or_else(|| self.slots.find(hash, has_name));
            }
            located.slot = slot;
        }
    }

    /// The mappings of a bucket whose prefixes start a key, with their indices. The longest prefix comes first.
    pub(crate) fn candidates<'r>(
        &'r self,
        slot: &'r Slot,
        key: &'r str,
    ) -> impl Iterator<Item = (usize, Candidate<'r>)> {
        let candidates = slot.bucket.candidates(key);
        candidates.filter_map(move |candidate| Some((self.index(slot, candidate.position())?, candidate)))
    }

    fn hash(&self, name: &[u8]) -> u64 {
        self.hasher.hash_one(name)
    }

    fn slot(&self, name: &[u8]) -> Option<&Slot> {
        self.slots.find(self.hash(name), |slot| slot.bucket.name() == name)
    }

    fn insert(&mut self, bucket: Bucket, indices: impl Iterator<Item = u32> + Clone) {
        let first = indices.clone().next().unwrap_or_default();
        let is_run = indices.clone().zip(first..).all(|(index, expected)| index == expected);
        let indices = if is_run {
            Indices::From(first)
        } else {
            let listed = Indices::Listed(self.indices.len() as u32);
            self.indices.extend(indices);
            listed
        };
        let Self { slots, hasher, .. } = self;
        let hash = |slot: &Slot| hasher.hash_one(slot.bucket.name());
        let slot = Slot { bucket, indices };
        slots.insert_unique(hash(&slot), slot, hash);
    }

    /// The index of the mapping at a position in a bucket.
    fn index(&self, slot: &Slot, position: usize) -> Option<usize> {
        match slot.indices {
            Indices::From(first) => Some(first as usize + position),
            Indices::Listed(first) => self.indices.get(first as usize + position).map(|index| *index as usize),
        }
    }

    fn indices_of(&self, slot: &Slot) -> impl Iterator<Item = usize> + Clone {
        (0..slot.bucket.count()).filter_map(|position| self.index(slot, position))
    }
}
