//! A URL that was purged, in the parts of which a mapping made it.

use crate::model::mapping::Mapping;
use crate::model::zone::Zone;
use crate::purge::paths::ServedPath;

/// A URL as a purge names it: `scheme://host/path?query`.
pub(crate) struct UrlParts<'u> {
    scheme: &'u str,
    host: &'u str,
    /// Without the first `/`.
    path: &'u str,
    /// Empty if there is none.
    query: &'u str,
}

impl<'u> UrlParts<'u> {
    /// The parts of a URL; `None` if no purge names it so.
    pub(crate) fn of(url: &'u str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (host, rest) = rest.split_once('/')?;
        // Paths are encoded, so that a `?` begins the query string.
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let has_bare_mark = query.is_empty() && path.len() < rest.len();
        (!has_bare_mark).then_some(Self { scheme, host, path, query })
    }

    /// Whether a mapping purges it in one zone for one of these paths with these query strings.
    pub(crate) fn is_of<'i, 'k: 'i, 'r>(
        &self,
        mapping: &Mapping,
        zone: &Zone,
        mut paths: impl Iterator<Item = &'i ServedPath<'k>>,
        mut query_strings: impl Iterator<Item = &'r str>,
    ) -> bool {
        mapping.purges_host(zone, self.host)
            && mapping.urls.schemes.iter().any(|scheme| scheme.as_str() == self.scheme)
            && query_strings.any(|query| query == self.query)
            && paths.any(|path| path.spellings.iter().any(|spelling| spelling == self.path))
    }
}
