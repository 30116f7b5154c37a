//! Which mappings have more URLs in one event than their `escalate_above`, or URLs that take longer than their
//! `escalate_after`, and so purge their folder instead.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::model::mapping::Escalation;
use crate::plan::dependents::DependentPaths;
use crate::plan::drain_time::DrainTime;
use crate::plan::hit::{Hit, Targets};
use crate::plan::output::{Drain, Escalated};
use crate::plan::planned_mapping::PlannedMapping;

/// The hits of each mapping, counted, and what they are charged; by the mapping's index.
#[derive(Debug, Default)]
pub(super) struct MappingCounts<'p>(HashMap<usize, MappingCount<'p>, RandomState>);

#[derive(Debug)]
struct MappingCount<'p> {
    mapping: Rc<PlannedMapping<'p>>,
    hits: usize,
    dependents: DependentPaths<'p>,
    /// `None` if the mapping can't escalate.
    urls: Option<UrlCount>,
}

/// The different URLs of a mapping that may escalate.
#[derive(Debug)]
struct UrlCount {
    escalation: Escalation,
    drain_time: DrainTime,
    /// Hashes of the spelled paths, and of the spelled prefixes.
    paths: HashSet<u64>,
    /// Their URLs. A prefix counts as one on each hostname.
    count: usize,
    /// How many of the spelled paths are purged by URL.
    purged_by_url: usize,
    /// The bytes of URLs that an escalation makes superfluous.
    replaced: usize,
}

impl<'p> MappingCounts<'p> {
    /// What the next hit of a mapping is charged.
    pub(super) fn charge_of(&self, hit: &Hit<'p>) -> usize {
        let count = self.0.get(&hit.mapping.index);
        let replaced = if self.is_escalated(&hit.mapping) { 0 } else { hit.cost.replaced };
        let shared = if count.is_none_or(|count| count.hits == 0) { hit.cost.shared } else { 0 };
        let none = DependentPaths::default();
        let dependents = count.map_or(&none, |count| &count.dependents);
        hit.cost.kept + replaced + shared + dependents.charge_of(&hit.dependents, hit.mapping.dependent_urls)
    }

    /// Whether a mapping purges its folder instead of its URLs.
    pub(super) fn is_escalated(&self, mapping: &PlannedMapping<'p>) -> bool {
        self.0.get(&mapping.index).and_then(|count| count.urls.as_ref()).is_some_and(UrlCount::is_escalated)
    }

    /// Counts a hit. Returns the bytes to refund to earlier hits, if its mapping escalates with it.
    pub(super) fn add(&mut self, hit: &mut Hit<'p>, is_charged: bool) -> usize {
        let new = || MappingCount::new(Rc::clone(&hit.mapping));
        let count = self.0.entry(hit.mapping.index).or_insert_with(new);
        count.add(hit);
        let Some(urls) = &mut count.urls else { return 0 };
        let was_escalated = urls.is_escalated();
        let paths = match &hit.targets {
            Targets::Paths(paths) => paths,
            Targets::Prefix(prefix, outside) => {
                urls.add(&prefix.spellings, true, hit.mapping.prefixes.count);
                outside
            }
            Targets::Tags(_) | Targets::WholeZones => return 0,
        };
        paths.iter().for_each(|path| urls.add(&path.spellings, false, hit.mapping.urls.count));
        hit.dependents.iter().for_each(|it| urls.add(&it.path.spellings, false, hit.mapping.dependent_urls.count));
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
        if let Some(count) = self.0.get_mut(&hit.mapping.index) {
            count.remove(hit);
        }
        let charge = self.charge_of(hit);
        if !self.is_escalated(&hit.mapping)
            && let Some(urls) = self.0.get_mut(&hit.mapping.index).and_then(|count| count.urls.as_mut())
        {
            urls.replaced = urls.replaced.saturating_sub(hit.cost.replaced);
        }
        charge
    }

    /// Notes that the only hit of a mapping is not charged any more, and says what it was charged.
    pub(super) fn stop_charging(&mut self, hit: &mut Hit<'p>) -> usize {
        let charge = self.remove(hit);
        if let Some(count) = self.0.get_mut(&hit.mapping.index) {
            count.add(hit);
        }
        charge
    }

    /// The mappings that escalated and have a hit left, in the order of all mappings.
    pub(super) fn escalated(&self) -> Vec<Escalated> {
        let mut counts: Vec<&MappingCount<'p>> = self.0.values().filter(|count| count.hits > 0).collect();
        counts.sort_unstable_by_key(|count| count.mapping.index);
        let escalated = counts.into_iter().filter_map(|count| {
            let urls = count.urls.as_ref().filter(|urls| urls.is_escalated())?;
            let mapping = count.mapping.mapping.name.clone();
            Some(Escalated { mapping, urls: urls.count, above: urls.escalation.above, drain: urls.too_long() })
        });
        escalated.collect()
    }
}

impl<'p> MappingCount<'p> {
    fn new(mapping: Rc<PlannedMapping<'p>>) -> Self {
        let urls = mapping.escalation_folder.is_some().then(|| UrlCount {
            escalation: mapping.mapping.escalation(),
            drain_time: DrainTime::of(mapping.mapping),
            paths: HashSet::new(),
            count: 0,
            purged_by_url: 0,
            replaced: 0,
        });
        Self { mapping, hits: 0, dependents: DependentPaths::default(), urls }
    }

    fn add(&mut self, hit: &mut Hit<'p>) {
        self.hits += 1;
        self.dependents.add(&mut hit.dependents);
    }

    fn remove(&mut self, hit: &Hit<'p>) {
        self.hits -= 1;
        self.dependents.remove(&hit.dependents);
    }
}

impl UrlCount {
    /// Counts the URLs of a path, so many for each spelling, unless they were counted before.
    fn add(&mut self, spellings: &[Cow<'_, str>], is_prefix: bool, urls: usize) {
        let new = spellings.iter().filter(|spelling| self.paths.insert(hash_of(spelling, is_prefix))).count();
        self.count += new * urls;
        self.purged_by_url += if is_prefix { 0 } else { new };
    }

    fn is_escalated(&self) -> bool {
        self.escalation.applies(self.count, self.drain())
    }

    fn drain(&self) -> Duration {
        self.drain_time.paths(self.purged_by_url)
    }

    /// How long the URLs take, if that is too long.
    fn too_long(&self) -> Option<Drain> {
        let Escalation { after, .. } = self.escalation;
        self.escalation.is_too_long(self.drain()).then(|| Drain { time: self.drain(), after })
    }
}

/// Hashes take less memory than paths; two paths with the same hash count as one, which is one URL less of thousands.
fn hash_of(path: &str, is_prefix: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    (path, is_prefix).hash(&mut hasher);
    hasher.finish()
}
