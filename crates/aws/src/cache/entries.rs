//! The entries of a cache, bounded by their weight. Those that are rarely used are evicted first.
//!
//! Callers hold the entries that they wait for, so that an entry may be evicted while its read is under way.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use crate::cache::entry::Entry;

/// An entry that callers and reads share.
#[derive(Debug)]
pub(crate) struct SharedEntry<V, E>(Arc<Mutex<Entry<V, E>>>);

/// Shared entries by key. Evicts in the order of CLOCK-Pro: a scan of many keys does not evict those that are used
/// often.
#[derive(Debug)]
pub(crate) struct SharedEntries<K, V, E> {
    cache: Mutex<Cache<K, Weighed<V, E>, StoredWeight>>,
    capacity: u64,
    empty_weight: u64,
}

#[derive(Debug)]
struct Weighed<V, E> {
    entry: SharedEntry<V, E>,
    weight: u64,
}

#[derive(Debug, Clone)]
struct StoredWeight;

impl<K, V, E> Weighter<K, Weighed<V, E>> for StoredWeight {
    fn weight(&self, _: &K, weighed: &Weighed<V, E>) -> u64 {
        weighed.weight
    }
}

impl<K: Hash + Eq + Clone, V, E> SharedEntries<K, V, E> {
    /// An empty cache, sized for `estimated_entries`. It holds entries up to the weight `capacity`. An empty entry has
    /// a weight, too.
    pub(crate) fn new(estimated_entries: usize, capacity: u64, empty_weight: u64) -> Self {
        let cache = Mutex::new(Cache::with_weighter(estimated_entries, capacity, StoredWeight));
        Self { cache, capacity, empty_weight }
    }

    /// The entry of a key; an empty one if none is cached.
    pub(crate) fn entry(&self, key: &K) -> SharedEntry<V, E> {
        let mut cache = self.lock();
        if let Some(weighed) = cache.get(key) {
            return weighed.entry.clone();
        }
        let entry = SharedEntry::default();
        cache.insert(key.clone(), Weighed { entry: entry.clone(), weight: self.empty_weight });
        entry
    }

    /// Sets the weight of an entry's value after a read. Puts the entry back if it was evicted meanwhile.
    pub(crate) fn set_weight(&self, key: K, entry: &SharedEntry<V, E>, weight: u64) {
        // A heavier entry would not be admitted, and its value would be read for every event.
        let weight = (self.empty_weight + weight).min(self.capacity / 2);
        let mut cache = self.lock();
        let weighed = Weighed { entry: entry.clone(), weight };
        match cache.peek(&key) {
            None => cache.insert(key, weighed),
            // The end of a read does not count as a use.
            Some(cached) if Arc::ptr_eq(&cached.entry.0, &entry.0) => drop(cache.replace(key, weighed, true)),
            Some(_) => {}
        }
    }

    /// The weight of all entries.
    #[cfg(test)]
    pub(crate) fn weight(&self) -> u64 {
        self.lock().weight()
    }

    fn lock(&self) -> MutexGuard<'_, Cache<K, Weighed<V, E>, StoredWeight>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V, E> SharedEntry<V, E> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Entry<V, E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V, E> Clone for SharedEntry<V, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V, E> Default for SharedEntry<V, E> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use purge_router_pipeline::Clock;

    use super::*;

    type Texts = SharedEntries<u32, &'static str, ()>;

    /// Stores a value of this weight.
    fn store(entries: &Texts, clock: &Clock, key: u32, weight: u64) {
        let entry = entries.entry(&key);
        entry.lock().store(clock.now(), |_| "value");
        entries.set_weight(key, &entry, weight);
    }

    fn is_cached(entries: &Texts, key: u32) -> bool {
        entries.entry(&key).lock().cached().is_some()
    }

    #[tokio::test]
    async fn an_entry_in_use_survives_a_scan_of_many_others() {
        let (entries, clock) = (Texts::new(100, 1000, 1), Clock::system());
        store(&entries, &clock, 0, 9);
        for key in 1..10_000 {
            store(&entries, &clock, key, 9);
            assert!(key % 50 != 0 || is_cached(&entries, 0), "after {key} others");
        }
        let cached = entries.lock().len();
        assert!((50..=100).contains(&cached), "{cached}");
    }

    #[tokio::test]
    async fn the_weight_is_bounded_and_a_heavy_entry_is_cached() {
        let (entries, clock) = (Texts::new(100, 1000, 1), Clock::system());
        store(&entries, &clock, 0, 1_000_000);
        assert!(is_cached(&entries, 0), "it would be read for every event");
        for key in 1..1000 {
            store(&entries, &clock, key, 100);
        }
        assert!(entries.lock().weight() <= 1000);
        for key in 1000..100_000 {
            entries.entry(&key);
        }
        assert!(entries.lock().len() <= 1000, "entries without a value have a weight, too");
    }

    #[tokio::test]
    async fn an_entry_that_is_evicted_during_its_read_is_put_back() {
        let (entries, clock) = (Texts::new(10, 10, 1), Clock::system());
        let entry = entries.entry(&0);
        (1..100).for_each(|key| drop(entries.entry(&key)));
        let (sender, end) = entry.lock().begin_read(clock.now());
        entry.lock().store(clock.now(), |_| "value");
        entries.set_weight(0, &entry, 1);
        drop(sender);
        tokio::time::timeout(Duration::from_secs(1), end.reached()).await.unwrap();
        assert!(is_cached(&entries, 0));

        let newer = SharedEntry::default();
        entries.set_weight(0, &newer, 1);
        assert!(is_cached(&entries, 0), "of two entries of one key, the cached one stays");
    }
}
