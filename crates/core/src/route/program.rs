//! A list of globs as bytes, so that a bucket keeps its globs beside its prefixes in one piece of memory.
//!
//! ```text
//!  *.css, blog/**, img/*.png   →   │S│0│0│4│....  .css│    B│1│5│5│blog/...│blog/│    P│2│9│4│....  .png│img/*.png│
//!                                   │ │ │ │ └ word     └ no text: the word is all of it
//!                                   │ │ │ └ how many bytes of the word count
//!                                   │ │ └ length of the text
//!                                   │ └ index of the pattern in the list
//!                                   └ shape
//! ```
//!
//! The word is what the key must begin with (`B`) or end in (the others), or eight bytes of it. It is compared with eight
//! bytes of the key at once, so most shapes that don't match cost a few instructions. A list that needs regexes keeps them
//! beside its program.
//!
//! A key is compared with one shape after another. The first that matches ends the search, so the pattern that it
//! belongs to is the first of the list that matches.

use std::sync::{Arc, OnceLock};

use globset::{Glob, GlobMatcher};
use memchr::{memchr, memchr_iter, memmem, memrchr_iter};

use crate::route::shape::Shape;

const SUFFIX: u8 = 0;
const NAME: u8 = 1;
const EXACT: u8 = 2;
const BELOW: u8 = 3;
const BELOW_ANYWHERE: u8 = 4;
const PATH: u8 = 5;
const PATH_ANYWHERE: u8 = 6;
/// Without text. The pattern's regex matches.
const REGEX: u8 = 7;
/// Where a list ends, if other bytes follow it.
const END: u8 = 8;

/// What ends a list that other bytes follow.
pub(crate) const TERMINATOR: [u8; HEADER] = [END, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The bytes of a shape before its text.
const HEADER: usize = 12;

/// A glob that needs a regex, which is compiled when a key is first compared with it. It matches in linear time.
#[derive(Debug)]
pub(crate) struct LazyRegex {
    glob: Glob,
    matcher: OnceLock<GlobMatcher>,
}

impl LazyRegex {
    pub(crate) fn new(glob: Glob) -> Self {
        Self { glob, matcher: OnceLock::new() }
    }

    fn is_match(&self, key: &str) -> bool {
        self.matcher.get_or_init(|| self.glob.compile_matcher()).is_match(key)
    }
}

/// What one pattern asks of a key.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// To have one of these shapes.
    Shapes(Vec<Shape>),
    /// To match.
    Regex(Arc<LazyRegex>),
}

