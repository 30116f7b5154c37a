//! What is remembered of the last purge of an object, so that equal content is not purged again. Decision 45 says why that
//! loses no purge.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use crate::model::names::{BucketName, TeamName};

/// The longest sequencer that is kept. S3's have 16 to 34 digits.
const SEQUENCER_LENGTH: usize = 64;

/// An object, for one of the teams that map it: each remembers its own purges.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TeamObject {
    /// The team.
    pub team: TeamName,
    /// The bucket that the object is in.
    pub bucket: BucketName,
    /// The object's key.
    pub key: String,
}

/// What is remembered of an object. The default: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastPurge {
    /// The content that was purged last; `None` if it is not known for certain that caches hold no other.
    pub content: Option<PurgedContent>,
    /// The newest event of the object.
    pub sequencer: Option<Sequencer>,
    /// How often this was written; 0 if nothing is remembered.
    pub version: u64,
}

/// Content that was purged, and accepted by Cloudflare as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgedContent {
    /// Its ETag.
    pub etag: String,
    /// A hash of all that was purged for it: other items were not purged.
    pub items: u64,
}

/// What is known about the last purges of some objects.
#[derive(Debug, Clone, Default)]
pub struct LastPurges(pub(crate) BTreeMap<TeamObject, Option<LastPurge>>);

impl FromIterator<(TeamObject, Option<LastPurge>)> for LastPurges {
    /// Objects with what is remembered of them; `None` if that could not be read.
    fn from_iter<I: IntoIterator<Item = (TeamObject, Option<LastPurge>)>>(objects: I) -> Self {
        Self(objects.into_iter().collect())
    }
}

/// Which version of an object an event is about. The default: it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObjectVersion {
    /// Whether the event is of content that was written, so that its ETag is that of the content.
    pub writes_content: bool,
    /// The event's place among those of the object.
    pub sequencer: Option<Sequencer>,
}

/// The place of an event among those of the same object: up to 64 hexadecimal digits, of which a shorter one is padded with
/// zeros on the right. It says nothing about events of other objects.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.
#[derive(Clone, Copy)]
pub struct Sequencer {
    /// Two digits a byte, so that the order of bytes is that of sequencers.
    padded: [u8; SEQUENCER_LENGTH / 2],
    /// How many digits were written.
    length: u8,
}

impl Sequencer {
    /// Reads a sequencer; `None` if it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        if !(1..=SEQUENCER_LENGTH).contains(&text.len()) {
            return None;
        }
        let mut padded = [0; SEQUENCER_LENGTH / 2];
        for (byte, digits) in padded.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digit = |index: usize| digits.get(index).map_or(Some(0), |digit| char::from(*digit).to_digit(16));
            *byte = (digit(0)? << 4 | digit(1)?) as u8;
        }
        Some(Self { padded, length: text.len() as u8 })
    }
}

impl fmt::Display for Sequencer {
    /// Its digits, in upper case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.padded.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.take(self.length.into()).try_for_each(|digit| write!(f, "{digit:X}"))
    }
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Ord for Sequencer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.padded.cmp(&other.padded)
    }
}

impl PartialOrd for Sequencer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sequencer {
    fn eq(&self, other: &Self) -> bool {
        self.padded == other.padded
    }
}

impl Eq for Sequencer {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequencers_are_padded_on_the_right() {
        let of = |text| Sequencer::parse(text).unwrap();
        for (one, ordering, other) in [
            ("0055AED6DCD90281E5", Ordering::Less, "0055AED6DCD90281E6"),
            ("0055aed6dcd90281e5", Ordering::Equal, "0055AED6DCD90281E5"),
            ("0055", Ordering::Equal, "005500"),
            ("0055", Ordering::Less, "005501"),
            ("0056", Ordering::Greater, "0055FF"),
        ] {
            assert_eq!(of(one).cmp(&of(other)), ordering, "{one} {other}");
        }
        for wrong in ["", "0x55", "g", &"0".repeat(65)] {
            assert!(Sequencer::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_sequencer_is_written_as_it_was_read() {
        for text in ["0", "0055AED6DCD90281E5", "123", &"F".repeat(64)] {
            assert_eq!(Sequencer::parse(text).unwrap().to_string(), text);
            assert_eq!(Sequencer::parse(&text.to_lowercase()).unwrap().to_string(), text);
        }
    }
}
