//! The work of naming what a mapping purges for a change, known before it is done.

use crate::model::mapping::{Listings, Mapping, Purge};

/// The most paths under which an object itself is served.
const OWN_PATHS: usize = 3;

/// The bytes of the paths and tags that are written, at most.
pub(super) fn naming_work(mapping: &Mapping, key: &str) -> usize {
    let (rules, spellings) = (&mapping.urls, &mapping.urls.spellings);
    let add_prefix = rules.add_prefix.as_str();
    let path_length = add_prefix.len() + key.len();
    let bytes_per_path = path_length * spellings.most_of(add_prefix).max(spellings.most_of(key));
    let own = match &mapping.purge {
        Purge::Urls(_) | Purge::Prefixes => OWN_PATHS * bytes_per_path,
        Purge::Tags(templates) => templates.iter().map(|template| template.most_bytes(key.len())).sum(),
        Purge::Hosts | Purge::Everything => return 0,
    };
    let also: usize = rules.also.iter().map(|template| template.most_bytes(path_length)).sum();
    let folders = match rules.listings {
        Listings::None => 0,
        Listings::Parent => 1,
        Listings::Ancestors => key.matches('/').count() + 1,
    };
    own + also * spellings.most() + folders * bytes_per_path
}
