//! Paths → URLs and prefixes on the hostnames of a mapping's zones.

use crate::model::mapping::{Mapping, QueryStrings, UrlRules};
use crate::model::zone::Zone;
use crate::purge::item::Item;
use crate::purge::path_prefix::PathPrefix;
use crate::purge::paths::ServedPath;

/// Every URL of these paths on the mapping's hostnames in one zone.
pub(crate) fn url_items<'p>(
    mapping: &Mapping,
    zone: &Zone,
    paths: impl Iterator<Item = &'p ServedPath> + Clone,
) -> Vec<Item> {
    let query_strings: Vec<&str> = object_query_strings(&mapping.urls).collect();
    items_of(mapping, zone, paths, &query_strings)
}

/// The same of a path that depends on an object.
pub(crate) fn dependent_items(mapping: &Mapping, zone: &Zone, path: &ServedPath) -> Vec<Item> {
    let query_strings: Vec<&str> = dependent_query_strings(&mapping.urls).collect();
    items_of(mapping, zone, std::iter::once(path), &query_strings)
}

/// The query strings with which an object's paths are purged by URL.
pub(crate) fn object_query_strings(rules: &UrlRules) -> impl Iterator<Item = &str> {
    let (any, each) = match &rules.query_strings {
        QueryStrings::Each(each) => (None, each.as_slice()),
        QueryStrings::Any => (Some(""), [].as_slice()),
    };
    any.into_iter().chain(each.iter().map(String::as_str))
}

/// The same of paths that depend on an object: also none, whatever the objects themselves have.
pub(crate) fn dependent_query_strings(rules: &UrlRules) -> impl Iterator<Item = &str> {
    let has_plain = object_query_strings(rules).any(str::is_empty);
    (!has_plain).then_some("").into_iter().chain(object_query_strings(rules))
}

fn items_of<'p>(
    mapping: &Mapping,
    zone: &Zone,
    paths: impl Iterator<Item = &'p ServedPath> + Clone,
    query_strings: &[&str],
) -> Vec<Item> {
    let rules = &mapping.urls;
    let mut items = Vec::new();
    for hostname in mapping.hostnames_of(zone) {
        for path in paths.clone().flat_map(|path| &path.spellings) {
            for scheme in &rules.schemes {
                let url = format!("{}://{hostname}/{path}", scheme.as_str());
                push_variants(&mut items, rules, query_strings, &url);
            }
        }
    }
    items
}

/// A URL with each query string, and each of these with each set of headers and without headers.
fn push_variants(items: &mut Vec<Item>, rules: &UrlRules, query_strings: &[&str], url: &str) {
    for query in query_strings {
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{url}{mark}{query}");
        let sets = rules.vary_headers.iter();
        items.extend(sets.map(|headers| Item::UrlWithHeaders { url: url.clone(), headers: headers.clone() }));
        items.push(Item::Url(url));
    }
}

/// A path as prefixes on the mapping's hostnames in one zone.
pub(crate) fn prefix_items(mapping: &Mapping, zone: &Zone, prefix: &PathPrefix) -> Vec<Item> {
    let hostnames = mapping.hostnames_of(zone);
    let of_host = |hostname| prefix.spellings.iter().map(move |path| Item::Prefix(format!("{hostname}/{path}")));
    hostnames.flat_map(of_host).collect()
}

#[cfg(test)]
mod tests;
