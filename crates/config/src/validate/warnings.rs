//! What purges do not do for zones with Cache Reserve or Workers Caching. Nothing is wrong with such mappings, so these are
//! no problems: `check` says it, and nothing is refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use purge_router_core::names::{Hostname, TeamName};
use purge_router_core::{Mapping, Mappings, Mode, Purge, Zone};

/// What the mappings of one zone should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Its kind, in kebab-case, for programs.
    pub code: &'static str,
    /// The zone's team.
    pub team: TeamName,
    /// The zone's domain.
    pub zone: Hostname,
    /// The names of the mappings that it is about.
    pub mappings: Vec<String>,
    /// What happens.
    pub message: &'static str,
    /// What to do.
    pub help: &'static str,
}

/// A kind of warning, and the mappings of a zone that it is about.
struct Rule {
    code: &'static str,
    message: &'static str,
    help: &'static str,
    concerns: fn(&Zone, &Mapping) -> bool,
}

// Source: https://developers.cloudflare.com/cache/advanced-configuration/cache-reserve/ and the pages on Workers Caching.
const RULES: [Rule; 4] = [
    Rule {
        code: "cache-reserve-refill",
        message: "each purge by URL removes the copy in Cache Reserve, and the next visit stores it again, a Class A operation",
        help: "purge no more than what changes",
        concerns: |zone, mapping| zone.cache_reserve && is_by_url(mapping) && mapping.mode == Mode::Purge,
    },
    Rule {
        code: "cache-reserve-keeps-copies",
        message: "this purge does not delete the copies in Cache Reserve at once, and each next visit is a miss that stores its \
                  object again, a Class A operation",
        help: "`mode = \"invalidate\"` keeps the copies and revalidates them",
        concerns: |zone, mapping| zone.cache_reserve && !is_by_url(mapping) && mapping.mode == Mode::Purge,
    },
    Rule {
        code: "cache-reserve-invalidate-url",
        message: "each invalidation by URL is a Class A operation of Cache Reserve",
        help: "invalidate by prefix or tag where many objects change at once",
        concerns: |zone, mapping| zone.cache_reserve && is_by_url(mapping) && mapping.mode == Mode::Invalidate,
    },
    Rule {
        code: "workers-caching-not-purged",
        message: "no purge of the zone reaches what its Workers cache by Workers Caching, or under keys of their own in the Cache \
                  API",
        help: "call the Worker's own `purge()` when objects change",
        concerns: |zone, _| zone.workers_caching,
    },
];

/// The warnings of all zones, by team, zone and code.
pub fn warnings(mappings: &Mappings) -> Vec<Warning> {
    let mut warnings: BTreeMap<(&TeamName, &Hostname, &str), Warning> = BTreeMap::new();
    for mapping in mappings.all() {
        for zone in &mapping.zones {
            for Rule { code, message, help, .. } in RULES.iter().filter(|rule| (rule.concerns)(zone, mapping)) {
                let warning = warnings.entry((&zone.team, &zone.domain, code)).or_insert_with(|| Warning {
                    code,
                    team: zone.team.clone(),
                    zone: zone.domain.clone(),
                    mappings: Vec::new(),
                    message,
                    help,
                });
                warning.mappings.push(mapping.name.clone());
            }
        }
    }
    warnings.into_values().collect()
}

fn is_by_url(mapping: &Mapping) -> bool {
    matches!(mapping.purge, Purge::Urls { .. })
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, team, zone, mappings, message, help } = self;
        let first = mappings.first().map_or("", String::as_str);
        let more = match mappings.len().saturating_sub(1) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        write!(f, "zone {zone} of team {team} ({first}{more}): {message} [{code}]; {help}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(zone: &str, mappings: &[&str]) -> Vec<String> {
        let mut text = format!(
            "version = 1\n[teams.web]\nowns = [\"s3://a/\"]\n[teams.web.zones.\"w.com\"]\nzone_id = \"{:032}\"\n\
             hostnames = [\"w.com\"]\n{zone}\n",
            0
        );
        let mapping =
            |line: &&str| format!("[[teams.web.mappings]]\nsource = \"s3://a/\"\nzones = [\"w.com\"]\n{line}\n");
        text.extend(mappings.iter().map(mapping));
        let mappings = crate::from_toml(&text).unwrap();
        warnings(&mappings).iter().map(|it| format!("{} {}", it.code, it.mappings.len())).collect()
    }

    #[test]
    fn each_kind_of_mapping_has_its_warning() {
        let all = ["", "purge = \"prefixes\"", "mode = \"invalidate\"", "purge = \"hosts\"\nmode = \"invalidate\"", ""];
        assert_eq!(codes("", &all), [""; 0]);
        assert_eq!(codes("cache_reserve = true", &[]), [""; 0], "nothing is purged");
        let of_reserve = ["cache-reserve-invalidate-url 1", "cache-reserve-keeps-copies 1", "cache-reserve-refill 2"];
        assert_eq!(codes("cache_reserve = true", &all), of_reserve);
        assert_eq!(codes("workers_caching = true", &all), ["workers-caching-not-purged 5"]);
    }
}
