//! The mappings of one bucket, found by prefix.
//!
//! ```text
//!     prefix          head        parent
//!  0  ""              ........    –
//!  1  site1/          site1/..    0
//!  2  site1/blog/     site1/bl    1
//!  3  site1/img/      site1/im    1
//!  4  site2/          site2/..    0
//!
//!  block   │ heads │ entries │ assets │ site1/ │ site1/blog/ │ site1/img/ │ site2/ │ S04.css… │
//!                              └ the bucket's name                                 └ globs
//! ```
//!
//! Entries are sorted by prefix. For the key `site1/blog/2026/a.css`, 2 is the last entry that is not greater than the
//! key. Every other prefix of the key is a prefix of that entry, too, so all are found on the way from it to the root:
//! 2, 1, 0. For `site1/css/a.css`, that way begins at 2 as well, and 2 itself is left out.
//!
//! The search compares heads: the first eight bytes of a prefix behind what all prefixes of the bucket have in common. Only equal
//! heads are followed by a look at the prefixes themselves.
//!
//! An event's keys are of many buckets, so most of this is not in the processor's caches. A bucket is one block of memory,
//! and whatever a lookup needs is in it.

mod entry;

use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::model::change::ChangeKind;
use crate::model::glob::Patterns;
use crate::model::mapping::Mapping;
use crate::route::bucket::entry::{ENTRY, Entry, Globs, Kinds, NEEDS_REGEX, NONE};
use crate::route::program::{self, RelativeKey, TERMINATOR};

/// The mappings of one bucket. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    /// Heads, entries, and the bytes that these name by their places in the block.
    block: Arc<[u8]>,
    /// The lists of globs that need regexes.
    lists: Option<Arc<Vec<Patterns>>>,
    /// How many mappings there are.
    count: u32,
    name_length: u16,
    /// How many bytes all prefixes have in common.
    common: u16,
}

/// The bytes of a head.
const HEAD: usize = 8;

/// The mappings whose prefixes start a key.
pub(crate) struct Candidates<'r> {
    bucket: &'r Bucket,
    key: &'r str,
    /// The next entry on the way to the root.
    next: Option<usize>,
    /// Whether a prefix of the key was found. All that follow are prefixes of it.
    is_of_key: bool,
}

impl<'r> Iterator for Candidates<'r> {
    type Item = Candidate<'r>;

    #[inline]
    fn next(&mut self) -> Option<Candidate<'r>> {
        let Self { bucket, key, .. } = *self;
        loop {
            let entry = bucket.entry(self.next?)?;
            self.next = Some(entry.parent as usize);
            self.is_of_key = self.is_of_key || key.as_bytes().starts_with(bucket.prefix(&entry));
            if self.is_of_key {
                let relative_key = key.get(entry.prefix_length as usize..)?;
                return Some(Candidate { bucket, entry, relative_key });
            }
        }
    }
}

/// A mapping whose prefix starts a key.
pub(crate) struct Candidate<'r> {
    bucket: &'r Bucket,
    entry: Entry,
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
        let Entry { include, exclude, .. } = self.entry;
        (include == Globs(NONE) || is_match(include)) && (exclude == Globs(NONE) || !is_match(exclude))
    }
}

/// How much of a block is read at once: all of a usual one.
const READ_AT_ONCE: usize = 1024;

/// The bytes that processors read together.
const CACHE_LINE: usize = 64;

impl Bucket {
    pub(crate) fn name(&self) -> &[u8] {
        let start = self.count as usize * (HEAD + ENTRY);
        self.bytes(start..start + usize::from(self.name_length))
    }

    /// How many mappings there are.
    pub(crate) fn count(&self) -> usize {
        self.count as usize
    }

    /// The mappings whose prefixes start a key, the longest prefix first.
    pub(crate) fn candidates<'r>(&'r self, key: &'r str) -> Candidates<'r> {
        let next = self.first_greater(key.as_bytes()).checked_sub(1);
        Candidates { bucket: self, key, next, is_of_key: false }
    }

    /// Waits for all of a block that is not in the caches, instead of for one part of it after another: a byte of each cache line
    /// is read, and none depends on another.
    pub(crate) fn read_at_once(&self) {
        let block = self.block.get(..READ_AT_ONCE).unwrap_or(&self.block);
        let lines = block.as_chunks::<CACHE_LINE>().0;
        let last = block.last().copied().unwrap_or_default();
        black_box(lines.iter().fold(last, |all, line| all ^ line[0]));
    }

    /// The index of the first entry whose prefix is greater than a key; 0 for a key that has not what all prefixes have in common.
    fn first_greater(&self, key: &[u8]) -> usize {
        let common = usize::from(self.common);
        let has_common = || self.entry(0).is_some_and(|first| key.get(..common) == self.prefix(&first).get(..common));
        if common > 0 && !has_common() {
            return 0;
        }
        let head = head(key, common);
        let heads = self.bytes(0..self.count as usize * HEAD).as_chunks().0;
        let first_equal = heads.partition_point(|it| u64::from_be_bytes(*it) < head);
        let equal = heads.get(first_equal..).unwrap_or_default();
        if equal.first().is_none_or(|it| u64::from_be_bytes(*it) != head) {
            return first_equal;
        }
        let count = equal.partition_point(|it| u64::from_be_bytes(*it) == head);
        first_true(first_equal..first_equal + count, |index| {
            self.entry(index).is_some_and(|entry| self.prefix(&entry) > key)
        })
    }

