//! A mapping that accepts a change, and what it purges: named, but not yet written out as items.

use std::sync::Arc;

use crate::model::bounds;
use crate::model::change::Change;
use crate::model::mapping::{Mapping, Purge};
use crate::plan::cost::{Cost, UrlCost, hostname_lengths, of_items};
use crate::purge::item::Item;
use crate::purge::paths::{ServedPath, served_paths, shared_folder, spellings, split_folder};
use crate::purge::urls::is_root;
use crate::route::Route;

/// One mapping that accepts one change.
#[derive(Debug)]
pub(super) struct Hit<'p> {
    /// The change's index in the event.
    pub(super) change_index: usize,
    pub(super) change: &'p Change,
    /// The mapping's index in all mappings.
    pub(super) mapping_index: usize,
    pub(super) mapping: &'p Mapping,
    pub(super) targets: Targets,
    /// Why it purges less than its mapping asks for, or nothing.
    pub(super) problems: Vec<String>,
    pub(super) cost: Cost,
}

/// What a hit purges.
#[derive(Debug)]
pub(super) enum Targets {
    /// URLs of these paths, or prefixes of their folder.
    Paths(Vec<ServedPath>),
    /// These tags.
    Tags(Vec<Arc<Item>>),
    /// Hosts or everything: the same for every change.
    WholeZones,
}

impl<'p> Hit<'p> {
    /// Names what a mapping purges for a change; at most `max_problems` problems are kept.
    pub(super) fn new(change_index: usize, change: &'p Change, route: &Route<'p>, max_problems: usize) -> Self {
        let mapping = route.mapping;
        let (targets, mut problems) = targets(mapping, change);
        problems.truncate(max_problems);
        let cost = cost(mapping, &targets, &problems);
        Self { change_index, change, mapping_index: route.index, mapping, targets, problems, cost }
    }

    /// Whether it neither purges nor reports anything.
    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
            && match &self.targets {
                Targets::Paths(paths) => paths.is_empty(),
                Targets::Tags(tags) => tags.is_empty(),
                Targets::WholeZones => false,
            }
    }
}

/// The folder that replaces a mapping's URLs if it escalates; `None` if it can't.
pub(super) fn escalation_folder(mapping: &Mapping) -> Option<String> {
    let folder = (mapping.escalate_above() > 0).then(|| shared_folder(&mapping.urls, &mapping.source))?;
    (!is_root(&folder)).then_some(folder)
}

/// The folder that a hit of `purge = "prefixes"` purges; `None` at the root, whose paths are purged by URL.
pub(super) fn prefix_folder(paths: &[ServedPath]) -> Option<&str> {
    let (folder, _) = split_folder(&paths.first()?.path);
    (!is_root(folder)).then_some(folder)
}

/// The paths that a prefix purge of the folder doesn't cover, such as `foo` of `foo/index.html`.
pub(super) fn outside<'h>(paths: &'h [ServedPath], folder: &str) -> impl Iterator<Item = &'h ServedPath> + Clone {
    paths.iter().filter(move |path| !path.path.starts_with(folder))
}

fn targets(mapping: &Mapping, change: &Change) -> (Targets, Vec<String>) {
    match &mapping.purge {
        Purge::Urls { .. } | Purge::Prefixes => match served_paths(&mapping.urls, &change.key) {
            Ok(paths) => (Targets::Paths(paths), Vec::new()),
            Err(error) => (Targets::Paths(Vec::new()), vec![error.to_string()]),
        },
        Purge::Tags(templates) => {
            let mut problems = Vec::new();
            let rendered = templates.iter().map(|template| template.render(change));
            let tags = rendered.filter_map(|tag| tag.map_err(|problem| problems.push(problem)).ok());
            let tags = tags.map(|tag| Arc::new(Item::Tag(tag))).collect();
            (Targets::Tags(tags), problems)
        }
        Purge::Hosts | Purge::Everything => (Targets::WholeZones, Vec::new()),
    }
}

fn cost(mapping: &Mapping, targets: &Targets, problems: &[String]) -> Cost {
    let problems = of_items(problems.iter().map(String::len));
    let mut cost = Cost { kept: bounds::HIT_OVERHEAD + problems, replaced: 0, shared: 0 };
    match targets {
        Targets::Paths(paths) => add_paths(&mut cost, mapping, paths),
        Targets::Tags(tags) => cost.kept += mapping.zones.len() * of_items(tags.iter().map(|tag| tag.size())),
        Targets::WholeZones => {
            let (count, bytes) = match mapping.purge {
                Purge::Hosts => (hostname_lengths(mapping).count(), of_items(hostname_lengths(mapping))),
                _ => (mapping.zones.len(), mapping.zones.len() * bounds::ITEM_OVERHEAD),
            };
            cost.kept += count * bounds::ORIGIN_OVERHEAD;
            cost.shared = bytes;
        }
    }
    cost
}

fn add_paths(cost: &mut Cost, mapping: &Mapping, paths: &[ServedPath]) {
    let texts = |path: &ServedPath| path.path.len() + path.spellings.iter().map(String::len).sum::<usize>();
    cost.kept += paths.iter().map(texts).sum::<usize>();
    let of_url = UrlCost::of(mapping);
    let of_folder = |folder: &str| {
        let spellings = spellings(folder);
        let lengths = hostname_lengths(mapping);
        let lengths = lengths.flat_map(|host| spellings.iter().map(move |folder| host + "/".len() + folder.len()));
        let lengths: Vec<usize> = lengths.collect();
        (lengths.len(), of_items(lengths.into_iter()))
    };
    if let Some(folder) = escalation_folder(mapping) {
        let (count, bytes) = of_folder(&folder);
        cost.shared = bytes;
        cost.kept += count * bounds::ORIGIN_OVERHEAD + paths.len() * bounds::COUNTED_PATH;
        cost.kept += of_url.of_paths(outside(paths, &folder));
        cost.replaced = of_url.of_paths(paths.iter().filter(|path| path.path.starts_with(&folder)));
    } else if let (Purge::Prefixes, Some(folder)) = (&mapping.purge, prefix_folder(paths)) {
        cost.kept += of_folder(folder).1 + of_url.of_paths(outside(paths, folder));
    } else {
        cost.kept += of_url.of_paths(paths.iter());
    }
}
