//! The keys that a path may be served for, as expressions over the path.

use crate::model::mapping::{Mapping, PathRewrite};
use crate::tag_rule::literal::literal;

/// The path with its percent sequences decoded. A `+` becomes a space, as S3 reads it.
const PATH: &str = "url_decode(http.request.uri.path)";

/// How a key is computed from a path.
pub(super) struct KeyOfPath {
    /// The key, as an expression.
    expression: String,
}

/// A key that a path may be served for: that of the path, with a suffix.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The key of the path, as an expression, without the suffix.
    pub(super) key: String,
    /// Such as `.html`, or an index document with the `/` before it.
    pub(super) suffix: String,
    pub(super) of: Of,
}

/// What the path of a candidate is to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The key's own path, which does not end in `/`.
    File,
    /// The key's path without its extension.
    CleanUrl,
    /// The folder of the key, without a `/` at the end, so that the suffix begins with it.
    CleanFolder,
    /// The folder of the key, with a `/` at the end.
    Folder,
}

impl KeyOfPath {
    pub(super) fn of(mapping: &Mapping) -> Self {
        let rules = &mapping.urls;
        let (stripped, added) = match rules.path_rewrite {
            PathRewrite::Origin => (rules.strip_prefix.as_str(), rules.add_prefix.as_str()),
            PathRewrite::TransformRule => ("", ""),
        };
        let rest = format!("substring({PATH}, {})", "/".len() + added.len());
        let expression = if stripped.is_empty() { rest } else { format!("concat({}, {rest})", literal(stripped)) };
        Self { expression }
    }

    /// The keys that a path may be served for, if it ends in `/` or not.
    pub(super) fn candidates(&self, mapping: &Mapping, is_folder: bool) -> Vec<Candidate> {
        let rules = &mapping.urls;
        let candidate = |suffix: String, of| Candidate { key: self.expression.clone(), suffix, of };
        let documents = rules.index_documents.iter();
        if is_folder {
            // An object may also be a folder itself.
            let own = candidate(String::new(), Of::Folder);
            return [own].into_iter().chain(documents.map(|name| candidate(name.clone(), Of::Folder))).collect();
        }
        let mut candidates = vec![candidate(String::new(), Of::File)];
        if rules.clean_urls {
            candidates.push(candidate(".html".to_owned(), Of::CleanUrl));
            candidates.extend(documents.map(|name| candidate(format!("/{name}"), Of::CleanFolder)));
        }
        candidates
    }
}

impl Candidate {
    /// Whether only a regular expression finds the folder of the key, or its file name.
    pub(super) fn has_unknown_folder(&self) -> bool {
        matches!(self.of, Of::File | Of::CleanUrl)
    }

    /// The file name's stem and extension, where they do not depend on the path.
    pub(super) fn stem_and_ext(&self) -> (&str, &str) {
        let name = self.suffix.trim_start_matches('/');
        match name.rsplit_once('.') {
            Some((stem, ext)) if !stem.is_empty() || self.of == Of::CleanUrl => (stem, ext),
            _ => (name, ""),
        }
    }
}
