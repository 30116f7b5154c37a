//! A HashMap of buckets, and globset's sets, one for all mappings with the same list.

use std::collections::HashMap;
use std::sync::Arc;

use globset::{Candidate, GlobSet};

use crate::routing::corpus::{Corpus, Lookup};
use crate::routing::rivals::rival::Rival;
use crate::routing::rivals::today::glob_set;

pub(super) struct GlobSets {
    by_bucket: HashMap<String, Vec<Mapping>>,
}

struct Mapping {
    index: u32,
    prefix: String,
    include: Option<Arc<GlobSet>>,
    exclude: Option<Arc<GlobSet>>,
}

impl GlobSets {
    pub(super) fn new(corpus: &Corpus) -> Self {
        let mut by_bucket: HashMap<String, Vec<Mapping>> = HashMap::new();
        let mut sets: HashMap<&[String], Arc<GlobSet>> = HashMap::new();
        for (index, rule) in corpus.rules.iter().enumerate() {
            let mut set = |patterns| shared_set(&mut sets, patterns);
            let (include, exclude) = (set(&rule.include), set(&rule.exclude));
            let mapping = Mapping { index: index as u32, prefix: rule.prefix.clone(), include, exclude };
            by_bucket.entry(corpus.buckets[rule.bucket].clone()).or_default().push(mapping);
        }
        Self { by_bucket }
    }
}

fn shared_set<'c>(sets: &mut HashMap<&'c [String], Arc<GlobSet>>, patterns: &'c [String]) -> Option<Arc<GlobSet>> {
    let new = || Arc::new(glob_set(patterns));
    (!patterns.is_empty()).then(|| Arc::clone(sets.entry(patterns).or_insert_with(new)))
}

impl Rival for GlobSets {
    fn find(&self, lookup: &Lookup, found: &mut Vec<u32>) {
        for mapping in self.by_bucket.get(lookup.bucket()).into_iter().flatten() {
            let Some(relative) = lookup.key().strip_prefix(&mapping.prefix) else { continue };
            let candidate = Candidate::from_bytes(relative);
            if mapping.include.as_ref().is_none_or(|set| set.is_match_candidate(&candidate))
                && !mapping.exclude.as_ref().is_some_and(|set| set.is_match_candidate(&candidate))
            {
                found.push(mapping.index);
            }
        }
    }
}
