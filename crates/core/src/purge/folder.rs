//! Folders that a prefix purge covers.

use crate::model::limits::PREFIX_SEPARATORS;
use crate::purge::paths::{ServedPath, spellings};

/// A folder that can be purged as a prefix; never the root, whose prefix would be the whole host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    /// Decoded, without its first `/` and with its final one.
    path: String,
    /// The folder, or the nearest one above it that Cloudflare accepts as a prefix, as clients send it.
    pub(crate) spellings: Vec<String>,
}

impl Folder {
    /// The folder with this path; `None` for the root.
    pub(crate) fn new(path: String) -> Option<Self> {
        let prefix = nearest_prefix(&path);
        let spellings = if is_root(prefix) { return None } else { spellings(prefix) };
        Some(Self { path, spellings })
    }

    /// Whether a purge of the folder covers this path. It does not cover `foo` of `foo/index.html`.
    pub(crate) fn covers(&self, path: &ServedPath) -> bool {
        path.path.starts_with(&self.path)
    }

    /// The bytes of its path and spellings.
    pub(crate) fn size(&self) -> usize {
        self.path.len() + self.spellings.iter().map(String::len).sum::<usize>()
    }
}

/// Whether this is the root. A server may read `//` as `/`, so a folder of nothing but slashes is the root too.
fn is_root(prefix: &str) -> bool {
    prefix.bytes().all(|byte| byte == b'/')
}

/// The folder, or the nearest one above it that Cloudflare accepts as a prefix. One `/` follows the hostname.
fn nearest_prefix(folder: &str) -> &str {
    match folder.match_indices('/').nth(PREFIX_SEPARATORS - 2) {
        Some((last, _)) => &folder[..=last],
        None => folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_cut_to_slashes_is_the_root() {
        let slashes = "/".repeat(40);
        for (path, is_folder) in [("", false), ("/", false), ("//", false), ("a/", true), ("//a/", true)] {
            assert_eq!(Folder::new(path.to_owned()).is_some(), is_folder, "{path}");
        }
        assert_eq!(Folder::new(format!("{slashes}a/")), None);
    }
}
