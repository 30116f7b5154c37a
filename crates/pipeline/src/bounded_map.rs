//! A map with a bound, for entries whose keys teams write. Decision 23 compares the cache crates.

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter};

/// A map of shared values. Beyond its capacity it evicts entries that were used least; entries that were used
/// repeatedly outlive any number of entries that are used once. A value that somebody holds is not evicted, so two
/// callers never work with two values of one key.
pub(crate) struct BoundedMap<K, V>(Mutex<Values<K, V>>);

type Values<K, V> = Cache<K, Arc<V>, UnitWeighter, DefaultHashBuilder, KeepHeld>;

#[derive(Clone)]
struct KeepHeld;

impl<K, V> Lifecycle<K, Arc<V>> for KeepHeld {
    type RequestState = ();

    fn is_pinned(&self, _: &K, value: &Arc<V>) -> bool {
        Arc::strong_count(value) > 1
    }
}

impl<K: Eq + Hash + Clone, V> BoundedMap<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Mutex::new(Cache::with(capacity, capacity as u64, UnitWeighter, DefaultHashBuilder::default(), KeepHeld)))
    }

    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        self.lock().get(key).cloned()
    }

    pub(crate) fn get_or_insert_with(&self, key: &K, new: impl FnOnce() -> V) -> Arc<V> {
        let mut values = self.lock();
        if let Some(value) = values.get(key) {
            return Arc::clone(value);
        }
        let value = Arc::new(new());
        values.insert(key.clone(), Arc::clone(&value));
        value
    }

    pub(crate) fn remove(&self, key: &K) {
        self.lock().remove(key);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The largest of what this is for each value; zero without any.
    pub(crate) fn largest(&self, of: impl Fn(&V) -> usize) -> usize {
        self.lock().iter().map(|(_, value)| of(value)).max().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Values<K, V>> {
        // No code of ours panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> fmt::Debug for BoundedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedMap").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let map = BoundedMap::new(100);
        for key in 0..10_000 {
            map.get_or_insert_with(&key, || key);
            assert!(map.lock().len() <= 100);
        }
        assert!(map.lock().len() >= 90);
    }

    #[test]
    fn entries_in_use_outlive_a_scan() {
        let map = BoundedMap::new(100);
        for _ in 0..3 {
            (0..50).for_each(|key| _ = map.get_or_insert_with(&key, || key));
        }
        (1000..100_000).for_each(|key| _ = map.get_or_insert_with(&key, || key));
        let kept = (0..50).filter(|key| map.get(key).is_some()).count();
        assert_eq!(kept, 50);
    }

    #[test]
    fn a_value_that_is_held_is_not_evicted() {
        let map = BoundedMap::new(10);
        let held: Vec<Arc<u32>> = (0..20).map(|key| map.get_or_insert_with(&key, || key)).collect();
        (1000..10_000).for_each(|key| _ = map.get_or_insert_with(&key, || key));
        for (key, value) in (0..).zip(&held) {
            assert!(Arc::ptr_eq(value, &map.get_or_insert_with(&key, || 0)), "{key}");
        }
        drop(held);
        (1000..10_000).for_each(|key| _ = map.get_or_insert_with(&key, || key));
        assert!(map.lock().len() <= 10, "it shrinks once they are not held");
    }
}
