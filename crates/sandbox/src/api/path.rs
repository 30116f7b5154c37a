//! Paths of the API, and the ids in them.

use axum::http::Uri;

use crate::answer::Refusal;

/// The prefix of every path.
pub(crate) const BASE: &str = "/client/v4";

/// The path's segment after `collection`, which is the first after [`BASE`].
pub(crate) fn segment<'a>(uri: &'a Uri, collection: &str) -> Option<&'a str> {
    let mut segments = uri.path().strip_prefix(BASE)?.strip_prefix('/')?.split('/');
    segments.next().filter(|first| *first == collection)?;
    segments.next()
}

/// The environment of Version Management in the path of a purge; `None` for production.
pub(crate) fn environment(uri: &Uri) -> Option<&str> {
    let (_, rest) = uri.path().split_once("/environments/")?;
    rest.split('/').next()
}

/// The answer for a path without a route.
pub(crate) fn not_found(uri: &Uri) -> Refusal {
    let path = uri.path();
    Refusal::unrouted(path.strip_prefix(BASE).unwrap_or(path))
}
