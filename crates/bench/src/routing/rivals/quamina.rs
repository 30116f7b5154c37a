//! quamina: all mappings in one automaton over JSON.
//!
//! A mapping is a pattern of its bucket and of its keys, and its `exclude` another one, whose matches are taken away from
//! those of the first. quamina's `*` also stands for `/`. Its regexps could say what `*` means here, but with those, an
//! automaton of 1,000 mappings took 30 seconds and 2 GB. So where it matters, matches are compared with the globs again.

use fast_glob::glob_match;
use quamina::QuaminaBuilder;

use crate::routing::corpus::{Corpus, Lookup};
use crate::routing::oracle::anchored;
use crate::routing::rivals::rival::Rival;

pub(super) struct Quamina {
    /// Whether a match is of the mapping's `exclude`.
    automaton: quamina::Quamina<(u32, bool)>,
    mappings: Vec<Mapping>,
}

struct Mapping {
    prefix_length: usize,
    include: Globs,
    exclude: Globs,
}

struct Globs {
    patterns: Vec<String>,
    /// Whether quamina's answer is the globs' answer.
    is_exact: bool,
}

impl Quamina {
    pub(super) fn new(corpus: &Corpus) -> Self {
        let builder = QuaminaBuilder::new().with_arena_byte_budget(usize::MAX).with_max_states_per_pattern(usize::MAX);
        let mut automaton = builder.build().unwrap();
        let mut mappings = Vec::new();
        for (index, rule) in (0..).zip(&corpus.rules) {
            let bucket = &corpus.buckets[rule.bucket];
            let mut globs = |texts: &[String], is_exclude: bool| {
                let patterns: Vec<String> = texts.iter().flat_map(|text| expand(&anchored(text))).collect();
                let mut values: Vec<String> = patterns.iter().flat_map(|it| values(&rule.prefix, it)).collect();
                if patterns.is_empty() && !is_exclude {
                    values.push(format!(r#"{{"prefix":"{}"}}"#, rule.prefix));
                }
                if !values.is_empty() {
                    let keys = values.join(",");
                    let pattern = format!(r#"{{"bucket":["{bucket}"],"key":[{keys}]}}"#);
                    automaton.add_pattern((index, is_exclude), &pattern).unwrap();
                }
                let is_exact = patterns.iter().all(|pattern| !needs_check(pattern));
                Globs { patterns, is_exact }
            };
            let (include, exclude) = (globs(&rule.include, false), globs(&rule.exclude, true));
            mappings.push(Mapping { prefix_length: rule.prefix.len(), include, exclude });
        }
        Self { automaton, mappings }
    }
}

impl Rival for Quamina {
    fn find(&self, lookup: &Lookup, found: &mut Vec<u32>) {
        let mut matches = self.automaton.matches_for_event(lookup.json.as_bytes()).unwrap();
        matches.retain(|&(index, is_exclude)| {
            let mapping = &self.mappings[index as usize];
            let globs = if is_exclude { &mapping.exclude } else { &mapping.include };
            let key = &lookup.key()[mapping.prefix_length..];
            globs.is_exact || globs.patterns.iter().any(|pattern| glob_match(pattern, key))
        });
        let hits = matches.iter().filter(|(index, is_exclude)| !is_exclude && !matches.contains(&(*index, true)));
        found.extend(hits.map(|(index, _)| *index));
    }
}

/// The patterns that `{a,b}` stands for.
fn expand(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let (alternates, after) = rest.split_once('}').unwrap();
    alternates.split(',').flat_map(|alternate| expand(&format!("{before}{alternate}{after}"))).collect()
}

/// The values of keys that match a pattern below a prefix, and maybe more.
fn values(prefix: &str, pattern: &str) -> Vec<String> {
    let Some(anywhere) = pattern.strip_prefix("**/") else { return vec![value(&format!("{prefix}{pattern}"))] };
    if anywhere.starts_with('*') {
        return vec![value(&format!("{prefix}{anywhere}"))];
    }
    vec![value(&format!("{prefix}{anywhere}")), value(&format!("{prefix}*/{anywhere}"))]
}

/// The cheapest of quamina's operators.
fn value(pattern: &str) -> String {
    let pattern = pattern.replace("**", "*");
    match pattern.split_once('*') {
        None => format!(r#""{pattern}""#),
        Some((prefix, "")) => format!(r#"{{"prefix":"{prefix}"}}"#),
        _ => format!(r#"{{"wildcard":"{pattern}"}}"#),
    }
}

/// Whether a star of the pattern must not stand for a slash, apart from that of `**/*.css`.
fn needs_check(pattern: &str) -> bool {
    let rest = pattern.strip_prefix("**/").map_or(pattern, |rest| rest.strip_prefix('*').unwrap_or(rest));
    rest.strip_suffix("/**").unwrap_or(rest).contains('*')
}
