//! The items of a purge: URLs and prefixes, parsed as text.
//!
//! Nothing is decoded or normalized: the edge's cache key is what the visitor sent, and two spellings of one path are
//! two entries.

use axum::http::{HeaderName, HeaderValue};
use purge_router_core::limits::PREFIX_SEPARATORS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// Reads `http` or `https`, in any case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UrlItem {
    /// The URL as sent.
    pub(crate) text: String,
    pub(crate) scheme: Scheme,
    /// In lower case, without a port: the edge's keys have none.
    pub(crate) host: String,
    /// Path and query as sent, without the fragment; `/` if there is no path.
    pub(crate) target: String,
    /// The headers of the object form.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl UrlItem {
    /// Parses a URL; `None` if no visitor can have requested it.
    pub(crate) fn parse(text: String) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = Scheme::parse(scheme)?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let host = host(authority)?;
        if target.chars().any(|char| char.is_whitespace() || char.is_control()) {
            return None;
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        let target = format!("{slash}{target}");
        Some(Self { scheme, host, target, headers: Vec::new(), text })
    }
}

/// The host of an authority (`host` or `host:port`), in lower case.
pub(crate) fn host(authority: &str) -> Option<String> {
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let valid = is_hostname(host) && port.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| host.to_ascii_lowercase())
}

/// Whether `text` has only characters of hostnames. Underscores are invalid in hostnames, but in use.
pub(crate) fn is_hostname(text: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !text.is_empty() && text.bytes().all(name)
}

/// A prefix to purge: a host and the start of a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PrefixItem {
    /// In lower case.
    pub(crate) host: String,
    /// From the first `/`; `/` if there is none.
    pub(crate) path: String,
}

impl PrefixItem {
    /// Parses a prefix. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains("://") {
            return Err("has a scheme");
        }
        if text.contains(['?', '#']) {
            return Err("has a query or fragment");
        }
        if text.matches('/').count() > PREFIX_SEPARATORS {
            return Err("has more than 31 separators");
        }
        let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { host: host.to_ascii_lowercase(), path: path.to_owned() })
    }

    /// Whether a path, with or without a query, starts with it.
    pub(crate) fn covers(&self, target: &str) -> bool {
        target.split('?').next().is_some_and(|path| path.starts_with(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_but_not_changed() {
        for (text, scheme, host, target) in [
            ("https://a.example", Scheme::Https, "a.example", "/"),
            ("HTTP://A.Example:8080/B", Scheme::Http, "a.example", "/B"),
            ("https://a.example?x=1", Scheme::Https, "a.example", "/?x=1"),
            ("https://a.example/?x=1#part", Scheme::Https, "a.example", "/?x=1"),
            ("https://a.example/a%20b/../%C3%A9é?q='1'", Scheme::Https, "a.example", "/a%20b/../%C3%A9é?q='1'"),
        ] {
            let url = UrlItem::parse(text.to_owned()).unwrap();
            assert_eq!((url.scheme, &*url.host, &*url.target), (scheme, host, target), "{text}");
        }
        for text in [
            "",
            "a.example/x",
            "//a.example/x",
            "ftp://a.example/x",
            "https://",
            "https:///x",
            "https://a b/x",
            "https://user@a.example/",
            "https://a.example:port/",
            "https://a.example/a b",
            "https://a.example/a\nb",
        ] {
            assert_eq!(UrlItem::parse(text.to_owned()), None, "{text}");
        }
    }

    #[test]
    fn a_prefix_covers_paths_and_ignores_queries() {
        let prefix = PrefixItem::parse("A.example/dir/").unwrap();
        assert_eq!(prefix, PrefixItem { host: "a.example".into(), path: "/dir/".into() });
        for (target, covered) in
            [("/dir/", true), ("/dir/a?b", true), ("/dir", false), ("/Dir/", false), ("/other?/dir/", false)]
        {
            assert_eq!(prefix.covers(target), covered, "{target}");
        }
        assert!(PrefixItem::parse("a.example").unwrap().covers("/x"));
    }
}
