//! What teams wrote, valid by construction: there is no way to hold a mapping to another team's zone or token.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use indexmap::IndexSet;
use serde::Serialize;

use crate::model::bounds;
use crate::model::change::ChangeKind;
use crate::model::glob::Patterns;
use crate::model::limits::{CloudflarePlan, LimitClass, TAG_LENGTH};
use crate::model::names::{
    BucketName, CloudflareId, Hostname, KmsKey, Prefix, Source, TeamName, TokenFolder, TokenParameter,
};
use crate::purge::tag::TagTemplate;
use crate::purge::urls::spelled;

/// All valid mappings, found by bucket.
#[derive(Debug, Default)]
pub struct Mappings {
    teams: BTreeMap<TeamName, Arc<Team>>,
    mappings: Vec<Arc<Mapping>>,
    by_bucket: HashMap<BucketName, Vec<usize>>,
}

impl Mappings {
    /// Joins teams and their mappings.
    pub fn new(teams: BTreeMap<TeamName, Arc<Team>>, mappings: Vec<Arc<Mapping>>) -> Self {
        let mut by_bucket: HashMap<BucketName, Vec<usize>> = HashMap::new();
        for (nth, mapping) in mappings.iter().enumerate() {
            by_bucket.entry(mapping.source.bucket.clone()).or_default().push(nth);
        }
        Self { teams, mappings, by_bucket }
    }

    /// Those of several buckets, each read on its own. Of a team in more than one of them, the last is taken.
    pub fn joined<'m>(parts: impl IntoIterator<Item = &'m Self>) -> Self {
        let (mut teams, mut mappings) = (BTreeMap::new(), Vec::new());
        for part in parts {
            teams.extend(part.teams.clone());
            mappings.extend(part.mappings.iter().cloned());
        }
        Self::new(teams, mappings)
    }

    /// Those of its mappings that are wanted, with all teams.
    pub fn only(&self, is_wanted: impl Fn(&Mapping) -> bool) -> Self {
        let wanted = self.mappings.iter().filter(|mapping| is_wanted(mapping)).cloned().collect();
        Self::new(self.teams.clone(), wanted)
    }

    /// All mappings, by team, then in the order of the document.
    pub fn all(&self) -> &[Arc<Mapping>] {
        &self.mappings
    }

    /// The mappings of one bucket, with their positions in [`Mappings::all`].
    pub fn of_bucket(&self, bucket: &BucketName) -> impl Iterator<Item = (usize, &Mapping)> {
        self.by_bucket.get(bucket).into_iter().flatten().map(|nth| (*nth, &*self.mappings[*nth]))
    }

    /// All teams by name.
    pub fn by_name(&self) -> &BTreeMap<TeamName, Arc<Team>> {
        &self.teams
    }

    /// All teams, by name.
    pub fn teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.values().map(Arc::as_ref)
    }

    /// All zones, by team, then by domain.
    pub fn zones(&self) -> impl Iterator<Item = &Arc<Zone>> {
        self.teams.values().flat_map(|team| team.zones.values())
    }
}

/// A tenant: what it may map, where its tokens are, and its zones.
#[derive(Debug)]
pub struct Team {
    /// Its name.
    pub name: TeamName,
    /// What it may map, set by the operator.
    pub owns: Vec<Source>,
    /// The SSM folder of its tokens, set by the operator.
    pub tokens: TokenFolder,
    /// The KMS key that its tokens are encrypted with, set by the operator; none: the AWS account's own for SSM.
    pub kms_key: Option<KmsKey>,
    /// Its zones, by domain.
    pub zones: BTreeMap<Hostname, Arc<Zone>>,
}

/// A Cloudflare zone of one team.
#[derive(Debug)]
pub struct Zone {
    /// The team.
    pub team: TeamName,
    /// The zone's domain.
    pub domain: Hostname,
    /// Its id at Cloudflare.
    pub zone_id: CloudflareId,
    /// Its account, where known: the account's zones of one plan share a rate limit.
    pub account_id: Option<CloudflareId>,
    /// Whether the operator confirms that it is the team's account: if not, it is shared with none of another team.
    pub account_is_granted: bool,
    /// Its plan.
    pub plan: CloudflarePlan,
    /// The hostnames that serve objects; never empty.
    pub hostnames: IndexSet<Hostname>,
    /// The SSM parameter of its token, in its team's folder.
    pub token: TokenParameter,
    /// A limit of URLs per request other than the plan's.
    pub urls_per_request: Option<usize>,
}

impl Zone {
    /// How many items one request may hold.
    pub fn items_per_request(&self, class: LimitClass) -> usize {
        match (class, self.urls_per_request) {
            (LimitClass::Urls, Some(limit)) => limit,
            _ => self.plan.items_per_request(class),
        }
    }
}

/// A team's rule: which changes purge what.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Its name for people: its place in the document, such as `teams.web.mappings[0]`, or its row in the table.
    pub name: String,
    /// The team.
    pub team: TeamName,
    /// Bucket and prefix.
    pub source: Source,
    /// Where to purge; never empty, all of the same team.
    pub zones: Vec<Arc<Zone>>,
    /// Keys to take; empty: all.
    pub include: Patterns,
    /// Keys to leave.
    pub exclude: Patterns,
    /// Kinds of change to take; never empty.
    pub events: Vec<ChangeKind>,
    /// How a key becomes paths and URLs.
    pub urls: UrlRules,
    /// A subset of the zones' hostnames; empty: all of them.
    pub hostnames: IndexSet<Hostname>,
    /// What to purge.
    pub purge: Purge,
    /// How to purge it.
    pub mode: Mode,
}

