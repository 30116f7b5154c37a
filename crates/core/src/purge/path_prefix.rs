//! Paths that are purged as prefixes.

use std::borrow::Cow;

use crate::model::limits::PREFIX_SEPARATORS;
use crate::model::mapping::{Mapping, PathRewrite, Purge, QueryStrings, UrlRules};
use crate::model::names::Source;
use crate::purge::paths::{ServedPath, has_dot_segments, split_folder, visitor_path};

/// A path that can be purged as a prefix; never the root, whose prefix would be the whole host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathPrefix {
    /// How the paths that it covers begin, as visitors request them: decoded and without the first `/`.
    covered: String,
    /// The prefix as a purge names it, each spelling once.
    pub(crate) spellings: Vec<Cow<'static, str>>,
}

impl PathPrefix {
    /// The prefix of all objects whose keys begin like this: a folder with its final `/`, or a whole key. If Cloudflare does
    /// not accept it as a prefix, the nearest folder above it; `None` for the root.
    pub(crate) fn of_keys(rules: &UrlRules, beginning: &str) -> Option<Self> {
        let prefix = prefix_path(rules, beginning)?;
        let spellings = rules.spellings.of(&prefix).into_iter().map(|it| Cow::Owned(it.into_owned()));
        Some(Self { covered: visitor_path(rules, beginning).into_owned(), spellings: spellings.collect() })
    }

    /// Whether a purge of the prefix covers this path. The folder `foo/` does not cover `foo`.
    pub(crate) fn covers(&self, path: &ServedPath<'_>) -> bool {
        path.path.starts_with(&*self.covered)
    }

    /// The bytes of its path and spellings.
    pub(crate) fn size(&self) -> usize {
        self.covered.len() + self.spellings.iter().map(|it| it.len()).sum::<usize>()
    }
}

/// How the keys begin that a mapping purges as a prefix, with an object of theirs; `None` if it purges the object by URL.
pub(crate) fn purged_beginning<'k>(mapping: &Mapping, key: &'k str) -> Option<&'k str> {
    match (&mapping.urls.query_strings, &mapping.purge) {
        (QueryStrings::Any, Purge::Urls(_) | Purge::Prefixes) => Some(key),
        (QueryStrings::Each(_), Purge::Prefixes) => Some(split_folder(key).0),
        _ => None,
    }
}

/// The path that a purge by prefix names for keys that begin like this, decoded; `None` for the root.
pub(crate) fn prefix_path(rules: &UrlRules, beginning: &str) -> Option<String> {
    let path = match rules.path_rewrite {
        PathRewrite::Origin => visitor_path(rules, beginning),
        PathRewrite::TransformRule => Cow::Borrowed(beginning),
    };
    let prefix = nearest_prefix(&path);
    (!is_root(prefix) && !has_dot_segments(prefix)).then(|| prefix.to_owned())
}

/// What becomes of a path that visitors request, with its first `/`, behind the zone's Transform Rule: in each spelling that a
/// purge by prefix may name. None if the mapping's paths are not rewritten there.
pub fn paths_after_rule(rules: &UrlRules, path: &str) -> Vec<String> {
    if rules.path_rewrite == PathRewrite::Origin {
        return Vec::new();
    }
    let added = rules.spellings.of(rules.add_prefix.as_str());
    let rests = added.iter().filter_map(|added| path.strip_prefix('/')?.strip_prefix(&**added));
    let stripped = rules.spellings.of(rules.strip_prefix.as_str());
    rests.flat_map(|rest| stripped.iter().map(move |stripped| format!("/{stripped}{rest}"))).collect()
}

/// Whether all objects of a source share a folder that can be purged as a prefix.
pub fn has_shared_prefix(rules: &UrlRules, source: &Source) -> bool {
    PathPrefix::of_keys(rules, source.prefix.as_str()).is_some()
}

/// Whether this is the root. A server may read `//` as `/`, so a folder of nothing but slashes is the root too.
fn is_root(prefix: &str) -> bool {
    prefix.bytes().all(|byte| byte == b'/')
}

/// The path, or the nearest folder above it that Cloudflare accepts as a prefix. One `/` follows the hostname.
fn nearest_prefix(path: &str) -> &str {
    let mut slashes = path.match_indices('/').skip(PREFIX_SEPARATORS - 2);
    match (slashes.next(), slashes.next()) {
        (Some((last, _)), Some(_)) => &path[..=last],
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::Prefix;

    #[test]
    fn a_folder_that_is_cut_to_slashes_is_the_root() {
        let slashes = "/".repeat(40);
        let prefix = |beginning: &str| PathPrefix::of_keys(&UrlRules::default(), beginning);
        for (beginning, is_prefix) in [("", false), ("/", false), ("//", false), ("a/", true), ("//a/", true)] {
            assert_eq!(prefix(beginning).is_some(), is_prefix, "{beginning}");
        }
        assert_eq!(prefix(&format!("{slashes}a/")), None);
    }

    #[test]
    fn behind_a_transform_rule_the_prefix_is_the_path_after_it() {
        let prefix = |text: &str| Prefix::parse(text).unwrap();
        for (strip, add, beginning, origin, transform_rule) in [
            ("uk/", "", "uk/css/", Some("css/"), Some("uk/css/")),
            ("uk/", "", "uk/", None, Some("uk/")),
            ("", "static/", "css/", Some("static/css/"), Some("css/")),
            ("", "static/", "", Some("static/"), None),
            ("uk/", "gb/", "uk/app.css", Some("gb/app.css"), Some("uk/app.css")),
            ("../", "", "../a/", Some("a/"), None),
        ] {
            for (path_rewrite, expected) in
                [(PathRewrite::Origin, origin), (PathRewrite::TransformRule, transform_rule)]
            {
                let (strip_prefix, add_prefix) = (prefix(strip), prefix(add));
                let rules = UrlRules { strip_prefix, add_prefix, path_rewrite, ..UrlRules::default() };
                assert_eq!(prefix_path(&rules, beginning).as_deref(), expected, "{path_rewrite:?} of {beginning}");
            }
        }
    }

    #[test]
    fn a_rule_takes_the_added_prefix_off_and_puts_the_stripped_one_on() {
        let prefix = |text: &str| Prefix::parse(text).unwrap();
        let (strip_prefix, add_prefix) = (prefix("uk/"), prefix("g b/"));
        let path_rewrite = PathRewrite::TransformRule;
        let rules = UrlRules { strip_prefix, add_prefix, path_rewrite, ..UrlRules::default() };
        for path in ["/g%20b/app.css", "/g+b/app.css"] {
            assert_eq!(paths_after_rule(&rules, path), ["/uk/app.css"]);
        }
        assert_eq!(paths_after_rule(&rules, "/app.css"), [""; 0]);
        let rules = UrlRules { path_rewrite: PathRewrite::Origin, ..rules };
        assert_eq!(paths_after_rule(&rules, "/g%20b/app.css"), [""; 0]);
    }

    #[test]
    fn a_path_with_too_many_separators_is_cut_to_a_folder() {
        let folders = "a/".repeat(PREFIX_SEPARATORS - 1);
        for (beginning, prefix) in [
            (format!("{folders}b.css"), format!("{folders}b.css")),
            (format!("{folders}b/"), folders.clone()),
            (format!("{folders}b/c.css"), folders),
        ] {
            let found = PathPrefix::of_keys(&UrlRules::default(), &beginning).unwrap();
            assert_eq!(found.spellings, [prefix], "{beginning}");
        }
    }
}
