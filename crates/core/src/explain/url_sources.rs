//! URL → the objects and mappings that lead to a purge of it.
//!
//! Keys are guessed from the path, and each guess is planned as the function would plan it. So what is called purged is
//! purged; [`UrlAnswer::Unknown`] says what can't be known from the mappings.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use crate::explain::key_guesses::{key_of_path, keys_of_alias};
use crate::explain::public_url::PublicUrl;
use crate::model::change::{Change, ChangeKind, Origin};
use crate::model::event::Event;
use crate::model::last_purge::ObjectVersion;
use crate::model::mapping::{Listings, Mapping, PathRewrite, Purge, UrlRules};
use crate::model::mappings::Mappings;
use crate::model::zone::Zone;
use crate::plan::{Plan, plan};
use crate::purge::item::Item;
use crate::purge::path_prefix::{PathPrefix, paths_after_rule};
use crate::purge::paths::{ServedPath, has_dot_segments, split_folder};
use crate::purge::urls::{dependent_query_strings, object_query_strings};
use crate::route::{Decline, decide};

/// How objects of one mapping lead to a URL, or why they do not.
#[derive(Debug, Clone)]
pub struct UrlSource<'m> {
    /// The mapping, which purges on the URL's hostname.
    pub mapping: &'m Mapping,
    /// Its zones that serve the hostname.
    pub zones: Vec<&'m Arc<Zone>>,
    /// The objects in question.
    pub objects: Objects,
    /// Why a change of them is about this URL.
    pub via: Via,
    /// Whether a change of them purges the URL.
    pub answer: UrlAnswer<'m>,
}

/// Objects of a mapping's bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objects {
    /// The object with this key.
    Key(String),
    /// Those whose keys begin with this folder and have no further `/`.
    In(String),
    /// Those whose keys begin with this folder.
    Below(String),
    /// Those directly in this folder, or in one above it that the mapping has.
    InOrAbove(String),
    /// All that the mapping accepts.
    All,
    /// Those for which this `also` template gives the path.
    Rendering(String),
}

/// How an object and a URL belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// It is the object's own path.
    Path,
    /// It is a folder or a clean URL, for which the object stands.
    Alias,
    /// It is below a prefix that is purged.
    Prefix,
    /// It is the listing of a folder above the object.
    Listing,
    /// It is a path of `also`.
    Also,
    /// Its whole hostname is purged.
    Host,
    /// Its whole zone is purged.
    Everything,
    /// Its response may carry a cache tag that is purged.
    Tag,
}

impl Via {
    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Alias => "alias",
            Self::Prefix => "prefix",
            Self::Listing => "listing",
            Self::Also => "also",
            Self::Host => "host",
            Self::Everything => "everything",
            Self::Tag => "tag",
        }
    }
}

/// Whether a change of the objects purges the URL.
#[derive(Debug, Clone)]
pub enum UrlAnswer<'m> {
    /// It does, if it is of a kind that the mapping accepts.
    Purged,
    /// The mapping declines the object.
    Declined(Decline<'m>),
    /// The mapping accepts the object, but does not purge this URL.
    Differs(Mismatch),
    /// It does if the URL's response carries one of these cache tags, which only the origin server knows.
    Unknown(Vec<String>),
}

/// Why a mapping that accepts an object does not purge a URL with its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The path does not begin with `add_prefix`.
    AddPrefix(String),
    /// The scheme is not in `schemes`.
    Scheme,
    /// The query string is not in `query_strings`.
    Query,
    /// The path is spelled in none of the ways that are purged, which are these.
    Spelling(Vec<String>),
    /// The object is not purged at all, for this reason.
    Unpurgeable(String),
    /// What is purged is something else: these items.
    Other(Vec<String>),
}

/// How the mappings lead to a URL: one entry for each way of each mapping that purges on its hostname.
pub fn url_sources<'m>(mappings: &'m Mappings, url: &PublicUrl) -> Vec<UrlSource<'m>> {
    let all = mappings.all().iter().map(Arc::as_ref);
    let of_mapping = |mapping| Search { mappings, mapping, url, zones: zones_of(mapping, url) };
    all.map(of_mapping).filter(|search| !search.zones.is_empty()).flat_map(|search| search.sources()).collect()
}

/// The zones of a mapping in which it purges something of the URL's hostname.
fn zones_of<'m>(mapping: &'m Mapping, url: &PublicUrl) -> Vec<&'m Arc<Zone>> {
    let is_served = |zone: &&Arc<Zone>| match mapping.purge {
        // Whatever `hostnames` say, tags and everything are of the whole zone.
        Purge::Everything | Purge::Tags(_) => zone.hostnames.contains(&url.host) || url.host.is_within(&zone.domain),
        Purge::Urls(_) | Purge::Prefixes | Purge::Hosts => mapping.hostnames_of(zone).any(|name| *name == url.host),
    };
    mapping.zones.iter().filter(is_served).collect()
}

