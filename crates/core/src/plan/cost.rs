//! How many bytes a hit takes, known before its items exist.

use std::borrow::Cow;

use crate::model::bounds;
use crate::model::mapping::{Listings, Mapping, Purge, UrlRules};
use crate::purge::urls::{dependent_query_strings, object_query_strings};

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

/// The items that one spelled path, or one spelled folder, of a mapping leads to.
#[derive(Debug, Clone, Copy)]
pub(super) struct ItemsPerPath {
    pub(super) count: usize,
    /// The bytes of these items without the path.
    overhead: usize,
}

impl ItemsPerPath {
    /// URLs of an object: hostnames × schemes × query strings × sets of headers.
    pub(super) fn urls(mapping: &Mapping, hosts: Lengths) -> Self {
        Self::with_query_strings(mapping, hosts, object_query_strings(&mapping.urls))
    }

    /// URLs of what depends on an object.
    pub(super) fn dependent_urls(mapping: &Mapping, hosts: Lengths) -> Self {
        Self::with_query_strings(mapping, hosts, dependent_query_strings(&mapping.urls))
    }

    fn with_query_strings<'q>(mapping: &Mapping, hosts: Lengths, query_strings: impl Iterator<Item = &'q str>) -> Self {
        let UrlRules { schemes, vary_headers, .. } = &*mapping.urls;
        let schemes = Lengths::of(schemes.iter().map(|scheme| scheme.as_str().len() + "://".len()));
        let queries = Lengths::of(query_strings.map(|query| if query.is_empty() { 0 } else { 1 + query.len() }));
        let headers = Lengths::of(vary_headers.iter().map(bounds::of_headers));
        let plain = hosts.count.saturating_mul(schemes.count).saturating_mul(queries.count);
        let bytes_of_plain = hosts.total * schemes.count * queries.count
            + schemes.total * hosts.count * queries.count
            + queries.total * hosts.count * schemes.count
            + plain * ("/".len() + bounds::ITEM_OVERHEAD);
        let variants = 1 + headers.count;
        Self { count: plain * variants, overhead: variants * bytes_of_plain + plain * headers.total }
    }

    /// Prefixes: one on each hostname.
    pub(super) fn prefixes(hosts: Lengths) -> Self {
        Self { count: hosts.count, overhead: hosts.of_items() + hosts.count * "/".len() }
    }

    /// The bytes of the items of all these spellings.
    pub(super) fn bytes(self, spellings: &[Cow<'_, str>]) -> usize {
        spellings.iter().map(|path| self.bytes_of_length(path.len())).sum()
    }

    fn bytes_of_length(self, path: usize) -> usize {
        self.count.saturating_mul(path).saturating_add(self.overhead)
    }
}

/// How many strings there are, and how many bytes they have together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) count: usize,
    total: usize,
}

impl Lengths {
    pub(super) fn of(lengths: impl Iterator<Item = usize>) -> Self {
        lengths
            .fold(Self { count: 0, total: 0 }, |sum, length| Self { count: sum.count + 1, total: sum.total + length })
    }

    /// The hostnames that the mapping purges in its zones.
    pub(super) fn of_hostnames(mapping: &Mapping) -> Self {
        let hostnames = mapping.zones.iter().flat_map(|zone| mapping.hostnames_of(zone));
        Self::of(hostnames.map(|hostname| hostname.as_str().len()))
    }

    /// The bytes of items with these strings.
    pub(super) fn of_items(self) -> usize {
        self.count * bounds::ITEM_OVERHEAD + self.total
    }
}

/// Why a single change of this mapping would be more than an event may hold, if so.
pub fn oversize(mapping: &Mapping) -> Option<String> {
    let hosts = Lengths::of_hostnames(mapping);
    let urls = match mapping.purge {
        Purge::Urls(_) | Purge::Prefixes => ItemsPerPath::urls(mapping, hosts),
        Purge::Tags(_) | Purge::Hosts | Purge::Everything => ItemsPerPath { count: 0, overhead: 0 },
    };
    if urls.count > bounds::URLS_OF_A_PATH {
        let (count, limit) = (urls.count, bounds::URLS_OF_A_PATH);
        return Some(format!("one path leads to {count} URLs ({FACTORS}), more than {limit}"));
    }
    // A path with one alias, and two spellings of each.
    let objects = urls.bytes_of_length(bounds::USUAL_PATH).saturating_mul(4);
    let dependents = dependents(mapping);
    let per_dependent = ItemsPerPath::dependent_urls(mapping, hosts).bytes_of_length(bounds::USUAL_PATH);
    let bytes = objects.saturating_add(per_dependent.saturating_mul(2 * dependents));
    let subject = match dependents {
        0 => format!("one path leads to {bytes} bytes of URLs ({FACTORS})"),
        _ => format!("one change leads to {bytes} bytes of URLs ({FACTORS}, each also for `also` and `listings`)"),
    };
    (bytes > bounds::EVENT).then(|| format!("{subject}, more than {}", bounds::EVENT))
}

const FACTORS: &str = "hostnames × schemes × query strings × headers";

/// How many paths depend on a usual object of the mapping.
fn dependents(mapping: &Mapping) -> usize {
    let listings = match mapping.urls.listings {
        Listings::None => 0,
        Listings::Parent => 1,
        Listings::Ancestors => bounds::USUAL_DEPTH,
    };
    match mapping.purge {
        Purge::Hosts | Purge::Everything => 0,
        Purge::Urls(_) | Purge::Prefixes | Purge::Tags(_) => mapping.urls.also.len() + listings,
    }
}
