//! Which mappings accept a change, and why the others decline. Order never matters: all that accept are hits.
//!
//! Two ways lead to the same hits, and a property test holds them together. [`route`] asks each mapping, and so knows why
//! one declines. [`hits`] finds those that accept in an index: [`router`] by bucket, for many changes at once, [`bucket`] by
//! prefix, and [`program`] by globs, whose [`shape`]s rarely need a regex.

pub(crate) mod bucket;
pub(crate) mod located;
pub(crate) mod program;
pub(crate) mod router;
pub(crate) mod shape;

use std::fmt;

use smallvec::SmallVec;

use crate::model::change::{Change, ChangeKind};
use crate::model::glob::Patterns;
use crate::model::mapping::Mapping;
use crate::model::mappings::Mappings;
pub use crate::route::router::LocatedChange;

/// What one mapping answers to a change.
#[derive(Debug, Clone)]
pub struct Route<'m> {
    /// The mapping's index in [`Mappings::all`].
    pub index: usize,
    /// The mapping that was compared with the change.
    pub mapping: &'m Mapping,
    /// A hit, or the first condition that fails.
    pub answer: Result<(), Decline<'m>>,
}

impl Route<'_> {
    /// Whether the mapping accepts the change.
    pub fn is_hit(&self) -> bool {
        self.answer.is_ok()
    }

    /// Whether it is unknown what the mapping answers, because its globs were not compared.
    pub(crate) fn is_too_much(&self) -> bool {
        matches!(self.answer, Err(Decline::TooMuchMatching))
    }
}

/// Why a mapping does not accept a change: the first condition that fails.
#[derive(Debug, Clone)]
pub enum Decline<'m> {
    /// The change is in another bucket.
    OtherBucket,
    /// The key is not below the mapping's prefix.
    OtherPrefix,
    /// The kind of the change is not among the mapping's events.
    OtherKind {
        /// What happened to the object.
        kind: ChangeKind,
        /// The kinds that the mapping accepts.
        events: &'m [ChangeKind],
    },
    /// The change is purged a second time, and this is not for a mapping of another team, or without `again_after`.
    NotPurgedAgain,
    /// The change comes back to be verified, and this mapping is of another team, or does not ask for it.
    NotVerified,
    /// The globs were not compared, because the caller allows no more matching work for the team.
    TooMuchMatching,
    /// None of these `include` patterns matches.
    NotIncluded(&'m Patterns),
    /// This `exclude` pattern matches.
    Excluded(&'m str),
}

impl Decline<'_> {
    /// How many conditions hold before the one that fails: the more, the nearer the mapping is to accepting the change.
    pub fn conditions_met(&self) -> usize {
        match self {
            Self::OtherBucket => 0,
            Self::OtherPrefix => 1,
            Self::OtherKind { .. } => 2,
            Self::NotPurgedAgain | Self::NotVerified => 3,
            Self::TooMuchMatching => 4,
            Self::NotIncluded(_) => 5,
            Self::Excluded(_) => 6,
        }
    }

    /// Its name in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherBucket => "other-bucket",
            Self::OtherPrefix => "other-prefix",
            Self::OtherKind { .. } => "other-kind",
            Self::NotPurgedAgain => "not-purged-again",
            Self::NotVerified => "not-verified",
            Self::TooMuchMatching => "too-much-matching",
            Self::NotIncluded(_) => "not-included",
            Self::Excluded(_) => "excluded",
        }
    }
}

/// How many patterns a message shows.
const PATTERNS_SHOWN: usize = 10;

impl fmt::Display for Decline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherBucket => f.write_str("another bucket"),
            Self::OtherPrefix => f.write_str("the key is not below its prefix"),
            Self::OtherKind { kind, events } => {
                let events = events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ");
                write!(f, "'{kind}' is not among its events ({events})")
            }
            Self::NotPurgedAgain => f.write_str("it takes no part in this second purge"),
            Self::NotVerified => f.write_str("it takes no part in this verification"),
            Self::TooMuchMatching => f.write_str("the team's globs are too much work for one event"),
            Self::NotIncluded(patterns) => {
                let shown: Vec<&str> = patterns.iter().take(PATTERNS_SHOWN).collect();
                write!(f, "none of include = {shown:?} ")?;
                match patterns.iter().len() - shown.len() {
                    0 => f.write_str("matches"),
                    more => write!(f, "and {more} more matches"),
                }
            }
            Self::Excluded(pattern) => write!(f, "excluded by `{pattern}`"),
        }
    }
}

