//! The zones of a sandbox: as a caller describes them, and in the valid form that everything else reads.
//!
//! They are validated once, at the start, so that a misspelled id fails there and not as a puzzling 403 later.

use std::collections::HashSet;

use axum::http::HeaderName;
use purge_router_core::limits::{CloudflarePlan, LimitClass};
use serde_json::Value;

use crate::item::is_hostname;

/// A zone of a sandbox.
#[derive(Debug, Clone, Default)]
pub struct SandboxZone {
    /// The zone's id: 32 hexadecimal digits.
    pub zone_id: String,
    /// The zone's domain. Purges may name it and its subdomains.
    pub domain: String,
    /// The plan, which decides rate limits and items per request.
    pub plan: CloudflarePlan,
    /// The account. Zones of one account and plan share rate limits; a zone without an account has its own.
    pub account_id: Option<String>,
    /// The hostnames that the edge serves for this zone. They need not be subdomains of the domain.
    pub hostnames: Vec<String>,
    /// Request headers that are part of this zone's cache key.
    pub vary_headers: Vec<String>,
    /// How many URLs one request may hold; by default what the plan allows.
    pub urls_per_request: Option<usize>,
    /// The ids of its environments besides production. Purges of these are checked, and evict nothing: the edge serves
    /// production.
    pub environments: Vec<String>,
    /// The parameters of its cache rules, which match each request, as Trace shows them. The edge does not apply them.
    pub cache_rules: Vec<Value>,
}

/// A valid zone; names are in lower case.
#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) id: String,
    pub(crate) domain: String,
    pub(crate) plan: CloudflarePlan,
    pub(crate) account_id: Option<String>,
    pub(crate) hostnames: Vec<String>,
    pub(crate) vary_headers: Vec<HeaderName>,
    pub(crate) environments: Vec<String>,
    pub(crate) cache_rules: Vec<Value>,
    urls_per_request: usize,
}

impl Zone {
    /// Whether a purge of this zone may name `host` (in lower case).
    pub(crate) fn covers(&self, host: &str) -> bool {
        let rest = host.strip_suffix(&self.domain);
        let in_domain = is_hostname(host) && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        in_domain || self.hostnames.iter().any(|hostname| hostname == host)
    }

    /// How many items one request of this class may hold.
    pub(crate) fn items_per_request(&self, class: LimitClass) -> usize {
        match class {
            LimitClass::Urls => self.urls_per_request,
            LimitClass::Requests => self.plan.items_per_request(class),
        }
    }

    /// The owner of the zone's rate limits: its account, or the zone itself.
    pub(crate) fn limits_owner(&self) -> &str {
        self.account_id.as_deref().unwrap_or(&self.id)
    }
}

/// Validates all zones of a sandbox. The error names the wrong value.
pub(crate) fn validate(zones: Vec<SandboxZone>) -> Result<Vec<Zone>, String> {
    let mut ids = HashSet::new();
    let mut hostnames = HashSet::new();
    let zones = zones.into_iter().map(validate_zone).collect::<Result<Vec<_>, _>>()?;
    for zone in &zones {
        if !ids.insert(&zone.id) {
            return Err(format!("two zones have the id {:?}", zone.id));
        }
        if let Some(twice) = zone.hostnames.iter().find(|hostname| !hostnames.insert(*hostname)) {
            return Err(format!("the hostname {twice:?} is listed twice"));
        }
    }
    Ok(zones)
}

fn validate_zone(zone: SandboxZone) -> Result<Zone, String> {
    if !is_id(&zone.zone_id) {
        return Err(format!("the zone id {:?} is not 32 hexadecimal digits", zone.zone_id));
    }
    if zone.domain.is_empty() {
        return Err(format!("the zone {} has no domain", zone.zone_id));
    }
    let vary_headers = zone.vary_headers.iter().map(|name| {
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is not the name of a header"))
    });
    Ok(Zone {
        vary_headers: vary_headers.collect::<Result<_, _>>()?,
        id: zone.zone_id,
        domain: zone.domain.to_ascii_lowercase(),
        plan: zone.plan,
        account_id: zone.account_id,
        hostnames: zone.hostnames.iter().map(|hostname| hostname.to_ascii_lowercase()).collect(),
        environments: zone.environments,
        cache_rules: zone.cache_rules,
        urls_per_request: zone.urls_per_request.unwrap_or(zone.plan.items_per_request(LimitClass::Urls)),
    })
}

/// Whether `text` looks like an id of Cloudflare: 32 hexadecimal digits.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> SandboxZone {
        SandboxZone {
            zone_id: "0123456789abcdef0123456789abcdef".into(),
            domain: "Example.com".into(),
            hostnames: vec!["www.example.com".into(), "shop.other.net".into()],
            ..SandboxZone::default()
        }
    }

    #[test]
    fn covers_hosts_at_label_boundaries_only() {
        let zone = &validate(vec![zone()]).unwrap()[0];
        for (host, covered) in [
            ("example.com", true),
            ("www.example.com", true),
            ("a.b.example.com", true),
            ("shop.other.net", true),
            ("other.net", false),
            ("evilexample.com", false),
            ("example.com.evil.net", false),
            ("com", false),
            ("https://www.example.com", false),
            ("user@www.example.com", false),
            ("", false),
        ] {
            assert_eq!(zone.covers(host), covered, "{host}");
        }
    }

    #[test]
    fn invalid_zones_are_refused() {
        for (zones, problem) in [
            (vec![zone(), zone()], "two zones have the id \"0123456789abcdef0123456789abcdef\""),
            (vec![SandboxZone { zone_id: "z1".into(), ..zone() }], "the zone id \"z1\" is not 32 hexadecimal digits"),
            (
                vec![SandboxZone { domain: String::new(), ..zone() }],
                "the zone 0123456789abcdef0123456789abcdef has no domain",
            ),
            (
                vec![SandboxZone { hostnames: vec!["a.example.com".into(), "A.example.com".into()], ..zone() }],
                "the hostname \"a.example.com\" is listed twice",
            ),
            (
                vec![SandboxZone { vary_headers: vec!["no good".into()], ..zone() }],
                "\"no good\" is not the name of a header",
            ),
        ] {
            assert_eq!(validate(zones).unwrap_err(), problem);
        }
    }
}
