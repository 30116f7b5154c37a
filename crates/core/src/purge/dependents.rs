//! Paths that depend on an object: those that its mapping names in `also`, and the folders above it.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::model::change::Change;
use crate::model::mapping::{Listings, Mapping, Purge};
use crate::purge::paths::{ServedPath, has_dot_segments, visitor_path};

/// The paths that a mapping purges by URL with each change, each once. Those that no URL has are left out.
pub(crate) fn dependent_paths<'k>(mapping: &Mapping, change: &'k Change) -> Vec<ServedPath<'k>> {
    if matches!(mapping.purge, Purge::Hosts | Purge::Everything) {
        return Vec::new();
    }
    let rules = &mapping.urls;
    if !rules.has_dependents() {
        return Vec::new();
    }
    let object = visitor_path(rules, &change.key);
    let also = rules.also.iter().map(|template| Cow::Owned(template.render(change.bucket.as_str(), &object)));
    let listings = folders_above(rules.listings, mapping.source.prefix.as_str(), &change.key);
    let paths = also.chain(listings.map(|folder| visitor_path(rules, folder)));
    let mut seen = HashSet::new();
    paths
        .filter(|path| !has_dot_segments(path) && seen.insert(path.clone()))
        .map(|path| ServedPath::new(path, &rules.spellings))
        .collect()
}

/// The folders above a key, from the lowest to the mapping's prefix. A key that ends in `/` is a folder itself.
fn folders_above<'k>(listings: Listings, prefix: &str, key: &'k str) -> impl Iterator<Item = &'k str> {
    let count = match listings {
        Listings::None => 0,
        Listings::Parent => 1,
        Listings::Ancestors => usize::MAX,
    };
    let (prefix, key_length) = (prefix.len(), key.len());
    let ends = key.match_indices('/').rev().map(|(slash, _)| slash + 1).chain([0]);
    ends.filter(move |end| (prefix..key_length).contains(end)).take(count).map(|end| &key[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_keys() {
        let (none, parent, ancestors) = (Listings::None, Listings::Parent, Listings::Ancestors);
        for (listings, prefix, key, folders) in [
            (none, "", "dist/v1/node.gz", &[][..]),
            (parent, "", "dist/v1/node.gz", &["dist/v1/"]),
            (ancestors, "", "dist/v1/node.gz", &["dist/v1/", "dist/", ""]),
            (ancestors, "dist/", "dist/v1/node.gz", &["dist/v1/", "dist/"]),
            (ancestors, "dist/v1/", "dist/v1/node.gz", &["dist/v1/"]),
            (parent, "", "index.html", &[""]),
            (ancestors, "", "index.html", &[""]),
            (parent, "", "dist/v1/", &["dist/"]),
            (parent, "dist/", "dist/", &[]),
            (ancestors, "", "a//b", &["a//", "a/", ""]),
            (ancestors, "", "ü/é", &["ü/", ""]),
            (ancestors, "", "ü", &[""]),
        ] {
            let found: Vec<&str> = folders_above(listings, prefix, key).collect();
            assert_eq!(found, folders, "{listings:?} above {key}, from {prefix}");
        }
    }
}
