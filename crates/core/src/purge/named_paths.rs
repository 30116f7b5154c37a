//! The paths by which a mapping purges an object, for people who ask why.

use crate::model::mapping::{Mapping, Purge};
use crate::purge::path_prefix::{prefix_path, purged_beginning};
use crate::purge::paths::{has_dot_segments, visitor_path};

/// Decoded paths, which begin with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPaths {
    /// The object's path as visitors request it: a purge by URL names this.
    pub url: String,
    /// What a purge by prefix names: the object, its folder, or if the mapping may escalate, the mapping's folder.
    pub prefix: Option<String>,
}

/// The paths by which a mapping purges an object; `None` if these are not rewritten, if the mapping purges neither URLs nor
/// prefixes, or if no URL leads to the object.
pub fn named_paths(mapping: &Mapping, key: &str) -> Option<NamedPaths> {
    let rules = &mapping.urls;
    let is_rewritten = !rules.strip_prefix.as_str().is_empty() || !rules.add_prefix.as_str().is_empty();
    let url = visitor_path(rules, key);
    if !is_rewritten || !matches!(mapping.purge, Purge::Urls(_) | Purge::Prefixes) || has_dot_segments(&url) {
        return None;
    }
    let may_escalate = mapping.escalation().is_possible();
    let escalated = || may_escalate.then_some(mapping.source.prefix.as_str());
    let beginning = purged_beginning(mapping, key).or_else(escalated);
    let prefix = beginning.and_then(|beginning| prefix_path(rules, beginning));
    Some(NamedPaths { url: format!("/{url}"), prefix: prefix.map(|prefix| format!("/{prefix}")) })
}
