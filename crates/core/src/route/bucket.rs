//! The mappings of one bucket, found by prefix.
//!
//! ```text
//!     prefix          head        parent       bytes
//!  0  ""              ........    –            assets│site1/│site1/blog/│site1/img/│site2/│S04.css…
//!  1  site1/          site1/..    0            └ the bucket's name                        └ globs
//!  2  site1/blog/     site1/bl    1
//!  3  site1/img/      site1/im    1
//!  4  site2/          site2/..    0
//! ```
//!
//! Entries are sorted by prefix. For the key `site1/blog/2026/a.css`, 2 is the last entry that is not greater than the
//! key. Every other prefix of the key is a prefix of that entry, too, so all are found on the way from it to the root:
//! 2, 1, 0. For `site1/css/a.css`, that way begins at 2 as well, and 2 itself is left out.
//!
//! The search compares heads: the first eight bytes of a prefix behind what all prefixes of the bucket have in common. Only equal
//! heads are followed by a look at the prefixes themselves.
//!
//! An event's keys are of many buckets, so most of this is not in the processor's caches. Entries and bytes are one piece
//! of memory each, and whatever a lookup needs is in them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use crate::model::change::ChangeKind;
use crate::model::glob::Patterns;
use crate::model::mapping::Mapping;
use crate::route::program::{self, RelativeKey, TERMINATOR};

/// The mappings of one bucket. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    entries: Arc<[Entry]>,
    /// The bucket's name, prefixes, and globs.
    bytes: Arc<[u8]>,
    /// The lists of globs that need regexes.
    lists: Option<Arc<[Patterns]>>,
    name_length: u16,
    /// How many bytes all prefixes have in common.
    common: u16,
}

/// What a lookup needs to know of a mapping.
#[derive(Debug)]
struct Entry {
    head: [u8; 8],
    prefix_at: u32,
    prefix_length: u32,
    /// The last entry before this one whose prefix starts this one's prefix; [`NONE`] if there is none.
    parent: u32,
    /// The mapping's position among those of the bucket.
    position: u32,
    include: Globs,
    exclude: Globs,
    kinds: Kinds,
}

/// No parent, or no list of globs.
const NONE: u32 = u32::MAX;

/// Set if a list is among [`Bucket::lists`].
const NEEDS_REGEX: u32 = 1 << 31;

/// A list of globs: its place in [`Bucket::bytes`], its index in [`Bucket::lists`] with [`NEEDS_REGEX`], or [`NONE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Globs(u32);

/// A set of kinds of change, a bit for each.
#[derive(Debug, Clone, Copy)]
struct Kinds(u8);

impl Kinds {
    fn new(kinds: &[ChangeKind]) -> Self {
        Self(kinds.iter().fold(0, |bits, kind| bits | 1 << *kind as u8))
    }

    fn contains(self, kind: ChangeKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }
}

/// A mapping whose prefix starts a key.
pub(crate) struct Candidate<'r> {
    bucket: &'r Bucket,
    entry: &'r Entry,
    relative_key: &'r str,
}

impl Candidate<'_> {
    /// The mapping's position among those of the bucket.
    pub(crate) fn position(&self) -> usize {
        self.entry.position as usize
    }

    /// Whether the mapping accepts a kind of change.
    pub(crate) fn accepts(&self, kind: ChangeKind) -> bool {
        self.entry.kinds.contains(kind)
    }

    /// Whether the mapping's globs accept the key.
    pub(crate) fn is_match(&self) -> bool {
        let key = RelativeKey::new(self.relative_key);
        let is_match = |globs| self.bucket.is_match(globs, key);
        let Entry { include, exclude, .. } = *self.entry;
        (include == Globs(NONE) || is_match(include)) && (exclude == Globs(NONE) || !is_match(exclude))
    }
}

impl Bucket {
    pub(crate) fn name(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.name_length)).unwrap_or_default()
    }

    /// The mappings whose prefixes start a key, the longest prefix first.
    pub(crate) fn candidates<'r>(&'r self, key: &'r str) -> impl Iterator<Item = Candidate<'r>> {
        let not_greater = self.first_greater(key.as_bytes());
        let entry = |index: usize| self.entries.get(index);
        let to_root = std::iter::successors(entry(not_greater.wrapping_sub(1)), move |it| entry(it.parent as usize));
        // The prefixes of a prefix of the key are prefixes of the key.
        let of_key = to_root.skip_while(move |entry| !key.as_bytes().starts_with(self.prefix(entry)));
        of_key.filter_map(move |entry| {
            let relative_key = key.get(entry.prefix_length as usize..)?;
            Some(Candidate { bucket: self, entry, relative_key })
        })
    }

    /// The index of the first entry whose prefix is greater than a key; 0 for a key that has not what all prefixes have in common.
    fn first_greater(&self, key: &[u8]) -> usize {
        let common = usize::from(self.common);
        let has_common =
            self.entries.first().is_some_and(|first| key.get(..common) == self.prefix(first).get(..common));
        if !has_common {
            return 0;
        }
        let head = head(key, common);
        let is_not_greater = |entry: &Entry| match entry.head.cmp(&head) {
            Ordering::Equal => self.prefix(entry) <= key,
            order => order.is_lt(),
        };
        self.entries.partition_point(is_not_greater)
    }

    fn prefix(&self, entry: &Entry) -> &[u8] {
        let start = entry.prefix_at as usize;
        self.bytes.get(start..start + entry.prefix_length as usize).unwrap_or_default()
    }

    fn is_match(&self, Globs(place): Globs, key: RelativeKey<'_>) -> bool {
        if place & NEEDS_REGEX == 0 {
            let program = self.bytes.get(place as usize..).unwrap_or_default();
            return program::first_match(program, key, |_| None).is_some();
        }
        let list = self.lists.as_ref().and_then(|lists| lists.get((place ^ NEEDS_REGEX) as usize));
        list.is_some_and(|list| list.is_match(key))
    }
}

