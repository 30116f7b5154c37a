//! The edge's cache. Readers keep every URL warm: soon after a purge, the first of them makes the edge fetch the
//! object.
//!
//! Fetches have no events of their own. What the cache holds is computed at each visit and purge.

use std::time::Duration;

use fastrand::Rng;

use crate::clock::SimTime;
use crate::random::millis;
use crate::scenario::{ObjectId, Scenario, Url, UrlId, ZoneId};

/// The edge's cache of all URLs, with the origin server's history of their objects.
#[derive(Debug)]
pub(crate) struct Edge {
    /// When each object changed.
    changes: Vec<Vec<SimTime>>,
    /// One for each URL.
    slots: Vec<Slot>,
    object_of: Vec<ObjectId>,
    /// When readers come and how long fetches take, for each zone.
    streams: Vec<Rng>,
    zone_of: Vec<ZoneId>,
    stores_raced_fetches: bool,
}

/// What the edge has of one URL.
#[derive(Debug)]
struct Slot {
    /// The version that is cached.
    cached: Option<Cached>,
    fetch: Option<Fetch>,
}

/// A cached version of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cached {
    pub(crate) version: usize,
    /// Whether a purge came while it was fetched.
    pub(crate) is_raced: bool,
}

/// A fetch from the origin server.
#[derive(Debug, Clone, Copy)]
struct Fetch {
    start: SimTime,
    /// When the origin server reads the object.
    read: SimTime,
    end: SimTime,
    is_raced: bool,
}

impl Edge {
    /// An edge that has the first version of every object.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let first = Some(Cached { version: 0, is_raced: false });
        let zone_of = |url: &Url| scenario.objects[url.object].zone;
        Self {
            changes: vec![Vec::new(); scenario.objects.len()],
            slots: scenario.urls.iter().map(|_| Slot { cached: first, fetch: None }).collect(),
            object_of: scenario.urls.iter().map(|url| url.object).collect(),
            streams: (0..scenario.zones.len()).map(|zone| scenario.seed.stream("edge", zone)).collect(),
            zone_of: scenario.urls.iter().map(zone_of).collect(),
            stores_raced_fetches: scenario.edge_stores_raced_fetches,
        }
    }

    /// An object changes at the origin server.
    pub(crate) fn change(&mut self, object: ObjectId, now: SimTime) {
        self.changes[object].push(now);
    }

    /// Purges a URL. The next visit follows shortly.
    pub(crate) fn purge(&mut self, url: UrlId, now: SimTime) {
        self.settle(url, now);
        let (slot, rng) = (&mut self.slots[url], &mut self.streams[self.zone_of[url]]);
        slot.cached = None;
        match &mut slot.fetch {
            Some(fetch) if fetch.start > now => {}
            Some(fetch) if self.stores_raced_fetches => fetch.is_raced = true,
            _ => {
                let start = now + millis(rng, 5..=3000);
                let read = start + millis(rng, 1..=80);
                let end = read + millis(rng, 1..=400);
                slot.fetch = Some(Fetch { start, read, end, is_raced: false });
            }
        }
    }

    /// What is cached of a URL. If nothing is, a visitor gets it fresh.
    pub(crate) fn visit(&mut self, url: UrlId, now: SimTime) -> Option<Cached> {
        self.settle(url, now);
        self.slots[url].cached
    }

    /// Stores what was fetched by now.
    fn settle(&mut self, url: UrlId, now: SimTime) {
        let slot = &mut self.slots[url];
        if let Some(fetch) = slot.fetch.filter(|fetch| fetch.end <= now) {
            let changes = &self.changes[self.object_of[url]];
            let version = changes.iter().filter(|change| **change <= fetch.read).count();
            slot.cached = Some(Cached { version, is_raced: fetch.is_raced });
            slot.fetch = None;
        }
    }
}

/// How long after a purge every URL has been fetched again.
pub(crate) const WARM_AFTER: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::scenario::scenario;

    #[test]
    fn an_old_version_is_served_until_it_is_purged() {
        let mut edge = Edge::new(&scenario(Seed(1)));
        let at = |seconds| SimTime::after(Duration::from_secs(seconds));
        let versions = |cached: Option<Cached>| cached.map(|cached| cached.version);
        edge.change(edge.object_of[3], at(10));
        assert_eq!(versions(edge.visit(3, at(20))), Some(0));
        edge.purge(3, at(30));
        assert_eq!(versions(edge.visit(3, at(30))), None);
        assert_eq!(versions(edge.visit(3, at(40))), Some(1));
    }

    #[test]
    fn a_purge_during_a_fetch_may_come_too_early() {
        let mut scenario = scenario(Seed(1));
        for stores in [true, false] {
            scenario.edge_stores_raced_fetches = stores;
            let mut edge = Edge::new(&scenario);
            let at = |millis| SimTime::after(Duration::from_millis(millis));
            edge.purge(0, at(0));
            let Some(fetch) = edge.slots[0].fetch else { panic!("a fetch is in progress") };
            edge.change(0, fetch.read + Duration::from_millis(1));
            edge.purge(0, fetch.read + Duration::from_millis(1));
            let seen = edge.visit(0, fetch.end + WARM_AFTER);
            let expected = if stores { (0, true) } else { (1, false) };
            assert_eq!(seen.map(|seen| (seen.version, seen.is_raced)), Some(expected), "{stores}");
        }
    }
}