impl Mapping {
    /// The hostnames of one of its zones that this mapping purges.
    pub fn hostnames_of<'m>(&'m self, zone: &'m Zone) -> impl Iterator<Item = &'m Hostname> {
        let all = if self.hostnames.is_empty() { 0..zone.hostnames.len() } else { 0..0 };
        let mut some: Vec<usize> = self.hostnames.iter().filter_map(|name| zone.hostnames.get_index_of(name)).collect();
        some.sort_unstable();
        all.chain(some).map(|nth| &zone.hostnames[nth])
    }

    /// How many URLs one path leads to.
    fn urls_of_a_path(&self) -> usize {
        let hostnames: usize = self.zones.iter().map(|zone| self.hostnames_of(zone).count()).sum();
        let UrlRules { schemes, query_strings, vary_headers, .. } = &self.urls;
        hostnames.saturating_mul(schemes.len() * query_strings.len()).saturating_mul(1 + vary_headers.len())
    }

    /// The most bytes that a URL has beside its path.
    fn beside_a_path(&self) -> usize {
        let UrlRules { query_strings, vary_headers, .. } = &self.urls;
        let hostnames = self.zones.iter().flat_map(|zone| self.hostnames_of(zone));
        let longest = [
            hostnames.map(|hostname| hostname.as_str().len()).max(),
            query_strings.iter().map(String::len).max(),
            vary_headers.iter().map(bounds::of_headers).max(),
        ];
        bounds::BESIDE_AN_ITEM + longest.iter().flatten().sum::<usize>()
    }

    /// Why a single change would be more than an event may hold, if it would.
    pub fn is_too_much(&self) -> Option<String> {
        let (Purge::Urls { .. } | Purge::Prefixes) = self.purge else { return None };
        let urls = self.urls_of_a_path();
        // Of a path that has an alias, and two spellings of each.
        let bytes = urls.saturating_mul(4 * (self.beside_a_path() + bounds::USUAL_PATH));
        let told = |much: String, most: String| {
            format!("one path leads to {much} (hostnames × schemes × query strings × headers), more than {most}")
        };
        match (urls > bounds::URLS_OF_A_PATH, bytes > 2 * bounds::ITEMS) {
            (true, _) => Some(told(format!("{urls} URLs"), bounds::URLS_OF_A_PATH.to_string())),
            (_, true) => Some(told(format!("{bytes} bytes of URLs"), (2 * bounds::ITEMS).to_string())),
            _ => None,
        }
    }

    /// The bytes of all items that a key may lead to, at most; nothing where they are few.
    pub(crate) fn most_of(&self, key: &str) -> usize {
        match &self.purge {
            Purge::Urls { .. } | Purge::Prefixes => {
                let urls = self.urls_of_a_path();
                if urls <= bounds::FEW_VALUES {
                    return 0;
                }
                let spelled = spelled(&self.urls, key);
                let longest = spelled.iter().map(String::len).max().unwrap_or_default();
                urls * spelled.len() * (self.beside_a_path() + longest)
            }
            Purge::Hosts => self.zones.iter().map(|zone| self.hostnames_of(zone).count()).sum::<usize>() * HOST,
            Purge::Tags(tags) => tags.len() * self.zones.len() * (bounds::BESIDE_AN_ITEM + TAG_LENGTH),
            Purge::Everything => self.zones.len() * bounds::BESIDE_AN_ITEM,
        }
    }
}

/// The most bytes of a host to purge.
const HOST: usize = bounds::BESIDE_AN_ITEM + 253;

/// How a key becomes paths and URLs.
#[derive(Debug, Clone)]
pub struct UrlRules {
    /// Taken off the key; a leading part of the source's prefix.
    pub strip_prefix: Prefix,
    /// Put in front of the path.
    pub add_prefix: Prefix,
    /// File names that also stand for their folder.
    pub index_documents: Vec<String>,
    /// Whether `foo.html` is also served as `foo`, and `foo/index.html` as `foo`.
    pub clean_urls: bool,
    /// Each query string to purge; never empty, `""` for none.
    pub query_strings: Vec<String>,
    /// Each scheme to purge; never empty.
    pub schemes: Vec<Scheme>,
    /// Header sets that are part of the cache key, each purged besides the plain URL.
    pub vary_headers: Vec<BTreeMap<String, String>>,
}

/// The scheme of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `https`.
    Https,
    /// `http`.
    Http,
}

impl Scheme {
    /// All of them with their names in a mapping file.
    pub const WORDS: &'static [(&'static str, Self)] = &[("https", Self::Https), ("http", Self::Http)];

    /// The scheme as it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// What a mapping purges.
#[derive(Debug, Clone)]
pub enum Purge {
    /// The object's URLs.
    Urls {
        /// More than this many URLs of the mapping in one event become one prefix purge; 0: never.
        escalate_above: usize,
    },
    /// The object's folder.
    Prefixes,
    /// The hostnames.
    Hosts,
    /// Cache tags.
    Tags(Vec<TagTemplate>),
    /// The zones, whole.
    Everything,
}

/// Whether what is purged disappears at once or is first checked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Gone from the cache.
    Purge,
    /// Cloudflare's soft purge: stale until it was fetched again.
    Invalidate,
}

impl Mode {
    /// All of them with their names in a mapping file.
    pub const WORDS: &'static [(&'static str, Self)] = &[("purge", Self::Purge), ("invalidate", Self::Invalidate)];
}
