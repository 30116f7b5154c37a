//! Text that is mostly short: ids of messages, and ETags. An event has one of each for every record.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

/// The most bytes that need no memory of their own: the ids of SQS's messages have 36, and S3's ETags 32, or up to 38 if an
/// object was uploaded in parts.
const INLINE: usize = 36;

/// Text that needs memory of its own only if it has more than 36 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortText(SmallVec<[u8; INLINE]>);

impl From<&str> for ShortText {
    fn from(text: &str) -> Self {
        Self(SmallVec::from_slice(text.as_bytes()))
    }
}

impl From<String> for ShortText {
    fn from(text: String) -> Self {
        Self(SmallVec::from_vec(text.into_bytes()))
    }
}

impl Deref for ShortText {
    type Target = str;

    fn deref(&self) -> &str {
        // It was made of text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_text_is_kept_and_compared_as_it_is() {
        let texts = ["", "a", "ab", &"é".repeat(18), &"é".repeat(19), "z", &"z".repeat(200)].map(str::to_owned);
        for one in &texts {
            for other in &texts {
                let [short, other_short] = [one, other].map(|text| ShortText::from(text.as_str()));
                assert_eq!((&*short, short == other_short), (one.as_str(), one == other));
                assert_eq!(short.cmp(&other_short), one.cmp(other), "{one} {other}");
                assert_eq!(short, ShortText::from(one.clone()));
            }
        }
    }
}