struct Search<'s, 'm> {
    mappings: &'m Mappings,
    mapping: &'m Mapping,
    url: &'s PublicUrl,
    zones: Vec<&'m Arc<Zone>>,
}

impl<'m> Search<'_, 'm> {
    fn sources(&self) -> Vec<UrlSource<'m>> {
        let whole = |via| vec![self.source(Objects::All, via, UrlAnswer::Purged)];
        match self.mapping.purge {
            Purge::Hosts => whole(Via::Host),
            Purge::Everything => whole(Via::Everything),
            Purge::Urls(_) | Purge::Prefixes | Purge::Tags(_) => {
                let mut sources = self.objects();
                let is_purged = |source: &UrlSource<'_>| matches!(source.answer, UrlAnswer::Purged);
                let others: Vec<_> = self.folders().into_iter().chain(self.listings()).chain(self.also()).collect();
                // Why the object itself does not purge the URL says nothing if others do.
                if others.iter().any(is_purged) {
                    sources.retain(|source| !matches!(source.answer, UrlAnswer::Differs(_)));
                }
                sources.extend(others);
                sources
            }
        }
    }

    fn source(&self, objects: Objects, via: Via, answer: UrlAnswer<'m>) -> UrlSource<'m> {
        UrlSource { mapping: self.mapping, zones: self.zones.clone(), objects, via, answer }
    }

    /// The objects that may have the URL's path, its own path first; if none purges it, only the likeliest one.
    fn objects(&self) -> Vec<UrlSource<'m>> {
        let rules = &self.mapping.urls;
        let mut guesses = Vec::new();
        for path in self.url.decoded_paths() {
            guesses.extend(key_of_path(rules, &path).map(|key| (key, Via::Path)));
            guesses.extend(keys_of_alias(rules, &path).into_iter().map(|key| (key, Via::Alias)));
        }
        let added = rules.add_prefix.as_str();
        if guesses.is_empty() && !added.is_empty() {
            let mismatch = UrlAnswer::Differs(Mismatch::AddPrefix(added.to_owned()));
            return vec![self.source(Objects::All, Via::Path, mismatch)];
        }
        let sources = guesses.into_iter().map(|(key, via)| {
            let answer = self.answer(&key);
            let via = if matches!(answer, UrlAnswer::Unknown(_)) { Via::Tag } else { via };
            self.source(Objects::Key(key), via, answer)
        });
        let is_good = |source: &UrlSource<'_>| matches!(source.answer, UrlAnswer::Purged | UrlAnswer::Unknown(_));
        let sources: Vec<_> = sources.collect();
        match sources.iter().any(is_good) {
            true => sources,
            false => likeliest(sources).into_iter().collect(),
        }
    }

    /// Plans a change of one object for this mapping alone.
    fn answer(&self, key: &str) -> UrlAnswer<'m> {
        let Some(kind) = self.mapping.events.first() else { return UrlAnswer::Differs(Mismatch::Other(Vec::new())) };
        let change = change(self.mapping, key, *kind);
        if let Err(decline) = decide(self.mapping, &change) {
            return UrlAnswer::Declined(decline);
        }
        let alone = self.mappings.only(|mapping| std::ptr::eq(mapping, self.mapping));
        let plan = plan(&alone, Event { changes: vec![change], ..Event::default() });
        if plan.batches.iter().flat_map(|batch| batch.items()).any(|it| covers(&self.mapping.urls, &it.item, self.url))
        {
            return UrlAnswer::Purged;
        }
        match self.mapping.purge {
            Purge::Tags(_) if !plan.batches.is_empty() => UrlAnswer::Unknown(items_of(&plan)),
            _ => UrlAnswer::Differs(self.mismatch(&plan)),
        }
    }

    fn mismatch(&self, plan: &Plan) -> Mismatch {
        let rules = &self.mapping.urls;
        if let Some(rejected) = plan.rejected.first() {
            return Mismatch::Unpurgeable(rejected.reason.clone());
        }
        if !rules.schemes.contains(&self.url.scheme) {
            return Mismatch::Scheme;
        }
        if !object_query_strings(rules).any(|query| query == self.url.query) {
            return Mismatch::Query;
        }
        let paths = self.url.decoded_paths();
        let spellings = paths.iter().flat_map(|path| rules.spellings.of(path)).map(Cow::into_owned);
        let spellings: Vec<String> = spellings.collect();
        match spellings.contains(&self.url.path) {
            true => Mismatch::Other(items_of(plan)),
            false => Mismatch::Spelling(spellings),
        }
    }

    /// Other objects whose folders are purged as prefixes that cover the URL.
    fn folders(&self) -> Option<UrlSource<'m>> {
        if !matches!(self.mapping.purge, Purge::Prefixes) {
            return None;
        }
        let (rules, root) = (&self.mapping.urls, self.mapping.source.prefix.as_str());
        let covers_url = |folder: &str| {
            let prefix = PathPrefix::of_keys(rules, folder);
            let paths = self.url.decoded_paths();
            prefix.is_some_and(|prefix| {
                paths.iter().any(|path| prefix.covers(&ServedPath::new(path.as_str().into(), &rules.spellings)))
            })
        };
        let key = self.url.decoded_paths().iter().find_map(|path| key_of_path(rules, path))?;
        let folder = split_folder(&key).0;
        let above = folder.match_indices('/').map(|(slash, _)| &folder[..=slash]).rev();
        let mut own = above.filter(|folder| folder.starts_with(root));
        let lowest = own.find(|folder| covers_url(folder))?;
        Some(self.source(Objects::InOrAbove(lowest.to_owned()), Via::Prefix, UrlAnswer::Purged))
    }

    /// Objects whose folders are purged as listings.
    fn listings(&self) -> Option<UrlSource<'m>> {
        let rules = &self.mapping.urls;
        let root = self.mapping.source.prefix.as_str();
        let is_folder = |path: &&String| path.is_empty() || path.ends_with('/');
        let folder_of = |path: &String| {
            let rest = path.strip_prefix(rules.add_prefix.as_str())?;
            Some(format!("{}{rest}", rules.strip_prefix.as_str())).filter(|folder| folder.starts_with(root))
        };
        let paths = self.url.decoded_paths();
        let folder = paths.iter().filter(is_folder).filter(|path| self.is_dependent(path)).find_map(folder_of)?;
        let objects = match rules.listings {
            Listings::None => return None,
            Listings::Parent => Objects::In(folder),
            Listings::Ancestors => Objects::Below(folder),
        };
        Some(self.source(objects, Via::Listing, UrlAnswer::Purged))
    }

    /// Objects on which the URL depends.
    fn also(&self) -> Vec<UrlSource<'m>> {
        let paths = self.url.decoded_paths();
        let templates = self.mapping.urls.also.iter();
        let fitting =
            templates.filter(|also| paths.iter().any(|path| also.may_render(path) && self.is_dependent(path)));
        let objects = fitting.map(|also| match also.is_constant() {
            true => Objects::All,
            false => Objects::Rendering(also.to_string()),
        });
        objects.map(|objects| self.source(objects, Via::Also, UrlAnswer::Purged)).collect()
    }

    /// Whether the URL is one of those of a path that depends on objects.
    fn is_dependent(&self, path: &str) -> bool {
        let rules = &self.mapping.urls;
        !has_dot_segments(path)
            && rules.schemes.contains(&self.url.scheme)
            && dependent_query_strings(rules).any(|query| query == self.url.query)
            && rules.spellings.of(path).iter().any(|spelling| *spelling == self.url.path)
    }
}

