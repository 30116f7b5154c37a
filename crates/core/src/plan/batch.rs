//! Items → batches: equal items are joined, and each group is cut at the limit of one request.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use smallvec::SmallVec;
use time::UtcDateTime;

use crate::model::change::Origin;
use crate::model::mapping::Mode;
use crate::model::names::{EnvironmentId, Hostname, TeamName};
use crate::model::purged_items::{PurgeHash, PurgedItems};
use crate::model::zone::Zone;
use crate::purge::item::{Body, Item, Method};

/// One request: one team, one zone, one mode, one method, and at most the plan's limit of items. Never empty.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The zone, and with it the team and the token.
    pub zone: Arc<Zone>,
    /// The environment of Version Management; none: production.
    pub environment: Option<EnvironmentId>,
    /// Purge or invalidate.
    pub mode: Mode,
    method: Method,
    /// Shared by the batches of all environments.
    items: Arc<[BatchItem]>,
}

/// One item with the origins of the changes that asked for it.
#[derive(Debug, Clone)]
pub struct BatchItem {
    /// What to purge.
    pub item: Item,
    /// The origins that fail if it is not purged.
    pub origins: SmallVec<[Origin; 1]>,
    /// The time of the earliest change that asked for it, if known.
    pub changed_at: Option<UtcDateTime>,
}

/// One item to purge in a zone, and the change that asks for it.
#[derive(Debug, Clone)]
pub struct PurgeRequest<'p> {
    /// The zone that it is sent to.
    pub zone: &'p Arc<Zone>,
    /// Purge or invalidate.
    pub mode: Mode,
    /// What to purge.
    pub item: Item,
    /// The origin that fails if it is not purged.
    pub origin: &'p Origin,
    /// When the object changed, if known.
    pub changed_at: Option<UtcDateTime>,
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

    /// The origins of its items, each once, in order of first appearance.
    pub fn origins(&self) -> Vec<&Origin> {
        self.items.iter().flat_map(|item| &item.origins).collect::<IndexSet<_>>().into_iter().collect()
    }

    /// The time of its earliest change, if known.
    pub fn changed_at(&self) -> Option<UtcDateTime> {
        self.items.iter().filter_map(|item| item.changed_at).min()
    }

    /// A hash of the purge of one of its items. A later event has the same hash for the same purge, unless another version
    /// of the function hashes differently: then the item is purged again.
    pub fn purge_hash(&self, item: &BatchItem) -> PurgeHash {
        purge_hash(&self.zone, self.environment.as_ref(), self.mode, &item.item)
    }

    /// The request's body.
    pub fn body(&self) -> Body<'_> {
        Body::new(self.method, self.items.iter().map(|item| &item.item).collect())
    }
}

impl Serialize for Batch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 6 + usize::from(self.environment.is_some());
        let mut batch = serializer.serialize_struct("Batch", fields)?;
        batch.serialize_field("team", &self.zone.team)?;
        batch.serialize_field("zone", &self.zone.domain)?;
        batch.serialize_field("zone_id", &self.zone.zone_id)?;
        match &self.environment {
            Some(environment) => batch.serialize_field("environment", environment)?,
            None => batch.skip_field("environment")?,
        }
        batch.serialize_field("mode", &self.mode)?;
        batch.serialize_field("body", &self.body())?;
        batch.serialize_field("origins", &self.origins())?;
        batch.end()
    }
}

/// Joins equal items per team, zone, mode and method, and cuts each group at the limit of one request.
pub fn batches<'p>(requests: impl IntoIterator<Item = PurgeRequest<'p>>) -> Vec<Batch> {
    let mut groups = ItemGroups::default();
    requests.into_iter().for_each(|request| groups.add(request));
    groups.into_batches()
}

/// The items that may be in the same batch, joined so far.
#[derive(Default)]
pub(super) struct ItemGroups<'p> {
    groups: Vec<ItemGroup<'p>>,
    by_key: BTreeMap<GroupKey<'p>, usize>,
    /// The group of the last item, which is mostly that of the next one.
    last: usize,
}

type GroupKey<'p> = (&'p TeamName, &'p Hostname, Mode, Method, Scope<'p>);

/// In which environments of its zone an item is purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope<'p> {
    All,
    /// In one of them; none: production.
    One(Option<&'p EnvironmentId>),
}

struct ItemGroup<'p> {
    zone: &'p Arc<Zone>,
    mode: Mode,
    method: Method,
    scope: Scope<'p>,
    items: IndexMap<DistinctItem, RequestedBy<'p>>,
}

/// The changes that ask for an item: mostly one.
struct RequestedBy<'p> {
    first: &'p Origin,
    others: Option<Box<IndexSet<&'p Origin>>>,
    earliest: Option<UtcDateTime>,
}

impl<'p> ItemGroups<'p> {
    pub(super) fn add(&mut self, request: PurgeRequest<'p>) {
        self.add_in(Scope::All, request);
    }

