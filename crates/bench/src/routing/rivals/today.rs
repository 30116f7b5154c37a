//! How core routed before decision 37: the indices of a bucket's mappings, and a GlobSet for each list of a mapping.

use std::collections::HashMap;

use globset::{GlobSet, GlobSetBuilder};

use crate::routing::corpus::{Corpus, Lookup};
use crate::routing::oracle::glob;
use crate::routing::rivals::rival::Rival;

pub(super) struct Today {
    mappings: Vec<Mapping>,
    by_bucket: HashMap<String, Vec<usize>>,
}

struct Mapping {
    prefix: String,
    include: GlobSet,
    exclude: GlobSet,
}

impl Today {
    pub(super) fn new(corpus: &Corpus) -> Self {
        let mut by_bucket: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, rule) in corpus.rules.iter().enumerate() {
            by_bucket.entry(corpus.buckets[rule.bucket].clone()).or_default().push(index);
        }
        let mappings = corpus.rules.iter().map(|rule| Mapping {
            prefix: rule.prefix.clone(),
            include: glob_set(&rule.include),
            exclude: glob_set(&rule.exclude),
        });
        Self { mappings: mappings.collect(), by_bucket }
    }
}

impl Rival for Today {
    fn find(&self, lookup: &Lookup, found: &mut Vec<u32>) {
        for &index in self.by_bucket.get(lookup.bucket()).into_iter().flatten() {
            let mapping = &self.mappings[index];
            let Some(relative) = lookup.key().strip_prefix(&mapping.prefix) else { continue };
            let first_match = |set: &GlobSet| set.matches(relative).into_iter().min();
            if (mapping.include.is_empty() || first_match(&mapping.include).is_some())
                && first_match(&mapping.exclude).is_none()
            {
                found.push(index as u32);
            }
        }
    }
}

pub(super) fn glob_set(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(glob(pattern));
    }
    set.build().unwrap()
}
