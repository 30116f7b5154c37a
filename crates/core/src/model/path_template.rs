//! Paths that depend on the objects of a mapping, as templates such as `/{dir}/feed.xml`.

use std::fmt;

use crate::model::bounds;
use crate::model::code::Code;
use crate::model::invalid::Invalid;
use crate::model::template::Template;

/// A template of a path. Its fields are those of the object's path as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    template: Template,
    /// The same for an object without a folder: `/{dir}/feed.xml` is `/feed.xml` then.
    at_root: Template,
}

impl PathTemplate {
    /// Reads a template, which begins with `/`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = |what: &str, help: &str| Invalid::new(Code::BadAlso, format!("`{text}` {what}"), help);
        if text.contains("://") {
            return Err(bad("is a URL", "write its path: it is purged on all hostnames of the mapping"));
        }
        let Some(path) = text.strip_prefix('/') else {
            return Err(bad("does not begin with `/`", "write the whole path, such as `/feed.xml`"));
        };
        if path.contains(['?', '#']) {
            let help = "write the path alone: it is purged with each of `query_strings`, and without";
            return Err(bad("has a query string or a fragment", help));
        }
        if path.contains('*') {
            return Err(bad("has a `*`, and a purge by URL has no wildcards", "write each path, or purge by prefix"));
        }
        if has_percent_sequence(path) {
            return Err(bad("is percent-encoded", "write it decoded: it is purged in each spelling"));
        }
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(bad("has `.` or `..` segments, which no URL has", "write the path without them"));
        }
        let parse = |path: &str| {
            Template::parse(path)
                .map_err(|bad| Invalid::new(Code::BadAlso, bad.message.replacen('`', "`/", 1), bad.help))
        };
        let template = parse(path)?;
        if template.fields() > bounds::PATH_FIELDS {
            let message = format!("`{text}` has more than {} fields", bounds::PATH_FIELDS);
            return Err(Invalid::new(Code::BadAlso, message, "write fewer"));
        }
        Ok(Self { template, at_root: parse(&path.replace("{dir}/", ""))? })
    }

    /// The bytes of the path for an object's path of this length, at most.
    pub(crate) fn most_bytes(&self, path_length: usize) -> usize {
        self.template.most_bytes(path_length)
    }

    /// Whether it gives the same path for every object.
    pub(crate) fn is_constant(&self) -> bool {
        self.template.fields() == 0
    }

    /// Whether it may give this path, which has no first `/`, for some object.
    pub(crate) fn may_render(&self, path: &str) -> bool {
        self.template.may_render(path) || self.at_root.may_render(path)
    }

    /// The path, without its first `/`, that depends on an object of a bucket with this path.
    pub(crate) fn render(&self, bucket: &str, path: &str) -> String {
        let template = if path.contains('/') { &self.template } else { &self.at_root };
        template.render(bucket, path)
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.template)
    }
}

fn has_percent_sequence(path: &str) -> bool {
    let is_sequence = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    path.split('%').skip(1).any(is_sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_objects() {
        for (template, path, rendered) in [
            ("/", "blog/may.html", ""),
            ("/feed.xml", "blog/may.html", "feed.xml"),
            ("/{dir}/feed.xml", "blog/2026/may.html", "blog/2026/feed.xml"),
            ("/{dir}/feed.xml", "may.html", "feed.xml"),
            ("/{dir}/", "may.html", ""),
            ("/{dir}", "may.html", ""),
            ("/a/{dir}/b", "may.html", "a/b"),
            ("/api/{bucket}/{key}", "blog/may.html", "api/assets/blog/may.html"),
            ("/{dir}/{stem}.{ext}.map", "js/app.min.js", "js/app.min.js.map"),
            ("/100% off/", "a", "100% off/"),
        ] {
            let parsed = PathTemplate::parse(template).unwrap();
            assert_eq!(parsed.render("assets", path), rendered, "{template} of {path}");
            assert!(parsed.may_render(rendered), "{template} may give {rendered}");
            assert_eq!(parsed.to_string(), template);
        }
        for (template, path) in [("/feed.xml", "blog/feed.xml"), ("/{dir}/feed.xml", "feed.html"), ("/a{key}a", "a")] {
            assert!(!PathTemplate::parse(template).unwrap().may_render(path), "{template} gives no {path}");
        }
    }

    #[test]
    fn what_is_no_path() {
        for (text, message) in [
            ("", "`` does not begin with `/`"),
            ("feed.xml", "`feed.xml` does not begin with `/`"),
            ("https://www.website.com/", "`https://www.website.com/` is a URL"),
            ("/search?q=", "`/search?q=` has a query string or a fragment"),
            ("/tags/*", "`/tags/*` has a `*`, and a purge by URL has no wildcards"),
            ("/my%20page", "`/my%20page` is percent-encoded"),
            ("/a/../b", "`/a/../b` has `.` or `..` segments, which no URL has"),
            ("/{folder}/", "`/{folder}/` has the unknown field `{folder}`"),
            ("/{dir", "`/{dir` has a `{` without `}`"),
            ("/{dir}{dir}{dir}{dir}{dir}", "`/{dir}{dir}{dir}{dir}{dir}` has more than 4 fields"),
        ] {
            let invalid = PathTemplate::parse(text).unwrap_err();
            assert_eq!((invalid.code, &*invalid.message), (Code::BadAlso, message));
        }
    }
}
