//! Keys → paths, each in the spellings of the mapping.

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};

use crate::model::mapping::UrlRules;
use crate::model::spelling::Spellings;

/// A key with `.` or `..` segments: every client folds them away before it sends the URL, so nothing can be purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has `.` or `..` segments, so no URL leads to it")]
pub struct DotSegments;

/// One path under which an object is served. It borrows from the key what is the same there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServedPath<'k> {
    /// Decoded and without its first `/`.
    pub(crate) path: Cow<'k, str>,
    /// As clients send it, each spelling once.
    pub(crate) spellings: SmallVec<[Cow<'k, str>; 1]>,
}

/// The paths under which an object is served; mostly one.
pub(crate) type ServedPaths<'k> = SmallVec<[ServedPath<'k>; 1]>;

impl<'k> ServedPath<'k> {
    /// The path in these spellings.
    pub(crate) fn new(path: Cow<'k, str>, spellings: &Spellings) -> Self {
        let spellings = match &path {
            Cow::Borrowed(path) => spellings.of(path),
            Cow::Owned(path) => spellings.of(path).into_iter().map(|it| Cow::Owned(it.into_owned())).collect(),
        };
        Self { path, spellings }
    }

    /// The bytes of the path and its spellings.
    pub(crate) fn size(&self) -> usize {
        self.path.len() + self.spellings.iter().map(|spelling| spelling.len()).sum::<usize>()
    }
}

/// The paths under which an object is served; its own path first, then its aliases.
pub(crate) fn served_paths<'k>(rules: &UrlRules, key: &'k str) -> Result<ServedPaths<'k>, DotSegments> {
    let path = visitor_path(rules, key);
    if has_dot_segments(&path) {
        return Err(DotSegments);
    }
    let (folder, name) = split_folder(&path);
    let mut lengths: SmallVec<[usize; 3]> = smallvec![path.len()];
    if rules.index_documents.iter().any(|index| index == name) {
        lengths.push(folder.len());
        if rules.clean_urls && !folder.is_empty() {
            lengths.push(folder.trim_end_matches('/').len());
        }
    }
    if let Some(stem) = name.strip_suffix(".html").filter(|stem| rules.clean_urls && !matches!(*stem, "" | "." | ".."))
    {
        lengths.push(folder.len() + stem.len());
    }
    // Each alias is the beginning of the path.
    Ok(lengths.into_iter().map(|length| ServedPath::new(beginning(&path, length), &rules.spellings)).collect())
}

/// The beginning of a path.
fn beginning<'k>(path: &Cow<'k, str>, length: usize) -> Cow<'k, str> {
    match path {
        Cow::Borrowed(path) => Cow::Borrowed(&path[..length]),
        Cow::Owned(path) => Cow::Owned(path[..length].to_owned()),
    }
}

/// The path of a key, or of a folder of keys, as visitors request it: decoded and without its first `/`.
pub(crate) fn visitor_path<'k>(rules: &UrlRules, key: &'k str) -> Cow<'k, str> {
    let path = key.strip_prefix(rules.strip_prefix.as_str()).unwrap_or(key);
    match rules.add_prefix.as_str() {
        "" => Cow::Borrowed(path),
        add_prefix => Cow::Owned(format!("{add_prefix}{path}")),
    }
}

pub(crate) fn has_dot_segments(path: &str) -> bool {
    path.as_bytes().split(|byte| *byte == b'/').any(|segment| matches!(segment, b"." | b".."))
}

/// The folder of a path with its final `/` (empty at the root), and the file name.
pub(crate) fn split_folder(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}