/// Appends a pattern to a program.
pub(crate) fn encode(program: &mut Vec<u8>, pattern: u8, condition: &Condition) {
    let Condition::Shapes(shapes) = condition else {
        return program.extend([REGEX, pattern, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    };
    for shape in shapes {
        let (code, text) = match shape {
            Shape::Suffix(text) => (SUFFIX, text),
            Shape::Name(text) => (NAME, text),
            Shape::Exact(text) => (EXACT, text),
            Shape::Below(text) => (BELOW, text),
            Shape::BelowAnywhere(text) => (BELOW_ANYWHERE, text),
            Shape::Path(text) => (PATH, text),
            Shape::PathAnywhere(text) => (PATH_ANYWHERE, text),
        };
        let (counted, word) = match code {
            BELOW => (text.len().min(8), first_word(text.as_bytes())),
            BELOW_ANYWHERE => (0, 0),
            _ => {
                let end = text.rsplit('*').next().unwrap_or_default();
                (end.len().min(8), last_word(end.as_bytes()))
            }
        };
        let text = if code == SUFFIX && counted == text.len() { "" } else { text };
        program.extend([code, pattern, text.len() as u8, counted as u8]);
        program.extend(word.to_le_bytes());
        program.extend(text.as_bytes());
    }
}

/// The first eight bytes, the first of them the least significant.
fn first_word(text: &[u8]) -> u64 {
    let short = || text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    text.first_chunk().map_or_else(short, |bytes| u64::from_le_bytes(*bytes))
}

/// The last eight bytes, the last of them the most significant.
fn last_word(text: &[u8]) -> u64 {
    let short = || text.iter().fold(0, |word, byte| word >> 8 | u64::from(*byte) << 56);
    text.last_chunk().map_or_else(short, |bytes| u64::from_le_bytes(*bytes))
}

/// A key below a mapping's prefix, with what words are compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelativeKey<'k> {
    text: &'k str,
    last_word: u64,
}

impl<'k> RelativeKey<'k> {
    pub(crate) fn new(text: &'k str) -> Self {
        Self { text, last_word: last_word(text.as_bytes()) }
    }

    fn begins_with(&self, word: u64, counted: u8) -> bool {
        let counts = u64::MAX.checked_shr(64 - 8 * u32::from(counted)).unwrap_or(0);
        (first_word(self.text.as_bytes()) ^ word) & counts == 0
    }

    fn ends_in(&self, word: u64, counted: u8) -> bool {
        LAST_BYTES.get(usize::from(counted)).is_some_and(|counts| (self.last_word ^ word) & counts == 0)
    }
}

/// The last bytes of a word, by their number.
const LAST_BYTES: [u64; 9] = [0, MAX << 56, MAX << 48, MAX << 40, MAX << 32, MAX << 24, MAX << 16, MAX << 8, MAX];
const MAX: u64 = u64::MAX;

/// The index of the first pattern that matches a key. `regex` returns the regex of a pattern.
pub(crate) fn first_match<'r>(
    mut program: &[u8],
    key: RelativeKey<'_>,
    regex: impl Fn(u8) -> Option<&'r LazyRegex>,
) -> Option<u8> {
    while let Some((&[code, pattern, length, counted, ref word @ ..], rest)) = program.split_first_chunk::<HEADER>() {
        let (text, rest) = rest.split_at_checked(usize::from(length))?;
        let word = u64::from_le_bytes(*word);
        let is_match = match code {
            END => return None,
            REGEX => regex(pattern).is_some_and(|regex| regex.is_match(key.text)),
            BELOW => key.begins_with(word, counted) && key.text.as_bytes().starts_with(text),
            // Most shapes don't match, and most of those have another end.
            _ if !key.ends_in(word, counted) => false,
            code => has_shape(code, text, counted, key.text.as_bytes()),
        };
        if is_match {
            return Some(pattern);
        }
        program = rest;
    }
    None
}

/// Whether a key whose end is the word's has a shape.
fn has_shape(code: u8, text: &[u8], counted: u8, key: &[u8]) -> bool {
    match code {
        SUFFIX => key.ends_with(text) && key.len() >= usize::from(counted),
        NAME => key.strip_suffix(text).is_some_and(|before| matches!(before.last(), None | Some(b'/'))),
        EXACT => key == text,
        BELOW_ANYWHERE => is_below_anywhere(text, key),
        PATH => is_path(text, key),
        PATH_ANYWHERE => is_path(text, last_segments(key, slashes(text))),
        _ => false,
    }
}

fn is_below_anywhere(folder: &[u8], key: &[u8]) -> bool {
    let mut rest = key;
    loop {
        if rest.first() == folder.first() && rest.starts_with(folder) {
            return true;
        }
        let Some(slash) = memchr(b'/', rest) else { return false };
        rest = rest.get(slash + 1..).unwrap_or_default();
    }
}

fn slashes(text: &[u8]) -> usize {
    memchr_iter(b'/', text).count()
}

/// The end of a key that has so many slashes; the whole key if it has no more.
fn last_segments(key: &[u8], slashes: usize) -> &[u8] {
    let slash_before = memrchr_iter(b'/', key).nth(slashes);
    slash_before.and_then(|slash| key.get(slash + 1..)).unwrap_or(key)
}

/// Whether the segments of a key are those of a pattern, one by one.
fn is_path(pattern: &[u8], key: &[u8]) -> bool {
    let (mut patterns, mut segments) = (pattern.split(is_slash), key.split(is_slash));
    loop {
        match (patterns.next(), segments.next()) {
            (Some(pattern), Some(segment)) if is_segment(pattern, segment) => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

/// Whether a segment is a pattern's: it begins and ends as the pattern does, and what is between two stars comes in this
/// order.
fn is_segment(pattern: &[u8], segment: &[u8]) -> bool {
    let mut literals = pattern.split(|byte| *byte == b'*');
    let start = literals.next().unwrap_or_default();
    let Some(end) = literals.next_back() else { return segment == start };
    let Some(mut rest) = segment.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)) else { return false };
    literals.all(|literal| match find(rest, literal) {
        Some(after) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// What follows the first place of a literal. It takes linear time, whatever a team writes.
fn find<'t>(text: &'t [u8], literal: &[u8]) -> Option<&'t [u8]> {
    text.get(memmem::find(text, literal)? + literal.len()..)
}
