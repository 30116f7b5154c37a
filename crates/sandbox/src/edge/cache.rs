//! The edge's cache: its keys and entries, and which of them a purge evicts.
//!
//! Every purge of a zone increments the zone's generation. An answer whose fetch began before a purge is not stored
//! after it, because it may be the content that the purge was to evict; unless the sandbox is to show that race.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::body::Purge;
use crate::item::{Scheme, UrlItem};
use crate::zone::Zone;

/// The header in which an origin server lists an object's tags.
pub(crate) const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");

const MAX_ENTRIES: usize = 10_000;
const MAX_BYTES: usize = 256 << 20;

/// The values of a zone's vary headers, in the zone's order.
pub(crate) type VaryValues = Vec<Option<Vec<u8>>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    /// The zone's index among the sandbox's zones.
    pub(crate) zone: usize,
    pub(crate) scheme: Scheme,
    /// In lower case.
    pub(crate) host: String,
    /// Path and query as the visitor sent them.
    pub(crate) target: String,
    pub(crate) vary: VaryValues,
}

/// An answer of an origin server with status 200.
pub(crate) struct CachedObject {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// In lower case.
    tags: Vec<String>,
    stored: Instant,
    /// By how much it is older than that, in milliseconds.
    added_age: AtomicU64,
}

impl CachedObject {
    pub(crate) fn new(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        let values = parts.headers.get_all(CACHE_TAG).iter().filter_map(|value| value.to_str().ok());
        let tags = values.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_ascii_lowercase()).collect();
        Self { headers: parts.headers, body, tags, stored: Instant::now(), added_age: AtomicU64::default() }
    }

    /// The time since it was fetched.
    pub(crate) fn age(&self) -> Duration {
        self.stored.elapsed() + Duration::from_millis(self.added_age.load(Ordering::Relaxed))
    }
}

/// How many times a zone had been purged when the fetch of an answer began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// The cache's entry for a key. The generation is for [`Cache::store`].
pub(crate) enum Lookup {
    Fresh(Arc<CachedObject>),
    /// Invalidated: used only if the origin server does not answer.
    Stale(Arc<CachedObject>, Generation),
    Absent(Generation),
}

/// What a request does to the entries that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Removes them.
    Purge,
    /// Marks them as stale.
    Invalidate,
}

/// All cached objects, the oldest first.
pub(crate) struct Cache {
    entries: IndexMap<CacheKey, Entry>,
    bytes: usize,
    generations: Vec<Generation>,
    purge_race: bool,
}

struct Entry {
    object: Arc<CachedObject>,
    stale: bool,
}

impl Cache {
    pub(crate) fn new(zones: usize, purge_race: bool) -> Self {
        Self { entries: IndexMap::new(), bytes: 0, generations: vec![Generation(0); zones], purge_race }
    }

    pub(crate) fn find(&self, key: &CacheKey) -> Lookup {
        let generation = self.generations[key.zone];
        match self.entries.get(key) {
            Some(Entry { object, stale: false }) => Lookup::Fresh(Arc::clone(object)),
            Some(Entry { object, stale: true }) => Lookup::Stale(Arc::clone(object), generation),
            None => Lookup::Absent(generation),
        }
    }

