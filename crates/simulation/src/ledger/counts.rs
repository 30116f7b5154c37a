//! Counts by name, and texts in which numbers do not matter.

use std::collections::BTreeMap;

/// Adds one to a count.
pub(super) fn count(counts: &mut BTreeMap<String, usize>, name: String) {
    *counts.entry(name).or_default() += 1;
}

/// The text with a `#` for each number.
pub(super) fn without_numbers(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '0'..='9' if short.ends_with('#') => {}
            '0'..='9' => short.push('#'),
            '.' if short.ends_with('#') => {}
            _ => short.push(character),
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_left_out_and_sentences_keep_their_ends() {
        assert_eq!(without_numbers("zone12.example: 0.25 s, 3 times"), "zone#example: # s, # times");
        assert_eq!(without_numbers("none."), "none.");
    }
}
