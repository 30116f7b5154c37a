//! What a request's body names, read as Cloudflare reads it.

use std::collections::HashMap;

use purge_router_core::limits::LimitClass;
use serde_json::Value;

use crate::scenario::{Object, Scenario, UrlId, ZoneId};

/// What one request purges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PurgeBody {
    pub(crate) class: LimitClass,
    /// What it takes of the limit of its class.
    pub(crate) cost: usize,
    /// The URLs of the zone that it names.
    pub(crate) urls: Vec<UrlId>,
}

/// All URLs. They are only looked up, so the order of the map does not matter.
#[derive(Debug)]
pub(crate) struct Urls(HashMap<String, UrlId>);

impl Urls {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self(scenario.urls.iter().enumerate().map(|(id, url)| (url.text.clone(), id)).collect())
    }

    /// Reads the body of a request to a zone. Names of other zones and unknown URLs purge nothing.
    pub(crate) fn read(&self, scenario: &Scenario, zone: ZoneId, body: &Value) -> PurgeBody {
        let target = &scenario.zones[zone];
        let mut urls: Vec<UrlId> = Vec::new();
        let Some((field, value)) = body.as_object().and_then(|fields| fields.iter().next()) else {
            return PurgeBody { class: LimitClass::Requests, cost: 1, urls };
        };
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let texts: Vec<&str> = items.iter().filter_map(|item| item.get("url").unwrap_or(item).as_str()).collect();
        if field == "files" {
            let is_of_zone = |url: &UrlId| target.objects.contains(&scenario.urls[*url].object);
            urls.extend(texts.iter().filter_map(|url| self.0.get(*url)).copied().filter(is_of_zone));
            return PurgeBody { class: LimitClass::Urls, cost: texts.len(), urls };
        }
        let is_named = |object: &Object| match field.as_str() {
            "prefixes" => texts.iter().any(|prefix| object.folder.starts_with(prefix)),
            "tags" => texts.contains(&tag_of(object)),
            "hosts" => texts.contains(&target.domain.as_str()),
            _ => field == "purge_everything",
        };
        let objects = scenario.objects[target.objects.clone()].iter();
        urls.extend(objects.filter(|object| is_named(object)).flat_map(|object| object.urls.clone()));
        PurgeBody { class: LimitClass::Requests, cost: 1, urls }
    }
}

/// The tag that the origin server gives to an object: the folder of its key.
fn tag_of(object: &Object) -> &str {
    object.key.rsplit_once('/').map_or("", |(folder, _)| folder)
}
