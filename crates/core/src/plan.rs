//! Changes → batches. A plan is immutable and leaves nothing to decide: it is exactly what will be sent.

mod escalate;
mod spent;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use self::escalate::{escalate, hash_of, limit_of, same};
use self::spent::{Spent, TOO_MUCH};
use crate::model::bounds;
use crate::model::change::{Change, Origin};
use crate::model::event::{Event, Ignored, Rejected, RejectionKind};
use crate::model::limits::LimitClass;
use crate::model::mapping::{Mapping, Mappings, Mode, Purge, Zone};
use crate::model::names::{Hostname, TeamName};
use crate::purge::item::{Body, Item, Method};
use crate::purge::urls::{bounded, paths, prefix_items, shared_folder, split, url_items};
use crate::route::{accept, may_accept};

/// Everything that one event leads to.
#[derive(Debug, Default, Serialize)]
pub struct Plan {
    /// How many objects changed.
    pub changes: usize,
    /// What changes nothing that is served.
    pub ignored: Vec<Ignored>,
    /// What is not purged, and why; [`Plan::failed_origins`] says which of it fails.
    pub rejected: Vec<Rejected>,
    /// Changes that no mapping accepts.
    pub unmatched: Vec<Unmatched>,
    /// Mappings whose URLs became one folder in this event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub escalated: Vec<Escalated>,
    /// The requests, by team, then by zone.
    pub batches: Vec<Batch>,
}

/// A mapping that had more URLs in one event than its `escalate_above`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Escalated {
    /// The mapping's name.
    pub mapping: String,
    /// How many URLs it had.
    pub urls: usize,
    /// Its `escalate_above`.
    pub above: usize,
}

/// A change that no mapping accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
}

/// One request: one team, one zone, one mode, one method, and at most the plan's limit of items. Never empty.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The zone, and with it the team and the token.
    pub zone: Arc<Zone>,
    /// Purge or invalidate.
    pub mode: Mode,
    method: Method,
    items: Vec<BatchItem>,
}

/// One item with the origins of the changes that asked for it.
#[derive(Debug, Clone)]
pub struct BatchItem {
    /// What to purge.
    pub item: Item,
    /// Who fails if it is not purged.
    pub origins: Vec<Origin>,
    /// The time of the earliest change that asked for it, as its event wrote it.
    pub since: Option<String>,
}

/// What [`batches`] joins: an item of a zone, and who asks for it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'p> {
    /// The zone.
    pub zone: &'p Arc<Zone>,
    /// Purge or invalidate.
    pub mode: Mode,
    /// What to purge.
    pub item: &'p Item,
    /// Who fails if it is not purged.
    pub origin: &'p Origin,
    /// When the object changed, in RFC 3339, where that is known.
    pub since: Option<&'p str>,
}

impl Plan {
    /// The origins that fail whatever the batches lead to, each once: those of malformed and transient rejections.
    pub fn failed_origins(&self) -> IndexSet<&Origin> {
        self.rejected.iter().filter(|it| it.kind.is_failure()).map(|it| &it.origin).collect()
    }
}

impl Batch {
    /// The method of all its items.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Its items, in order of first appearance.
    pub fn items(&self) -> &[BatchItem] {
        &self.items
    }

    /// How much of its class's rate limit it takes: its URLs, or one request.
    pub fn cost(&self) -> usize {
        match self.method.class() {
            LimitClass::Urls => self.items.len(),
            LimitClass::Requests => 1,
        }
    }

    /// The origins of its items, each once, in order of first appearance.
    pub fn origins(&self) -> Vec<&Origin> {
        self.items.iter().flat_map(|item| &item.origins).collect::<IndexSet<_>>().into_iter().collect()
    }

    /// The time of its earliest change, in RFC 3339 as the event wrote it. Events write all times in UTC, so that text
    /// compares as times do.
    pub fn since(&self) -> Option<&str> {
        self.items.iter().filter_map(|item| item.since.as_deref()).min()
    }

    /// The request's body.
    pub fn body(&self) -> Body<'_> {
        Body { method: self.method, items: self.items.iter().map(|item| &item.item).collect() }
    }

    /// Its two halves, or itself where a single item is left.
    pub fn halves(mut self) -> Result<(Self, Self), Self> {
        if self.items.len() < 2 {
            return Err(self);
        }
        let second = self.items.split_off(self.items.len() / 2);
        let half = Self { zone: Arc::clone(&self.zone), mode: self.mode, method: self.method, items: second };
        Ok((self, half))
    }
}

