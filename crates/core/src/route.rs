//! Which mappings accept a change, and why the others do not. Order never matters: all that accept fire.

use std::fmt;

use crate::model::change::{Change, ChangeKind};
use crate::model::mapping::{Mapping, Mappings};

/// The answer for one change.
#[derive(Debug)]
pub struct Route<'m> {
    /// The mappings that fire.
    pub fires: Vec<&'m Mapping>,
    /// The others, each with its reason.
    pub declined: Vec<(&'m Mapping, Decline)>,
}

/// Why a mapping does not accept a change: the first condition that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decline {
    /// The change is in another bucket.
    OtherBucket,
    /// The key is not below the mapping's prefix.
    OtherPrefix,
    /// The mapping does not want this kind of change.
    OtherKind(ChangeKind),
    /// No `include` pattern matches.
    NotIncluded,
    /// This `exclude` pattern matches.
    Excluded(String),
}

impl fmt::Display for Decline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherBucket => f.write_str("another bucket"),
            Self::OtherPrefix => f.write_str("the key is not below its prefix"),
            Self::OtherKind(kind) => write!(f, "its events hold no `{kind}`"),
            Self::NotIncluded => f.write_str("no include matches"),
            Self::Excluded(pattern) => write!(f, "excluded by `{pattern}`"),
        }
    }
}

/// Asks every mapping.
pub fn route<'m>(mappings: &'m Mappings, change: &Change) -> Route<'m> {
    let mut route = Route { fires: Vec::new(), declined: Vec::new() };
    for mapping in mappings.all() {
        match accept(mapping, change) {
            Ok(()) => route.fires.push(mapping),
            Err(reason) => route.declined.push((mapping, reason)),
        }
    }
    route
}

/// Whether a change is where a mapping looks, and of a kind that it wants.
pub(crate) fn may_accept(mapping: &Mapping, change: &Change) -> bool {
    mapping.source.bucket == change.bucket
        && change.key.starts_with(mapping.source.prefix.as_str())
        && mapping.events.contains(&change.kind)
}

/// Asks one mapping.
pub fn accept(mapping: &Mapping, change: &Change) -> Result<(), Decline> {
    if mapping.source.bucket != change.bucket {
        return Err(Decline::OtherBucket);
    }
    let Some(relative_key) = change.key.strip_prefix(mapping.source.prefix.as_str()) else {
        return Err(Decline::OtherPrefix);
    };
    if !mapping.events.contains(&change.kind) {
        return Err(Decline::OtherKind(change.kind));
    }
    if !mapping.include.is_empty() && mapping.include.first_match(relative_key).is_none() {
        return Err(Decline::NotIncluded);
    }
    if let Some(pattern) = mapping.exclude.first_match(relative_key) {
        return Err(Decline::Excluded(pattern.to_owned()));
    }
    Ok(())
}
