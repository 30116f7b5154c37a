//! Paths → URLs and prefixes on the hostnames of a mapping's zones.

use crate::model::mapping::{Mapping, QueryStrings, UrlRules};
use crate::model::names::Hostname;
use crate::model::zone::Zone;
use crate::purge::item::Item;
use crate::purge::path_prefix::PathPrefix;
use crate::purge::paths::ServedPath;

/// Adds every URL of these paths on the mapping's hostnames in one zone.
pub(crate) fn add_url_items<'i, 'k: 'i>(
    mapping: &Mapping,
    zone: &Zone,
    paths: impl Iterator<Item = &'i ServedPath<'k>> + Clone,
    add: &mut impl FnMut(Item),
) {
    add_items(mapping, zone, paths, object_query_strings(&mapping.urls), add);
}

/// The URLs of a path that depends on an object.
pub(crate) fn dependent_items(mapping: &Mapping, zone: &Zone, path: &ServedPath<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    let query_strings = dependent_query_strings(&mapping.urls);
    add_items(mapping, zone, std::iter::once(path), query_strings, &mut |item| items.push(item));
    items
}

/// The query strings with which an object's paths are purged by URL.
pub(crate) fn object_query_strings(rules: &UrlRules) -> impl Iterator<Item = &str> + Clone {
    let (any, each) = match &rules.query_strings {
        QueryStrings::Each(each) => (None, each.as_slice()),
        QueryStrings::Any => (Some(""), [].as_slice()),
    };
    any.into_iter().chain(each.iter().map(String::as_str))
}

/// The same of paths that depend on an object: also none, whatever the objects themselves have.
pub(crate) fn dependent_query_strings(rules: &UrlRules) -> impl Iterator<Item = &str> + Clone {
    let has_plain = object_query_strings(rules).any(str::is_empty);
    (!has_plain).then_some("").into_iter().chain(object_query_strings(rules))
}

fn add_items<'i, 'k: 'i, 'r>(
    mapping: &Mapping,
    zone: &Zone,
    paths: impl Iterator<Item = &'i ServedPath<'k>> + Clone,
    query_strings: impl Iterator<Item = &'r str> + Clone,
    add: &mut impl FnMut(Item),
) {
    for hostname in mapping.hostnames_of(zone) {
        for path in paths.clone().flat_map(|path| &path.spellings) {
            add_variants(&mapping.urls, hostname, path, query_strings.clone(), add);
        }
    }
}

/// Adds the URLs of a spelled path on a hostname, with each scheme and query string.
fn add_variants<'r>(
    rules: &UrlRules,
    hostname: &Hostname,
    path: &str,
    query_strings: impl Iterator<Item = &'r str> + Clone,
    add: &mut impl FnMut(Item),
) {
    for scheme in &rules.schemes {
        for query in query_strings.clone() {
            let mark = if query.is_empty() { "" } else { "?" };
            let url = [scheme.as_str(), "://", hostname.as_str(), "/", path, mark, query].concat();
            add_with_headers(rules, url, add);
        }
    }
}

/// Adds a URL with each set of headers, and without headers.
fn add_with_headers(rules: &UrlRules, url: String, add: &mut impl FnMut(Item)) {
    for headers in &rules.vary_headers {
        add(Item::UrlWithHeaders { url: url.clone(), headers: headers.clone() });
    }
    add(Item::Url(url));
}

/// A path as prefixes on the mapping's hostnames in one zone.
pub(crate) fn prefix_items(mapping: &Mapping, zone: &Zone, prefix: &PathPrefix) -> Vec<Item> {
    let hostnames = mapping.hostnames_of(zone);
    let of_host = |hostname| prefix.spellings.iter().map(move |path| Item::Prefix(format!("{hostname}/{path}")));
    hostnames.flat_map(of_host).collect()
}

#[cfg(test)]
mod tests;
