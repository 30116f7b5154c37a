//! Keys → paths, in the spellings that clients send.
//!
//! Cloudflare caches a URL under the spelling that the client sent. Browsers spell a path as the WHATWG URL standard
//! says and leave `+`, `(` or `!` alone (Chromium encodes `|` all the same); SDKs encode all but RFC 3986's unreserved
//! characters. Each spelling is purged.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::mapping::UrlRules;
use crate::model::names::Source;

/// WHATWG's path percent-encode set, and what a key can hold but a path can't: `%` (it would begin a sequence) and
/// `\` (browsers read it as `/`).
const BROWSER: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'%')
    .add(b'\\');

/// Chromium's own set: it encodes `|` too, which the standard leaves alone (seen in Chromium 156).
const CHROMIUM: &AsciiSet = &BROWSER.add(b'|');

/// All but RFC 3986's unreserved characters and the `/` between segments.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A key with `.` or `..` segments: every client folds them away before it sends the URL, so nothing can be purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has `.` or `..` segments, so no URL leads to it")]
pub struct DotSegments;

/// One path under which an object is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServedPath {
    /// Decoded and without its first `/`.
    pub(crate) path: String,
    /// As clients send it: one to three different spellings.
    pub(crate) spellings: Vec<String>,
}

impl ServedPath {
    /// The bytes of the path and its spellings.
    pub(crate) fn size(&self) -> usize {
        self.path.len() + self.spellings.iter().map(String::len).sum::<usize>()
    }
}

/// The paths under which an object is served; its own path first, then its aliases.
pub(crate) fn served_paths(rules: &UrlRules, key: &str) -> Result<Vec<ServedPath>, DotSegments> {
    let rest = key.strip_prefix(rules.strip_prefix.as_str()).unwrap_or(key);
    let path = format!("{}{rest}", rules.add_prefix);
    if path.split('/').any(|segment| segment == "." || segment == "..") {
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
    Ok(paths.map(|path| ServedPath { spellings: spellings(&path), path }).collect())
}

/// The folder of a path with its final `/` (empty at the root), and the file name.
pub(crate) fn split_folder(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}

/// The folder that holds every path of a mapping; empty if they share none.
pub fn shared_folder(rules: &UrlRules, source: &Source) -> String {
    let prefix = source.prefix.as_str();
    format!("{}{}", rules.add_prefix, prefix.strip_prefix(rules.strip_prefix.as_str()).unwrap_or(prefix))
}

/// A path as browsers write it and, where they differ, as Chromium and as RFC 3986 have it.
pub(crate) fn spellings(path: &str) -> Vec<String> {
    let mut spellings: Vec<String> = Vec::with_capacity(3);
    for set in [BROWSER, CHROMIUM, STRICT] {
        let spelling = utf8_percent_encode(path, set).to_string();
        if !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    spellings
}
