//! What is remembered of the last purge of an object, so that equal content is not purged again. Decision 45 says why that
//! loses no purge.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::model::names::{BucketName, TeamName};

/// The longest sequencer, and the longest ETag, that is kept. S3's have 16 to 34, and 32 to 38 characters.
const SEQUENCER_LENGTH: usize = 64;
const ETAG_LENGTH: usize = 128;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectVersion {
    /// The ETag of the content that was written. `None` for other kinds of changes, and for copies: a copy of an object to
    /// itself changes what is served, such as its Content-Type, and not the ETag.
    pub etag: Option<String>,
    /// The event's place among those of the object.
    pub sequencer: Option<Sequencer>,
}

impl ObjectVersion {
    /// What an event says. What is not of the documented form, or too long, counts as missing.
    pub(crate) fn of(etag: Option<&str>, sequencer: Option<&str>) -> Self {
        let is_etag =
            |etag: &&str| (1..=ETAG_LENGTH).contains(&etag.len()) && etag.bytes().all(|b| b.is_ascii_graphic());
        Self { etag: etag.filter(is_etag).map(str::to_owned), sequencer: sequencer.and_then(Sequencer::parse) }
    }
}

/// The place of an event among those of the same object: hexadecimal, of any length. It says nothing about events of other
/// objects. Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.
#[derive(Debug, Clone)]
pub struct Sequencer(String);

impl Sequencer {
    /// Reads a sequencer; `None` if it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid = (1..=SEQUENCER_LENGTH).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_valid.then(|| Self(text.to_ascii_uppercase()))
    }

    /// Its digits, in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for Sequencer {
    /// The shorter one is padded with zeros on the right.
    fn cmp(&self, other: &Self) -> Ordering {
        let padded =
            |it: &Self| it.0.bytes().chain(std::iter::repeat(b'0')).take(SEQUENCER_LENGTH).collect::<Vec<u8>>();
        padded(self).cmp(&padded(other))
    }
}

impl PartialOrd for Sequencer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sequencer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
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
    fn what_is_no_etag_counts_as_missing() {
        let etag = |text| ObjectVersion::of(Some(text), None).etag;
        for text in ["d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e-2", "\"quoted\""] {
            assert_eq!(etag(text).as_deref(), Some(text));
        }
        for text in ["", "a b", "ü", &"a".repeat(129)] {
            assert_eq!(etag(text), None, "{text}");
        }
    }
}
