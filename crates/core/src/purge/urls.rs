//! Paths → URLs and prefixes on the hostnames of a mapping's zones.

use crate::model::mapping::{Mapping, UrlRules};
use crate::model::zone::Zone;
use crate::purge::folder::Folder;
use crate::purge::item::Item;
use crate::purge::paths::ServedPath;

/// Every URL of these paths on the mapping's hostnames in one zone.
pub(crate) fn url_items<'p>(
    mapping: &Mapping,
    zone: &Zone,
    paths: impl Iterator<Item = &'p ServedPath> + Clone,
) -> Vec<Item> {
    let rules = &mapping.urls;
    let mut items = Vec::new();
    for hostname in mapping.hostnames_of(zone) {
        for path in paths.clone().flat_map(|path| &path.spellings) {
            for scheme in &rules.schemes {
                let url = format!("{}://{hostname}/{path}", scheme.as_str());
                push_variants(&mut items, rules, &url);
            }
        }
    }
    items
}

/// A URL with each query string, and each of these with each set of headers and without headers.
fn push_variants(items: &mut Vec<Item>, rules: &UrlRules, url: &str) {
    for query in &rules.query_strings {
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{url}{mark}{query}");
        let sets = rules.vary_headers.iter();
        items.extend(sets.map(|headers| Item::UrlWithHeaders { url: url.clone(), headers: headers.clone() }));
        items.push(Item::Url(url));
    }
}

/// A folder as prefixes on the mapping's hostnames in one zone.
pub(crate) fn prefix_items(mapping: &Mapping, zone: &Zone, folder: &Folder) -> Vec<Item> {
    let hostnames = mapping.hostnames_of(zone);
    let of_host = |hostname| folder.spellings.iter().map(move |path| Item::Prefix(format!("{hostname}/{path}")));
    hostnames.flat_map(of_host).collect()
}

#[cfg(test)]
mod tests;
