//! What one purge names: a URL, a prefix, a host, a tag, or everything; and the body of a request that holds them.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::bounds;
use crate::model::limits::LimitClass;

/// One thing to purge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Item {
    /// A URL.
    Url(String),
    /// A URL whose cache key holds these headers.
    UrlWithHeaders {
        /// The URL.
        url: String,
        /// Header names and values.
        headers: BTreeMap<String, String>,
    },
    /// A host and folder without scheme: `host/dir/`.
    Prefix(String),
    /// A hostname, without scheme and port.
    Host(String),
    /// A cache tag, as an origin's `Cache-Tag` header names it.
    Tag(String),
    /// All that is cached of the zone; the request has no list.
    Everything,
}

impl Item {
    /// The bytes of its text.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Url(text) | Self::Prefix(text) | Self::Host(text) | Self::Tag(text) => text.len(),
            Self::UrlWithHeaders { url, headers } => url.len() + bounds::of_headers(headers),
            Self::Everything => 0,
        }
    }

    /// The method of a request that may hold this item.
    pub fn method(&self) -> Method {
        match self {
            Self::Url(_) => Method::Files,
            Self::UrlWithHeaders { .. } => Method::FilesWithHeaders,
            Self::Prefix(_) => Method::Prefixes,
            Self::Host(_) => Method::Hosts,
            Self::Tag(_) => Method::Tags,
            Self::Everything => Method::Everything,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(text) | Self::Prefix(text) | Self::Host(text) | Self::Tag(text) => f.write_str(text),
            Self::UrlWithHeaders { url, headers } => {
                f.write_str(url)?;
                headers.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
            }
            Self::Everything => f.write_str("everything"),
        }
    }
}

/// The form of a request's body: Cloudflare takes exactly one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `files`, as strings.
    Files,
    /// `files`, as objects. The API's document allows no body with both.
    FilesWithHeaders,
    /// `prefixes`.
    Prefixes,
    /// `hosts`.
    Hosts,
    /// `tags`.
    Tags,
    /// `purge_everything`.
    Everything,
}

impl Method {
    /// The name of the body's field, such as `files`.
    pub fn field(self) -> &'static str {
        match self {
            Self::Files | Self::FilesWithHeaders => "files",
            Self::Prefixes => "prefixes",
            Self::Hosts => "hosts",
            Self::Tags => "tags",
            Self::Everything => "purge_everything",
        }
    }

    /// The rate limit that it counts against.
    pub fn class(self) -> LimitClass {
        match self {
            Self::Files | Self::FilesWithHeaders => LimitClass::Urls,
            _ => LimitClass::Requests,
        }
    }
}

/// The body of a request, such as `{"files": ["https://…"]}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<'b> {
    method: Method,
    items: Vec<&'b Item>,
}

impl<'b> Body<'b> {
    /// The body that names these items, which all have this method.
    pub fn new(method: Method, items: Vec<&'b Item>) -> Self {
        debug_assert!(items.iter().all(|item| item.method() == method), "a body has one method");
        Self { method, items }
    }

    /// The body that names one item.
    pub fn of(item: &'b Item) -> Self {
        Self { method: item.method(), items: vec![item] }
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self.method {
            Method::Everything => map.serialize_entry(self.method.field(), &true)?,
            _ => map.serialize_entry(self.method.field(), &self.items)?,
        }
        map.end()
    }
}
