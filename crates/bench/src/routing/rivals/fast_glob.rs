//! A HashMap of buckets, and fast-glob, which compares patterns as text and compiles nothing.

use std::collections::HashMap;

use fast_glob::glob_match;

use crate::routing::corpus::{Corpus, Lookup};
use crate::routing::oracle::anchored;
use crate::routing::rivals::rival::Rival;

pub(super) struct FastGlobs {
    by_bucket: HashMap<String, Vec<Mapping>>,
}

struct Mapping {
    index: u32,
    prefix: String,
    include: Vec<String>,
    exclude: Vec<String>,
}

impl FastGlobs {
    pub(super) fn new(corpus: &Corpus) -> Self {
        let mut by_bucket: HashMap<String, Vec<Mapping>> = HashMap::new();
        for (index, rule) in corpus.rules.iter().enumerate() {
            let patterns = |patterns: &[String]| patterns.iter().map(|pattern| anchored(pattern)).collect();
            let (include, exclude) = (patterns(&rule.include), patterns(&rule.exclude));
            let mapping = Mapping { index: index as u32, prefix: rule.prefix.clone(), include, exclude };
            by_bucket.entry(corpus.buckets[rule.bucket].clone()).or_default().push(mapping);
        }
        Self { by_bucket }
    }
}

impl Rival for FastGlobs {
    fn find(&self, lookup: &Lookup, found: &mut Vec<u32>) {
        for mapping in self.by_bucket.get(lookup.bucket()).into_iter().flatten() {
            let Some(relative) = lookup.key().strip_prefix(&mapping.prefix) else { continue };
            let any = |patterns: &[String]| patterns.iter().any(|pattern| glob_match(pattern, relative));
            if (mapping.include.is_empty() || any(&mapping.include)) && !any(&mapping.exclude) {
                found.push(mapping.index);
            }
        }
    }
}
