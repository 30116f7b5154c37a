//! Heads and what prefixes have in common.

use super::*;

#[test]
fn heads_that_differ_have_the_order_of_their_texts() {
    let texts = ["", "a", "a\0", "a\0\0", "ab", "abcdefg", "abcdefgh", "abcdefgh\0", "abcdefghi", "b", "\u{fe}/", "ü/"];
    for (one, other) in texts.iter().flat_map(|one| texts.iter().map(move |other| (one, other))) {
        let heads = head(one.as_bytes(), 0).cmp(&head(other.as_bytes(), 0));
        assert!(heads.is_eq() || heads == one.as_bytes().cmp(other.as_bytes()), "{one:?} {other:?}");
    }
    assert_eq!((head(b"tenants/ab/", 8), head(b"ten", 8)), (u64::from_be_bytes(*b"ab/\0\0\0\0\0"), 0));
}

#[test]
fn sorted_texts_have_in_common_what_the_first_and_last_have() {
    for (first, last, common) in [("", "", 0), ("", "a/", 0), ("a/", "a/", 2), ("a/b/", "a/c/", 2), ("é/", "è/", 1)] {
        assert_eq!(common_length(first, last), common, "{first} {last}");
    }
}
