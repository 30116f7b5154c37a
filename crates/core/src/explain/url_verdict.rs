//! What all sources of a URL say together: whether it is purged for certain.

use std::collections::BTreeMap;

use crate::explain::url_sources::{Objects, UrlAnswer, UrlSource, Via};
use crate::purge::paths::split_folder;
use crate::route::Decline;

/// Whether the URL is purged: `None` if it depends on which object it is served from, or on the tags of its response.
///
/// Several objects may be served at one URL: `/about` may be `about`, `about.html` or `about/index.html`. Mappings do not say
/// which of them exist. So it is certain only if, in one bucket, a change of each of them purges the URL. Of a path with an
/// extension, the object with that path counts, and of a folder its index documents.
pub fn url_verdict(sources: &[UrlSource<'_>]) -> Option<bool> {
    let is_certain = sources.iter().any(|source| is_purged(source) && is_unconditional(source.via));
    let is_possible = sources.iter().any(|source| is_purged(source) || matches!(source.answer, UrlAnswer::Unknown(_)));
    match is_certain || buckets(sources).values().any(is_purged_by_each) {
        true => Some(true),
        false if is_possible => None,
        false => Some(false),
    }
}

fn is_purged(source: &UrlSource<'_>) -> bool {
    matches!(source.answer, UrlAnswer::Purged)
}

/// Whether the mapping itself says that its objects belong to the URL.
fn is_unconditional(via: Via) -> bool {
    matches!(via, Via::Listing | Via::Also | Via::Host | Via::Everything)
}

/// An object that may be served at the URL.
#[derive(Default)]
struct Candidate {
    /// Whether the URL's path is its own path, and not an alias.
    is_exact: bool,
    is_purged: bool,
}

type Candidates<'s> = BTreeMap<&'s str, Candidate>;

/// The candidates of each bucket, by key. A key outside of a mapping's prefix is none: the mapping says nothing of it.
fn buckets<'s>(sources: &'s [UrlSource<'_>]) -> BTreeMap<&'s str, Candidates<'s>> {
    let mut buckets: BTreeMap<&str, Candidates<'_>> = BTreeMap::new();
    for source in sources.iter().filter(|it| !matches!(it.answer, UrlAnswer::Declined(Decline::OtherPrefix))) {
        let Objects::Key(key) = &source.objects else { continue };
        let candidates = buckets.entry(source.mapping.source.bucket.as_str()).or_default();
        let candidate = candidates.entry(key).or_default();
        candidate.is_exact |= source.via != Via::Alias;
        candidate.is_purged |= is_purged(source);
    }
    buckets
}

/// Whether a change of each candidate that counts purges the URL.
fn is_purged_by_each(candidates: &Candidates<'_>) -> bool {
    let has_extension = |key: &str| split_folder(key).1.trim_start_matches('.').contains('.');
    let is_file = candidates.iter().any(|(key, candidate)| candidate.is_exact && has_extension(key));
    let is_folder = candidates.values().any(|candidate| !candidate.is_exact);
    let counts = |key: &str, candidate: &Candidate| match key.ends_with('/') {
        // An object that is only the name of a folder.
        true => !is_folder,
        false => candidate.is_exact || !is_file,
    };
    let mut counted = candidates.iter().filter(|(key, candidate)| counts(key, candidate)).peekable();
    counted.peek().is_some() && counted.all(|(_, candidate)| candidate.is_purged)
}