/// Of what does not purge the URL, what comes nearest to it. A folder is served from an index document rather than from an
/// object with its own name.
fn likeliest(sources: Vec<UrlSource<'_>>) -> Option<UrlSource<'_>> {
    let conditions_met = |source: &UrlSource<'_>| match &source.answer {
        UrlAnswer::Purged | UrlAnswer::Unknown(_) | UrlAnswer::Differs(_) => usize::MAX,
        UrlAnswer::Declined(decline) => decline.conditions_met(),
    };
    let is_folder = |source: &UrlSource<'_>| matches!(&source.objects, Objects::Key(key) if key.ends_with('/'));
    sources.into_iter().min_by_key(|source| (Reverse(conditions_met(source)), is_folder(source)))
}

fn change(mapping: &Mapping, key: &str, kind: ChangeKind) -> Change {
    Change {
        bucket: mapping.source.bucket.clone(),
        key: key.to_owned(),
        kind,
        etag: None,
        time: None,
        version: ObjectVersion::default(),
        origin: Origin::Invocation,
        second_purge_of: None,
        verification: None,
    }
}

/// Whether a purge of the item purges the URL. That of a tag may, too.
fn covers(rules: &UrlRules, item: &Item, url: &PublicUrl) -> bool {
    match item {
        Item::Url(text) | Item::UrlWithHeaders { url: text, .. } => *text == url.text(),
        Item::Prefix(prefix) => {
            let Some(prefix) = prefix.strip_prefix(url.host.as_str()) else { return false };
            let path = format!("/{}", url.path);
            match rules.path_rewrite {
                PathRewrite::Origin => path.starts_with(prefix),
                PathRewrite::TransformRule => {
                    paths_after_rule(rules, &path).iter().any(|path| path.starts_with(prefix))
                }
            }
        }
        Item::Host(host) => host == url.host.as_str(),
        Item::Tag(_) => false,
        Item::Everything => true,
    }
}

fn items_of(plan: &Plan) -> Vec<String> {
    plan.batches.iter().flat_map(|batch| batch.items()).map(|it| it.item.to_string()).collect()
}
