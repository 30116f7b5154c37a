//! What a change purges: URLs in every spelling, prefixes, hosts, tags or everything.

pub(crate) mod folder;
pub(crate) mod item;
pub(crate) mod paths;
pub(crate) mod urls;
