//! Globs: all lines but the last are patterns, and the last is a key. A list of patterns matches as its patterns do one
//! by one, and the first that matches is named.

use purge_router_core::glob::{PATTERN_LENGTH, PATTERNS, Pattern, Patterns};

pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (patterns, key) = text.rsplit_once('\n').unwrap_or((&text, ""));
    let mut good = Vec::new();
    for line in patterns.split('\n').take(PATTERNS) {
        match Pattern::parse(line) {
            Ok(pattern) => {
                assert!(line.len() <= PATTERN_LENGTH, "a long pattern is accepted");
                assert_eq!(pattern.as_str(), line);
                good.push(pattern);
            }
            Err(invalid) => assert!(!invalid.message.is_empty() && !invalid.help.is_empty()),
        }
    }
    let Ok(all) = Patterns::new(good.clone()) else { return };
    let alone = good.iter().find(|pattern| {
        let set = Patterns::new(vec![(*pattern).clone()]).expect("a part of a set that compiles");
        set.first_match(key).is_some()
    });
    assert_eq!(all.first_match(key), alone.map(Pattern::as_str), "patterns match differently alone");
}
