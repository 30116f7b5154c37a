//! Keys → paths, each in the spellings of the mapping.

use crate::model::mapping::UrlRules;
use crate::model::spelling::Spellings;

/// A key with `.` or `..` segments: every client folds them away before it sends the URL, so nothing can be purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has `.` or `..` segments, so no URL leads to it")]
pub struct DotSegments;

/// One path under which an object is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServedPath {
    /// Decoded and without its first `/`.
    pub(crate) path: String,
    /// As clients send it, each spelling once.
    pub(crate) spellings: Vec<String>,
}

impl ServedPath {
    /// The path in these spellings.
    pub(crate) fn new(path: String, spellings: &Spellings) -> Self {
        Self { spellings: spellings.of(&path), path }
    }

    /// The bytes of the path and its spellings.
    pub(crate) fn size(&self) -> usize {
        self.path.len() + self.spellings.iter().map(String::len).sum::<usize>()
    }
}

/// The paths under which an object is served; its own path first, then its aliases.
pub(crate) fn served_paths(rules: &UrlRules, key: &str) -> Result<Vec<ServedPath>, DotSegments> {
    let path = visitor_path(rules, key);
    if has_dot_segments(&path) {
        return Err(DotSegments);
    }
    let (folder, name) = split_folder(&path);
    let mut aliases = Vec::new();
    if rules.index_documents.iter().any(|index| index == name) {
        aliases.push(folder.to_owned());
        if rules.clean_urls && !folder.is_empty() {
            aliases.push(folder.trim_end_matches('/').to_owned());
        }
    }
    if let Some(stem) = name.strip_suffix(".html").filter(|stem| rules.clean_urls && !matches!(*stem, "" | "." | ".."))
    {
        aliases.push(format!("{folder}{stem}"));
    }
    let paths = std::iter::once(path).chain(aliases);
    Ok(paths.map(|path| ServedPath::new(path, &rules.spellings)).collect())
}

/// The path of a key, or of a folder of keys, as visitors request it: decoded and without its first `/`.
pub(crate) fn visitor_path(rules: &UrlRules, key: &str) -> String {
    format!("{}{}", rules.add_prefix, key.strip_prefix(rules.strip_prefix.as_str()).unwrap_or(key))
}

pub(crate) fn has_dot_segments(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// The folder of a path with its final `/` (empty at the root), and the file name.
pub(crate) fn split_folder(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}
