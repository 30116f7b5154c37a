//! The naive answer: each change is compared with every mapping, and globs are what globset's regexes say.

use std::collections::HashMap;

use globset::{GlobBuilder, GlobMatcher};

use crate::routing::corpus::{Corpus, Lookup};

/// The indices of the mappings that accept each lookup, in ascending order.
pub(crate) fn answers<'l>(corpus: &Corpus, lookups: impl Iterator<Item = &'l Lookup>) -> Vec<Vec<u32>> {
    let mut globs = HashMap::new();
    lookups.map(|lookup| answer(corpus, lookup, &mut globs)).collect()
}

fn answer<'c>(corpus: &'c Corpus, lookup: &Lookup, globs: &mut HashMap<&'c str, GlobMatcher>) -> Vec<u32> {
    let mut found = Vec::new();
    for (index, rule) in corpus.rules.iter().enumerate() {
        if corpus.buckets[rule.bucket] != lookup.bucket() {
            continue;
        }
        let Some(relative) = lookup.key().strip_prefix(&rule.prefix) else { continue };
        let mut any = |patterns: &'c [String]| patterns.iter().any(|pattern| is_match(globs, pattern, relative));
        if (rule.include.is_empty() || any(&rule.include)) && !any(&rule.exclude) {
            found.push(index as u32);
        }
    }
    found
}

fn is_match<'c>(globs: &mut HashMap<&'c str, GlobMatcher>, pattern: &'c str, key: &str) -> bool {
    globs.entry(pattern).or_insert_with(|| glob(pattern).compile_matcher()).is_match(key)
}

/// A pattern as globset reads it.
pub(crate) fn glob(pattern: &str) -> globset::Glob {
    let text = anchored(pattern);
    GlobBuilder::new(&text).literal_separator(true).empty_alternates(true).build().unwrap()
}

/// A pattern from the root. Without `/` it matches at any depth, and with one at the end everything below.
pub(crate) fn anchored(pattern: &str) -> String {
    let (pattern, below) = pattern.strip_suffix('/').map_or((pattern, ""), |folder| (folder, "/**"));
    match pattern.strip_prefix('/') {
        Some(anchored) => format!("{anchored}{below}"),
        None if pattern.contains('/') => format!("{pattern}{below}"),
        None => format!("**/{pattern}{below}"),
    }
}