    /// Adds an item in those environments of its zone in which it was not purged before.
    pub(super) fn add_rest(&mut self, request: PurgeRequest<'p>, purged: &PurgedItems) {
        let (zone, mode, item): (&'p Zone, _, _) = (request.zone, request.mode, &request.item);
        let all = std::iter::once(None).chain(environments(zone, mode, item.method()).map(Some));
        let (purged, left): (Vec<_>, Vec<_>) =
            all.partition(|environment| purged.contains(purge_hash(zone, *environment, mode, item)));
        if purged.is_empty() {
            return self.add(request);
        }
        left.into_iter().for_each(|environment| self.add_in(Scope::One(environment), request.clone()));
    }

    fn add_in(&mut self, scope: Scope<'p>, request: PurgeRequest<'p>) {
        let PurgeRequest { zone, mode, item, origin, changed_at } = request;
        let Some(group) = self.group(zone, mode, item.method(), scope) else { return };
        let new = || RequestedBy { first: origin, others: None, earliest: None };
        let requested_by = group.items.entry(DistinctItem(item)).or_insert_with(new);
        if requested_by.first != origin {
            requested_by.others.get_or_insert_default().insert(origin);
        }
        requested_by.earliest = requested_by.earliest.into_iter().chain(changed_at).min();
    }

    fn group(
        &mut self,
        zone: &'p Arc<Zone>,
        mode: Mode,
        method: Method,
        scope: Scope<'p>,
    ) -> Option<&mut ItemGroup<'p>> {
        let is_same = |last: &ItemGroup<'p>| {
            Arc::ptr_eq(last.zone, zone) && (last.mode, last.method, last.scope) == (mode, method, scope)
        };
        if !self.groups.get(self.last).is_some_and(is_same) {
            let groups = &mut self.groups;
            self.last = *self.by_key.entry((&zone.team, &zone.domain, mode, method, scope)).or_insert_with(|| {
                groups.push(ItemGroup { zone, mode, method, scope, items: IndexMap::new() });
                groups.len() - 1
            });
        }
        self.groups.get_mut(self.last)
    }

    pub(super) fn into_batches(mut self) -> Vec<Batch> {
        let mut batches = Vec::new();
        self.groups.sort_by_key(|&ItemGroup { zone, mode, method, scope, .. }| {
            (&zone.team, &zone.domain, mode, method, scope)
        });
        for ItemGroup { zone, mode, method, scope, items } in self.groups {
            let mut items = items.into_iter().map(|(DistinctItem(item), requested_by)| {
                let RequestedBy { first, others, earliest } = requested_by;
                let origins =
                    std::iter::once(first).chain(others.into_iter().flat_map(|others| *others)).cloned().collect();
                BatchItem { item, origins, changed_at: earliest }
            });
            let limit = zone.items_per_request(method.class());
            let first = batches.len();
            loop {
                let items: Arc<[BatchItem]> = items.by_ref().take(limit).collect();
                if items.is_empty() {
                    break;
                }
                let environment = if let Scope::One(environment) = scope { environment.cloned() } else { None };
                batches.push(Batch { zone: Arc::clone(zone), environment, mode, method, items });
            }
            if scope == Scope::All {
                in_environments(&mut batches, first);
            }
        }
        batches
    }
}

/// An item as Cloudflare tells it from others: tags are case-insensitive.
/// Source: <https://developers.cloudflare.com/cache/how-to/purge-cache/purge-by-tags/>.
struct DistinctItem(Item);

impl PartialEq for DistinctItem {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Item::Tag(tag), Item::Tag(other)) => tag.eq_ignore_ascii_case(other),
            (item, other) => item == other,
        }
    }
}

impl Eq for DistinctItem {}

impl Hash for DistinctItem {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_item(&self.0, state);
    }
}

fn hash_item(item: &Item, hasher: &mut impl Hasher) {
    match item {
        Item::Tag(tag) => tag.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase())),
        item => item.hash(hasher),
    }
}

fn purge_hash(zone: &Zone, environment: Option<&EnvironmentId>, mode: Mode, item: &Item) -> PurgeHash {
    let mut hasher = DefaultHasher::new();
    (&zone.team, &zone.zone_id, environment, mode).hash(&mut hasher);
    hash_item(item, &mut hasher);
    PurgeHash::new(hasher.finish())
}

/// The environments besides production in which a purge is repeated. To purge everything in production takes all
/// environments; Cloudflare does not say so of invalidating it.
fn environments(zone: &Zone, mode: Mode, method: Method) -> impl Iterator<Item = &EnvironmentId> {
    let is_repeated = method != Method::Everything || mode == Mode::Invalidate;
    zone.environments.iter().filter(move |_| is_repeated)
}

/// Repeats the batches of one group, from this index on, for each of their zone's environments.
fn in_environments(batches: &mut Vec<Batch>, first: usize) {
    let group = batches.get(first..).unwrap_or_default().iter();
    let repeated: Vec<Batch> = group
        .flat_map(|batch| {
            let environments = environments(&batch.zone, batch.mode, batch.method).cloned().map(Some);
            environments.map(|environment| Batch { environment, ..batch.clone() })
        })
        .collect();
    batches.extend(repeated);
}
