//! What purges do not do for zones with Cache Reserve or Workers Caching, and which tags Cloudflare can't set by itself.

use std::collections::BTreeMap;

use purge_router_core::names::{Hostname, TeamName};
use purge_router_core::{Mapping, Mappings, Mode, NoTagRule, Purge, QueryStrings, Zone, tag_rules};

use crate::lint::warning::Warning;

/// A kind of warning, and the mappings of a zone that it is about.
struct Rule {
    code: &'static str,
    /// The zone's field that it is about.
    field: Option<&'static str>,
    message: &'static str,
    help: &'static str,
    concerns: fn(&Zone, &Mapping) -> bool,
}

// Source: https://developers.cloudflare.com/cache/advanced-configuration/cache-reserve/ and the pages on Workers Caching.
const RULES: [Rule; 6] = [
    Rule {
        code: "cache-reserve-refill",
        field: Some("cache_reserve"),
        message: "each purge by URL removes the copy in Cache Reserve, and the next visit stores it again, a Class A operation",
        help: "purge no more than what changes",
        concerns: |zone, mapping| zone.cache_reserve && has_urls(mapping) && mapping.mode == Mode::Purge,
    },
    Rule {
        code: "cache-reserve-keeps-copies",
        field: Some("cache_reserve"),
        message: "its purges that are not by URL do not delete the copies in Cache Reserve at once, and each next visit is a miss \
                  that stores its object again, a Class A operation",
        help: "`mode = \"invalidate\"` keeps the copies and revalidates them",
        concerns: |zone, mapping| zone.cache_reserve && has_more_than_urls(mapping) && mapping.mode == Mode::Purge,
    },
    Rule {
        code: "cache-reserve-invalidate-url",
        field: Some("cache_reserve"),
        message: "each invalidation by URL is a Class A operation of Cache Reserve",
        help: "invalidate by prefix or tag where many objects change at once",
        concerns: |zone, mapping| zone.cache_reserve && has_urls(mapping) && mapping.mode == Mode::Invalidate,
    },
    Rule {
        code: "tag-rule-needs-regex",
        field: None,
        message: "`{dir}` and `{stem}` in a tag need a regular expression in a Cache Response Rule, which the zone's plan lacks, so \
                  `tags rule` can't write it",
        help: "nothing, if the origin server sends Cache-Tag; S3 can't: use `{key}`, `{ext}` and `{bucket}`, or raise `plan` if the \
               zone has a higher one",
        concerns: |zone, mapping| tag_rules(mapping, zone) == Err(NoTagRule::NeedsRegex),
    },
    Rule {
        code: "tag-rule-too-large",
        field: None,
        message: "its tags need more or longer Cache Response Rules than Cloudflare allows, so `tags rule` can't write them",
        help: "nothing, if the origin server sends Cache-Tag; S3 can't: use fewer tags, or fewer fields in each",
        concerns: |zone, mapping| {
            let too_large = [NoTagRule::TooManyFields, NoTagRule::TooLong, NoTagRule::TooManyRules];
            tag_rules(mapping, zone).is_err_and(|problem| too_large.contains(&problem))
        },
    },
    Rule {
        code: "workers-caching-not-purged",
        field: Some("workers_caching"),
        message: "no purge of the zone reaches what its Workers cache by Workers Caching, or under keys of their own in the Cache \
                  API",
        help: "call the Worker's own `purge()` when objects change",
        concerns: |zone, _| zone.workers_caching,
    },
];

/// The warnings of all zones, by team, zone and code.
pub(super) fn warnings(mappings: &Mappings) -> Vec<Warning> {
    let mut warnings: BTreeMap<(&TeamName, &Hostname, &str), Warning> = BTreeMap::new();
    for mapping in mappings.all() {
        for zone in &mapping.zones {
            for Rule { code, field, message, help, .. } in RULES.iter().filter(|rule| (rule.concerns)(zone, mapping)) {
                let new = || Warning { field: *field, ..Warning::of_zone(zone, code, (*message).to_owned(), help) };
                let warning = warnings.entry((&zone.team, &zone.domain, code)).or_insert_with(new);
                warning.mappings.push(mapping.name.clone());
            }
        }
    }
    warnings.into_values().collect()
}

/// Whether some of what it purges is purged by URL, whatever the key.
fn has_urls(mapping: &Mapping) -> bool {
    match mapping.purge {
        // With any query string the object's own path is a prefix, and its aliases are URLs.
        Purge::Urls(_) => {
            mapping.urls.query_strings != QueryStrings::Any
                || !mapping.urls.index_documents.is_empty()
                || mapping.urls.clean_urls
                || mapping.urls.has_dependents()
        }
        _ => mapping.urls.has_dependents(),
    }
}

/// Whether some of it is purged, or may be, by prefix, host, tag or whole zone.
fn has_more_than_urls(mapping: &Mapping) -> bool {
    match mapping.purge {
        Purge::Urls(escalation) => escalation.is_possible() || mapping.urls.query_strings == QueryStrings::Any,
        _ => true,
    }
}
