//! A sandbox made from mappings: their zones, and a token for each.
//!
//! This is the one place where a zone of a mapping file becomes a zone of the sandbox, for the command and for tests.

use std::collections::HashSet;
use std::sync::Arc;

use purge_router_core::{Mappings, Zone};

use crate::builder::Builder;
use crate::token::sandbox_token::SandboxToken;
use crate::zone::SandboxZone;

impl Builder {
    /// Adds every zone of these mappings, and for each zone a token with the secret [`zone_secret`].
    ///
    /// Zones whose token is in the same SSM parameter share that token, so each of their sandbox tokens may purge all
    /// of them.
    #[must_use]
    pub fn mappings(self, mappings: &Mappings) -> Self {
        let builder = self.zones(SandboxZone::from_mappings(mappings));
        let token = |zone: &Arc<Zone>| {
            let same_parameter = mappings.zones().filter(|other| other.token == zone.token);
            let zones = same_parameter.map(|other| other.zone_id.to_string()).collect();
            SandboxToken { zones, ..SandboxToken::for_zone(zone) }
        };
        mappings.zones().map(token).fold(builder, Self::token)
    }
}

impl SandboxZone {
    /// The zones of these mappings, in their order, each zone id once. A zone's cache key has the headers of all
    /// `vary_headers` of its mappings.
    ///
    /// Several teams of a table may declare the same zone id. The zone then has the hostnames of all of them, and the
    /// domain, plan and account of the first.
    pub fn from_mappings(mappings: &Mappings) -> Vec<Self> {
        let mut zones: Vec<Self> = Vec::new();
        // A hostname may be listed twice, even in two zones. The edge serves it for the first.
        let mut served = HashSet::new();
        for zone in mappings.zones() {
            let hostnames = zone.hostnames.iter().filter(|name| served.insert(*name)).map(ToString::to_string);
            if let Some(same) = zones.iter_mut().find(|other| other.zone_id == zone.zone_id.as_str()) {
                same.hostnames.extend(hostnames);
                continue;
            }
            zones.push(Self {
                zone_id: zone.zone_id.to_string(),
                domain: zone.domain.to_string(),
                plan: zone.plan,
                account_id: zone.account_id.as_ref().map(ToString::to_string),
                hostnames: hostnames.collect(),
                vary_headers: vary_headers(mappings, zone),
                urls_per_request: zone.urls_per_request,
                environments: zone.environments.iter().map(ToString::to_string).collect(),
                cache_rules: Vec::new(),
            });
        }
        zones
    }
}

impl SandboxToken {
    /// A token that may purge this zone, with the secret [`zone_secret`] and the zone's id as its own.
    pub fn for_zone(zone: &Zone) -> Self {
        let zone_id = zone.zone_id.to_string();
        Self { secret: zone_secret(zone), id: zone_id.clone(), zones: vec![zone_id], ..Self::default() }
    }

    /// A token that may purge every zone of these mappings.
    pub fn for_all_zones(secret: impl Into<String>, mappings: &Mappings) -> Self {
        let zones = mappings.zones().map(|zone| zone.zone_id.to_string()).collect();
        Self { secret: secret.into(), id: "f".repeat(32), zones, ..Self::default() }
    }
}

/// The secret of a zone's token in a sandbox that was made from mappings. It is valid nowhere else, so it may be
/// printed.
pub fn zone_secret(zone: &Zone) -> String {
    format!("sandbox-{}-{}", zone.team, zone.domain)
}

/// The names of the headers that the zone's mappings list, in lower case, sorted.
fn vary_headers(mappings: &Mappings, zone: &Zone) -> Vec<String> {
    let purges_zone = |zones: &[Arc<Zone>]| zones.iter().any(|other| other.zone_id == zone.zone_id);
    let of_zone = mappings.all().iter().filter(|mapping| purges_zone(&mapping.zones));
    let sets = of_zone.flat_map(|mapping| &mapping.urls.vary_headers);
    let mut names: Vec<String> = sets.flat_map(|set| set.keys().map(|name| name.to_ascii_lowercase())).collect();
    names.sort();
    names.dedup();
    names
}
