//! The index beside its naive twins: globs beside globset's regexes, and prefixes beside a comparison with each.

use globset::GlobBuilder;
use proptest::prelude::*;
use proptest::sample::select;

use crate::model::glob::{Pattern, Patterns, from_root};

/// Parts of patterns. Together they make all shapes, what is almost one, and what is no glob.
const PARTS: &[&str] = &[
    "a",
    "b",
    "ab",
    ".",
    ".css",
    "ä",
    "/",
    "/",
    "*",
    "*",
    "**",
    "**/",
    "/**",
    "{a,b}",
    "{,a}",
    "{a,*.css}",
    "{a/,b}",
    "{a{b,},b}",
    "{",
    "}",
    ",",
    "?",
    "[ab]",
    "[!a]",
    "\\",
    "-long-literal-",
    "*.",
    "folder/",
];

/// Parts of keys. Those of patterns, so that keys match.
const SEGMENTS: &[&str] =
    &["a", "b", "ab", ".", ".css", "ä", "/", "/", "-long-literal-", "folder/", "\n", "ba.css", "*"];

fn text(parts: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(select(parts), 0..most).prop_map(|parts| parts.concat())
}

proptest! {
    /// 2,048 pairs in each case: `PROPTEST_CASES=10000` compares 20 million.
    #[test]
    fn a_pattern_means_what_globset_says(
        patterns in prop::collection::vec(text(PARTS, 7), 32),
        keys in prop::collection::vec(text(SEGMENTS, 8), 64),
    ) {
        for text in &patterns {
            let Ok(pattern) = Pattern::parse(text) else { continue };
            let globset = GlobBuilder::new(&from_root(text)).literal_separator(true).empty_alternates(true).build();
            prop_assert!(globset.is_ok(), "`{}` is no glob", text);
            let (list, globset) = (Patterns::new(vec![pattern]).unwrap(), globset.unwrap().compile_matcher());
            for key in &keys {
                prop_assert_eq!(list.first_match(key).is_some(), globset.is_match(key), "`{}` on `{}`", text, key);
            }
        }
    }

    #[test]
    fn a_list_names_the_first_pattern_that_matches(
        texts in prop::collection::vec(text(PARTS, 5), 1..8),
        keys in prop::collection::vec(text(SEGMENTS, 6), 16),
    ) {
        let patterns: Vec<Pattern> = texts.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
        let list = Patterns::new(patterns.clone()).unwrap();
        for key in &keys {
            let alone = |pattern: &&Pattern| {
                Patterns::new(vec![Pattern::clone(pattern)]).unwrap().first_match(key).is_some()
            };
            prop_assert_eq!(list.first_match(key), patterns.iter().find(alone).map(Pattern::as_str), "on `{}`", key);
        }
    }
}
