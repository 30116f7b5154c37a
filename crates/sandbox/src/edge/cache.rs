//! The edge's cache: what is kept, under which key, and what a purge takes from it.
//!
//! Every purge of a zone raises the zone's generation. An answer that was fetched before the purge is not stored after
//! it: it may show what the purge was meant to remove.

use std::sync::Arc;
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

const MOST_ENTRIES: usize = 10_000;
const MOST_BYTES: usize = 256 << 20;

/// The values of a zone's vary headers, in the zone's order.
pub(crate) type VaryValues = Vec<Option<Vec<u8>>>;

/// What tells two cached objects apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    /// The zone's place among the sandbox's zones.
    pub(crate) zone: usize,
    pub(crate) scheme: Scheme,
    /// In lower case.
    pub(crate) host: String,
    /// Path and query as the visitor sent them.
    pub(crate) target: String,
    pub(crate) vary: VaryValues,
}

/// A good answer of an origin server.
pub(crate) struct Object {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// In lower case.
    tags: Vec<String>,
    stored: Instant,
}

impl Object {
    pub(crate) fn new(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        let values = parts.headers.get_all(CACHE_TAG).iter().filter_map(|value| value.to_str().ok());
        let tags = values.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_ascii_lowercase()).collect();
        Self { headers: parts.headers, body, tags, stored: Instant::now() }
    }

    /// How long ago it came from the origin server.
    pub(crate) fn age(&self) -> Duration {
        self.stored.elapsed()
    }
}

/// How often a zone had been purged when an answer was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// What the cache has under a key.
pub(crate) enum Found {
    Fresh(Arc<Object>),
    /// Invalidated: good only if the origin server does not answer.
    Stale(Arc<Object>, Generation),
    Absent(Generation),
}

/// What becomes of the entries that a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They are removed.
    Purge,
    /// They stay as stale.
    Invalidate,
}

/// All cached objects, the oldest first.
pub(crate) struct Cache {
    entries: IndexMap<CacheKey, Entry>,
    bytes: usize,
    generations: Vec<Generation>,
}

struct Entry {
    object: Arc<Object>,
    stale: bool,
}

impl Cache {
    pub(crate) fn new(zones: usize) -> Self {
        Self { entries: IndexMap::new(), bytes: 0, generations: vec![Generation(0); zones] }
    }

    pub(crate) fn find(&self, key: &CacheKey) -> Found {
        let generation = self.generations[key.zone];
        match self.entries.get(key) {
            Some(Entry { object, stale: false }) => Found::Fresh(Arc::clone(object)),
            Some(Entry { object, stale: true }) => Found::Stale(Arc::clone(object), generation),
            None => Found::Absent(generation),
        }
    }

    /// Keeps an answer, unless its zone was purged since `generation`, in which it was asked for.
    pub(crate) fn store(&mut self, key: CacheKey, object: Arc<Object>, generation: Generation) {
        if self.generations[key.zone] != generation {
            return;
        }
        self.remove(&key);
        if object.body.len() > MOST_BYTES {
            return;
        }
        self.bytes += object.body.len();
        self.entries.insert(key, Entry { object, stale: false });
        while self.entries.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.entries.shift_remove_index(0) else { break };
            self.bytes -= oldest.object.body.len();
        }
    }

    /// Removes an entry that was invalidated and that the origin server no longer has.
    pub(crate) fn drop_stale(&mut self, key: &CacheKey) {
        if self.entries.get(key).is_some_and(|entry| entry.stale) {
            self.remove(key);
        }
    }

    /// Carries out a purge of one zone.
    pub(crate) fn evict(&mut self, place: usize, zone: &Zone, purge: &Purge, mode: Mode) {
        self.generations[place].0 += 1;
        match purge {
            Purge::Urls(urls) => {
                for url in urls {
                    let key = key_of(place, zone, url);
                    match mode {
                        Mode::Purge => self.remove(&key),
                        Mode::Invalidate => self.entries.get_mut(&key).into_iter().for_each(Entry::invalidate),
                    }
                }
            }
            Purge::Everything => self.evict_where(place, mode, |_, _| true),
            Purge::Hosts(hosts) => self.evict_where(place, mode, |key, _| hosts.contains(&key.host)),
            Purge::Prefixes(prefixes) => self.evict_where(place, mode, |key, _| {
                prefixes.iter().any(|prefix| prefix.host == key.host && prefix.covers(&key.target))
            }),
            Purge::Tags(tags) => {
                self.evict_where(place, mode, |_, object| object.tags.iter().any(|tag| tags.contains(tag)));
            }
        }
    }

    fn evict_where(&mut self, place: usize, mode: Mode, named: impl Fn(&CacheKey, &Object) -> bool) {
        let bytes = &mut self.bytes;
        self.entries.retain(|key, entry| {
            if key.zone != place || !named(key, &entry.object) {
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

/// The one key that a URL names: without headers, the object that was cached for a request without the zone's vary
/// headers. Other headers are not part of the key.
fn key_of(place: usize, zone: &Zone, url: &UrlItem) -> CacheKey {
    let value = |name: &HeaderName| url.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    let vary = zone.vary_headers.iter().map(|name| value(name).map(|value| HeaderValue::as_bytes(value).to_vec()));
    CacheKey {
        zone: place,
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
        let object = Arc::new(Object::new(Response::new(body.clone())));
        let generation = cache.generations[0];
        cache.store(key(number), object, generation);
    }

    fn has(cache: &Cache, number: usize) -> bool {
        matches!(cache.find(&key(number)), Found::Fresh(_))
    }

    #[test]
    fn the_oldest_make_room() {
        for (body, room) in [(Bytes::from(vec![0; 100 << 20]), 2), (Bytes::new(), MOST_ENTRIES)] {
            let mut cache = Cache::new(1);
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
    fn what_is_larger_than_the_cache_is_not_kept_and_displaces_nothing() {
        let mut cache = Cache::new(1);
        store(&mut cache, 0, &Bytes::from_static(b"small"));
        store(&mut cache, 1, &Bytes::from(vec![0; MOST_BYTES + 1]));
        assert!(has(&cache, 0) && !has(&cache, 1));
        assert_eq!(cache.bytes, 5);
    }
}
