//! What a change that comes back to be verified leads to: URLs to fetch at the edge.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::edge_response::Content;
use crate::model::change::{Change, ChangeKind, Origin};
use crate::model::last_purge::TeamObject;
use crate::model::mapping::Mode;
use crate::model::verification::Verification;
use crate::model::zone::Zone;
use crate::plan::batch::PurgeRequest;
use crate::plan::expand::dependents_by_url;
use crate::plan::hit::{Hit, Targets};
use crate::purge::item::Item;
use crate::purge::url_parts::UrlParts;
use crate::purge::urls::{dependent_query_strings, object_query_strings};

/// A URL to fetch at the edge. If it is stale, it is purged once more.
#[derive(Debug, Clone)]
pub struct EdgeCheck {
    /// The zone that the URL is purged in.
    pub zone: Arc<Zone>,
    /// How it was purged.
    pub mode: Mode,
    /// The URL, as it is purged.
    pub url: String,
    /// What is known of the object that it should serve.
    pub content: Content,
    /// When its purge was sent, at the earliest: in milliseconds since 1970.
    pub purged_at: u64,
    /// The object that changed.
    pub object: TeamObject,
    origin: Origin,
}

impl EdgeCheck {
    /// Its purge.
    pub fn purge(&self) -> PurgeRequest<'_> {
        let Self { zone, mode, url, origin, .. } = self;
        PurgeRequest { zone, mode: *mode, item: Item::Url(url.clone()), origin, changed_at: None }
    }
}

impl Serialize for EdgeCheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("EdgeCheck", 5)?;
        fields.serialize_field("team", &self.zone.team)?;
        fields.serialize_field("zone", &self.zone.domain)?;
        fields.serialize_field("mode", &self.mode)?;
        fields.serialize_field("url", &self.url)?;
        fields.serialize_field("origin", &self.origin)?;
        fields.end()
    }
}

/// The URLs that the message of a verification names, as far as these hits purge them and ask for verification.
pub(super) fn edge_checks(change: &Change, verification: &Verification, hits: &[Hit<'_>]) -> Vec<EdgeCheck> {
    let named: Vec<(&String, UrlParts<'_>)> =
        verification.urls.iter().filter_map(|url| Some((url, UrlParts::of(url)?))).collect();
    let (mut checks, mut seen) = (Vec::new(), BTreeSet::new());
    for hit in hits {
        let mapping = hit.mapping.mapping;
        for zone in mapping.zones.iter().filter(|zone| !mapping.sample_rate(zone).is_zero()) {
            for (url, parts) in &named {
                if let Some(content) = content_at(hit, zone, parts)
                    && seen.insert((&zone.domain, *url))
                {
                    checks.push(edge_check(change, hit, zone, (*url).clone(), content, verification.purged_at));
                }
            }
        }
    }
    checks
}

fn edge_check(
    change: &Change,
    hit: &Hit<'_>,
    zone: &Arc<Zone>,
    url: String,
    content: Content,
    purged_at: u64,
) -> EdgeCheck {
    let object = TeamObject { team: zone.team.clone(), bucket: change.bucket.clone(), key: change.key.clone() };
    let (zone, mode, origin) = (Arc::clone(zone), hit.mapping.mapping.mode, change.origin.clone());
    EdgeCheck { zone, mode, url, content, purged_at, object, origin }
}

/// What is known of the content at a URL, if the hit purges it in this zone. No other URL is written out for this, because
/// a hit may have many thousands.
fn content_at(hit: &Hit<'_>, zone: &Zone, url: &UrlParts<'_>) -> Option<Content> {
    let mapping = hit.mapping.mapping;
    let own = match &hit.targets {
        Targets::Paths(paths) | Targets::Prefix(_, paths) => paths.as_slice(),
        Targets::Tags(_) | Targets::WholeZones => &[],
    };
    if url.is_of(mapping, zone, own.iter(), object_query_strings(&mapping.urls)) {
        return Some(content(hit.change));
    }
    let dependents = dependents_by_url(hit, false).map(|it| &it.path);
    url.is_of(mapping, zone, dependents, dependent_query_strings(&mapping.urls)).then_some(Content::Unknown)
}

/// What is known of the object after a change. A change of its tags or of who may read it has an ETag too, but leaves it as
/// it is: what is served may be stale all the same.
fn content(change: &Change) -> Content {
    match (change.kind, &change.etag) {
        (ChangeKind::Removed, _) => Content::Removed,
        (ChangeKind::Created | ChangeKind::Restored, Some(etag)) => Content::ETag(etag.as_str().to_owned()),
        _ => Content::Unknown,
    }
}
