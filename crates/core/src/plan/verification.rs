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
use crate::plan::expand::{add_dependent_items, add_object_items};
use crate::plan::hit::Hit;
use crate::purge::item::Item;

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
pub(super) fn edge_checks<'h, 'p: 'h>(
    change: &'p Change,
    verification: &Verification,
    hits: impl Iterator<Item = Hit<'p>>,
) -> Vec<EdgeCheck> {
    let named: BTreeSet<&str> = verification.urls.iter().map(String::as_str).collect();
    let (mut checks, mut seen) = (Vec::new(), BTreeSet::new());
    for hit in hits {
        let mapping = hit.mapping.mapping;
        let mut check = |zone: &Arc<Zone>, item: Item, content: Content| {
            let Item::Url(url) = &item else { return };
            let is_asked_for = named.contains(url.as_str()) && !mapping.sample_rate(zone).is_zero();
            if is_asked_for && seen.insert((zone.domain.clone(), url.clone())) {
                checks.push(EdgeCheck {
                    zone: Arc::clone(zone),
                    mode: mapping.mode,
                    url: url.clone(),
                    content,
                    purged_at: verification.purged_at,
                    object: TeamObject {
                        team: zone.team.clone(),
                        bucket: change.bucket.clone(),
                        key: change.key.clone(),
                    },
                    origin: change.origin.clone(),
                });
            }
        };
        add_object_items(&hit, false, &mut |zone, item| check(zone, item, content(change)));
        add_dependent_items(&hit, false, &mut |zone, item| check(zone, item, Content::Unknown));
    }
    checks
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