    /// Stores an answer, unless its zone was purged after `generation`, in which its fetch began.
    pub(crate) fn store(&mut self, key: CacheKey, object: Arc<CachedObject>, generation: Generation) {
        if self.generations[key.zone] != generation && !self.purge_race {
            return;
        }
        self.remove(&key);
        if object.body.len() > MAX_BYTES {
            return;
        }
        self.bytes += object.body.len();
        self.entries.insert(key, Entry { object, stale: false });
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some((_, oldest)) = self.entries.shift_remove_index(0) else { break };
            self.bytes -= oldest.object.body.len();
        }
    }

    /// Makes all that is cached older.
    pub(crate) fn add_age(&self, age: Duration) {
        let milliseconds = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        for entry in self.entries.values() {
            entry.object.added_age.fetch_add(milliseconds, Ordering::Relaxed);
        }
    }

    /// Removes an entry if it is stale.
    pub(crate) fn remove_stale(&mut self, key: &CacheKey) {
        if self.entries.get(key).is_some_and(|entry| entry.stale) {
            self.remove(key);
        }
    }

    /// Purges or invalidates entries of one zone.
    pub(crate) fn evict(&mut self, zone_index: usize, zone: &Zone, purge: &Purge, mode: Mode) {
        self.generations[zone_index].0 += 1;
        match purge {
            Purge::Urls(urls) => {
                for url in urls {
                    let key = key_of(zone_index, zone, url);
                    match mode {
                        Mode::Purge => self.remove(&key),
                        Mode::Invalidate => self.entries.get_mut(&key).into_iter().for_each(Entry::invalidate),
                    }
                }
            }
            Purge::Everything => self.evict_where(zone_index, mode, |_, _| true),
            Purge::Hosts(hosts) => self.evict_where(zone_index, mode, |key, _| hosts.contains(&key.host)),
            Purge::Prefixes(prefixes) => self.evict_where(zone_index, mode, |key, _| {
                prefixes.iter().any(|prefix| prefix.host == key.host && prefix.covers(&key.target))
            }),
            Purge::Tags(tags) => {
                self.evict_where(zone_index, mode, |_, object| object.tags.iter().any(|tag| tags.contains(tag)));
            }
        }
    }

    fn evict_where(&mut self, zone_index: usize, mode: Mode, named: impl Fn(&CacheKey, &CachedObject) -> bool) {
        let bytes = &mut self.bytes;
        self.entries.retain(|key, entry| {
            if key.zone != zone_index || !named(key, &entry.object) {
                return true;
            }
            match mode {
                Mode::Purge => *bytes -= entry.object.body.len(),
                Mode::Invalidate => entry.invalidate(),
            }
            mode == Mode::Invalidate
        });
    }

    fn remove(&mut self, key: &CacheKey) {
        if let Some(entry) = self.entries.shift_remove(key) {
            self.bytes -= entry.object.body.len();
        }
    }

    /// The entries as JSON, the oldest first.
    pub(crate) fn list(&self, zones: &[Zone]) -> Value {
        self.entries.iter().map(|(key, entry)| entry.describe(key, &zones[key.zone])).collect()
    }
}

impl Entry {
    fn invalidate(&mut self) {
        self.stale = true;
    }

    fn describe(&self, key: &CacheKey, zone: &Zone) -> Value {
        let values = zone.vary_headers.iter().zip(&key.vary);
        let vary: Map<_, _> = values
            .filter_map(|(name, value)| {
                Some((name.to_string(), String::from_utf8_lossy(value.as_deref()?).into_owned().into()))
            })
            .collect();
        json!({
            "zone_id": zone.id,
            "url": format!("{}://{}{}", key.scheme.as_str(), key.host, key.target),
            "vary": vary,
            "tags": self.object.tags,
            "bytes": self.object.body.len(),
            "state": if self.stale { "stale" } else { "fresh" },
        })
    }
}

/// The key that a URL names. Without headers, it is that of a request without the zone's vary headers. Other headers
/// are not part of the key.
fn key_of(zone_index: usize, zone: &Zone, url: &UrlItem) -> CacheKey {
    let value = |name: &HeaderName| url.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    let vary = zone.vary_headers.iter().map(|name| value(name).map(|value| HeaderValue::as_bytes(value).to_vec()));
    CacheKey {
        zone: zone_index,
        scheme: url.scheme,
        host: url.host.clone(),
        target: url.target.clone(),
        vary: vary.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> CacheKey {
        let (host, target) = ("a.example".to_owned(), format!("/{number}"));
        CacheKey { zone: 0, scheme: Scheme::Https, host, target, vary: Vec::new() }
    }

    fn store(cache: &mut Cache, number: usize, body: &Bytes) {
        let object = Arc::new(CachedObject::new(Response::new(body.clone())));
        let generation = cache.generations[0];
        cache.store(key(number), object, generation);
    }

    fn has(cache: &Cache, number: usize) -> bool {
        matches!(cache.find(&key(number)), Lookup::Fresh(_))
    }

    #[test]
    fn the_oldest_entries_are_evicted_first() {
        for (body, room) in [(Bytes::from(vec![0; 100 << 20]), 2), (Bytes::new(), MAX_ENTRIES)] {
            let mut cache = Cache::new(1, false);
            for number in 0..room {
                store(&mut cache, number, &body);
            }
            store(&mut cache, 0, &body);
            assert!(has(&cache, 0) && has(&cache, 1), "the same entry again needs no room");
            store(&mut cache, room, &body);
            assert!(has(&cache, 0) && !has(&cache, 1) && has(&cache, room), "1 has become the oldest");
            assert_eq!((cache.entries.len(), cache.bytes), (room, room * body.len()));
        }
    }

    #[test]
    fn an_object_larger_than_the_cache_is_not_stored_and_evicts_nothing() {
        let mut cache = Cache::new(1, false);
        store(&mut cache, 0, &Bytes::from_static(b"small"));
        store(&mut cache, 1, &Bytes::from(vec![0; MAX_BYTES + 1]));
        assert!(has(&cache, 0) && !has(&cache, 1));
        assert_eq!(cache.bytes, 5);
    }
}
