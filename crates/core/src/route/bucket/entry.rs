//! What a bucket's block says of a mapping.

use crate::model::change::ChangeKind;

/// The bytes of an entry.
pub(super) const ENTRY: usize = 28;

/// What a lookup needs to know of a mapping.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) prefix_at: u32,
    pub(super) prefix_length: u32,
    /// The last entry before this one whose prefix starts this one's prefix; [`NONE`] if there is none.
    pub(super) parent: u32,
    /// The mapping's position among those of the bucket.
    pub(super) position: u32,
    pub(super) include: Globs,
    pub(super) exclude: Globs,
    pub(super) kinds: Kinds,
}

impl Entry {
    pub(super) fn to_bytes(self) -> [u8; ENTRY] {
        let Self { prefix_at, prefix_length, parent, position, include, exclude, kinds } = self;
        let words = [prefix_at, prefix_length, parent, position, include.0, exclude.0, kinds.0];
        let mut bytes = [0; ENTRY];
        bytes.as_chunks_mut::<4>().0.iter_mut().zip(words).for_each(|(to, word)| *to = word.to_le_bytes());
        bytes
    }

    #[inline]
    pub(super) fn of_bytes(bytes: &[u8; ENTRY]) -> Option<Self> {
        let &[prefix_at, prefix_length, parent, position, include, exclude, kinds] = bytes.as_chunks::<4>().0 else {
            return None;
        };
        let word = u32::from_le_bytes;
        Some(Self {
            prefix_at: word(prefix_at),
            prefix_length: word(prefix_length),
            parent: word(parent),
            position: word(position),
            include: Globs(word(include)),
            exclude: Globs(word(exclude)),
            kinds: Kinds(word(kinds)),
        })
    }
}

/// No parent, or no list of globs.
pub(super) const NONE: u32 = u32::MAX;

/// Set if a list is among `Bucket::lists`.
pub(super) const NEEDS_REGEX: u32 = 1 << 31;

/// A list of globs: its place in `Bucket::block`, its index in `Bucket::lists` with [`NEEDS_REGEX`], or [`NONE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Globs(pub(super) u32);

/// A set of kinds of change, a bit for each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds(u32);

impl Kinds {
    pub(super) fn new(kinds: &[ChangeKind]) -> Self {
        Self(kinds.iter().fold(0, |bits, kind| bits | 1 << *kind as u32))
    }

    pub(super) fn contains(self, kind: ChangeKind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }
}