impl Serialize for Batch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut batch = serializer.serialize_struct("Batch", 6)?;
        batch.serialize_field("team", &self.zone.team)?;
        batch.serialize_field("zone", &self.zone.domain)?;
        batch.serialize_field("zone_id", &self.zone.zone_id)?;
        batch.serialize_field("mode", &self.mode)?;
        batch.serialize_field("body", &self.body())?;
        batch.serialize_field("origins", &self.origins())?;
        batch.end()
    }
}

/// Plans all purges of an event.
pub fn plan(mappings: &Mappings, event: Event) -> Plan {
    let Event { changes, ignored, mut rejected } = event;
    let mut unmatched = Vec::new();
    let mut demands: Vec<Demand<'_>> = Vec::new();
    let mut spent: HashMap<&TeamName, Spent> = HashMap::new();
    // The URLs of mappings that may escalate, so far.
    let mut counted: HashMap<usize, HashSet<u64>> = HashMap::new();
    // Of each that has escalated, a demand that holds the folder for all.
    let mut first: HashMap<usize, usize> = HashMap::new();
    for change in &changes {
        let mut is_matched = false;
        // Told once, whatever more of that team would fire.
        let mut left_out: Option<&TeamName> = None;
        let mut reasons: HashMap<&TeamName, usize> = HashMap::new();
        for (nth, mapping) in mappings.of_bucket(&change.bucket) {
            if left_out == Some(&mapping.team) || !may_accept(mapping, change) {
                continue;
            }
            let reason = |problem| format!("{}: {problem} ({})", change.object(), mapping.name);
            let reject = |kind, problem| Rejected { origin: change.origin.clone(), kind, reason: reason(problem) };
            let spent = spent.entry(&mapping.team).or_default();
            let fires = spent.may_match(mapping).then(|| accept(mapping, change).is_ok());
            if fires == Some(false) {
                continue;
            }
            is_matched = true;
            if fires.is_none() || !spent.has_room_for(mapping, change) {
                left_out = Some(&mapping.team);
                rejected.push(reject(RejectionKind::Transient, TOO_MUCH.to_owned()));
                continue;
            }
            let Wanted { mut items, mut problems } = wanted(mapping, change, false);
            let mut same_as = None;
            if let above @ 1.. = limit_of(mapping) {
                let counted: &mut HashSet<u64> = counted.entry(nth).or_default();
                let before = counted.len();
                counted.extend(items.iter().map(|(_, item)| hash_of(item)));
                spent.items += (counted.len() - before) * size_of::<[u64; 2]>();
                // What becomes one folder in the end needs no room before.
                if counted.len() > above {
                    items = wanted(mapping, change, true).items;
                    same_as = same(&items, nth, &demands, &mut first);
                    if same_as.is_some() {
                        items.clear();
                    }
                }
            }
            let told = reasons.entry(&mapping.team).or_default();
            problems.truncate(bounds::REASONS.saturating_sub(*told));
            *told += problems.len();
            spent.take(&items, &problems);
            rejected.extend(problems.into_iter().map(|problem| reject(RejectionKind::Unpurgeable, problem)));
            demands.push(Demand { nth, mapping, change, items, same_as });
        }
        if !is_matched {
            unmatched.push(Unmatched { bucket: change.bucket.to_string(), key: change.key.clone() });
        }
    }
    let escalated = escalate(&mut demands, &counted, &mut first);
    let wanted = demands.iter().flat_map(|demand| {
        let (mode, origin, since) = (demand.mapping.mode, &demand.change.origin, demand.change.time.as_deref());
        let of_other = demand.same_as.iter().flat_map(|at| &demands[*at].items);
        demand.items.iter().chain(of_other).map(move |(zone, item)| Asked { zone, mode, item, origin, since })
    });
    let batches = batches(wanted);
    Plan { changes: changes.len(), ignored, rejected, unmatched, escalated, batches }
}

/// What one mapping wants purged for one change.
struct Demand<'p> {
    nth: usize,
    mapping: &'p Mapping,
    change: &'p Change,
    items: Vec<(&'p Arc<Zone>, Item)>,
    /// Another one that holds these items for both.
    same_as: Option<usize>,
}

