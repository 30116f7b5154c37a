//! What purges do not do for zones with Cache Reserve or Workers Caching, and which tags Cloudflare can't set by itself. Nothing
//! is wrong with such mappings, so these are no problems: `check` says it, and nothing is refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use purge_router_core::names::{Hostname, TeamName};
use purge_router_core::{Mapping, Mappings, Mode, NoTagRule, Purge, Zone, tag_rules};

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
const RULES: [Rule; 6] = [
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
    Rule {
        code: "tag-rule-needs-regex",
        message: "`{dir}` and `{stem}` in a tag need a regular expression in a Cache Response Rule, which the zone's plan lacks, so \
                  `tags rule` can't write it",
        help: "nothing, if the origin server sends Cache-Tag; S3 can't: use `{key}`, `{ext}` and `{bucket}`, or raise `plan` if the \
               zone has a higher one",
        concerns: |zone, mapping| tag_rules(mapping, zone) == Err(NoTagRule::NeedsRegex),
    },
    Rule {
        code: "tag-rule-too-large",
        message: "its tags need more or longer Cache Response Rules than Cloudflare allows, so `tags rule` can't write them",
        help: "nothing, if the origin server sends Cache-Tag; S3 can't: use fewer tags, or fewer fields in each",
        concerns: |zone, mapping| {
            let too_large = [NoTagRule::TooManyFields, NoTagRule::TooLong, NoTagRule::TooManyRules];
            tag_rules(mapping, zone).is_err_and(|problem| too_large.contains(&problem))
        },
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

    #[test]
    fn tags_that_no_rule_can_set_have_a_warning() {
        let tags = |templates: &str| format!("purge = \"tags\"\ntags = [{templates}]");
        let many: Vec<String> = (0..12).map(|index| format!("'{index}-{{dir}}'")).collect();
        let many = tags(&many.join(", "));
        assert_eq!(codes("", &[&tags("'{key}'")]), [""; 0]);
        assert_eq!(codes("", &[&tags("'{dir}'"), &many]), ["tag-rule-needs-regex 2"]);
        assert_eq!(codes("plan = \"business\"", &[&tags("'{dir}'"), &many]), [""; 0]);
        let fields = tags("'{dir}{dir}{dir}{dir}{dir}{dir}{dir}{dir}{dir}'");
        assert_eq!(codes("plan = \"enterprise\"", &[&fields]), ["tag-rule-too-large 1"]);
    }
}
