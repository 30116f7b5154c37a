//! Paths → URLs and prefixes on the hostnames of a mapping's zones.

use crate::model::limits::PREFIX_SEPARATORS;
use crate::model::mapping::{Mapping, UrlRules};
use crate::model::zone::Zone;
use crate::purge::item::Item;
use crate::purge::paths::{ServedPath, spellings};

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

/// One folder as prefixes on the mapping's hostnames in one zone.
pub(crate) fn prefix_items(mapping: &Mapping, zone: &Zone, folder: &str) -> Vec<Item> {
    let spellings = spellings(nearest_prefix(folder));
    mapping
        .hostnames_of(zone)
        .flat_map(|hostname| spellings.iter().map(move |path| Item::Prefix(format!("{hostname}/{path}"))))
        .collect()
}

/// Whether a purge of this folder would be a purge of the whole host. A server may read `//` as `/`, so a folder of
/// nothing but slashes is the root too.
pub(crate) fn is_root(folder: &str) -> bool {
    nearest_prefix(folder).bytes().all(|byte| byte == b'/')
}

/// The folder, or the nearest one above it that Cloudflare accepts as a prefix. One `/` follows the hostname.
pub(crate) fn nearest_prefix(folder: &str) -> &str {
    match folder.match_indices('/').nth(PREFIX_SEPARATORS - 2) {
        Some((last, _)) => &folder[..=last],
        None => folder,
    }
}

#[cfg(test)]
mod tests;