    #[inline]
    fn entry(&self, index: usize) -> Option<Entry> {
        let place = self.count as usize * HEAD + index * ENTRY;
        // The index may be NONE, and bytes that are no entry follow the last one.
        if index >= self.count as usize {
            return None;
        }
        Entry::of_bytes(self.block.get(place..)?.first_chunk()?)
    }

    #[inline]
    fn prefix(&self, entry: &Entry) -> &[u8] {
        let start = entry.prefix_at as usize;
        self.bytes(start..start + entry.prefix_length as usize)
    }

    #[inline]
    fn bytes(&self, places: Range<usize>) -> &[u8] {
        self.block.get(places).unwrap_or_default()
    }

    fn is_match(&self, Globs(place): Globs, key: RelativeKey<'_>) -> bool {
        if place & NEEDS_REGEX == 0 {
            let program = self.block.get(place as usize..).unwrap_or_default();
            return program::first_match(program, key, |_| None).is_some();
        }
        let list = self.lists.as_ref().and_then(|lists| lists.get((place ^ NEEDS_REGEX) as usize));
        list.is_some_and(|list| list.is_match(key))
    }
}

/// The first index of a range for which a condition holds, which then holds for all behind it; the range's end if there is none.
fn first_true(range: Range<usize>, is_true: impl Fn(usize) -> bool) -> usize {
    let Range { mut start, mut end } = range;
    while start < end {
        let middle = start.midpoint(end);
        if is_true(middle) { end = middle } else { start = middle + 1 }
    }
    start
}

/// The first eight bytes of a text from a position on, with zeros behind a shorter one, the first byte the most significant. If the
/// heads of two texts differ, the texts have the same order.
fn head(text: &[u8], from: usize) -> u64 {
    let rest = text.get(from..).unwrap_or_default();
    let short = || {
        let mut head = [0; HEAD];
        head.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
        head
    };
    u64::from_be_bytes(rest.first_chunk().copied().unwrap_or_else(short))
}

/// How many bytes the first and the last of some sorted texts begin with alike: then so do all between them.
fn common_length(first: &str, last: &str) -> usize {
    first.bytes().zip(last.bytes()).take_while(|(one, other)| one == other).count().min(u16::MAX.into())
}

/// Builds buckets one after another.
#[derive(Default)]
pub(crate) struct BucketBuilder {
    heads: Vec<u8>,
    entries: Vec<u8>,
    /// What follows the entries: the bucket's name, prefixes, and globs.
    bytes: Vec<u8>,
    /// Where these begin in the block.
    bytes_at: usize,
    lists: Vec<Patterns>,
    /// Where each list is, by its address: mappings share lists.
    known: HashMap<usize, Globs, RandomState>,
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
        let count = sorted.len();
        self.bytes_at = count * (HEAD + ENTRY);
        self.bytes.extend(name.as_bytes());
        let (mut before, mut prefix_at) = ("", self.place());
        // The entries from the root to the last one.
        let mut path: Vec<(&str, u32)> = Vec::new();
        for (index, (prefix, position, mapping)) in (0..).zip(sorted) {
            while path.pop_if(|(parent, _)| !prefix.starts_with(*parent)).is_some() {}
            let parent = path.last().map_or(NONE, |(_, index)| *index);
            path.push((prefix, index));
            if prefix != before {
                (before, prefix_at) = (prefix, self.place());
                self.bytes.extend(prefix.as_bytes());
            }
            let (include, exclude) = (self.globs(&mapping.include), self.globs(&mapping.exclude));
            let (prefix_length, kinds) = (prefix.len() as u32, Kinds::new(&mapping.events));
            let entry = Entry { prefix_at, prefix_length, parent, position, include, exclude, kinds };
            self.heads.extend(head(prefix.as_bytes(), common).to_be_bytes());
            self.entries.extend(entry.to_bytes());
        }
        self.known.clear();
        let lists = (!self.lists.is_empty()).then(|| Arc::new(std::mem::take(&mut self.lists)));
        self.heads.append(&mut self.entries);
        self.heads.append(&mut self.bytes);
        let block = Arc::from(&*self.heads);
        self.heads.clear();
        Bucket { block, lists, count: count as u32, name_length: name.len() as u16, common: common as u16 }
    }

    /// The place in the block of what is added next.
    fn place(&self) -> u32 {
        (self.bytes_at + self.bytes.len()) as u32
    }

    fn globs(&mut self, patterns: &Patterns) -> Globs {
        let Some(address) = patterns.address() else { return Globs(NONE) };
        if let Some(globs) = self.known.get(&address) {
            return *globs;
        }
        let globs = if let Some(program) = patterns.program_without_regex() {
            let place = self.place();
            self.bytes.extend(program);
            self.bytes.extend(TERMINATOR);
            Globs(place)
        } else {
            self.lists.push(patterns.clone());
            Globs((self.lists.len() - 1) as u32 | NEEDS_REGEX)
        };
        self.known.insert(address, globs);
        globs
    }
}

#[cfg(test)]
mod tests;