/// What each mapping of the change's bucket answers.
pub fn route<'m>(mappings: &'m Mappings, change: &'m Change) -> impl Iterator<Item = Route<'m>> {
    let of_bucket = mappings.of_bucket(&change.bucket);
    of_bucket.map(move |(index, mapping)| Route { index, mapping, answer: decide(mapping, change) })
}

/// What each mapping answers, those of other buckets too.
pub fn route_all<'m>(mappings: &'m Mappings, change: &'m Change) -> impl Iterator<Item = Route<'m>> {
    let all = mappings.all().iter().enumerate();
    all.map(|(index, mapping)| Route { index, mapping, answer: decide(mapping, change) })
}

/// The indices in [`Mappings::all`] of the mappings that accept a change, in any order.
pub fn hits<'m>(mappings: &'m Mappings, located: LocatedChange<'m>) -> impl Iterator<Item = usize> {
    let LocatedChange { change, .. } = located;
    let accepted = mappings.candidates(located).filter(move |(index, candidate)| {
        let takes_part = || mappings.all().get(*index).is_some_and(|mapping| no_part(mapping, change).is_none());
        candidate.accepts(change.kind) && (!change.comes_back() || takes_part()) && candidate.is_match()
    });
    accepted.map(|(index, _)| index)
}

/// The mappings that accept a change, in the order of [`Mappings::all`], and those whose globs `may_match` does not allow
/// to compare.
pub(crate) fn hits_while<'m>(
    mappings: &'m Mappings,
    located: LocatedChange<'m>,
    mut may_match: impl FnMut(&'m Mapping) -> bool,
) -> SmallVec<[Route<'m>; 2]> {
    let LocatedChange { change, .. } = located;
    let mut hits: SmallVec<[Route<'m>; 2]> = SmallVec::new();
    for (index, candidate) in mappings.candidates(located) {
        let Some(mapping) = mappings.all().get(index) else { continue };
        if !candidate.accepts(change.kind) || no_part(mapping, change).is_some() {
            continue;
        }
        if !may_match(mapping) {
            hits.push(Route { index, mapping, answer: Err(Decline::TooMuchMatching) });
        } else if candidate.is_match() {
            hits.push(Route { index, mapping, answer: Ok(()) });
        }
    }
    hits.sort_unstable_by_key(|route| route.index);
    hits
}

/// Why a change that comes back is not for a mapping: it is for those of one team that have an `again_after` or are
/// verified.
fn no_part(mapping: &Mapping, change: &Change) -> Option<Decline<'static>> {
    let is_for_team = change.is_for(&mapping.team);
    if change.second_purge_of.is_some() && !(is_for_team && mapping.again_after > 0) {
        return Some(Decline::NotPurgedAgain);
    }
    let is_foreign = change.verification.is_some() && !(is_for_team && mapping.is_verified());
    is_foreign.then_some(Decline::NotVerified)
}

/// What one mapping answers to a change.
pub(crate) fn decide<'m>(mapping: &'m Mapping, change: &Change) -> Result<(), Decline<'m>> {
    if mapping.source.bucket != change.bucket {
        return Err(Decline::OtherBucket);
    }
    let Some(relative_key) = change.key.strip_prefix(mapping.source.prefix.as_str()) else {
        return Err(Decline::OtherPrefix);
    };
    if !mapping.events.contains(&change.kind) {
        return Err(Decline::OtherKind { kind: change.kind, events: &mapping.events });
    }
    if let Some(decline) = no_part(mapping, change) {
        return Err(decline);
    }
    if !mapping.include.is_empty() && mapping.include.first_match(relative_key).is_none() {
        return Err(Decline::NotIncluded(&mapping.include));
    }
    match mapping.exclude.first_match(relative_key) {
        Some(pattern) => Err(Decline::Excluded(pattern)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
