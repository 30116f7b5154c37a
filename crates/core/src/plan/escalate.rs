//! Which mappings have more URLs in one event than their `escalate_above`, or URLs that take longer than their
//! `escalate_after`, and so purge their folder instead.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use crate::model::mapping::Escalation;
use crate::plan::drain_time::DrainTime;
use crate::plan::hit::{Hit, Targets};
use crate::plan::output::{Drain, Escalated};
use crate::plan::planned_mapping::PlannedMapping;

/// The hits of each mapping, counted, and what they are charged; by the mapping's index.
#[derive(Debug, Default)]
pub(super) struct MappingCounts<'p>(BTreeMap<usize, MappingCount<'p>>);

#[derive(Debug)]
struct MappingCount<'p> {
    mapping: Rc<PlannedMapping<'p>>,
    hits: usize,
    /// `None` if the mapping can't escalate.
    urls: Option<UrlCount>,
}

/// The different URLs of a mapping that may escalate.
#[derive(Debug)]
struct UrlCount {
    escalation: Escalation,
    urls_per_path: usize,
    drain_time: DrainTime,
    /// Hashes of the spelled paths.
    paths: HashSet<u64>,
    /// The bytes of URLs that an escalation makes superfluous.
    replaced: usize,
}

impl<'p> MappingCounts<'p> {
    /// What a hit is charged if its mapping has this many `others` before it.
    pub(super) fn charge_of(&self, hit: &Hit<'p>, others: usize) -> usize {
        let replaced = if self.is_escalated(&hit.mapping) { 0 } else { hit.cost.replaced };
        let shared = if others == 0 { hit.cost.shared } else { 0 };
        hit.cost.kept + replaced + shared
    }

    /// How many hits a mapping has.
    pub(super) fn hits(&self, mapping: &PlannedMapping<'p>) -> usize {
        self.0.get(&mapping.index).map_or(0, |count| count.hits)
    }

    /// Whether a mapping purges its folder instead of its URLs.
    pub(super) fn is_escalated(&self, mapping: &PlannedMapping<'p>) -> bool {
        self.0.get(&mapping.index).and_then(|count| count.urls.as_ref()).is_some_and(UrlCount::is_escalated)
    }

    /// Counts a hit. Returns the bytes to refund to earlier hits, if its mapping escalates with it.
    pub(super) fn add(&mut self, hit: &Hit<'p>, is_charged: bool) -> usize {
        let new = || MappingCount::new(Rc::clone(&hit.mapping));
        let count = self.0.entry(hit.mapping.index).or_insert_with(new);
        count.hits += 1;
        let (Some(urls), Targets::Paths(paths)) = (&mut count.urls, &hit.targets) else { return 0 };
        let was_escalated = urls.is_escalated();
        urls.paths.extend(paths.iter().flat_map(|path| &path.spellings).map(hash_of));
        if was_escalated {
            return 0;
        }
        if is_charged {
            urls.replaced += hit.cost.replaced;
        }
        if urls.is_escalated() { std::mem::take(&mut urls.replaced) } else { 0 }
    }

    /// Takes a hit back, which is the last of its mapping, and says what it was charged.
    pub(super) fn remove(&mut self, hit: &Hit<'p>) -> usize {
        let others = self.hits(&hit.mapping).saturating_sub(1);
        if let Some(count) = self.0.get_mut(&hit.mapping.index) {
            count.hits = others;
        }
        self.stop_charging(hit, others)
    }

    /// Notes that a hit is not charged any more, and says what it was charged.
    pub(super) fn stop_charging(&mut self, hit: &Hit<'p>, others: usize) -> usize {
        let charge = self.charge_of(hit, others);
        if !self.is_escalated(&hit.mapping)
            && let Some(urls) = self.0.get_mut(&hit.mapping.index).and_then(|count| count.urls.as_mut())
        {
            urls.replaced = urls.replaced.saturating_sub(hit.cost.replaced);
        }
        charge
    }

    /// The mappings that escalated and have a hit left, in the order of all mappings.
    pub(super) fn escalated(&self) -> Vec<Escalated> {
        let counts = self.0.values().filter(|count| count.hits > 0);
        let escalated = counts.filter_map(|count| {
            let urls = count.urls.as_ref().filter(|urls| urls.is_escalated())?;
            let mapping = count.mapping.mapping.name.clone();
            Some(Escalated { mapping, urls: urls.count(), above: urls.escalation.above, drain: urls.too_long() })
        });
        escalated.collect()
    }
}

impl<'p> MappingCount<'p> {
    fn new(mapping: Rc<PlannedMapping<'p>>) -> Self {
        let urls = mapping.escalation_folder.is_some().then(|| UrlCount {
            escalation: mapping.mapping.escalation(),
            urls_per_path: mapping.urls.count,
            drain_time: DrainTime::of(mapping.mapping),
            paths: HashSet::new(),
            replaced: 0,
        });
        Self { mapping, hits: 0, urls }
    }
}

impl UrlCount {
    fn count(&self) -> usize {
        self.paths.len() * self.urls_per_path
    }

    fn is_escalated(&self) -> bool {
        self.escalation.applies(self.count(), self.drain())
    }

    fn drain(&self) -> Duration {
        self.drain_time.paths(self.paths.len())
    }

    /// How long the URLs take, if that is too long.
    fn too_long(&self) -> Option<Drain> {
        let Escalation { after, .. } = self.escalation;
        self.escalation.is_too_long(self.drain()).then(|| Drain { time: self.drain(), after })
    }
}

/// Hashes take less memory than paths; two paths with the same hash count as one, which is one URL less of thousands.
fn hash_of(path: &String) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}