/// The items of one change, and why there are not more.
struct Wanted<'p> {
    items: Vec<(&'p Arc<Zone>, Item)>,
    problems: Vec<String>,
}

fn wanted<'p>(mapping: &'p Mapping, change: &Change, escalated: bool) -> Wanted<'p> {
    let of_each_zone = |items: &dyn Fn(&Zone) -> Vec<Item>| {
        let zones = mapping.zones.iter();
        zones.flat_map(|zone| items(zone).into_iter().map(move |item| (zone, item))).collect()
    };
    let rules = &mapping.urls;
    let by_path = |items: &dyn Fn(&Zone, &[String]) -> Vec<Item>| match paths(rules, &change.key) {
        Ok(paths) => Wanted { items: of_each_zone(&|zone| items(zone, &paths)), problems: Vec::new() },
        Err(error) => Wanted { items: Vec::new(), problems: vec![error.to_string()] },
    };
    let all = |items| Wanted { items, problems: Vec::new() };
    match &mapping.purge {
        Purge::Urls { .. } if escalated => {
            let folder = shared_folder(rules, &mapping.source);
            by_path(&|zone, paths| folder_and_the_rest(mapping, zone, &folder, paths))
        }
        Purge::Urls { .. } => by_path(&|zone, paths| url_items(mapping, zone, paths)),
        Purge::Prefixes => by_path(&|zone, paths| folder_and_the_rest(mapping, zone, split(&paths[0]).0, paths)),
        Purge::Hosts => {
            all(of_each_zone(&|zone| mapping.hostnames_of(zone).map(|name| Item::Host(name.to_string())).collect()))
        }
        Purge::Tags(templates) => {
            let mut problems = Vec::new();
            let rendered = templates.iter().map(|template| template.render(change));
            let tags: Vec<String> =
                rendered.filter_map(|tag| tag.map_err(|problem| problems.push(problem)).ok()).collect();
            Wanted { items: of_each_zone(&|_| tags.iter().cloned().map(Item::Tag).collect()), problems }
        }
        Purge::Everything => all(of_each_zone(&|_| vec![Item::Everything])),
    }
}

/// The folder as a prefix, and by URL the paths outside of it, such as `foo` of `foo/index.html`. At the root a
/// prefix would be the whole host, so there all paths go by URL.
fn folder_and_the_rest(mapping: &Mapping, zone: &Zone, folder: &str, paths: &[String]) -> Vec<Item> {
    // A server may take `//` for `/`, so a folder of nothing but slashes is the root too.
    if bounded(folder).bytes().all(|byte| byte == b'/') {
        return url_items(mapping, zone, paths);
    }
    let outside: Vec<String> = paths.iter().filter(|path| !path.starts_with(folder)).cloned().collect();
    let mut items = prefix_items(mapping, zone, folder);
    items.extend(url_items(mapping, zone, &outside));
    items
}

/// Joins equal items per (team, zone, mode, method), and cuts each group at the limit of one request.
pub fn batches<'p>(asked: impl Iterator<Item = Asked<'p>>) -> Vec<Batch> {
    type Key<'p> = (&'p TeamName, &'p Hostname, Mode, Method);
    type Who<'p> = (IndexSet<&'p Origin>, Option<&'p str>);
    type Group<'p> = (&'p Arc<Zone>, IndexMap<&'p Item, Who<'p>>);
    let mut groups: BTreeMap<Key<'_>, Group<'_>> = BTreeMap::new();
    for Asked { zone, mode, item, origin, since } in asked {
        let key = (&zone.team, &zone.domain, mode, item.method());
        let (_, items) = groups.entry(key).or_insert_with(|| (zone, IndexMap::new()));
        let (origins, first) = items.entry(item).or_default();
        origins.insert(origin);
        *first = first.iter().copied().chain(since).min();
    }
    let mut batches = Vec::new();
    for ((_, _, mode, method), (zone, items)) in groups {
        let mut items = items.into_iter().map(|(item, (origins, since))| BatchItem {
            item: item.clone(),
            origins: origins.into_iter().cloned().collect(),
            since: since.map(str::to_owned),
        });
        let limit = zone.items_per_request(method.class());
        loop {
            let items: Vec<BatchItem> = items.by_ref().take(limit).collect();
            if items.is_empty() {
                break;
            }
            batches.push(Batch { zone: Arc::clone(zone), mode, method, items });
        }
    }
    batches
}
