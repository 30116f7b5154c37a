//! What a change purges: URLs in every spelling, prefixes, hosts, tags or everything.

pub(crate) mod dependents;
pub(crate) mod item;
pub(crate) mod named_paths;
pub(crate) mod path_prefix;
pub(crate) mod paths;
pub(crate) mod url_parts;
pub(crate) mod urls;
