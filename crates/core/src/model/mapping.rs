//! A team's rule: which changes purge what, and how keys become URLs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexSet;
use serde::Serialize;

use crate::model::change::ChangeKind;
use crate::model::glob::Patterns;
use crate::model::names::{Hostname, Prefix, Source, TeamName};
use crate::model::path_template::PathTemplate;
use crate::model::spelling::Spellings;
use crate::model::tag::TagTemplate;
use crate::model::verification::SampleRate;
use crate::model::zone::Zone;

/// A team's rule: which changes purge what.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Its name for people: its place in the document, such as `teams.web.mappings[0]`, or its row in the table.
    pub name: String,
    /// The team that wrote it and owns its source.
    pub team: TeamName,
    /// Bucket and prefix.
    pub source: Source,
    /// Where to purge; never empty, all of the same team.
    pub zones: Vec<Arc<Zone>>,
    /// Keys to accept; empty: all.
    pub include: Patterns,
    /// Keys to decline.
    pub exclude: Patterns,
    /// Kinds of change to accept; never empty.
    pub events: Vec<ChangeKind>,
    /// How a key becomes paths and URLs.
    pub urls: Arc<UrlRules>,
    /// A subset of the zones' hostnames; empty: all of them.
    pub hostnames: IndexSet<Hostname>,
    /// What to purge.
    pub purge: Purge,
    /// How to purge it.
    pub mode: Mode,
    /// How many seconds after a purge the same is purged once more; 0: not at all.
    pub again_after: u16,
    /// Which share of its URLs is verified; `None`: that of the zone.
    pub verify: Option<SampleRate>,
    /// Whether content is not purged that was purged last.
    pub skip_unchanged: bool,
}

impl Mapping {
    /// The hostnames of one of its zones that this mapping purges, in the zone's order.
    pub fn hostnames_of<'m>(&'m self, zone: &'m Zone) -> impl Iterator<Item = &'m Hostname> {
        let all = self.hostnames.is_empty().then(|| zone.hostnames.iter()).into_iter().flatten();
        let mut chosen: Vec<usize> =
            self.hostnames.iter().filter_map(|name| zone.hostnames.get_index_of(name)).collect();
        chosen.sort_unstable();
        all.chain(chosen.into_iter().filter_map(|index| zone.hostnames.get_index(index)))
    }

    /// Whether it purges this hostname in one of its zones.
    pub(crate) fn purges_host(&self, zone: &Zone, host: &str) -> bool {
        zone.hostnames.contains(host) && (self.hostnames.is_empty() || self.hostnames.contains(host))
    }

    /// Which share of its URLs in one of its zones is verified.
    pub fn sample_rate(&self, zone: &Zone) -> SampleRate {
        self.verify.unwrap_or(zone.verify)
    }

    /// Whether some of its URLs are verified.
    pub(crate) fn is_verified(&self) -> bool {
        self.zones.iter().any(|zone| !self.sample_rate(zone).is_zero())
    }

    /// When its URLs in one event become one prefix purge.
    pub fn escalation(&self) -> Escalation {
        match self.purge {
            Purge::Urls(escalation) => escalation,
            _ => Escalation::default(),
        }
    }
}

/// When the URLs of a mapping in one event become one prefix purge. The default: never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Escalation {
    /// If there are more of them; 0: never.
    pub above: usize,
    /// If the rate limits let them pass only in a longer time; zero: never.
    pub after: Duration,
}

impl Escalation {
    /// Whether there may be a prefix purge.
    pub fn is_possible(self) -> bool {
        self.above > 0 || !self.after.is_zero()
    }

    /// Whether there is one for this many URLs, which take this long.
    pub fn applies(self, urls: usize, drain: Duration) -> bool {
        (self.above > 0 && urls > self.above) || self.is_too_long(drain)
    }

    /// Whether purging the URLs one by one takes too long.
    pub fn is_too_long(self, drain: Duration) -> bool {
        !self.after.is_zero() && drain > self.after
    }
}

/// How a key becomes paths and URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlRules {
    /// Taken off the key; a leading part of the source's prefix.
    pub strip_prefix: Prefix,
    /// Put in front of the path.
    pub add_prefix: Prefix,
    /// Where both happen.
    pub path_rewrite: PathRewrite,
    /// File names that also stand for their folder.
    pub index_documents: Vec<String>,
    /// Whether `foo.html` is also served as `foo`, and `foo/index.html` as `foo`.
    pub clean_urls: bool,
    /// The spellings in which each path is purged.
    pub spellings: Spellings,
    /// The query strings to purge.
    pub query_strings: QueryStrings,
    /// Each scheme to purge; never empty.
    pub schemes: Vec<Scheme>,
    /// Header sets that are part of the cache key, each purged besides the plain URL.
    pub vary_headers: Vec<BTreeMap<String, String>>,
    /// Further paths, purged with each change.
    pub also: Vec<PathTemplate>,
    /// Which folders above the object are purged with it, by URL.
    pub listings: Listings,
}

impl UrlRules {
    /// Whether each change also purges paths that depend on the object.
    pub fn has_dependents(&self) -> bool {
        !self.also.is_empty() || self.listings != Listings::None
    }
}

impl Default for UrlRules {
    fn default() -> Self {
        Self {
            strip_prefix: Prefix::empty(),
            add_prefix: Prefix::empty(),
            path_rewrite: PathRewrite::Origin,
            index_documents: vec!["index.html".to_owned()],
            clean_urls: false,
            spellings: Spellings::default(),
            query_strings: QueryStrings::Each(vec![String::new()]),
            schemes: vec![Scheme::Https],
            vary_headers: Vec::new(),
            also: Vec::new(),
            listings: Listings::None,
        }
    }
}

/// Where visitors' paths become keys. A purge by URL names the visitor's path; a purge by prefix names the path after
/// Cloudflare's Transform Rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRewrite {
    /// Behind Cloudflare's cache.
    Origin,
    /// In a Transform Rule of the zone, in front of the cache.
    TransformRule,
}

impl PathRewrite {
    /// All of them with their names in a mapping file.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("origin", Self::Origin), ("transform-rule", Self::TransformRule)];
}

/// The query strings under which an object's URLs are purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryStrings {
    /// Each of these; never empty, `""` for none.
    Each(Vec<String>),
    /// Whatever it is: the object's own path is purged as a prefix.
    Any,
}

/// Which folders above an object are purged with it, up to the mapping's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listings {
    /// No folder.
    None,
    /// The object's own folder.
    Parent,
    /// The object's own folder and all above it.
    Ancestors,
}

impl Listings {
    /// All of them with their names in a mapping file.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("none", Self::None), ("parent", Self::Parent), ("ancestors", Self::Ancestors)];
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

    /// The scheme as written in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// What a mapping purges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purge {
    /// The object's URLs, or one prefix purge in place of many of them.
    Urls(Escalation),
    /// All URLs below the object's folder.
    Prefixes,
    /// All that is cached for the mapping's hostnames.
    Hosts,
    /// Cache tags.
    Tags(Vec<TagTemplate>),
    /// The zones, whole.
    Everything,
}

/// Whether Cloudflare removes what is purged, or marks it as stale and revalidates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Removed from the cache.
    Purge,
    /// Cloudflare's soft purge: stale until it is revalidated.
    Invalidate,
}

impl Mode {
    /// All of them with their names in a mapping file.
    pub const WORDS: &'static [(&'static str, Self)] = &[("purge", Self::Purge), ("invalidate", Self::Invalidate)];
}
