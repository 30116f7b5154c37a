//! Which mappings have more URLs in one event than they want, and so purge their folder instead.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::mapping::Mapping;
use crate::plan::cost::UrlCost;
use crate::plan::hit::{Hit, Targets, escalation_folder};
use crate::plan::output::Escalated;

/// The hits of each mapping, counted, and what they are charged.
#[derive(Debug, Default)]
pub(super) struct MappingCounts<'p>(BTreeMap<usize, MappingCount<'p>>);

#[derive(Debug)]
struct MappingCount<'p> {
    mapping: &'p Mapping,
    hits: usize,
    urls: Option<UrlCount>,
}

/// The different URLs of a mapping that may escalate.
#[derive(Debug)]
struct UrlCount {
    above: usize,
    per_path: usize,
    paths: HashSet<u64>,
    /// The bytes of URLs that an escalation makes superfluous.
    replaced: usize,
}

impl<'p> MappingCounts<'p> {
    /// What a hit is charged if its mapping has this many `others` before it.
    pub(super) fn charge_of(&self, hit: &Hit<'p>, others: usize) -> usize {
        let replaced = if self.is_escalated(hit.mapping_index) { 0 } else { hit.cost.replaced };
        let shared = if others == 0 { hit.cost.shared } else { 0 };
        hit.cost.kept + replaced + shared
    }

    /// How many hits a mapping has.
    pub(super) fn hits(&self, mapping_index: usize) -> usize {
        self.0.get(&mapping_index).map_or(0, |count| count.hits)
    }

    /// Whether a mapping purges its folder instead of its URLs.
    pub(super) fn is_escalated(&self, mapping_index: usize) -> bool {
        self.0.get(&mapping_index).and_then(|count| count.urls.as_ref()).is_some_and(UrlCount::is_escalated)
    }

    /// Counts a hit. Returns the bytes to refund to earlier hits, if its mapping escalates with it.
    pub(super) fn add(&mut self, hit: &Hit<'p>, is_charged: bool) -> usize {
        let count = self.0.entry(hit.mapping_index).or_insert_with(|| MappingCount::new(hit.mapping));
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
        let others = self.hits(hit.mapping_index).saturating_sub(1);
        if let Some(count) = self.0.get_mut(&hit.mapping_index) {
            count.hits = others;
        }
        self.stop_charging(hit, others)
    }

    /// Notes that a hit is not charged any more, and says what it was charged.
    pub(super) fn stop_charging(&mut self, hit: &Hit<'p>, others: usize) -> usize {
        let charge = self.charge_of(hit, others);
        if !self.is_escalated(hit.mapping_index)
            && let Some(urls) = self.0.get_mut(&hit.mapping_index).and_then(|count| count.urls.as_mut())
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
            Some(Escalated { mapping: count.mapping.name.clone(), urls: urls.count(), above: urls.above })
        });
        escalated.collect()
    }
}

impl<'p> MappingCount<'p> {
    fn new(mapping: &'p Mapping) -> Self {
        let urls = escalation_folder(mapping).map(|_| UrlCount {
            above: mapping.escalate_above(),
            per_path: UrlCost::of(mapping).urls,
            paths: HashSet::new(),
            replaced: 0,
        });
        Self { mapping, hits: 0, urls }
    }
}

impl UrlCount {
    fn count(&self) -> usize {
        self.paths.len() * self.per_path
    }

    fn is_escalated(&self) -> bool {
        self.count() > self.above
    }
}

/// Hashes take less memory than paths; two paths with the same hash count as one, which is one URL less of thousands.
fn hash_of(path: &String) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}