/// The first eight bytes of a text from a position on, with zeros behind a shorter one. If the heads of two texts differ, the
/// texts have the same order.
fn head(text: &[u8], from: usize) -> [u8; 8] {
    let rest = text.get(from..).unwrap_or_default();
    let short = || {
        let mut head = [0; 8];
        head.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
        head
    };
    rest.first_chunk().copied().unwrap_or_else(short)
}

/// How many bytes the first and the last of some sorted texts begin with alike: then so do all between them.
fn common_length(first: &str, last: &str) -> usize {
    first.bytes().zip(last.bytes()).take_while(|(one, other)| one == other).count().min(u16::MAX.into())
}

/// Builds buckets one after another.
#[derive(Default)]
pub(crate) struct BucketBuilder {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    lists: Vec<Patterns>,
    /// Where each list is, by its address: mappings share lists.
    known: HashMap<usize, Globs>,
}

impl BucketBuilder {
    /// The mappings of a bucket, each at its position.
    pub(crate) fn build<'m>(&mut self, name: &str, mappings: impl Iterator<Item = &'m Mapping>) -> Bucket {
        let mut sorted: Vec<(&str, u32, &Mapping)> = (0..)
            .zip(mappings)
            .map(|(position, mapping)| (mapping.source.prefix.as_str(), position, mapping))
            .collect();
        sorted.sort_unstable_by_key(|(prefix, position, _)| (*prefix, *position));
        let common = match (sorted.first(), sorted.last()) {
            (Some((first, ..)), Some((last, ..))) => common_length(first, last),
            _ => 0,
        };
        self.bytes.extend(name.as_bytes());
        let (mut before, mut prefix_at) = ("", self.bytes.len() as u32);
        // The entries from the root to the last one.
        let mut path: Vec<(&str, u32)> = Vec::new();
        for (index, (prefix, position, mapping)) in (0..).zip(sorted) {
            while path.pop_if(|(parent, _)| !prefix.starts_with(*parent)).is_some() {}
            let parent = path.last().map_or(NONE, |(_, index)| *index);
            path.push((prefix, index));
            if prefix != before {
                (before, prefix_at) = (prefix, self.bytes.len() as u32);
                self.bytes.extend(prefix.as_bytes());
            }
            let (include, exclude) = (self.globs(&mapping.include), self.globs(&mapping.exclude));
            let (prefix_length, kinds) = (prefix.len() as u32, Kinds::new(&mapping.events));
            let head = head(prefix.as_bytes(), common);
            self.entries.push(Entry { head, prefix_at, prefix_length, parent, position, include, exclude, kinds });
        }
        self.known.clear();
        let lists = (!self.lists.is_empty()).then(|| self.lists.drain(..).collect());
        let (entries, bytes) = (self.entries.drain(..).collect(), Arc::from(&*self.bytes));
        self.bytes.clear();
        Bucket { entries, bytes, lists, name_length: name.len() as u16, common: common as u16 }
    }

    fn globs(&mut self, patterns: &Patterns) -> Globs {
        let Some(address) = patterns.address() else { return Globs(NONE) };
        if let Some(globs) = self.known.get(&address) {
            return *globs;
        }
        let globs = if let Some(program) = patterns.program_without_regex() {
            let start = self.bytes.len() as u32;
            self.bytes.extend(program);
            self.bytes.extend(TERMINATOR);
            Globs(start)
        } else {
            self.lists.push(patterns.clone());
            Globs((self.lists.len() - 1) as u32 | NEEDS_REGEX)
        };
        self.known.insert(address, globs);
        globs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_that_differ_have_the_order_of_their_texts() {
        let texts =
            ["", "a", "a\0", "a\0\0", "ab", "abcdefg", "abcdefgh", "abcdefgh\0", "abcdefghi", "b", "\u{fe}/", "ü/"];
        for (one, other) in texts.iter().flat_map(|one| texts.iter().map(move |other| (one, other))) {
            let heads = head(one.as_bytes(), 0).cmp(&head(other.as_bytes(), 0));
            assert!(heads.is_eq() || heads == one.as_bytes().cmp(other.as_bytes()), "{one:?} {other:?}");
        }
        assert_eq!((head(b"tenants/ab/", 8), head(b"ten", 8)), (*b"ab/\0\0\0\0\0", [0; 8]));
    }

    #[test]
    fn sorted_texts_have_in_common_what_the_first_and_last_have() {
        for (first, last, common) in [("", "", 0), ("", "a/", 0), ("a/", "a/", 2), ("a/b/", "a/c/", 2), ("é/", "è/", 1)]
        {
            assert_eq!(common_length(first, last), common, "{first} {last}");
        }
    }
}
