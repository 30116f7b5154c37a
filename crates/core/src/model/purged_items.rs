//! What earlier receives of a message purged of it, so that its next receive goes on with the rest.
//!
//! A message may need more requests than a rate limit allows in one event. The function then sends it to the retry queue
//! once more, with a hash of each purge that Cloudflare accepted.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The name of the message attribute.
pub const PURGED_ITEMS: &str = "PurgedItems";

/// The bytes of a hash.
const HASH: usize = size_of::<u64>();

/// A hash of one item, with its mode, team, zone and environment: see [`Batch::purge_hash`](crate::Batch::purge_hash).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PurgeHash(u64);

impl PurgeHash {
    pub(crate) fn new(hash: u64) -> Self {
        Self(hash)
    }
}

/// The purges of one message that Cloudflare accepted at earlier receives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgedItems(BTreeSet<PurgeHash>);

impl PurgedItems {
    /// Reads what [`PurgedItems::text`] wrote. Any other text has no items: then all of the message is purged again.
    pub fn parse(text: &str) -> Self {
        let bytes = STANDARD_NO_PAD.decode(text).unwrap_or_default();
        let (hashes, []) = bytes.as_chunks::<HASH>() else { return Self::default() };
        hashes.iter().map(|hash| PurgeHash(u64::from_le_bytes(*hash))).collect()
    }

    /// The value of the message attribute: base64 of 8 bytes for each item.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.0.iter().flat_map(|hash| hash.0.to_le_bytes()).collect();
        STANDARD_NO_PAD.encode(bytes)
    }

    /// Adds items, as long as the text has at most this many bytes.
    pub fn extend_up_to(&mut self, bytes: usize, items: impl IntoIterator<Item = PurgeHash>) {
        let most = bytes * 3 / 4 / HASH;
        for item in items {
            if self.0.len() >= most {
                return;
            }
            self.0.insert(item);
        }
    }

    /// Whether an item was purged.
    pub fn contains(&self, item: PurgeHash) -> bool {
        self.0.contains(&item)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<PurgeHash> for PurgedItems {
    fn from_iter<I: IntoIterator<Item = PurgeHash>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(hashes: impl IntoIterator<Item = u64>) -> PurgedItems {
        hashes.into_iter().map(PurgeHash).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(hashes in prop::collection::vec(any::<u64>(), 0..50)) {
            let items = items(hashes);
            prop_assert_eq!(PurgedItems::parse(&items.text()), items);
        }
    }

    #[test]
    fn another_text_has_no_items() {
        let text = items([1, 2]).text();
        for broken in ["", "a", "/", "AAAA", "not base64", &text[..21], &format!("{text}AA"), &format!("{text}=")] {
            assert_eq!(PurgedItems::parse(broken), PurgedItems::default(), "{broken}");
        }
    }

    #[test]
    fn as_many_items_are_added_as_the_text_may_have_bytes_for() {
        let text = |count| items(0..count).text().len();
        for bytes in 0..200 {
            let mut purged = PurgedItems::default();
            purged.extend_up_to(bytes, (0..).map(PurgeHash));
            let count = purged.len() as u64;
            assert!(purged.text().len() <= bytes && text(count + 1) > bytes, "{count} in {bytes} bytes");
        }
    }
}
