//! How many bytes a hit takes, known before its items exist.

use crate::model::bounds;
use crate::model::mapping::{Mapping, Purge, UrlRules};
use crate::purge::paths::ServedPath;

/// The bytes of one hit, with what comes with it until the plan is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// What it takes even if its mapping escalates.
    pub(super) kept: usize,
    /// The items that become one folder if its mapping escalates.
    pub(super) replaced: usize,
    /// The items that it shares with all hits of its mapping, charged once.
    pub(super) shared: usize,
}

/// The bytes of a mapping's URLs: `bytes_per_url` + `urls` × the length of the spelled path.
#[derive(Debug, Clone, Copy)]
pub(super) struct UrlCost {
    /// How many URLs one spelled path leads to: hostnames × schemes × query strings × sets of headers.
    pub(super) urls: usize,
    /// The bytes of these URLs without the path.
    url_overhead: usize,
}

impl UrlCost {
    pub(super) fn of(mapping: &Mapping) -> Self {
        let UrlRules { schemes, query_strings, vary_headers, .. } = &mapping.urls;
        let hosts = Sum::of(hostname_lengths(mapping));
        let schemes = Sum::of(schemes.iter().map(|scheme| scheme.as_str().len() + "://".len()));
        let queries = Sum::of(query_strings.iter().map(|query| if query.is_empty() { 0 } else { 1 + query.len() }));
        let headers = Sum::of(vary_headers.iter().map(bounds::of_headers));
        let plain = hosts.count.saturating_mul(schemes.count).saturating_mul(queries.count);
        let text = hosts.total * schemes.count * queries.count
            + schemes.total * hosts.count * queries.count
            + queries.total * hosts.count * schemes.count
            + plain * "/".len();
        let variants = 1 + headers.count;
        let url_overhead = variants * (text + plain * bounds::ITEM_OVERHEAD) + plain * headers.total;
        Self { urls: plain * variants, url_overhead }
    }

    /// The bytes of all URLs of some paths.
    pub(super) fn of_paths<'p>(&self, paths: impl Iterator<Item = &'p ServedPath>) -> usize {
        paths.flat_map(|path| &path.spellings).map(|path| self.of_length(path.len())).sum()
    }

    fn of_length(&self, path: usize) -> usize {
        self.urls.saturating_mul(path).saturating_add(self.url_overhead)
    }
}

/// Numbers, and how many there are.
struct Sum {
    count: usize,
    total: usize,
}

impl Sum {
    fn of(numbers: impl Iterator<Item = usize>) -> Self {
        numbers
            .fold(Self { count: 0, total: 0 }, |sum, number| Self { count: sum.count + 1, total: sum.total + number })
    }
}

/// The length of each hostname that the mapping purges, in each of its zones.
pub(super) fn hostname_lengths(mapping: &Mapping) -> impl Iterator<Item = usize> {
    mapping.zones.iter().flat_map(|zone| mapping.hostnames_of(zone)).map(|hostname| hostname.as_str().len())
}

/// The bytes of items with texts of these lengths.
pub(super) fn of_items(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.map(|length| bounds::ITEM_OVERHEAD + length).sum()
}

/// Why a single change of this mapping would be more than an event may hold, if so.
pub fn oversize(mapping: &Mapping) -> Option<String> {
    let (Purge::Urls { .. } | Purge::Prefixes) = mapping.purge else { return None };
    let cost = UrlCost::of(mapping);
    // A path with one alias, and two spellings of each.
    let bytes = cost.of_length(bounds::USUAL_PATH).saturating_mul(4);
    let message = |much: String, most: String| {
        format!("one path leads to {much} (hostnames × schemes × query strings × headers), more than {most}")
    };
    if cost.urls > bounds::URLS_OF_A_PATH {
        return Some(message(format!("{} URLs", cost.urls), bounds::URLS_OF_A_PATH.to_string()));
    }
    (bytes > bounds::EVENT).then(|| message(format!("{bytes} bytes of URLs"), bounds::EVENT.to_string()))
}
