//! A mapping that accepts a change, and what it purges: named, but not yet written out as items.

use std::rc::Rc;
use std::sync::Arc;

use crate::model::bounds;
use crate::model::change::Change;
use crate::model::mapping::{Mapping, Purge};
use crate::plan::cost::{Cost, Lengths};
use crate::plan::planned_mapping::PlannedMapping;
use crate::purge::folder::Folder;
use crate::purge::item::Item;
use crate::purge::paths::{ServedPath, served_paths, split_folder};

/// One mapping that accepts one change.
#[derive(Debug)]
pub(super) struct Hit<'p> {
    /// The change's index in the event.
    pub(super) change_index: usize,
    pub(super) change: &'p Change,
    pub(super) mapping: Rc<PlannedMapping<'p>>,
    pub(super) targets: Targets,
    /// Why it purges less than its mapping asks for, or nothing.
    pub(super) problems: Vec<String>,
    pub(super) cost: Cost,
}

/// What a hit purges.
#[derive(Debug)]
pub(super) enum Targets {
    /// URLs of these paths; if the mapping escalates, its escalation folder instead of the paths that this covers.
    Paths(Vec<ServedPath>),
    /// Prefixes of the object's folder, and URLs of the paths that these do not cover.
    Folder(Folder, Vec<ServedPath>),
    /// These tags.
    Tags(Vec<Arc<Item>>),
    /// Hosts or everything: the same for every change.
    WholeZones,
}

impl<'p> Hit<'p> {
    /// Names what a mapping purges for a change; at most `max_problems` problems are kept.
    pub(super) fn new(
        change_index: usize,
        change: &'p Change,
        mapping: Rc<PlannedMapping<'p>>,
        max_problems: usize,
    ) -> Self {
        let (targets, mut problems) = targets(mapping.mapping, change);
        problems.truncate(max_problems);
        let cost = cost(&mapping, &targets, &problems);
        Self { change_index, change, mapping, targets, problems, cost }
    }

    /// Whether it neither purges nor reports anything.
    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
            && match &self.targets {
                Targets::Paths(paths) => paths.is_empty(),
                Targets::Tags(tags) => tags.is_empty(),
                Targets::Folder(..) | Targets::WholeZones => false,
            }
    }
}

fn targets(mapping: &Mapping, change: &Change) -> (Targets, Vec<String>) {
    match &mapping.purge {
        Purge::Urls(_) | Purge::Prefixes => match served_paths(&mapping.urls, &change.key) {
            Ok(paths) if matches!(mapping.purge, Purge::Prefixes) => (folder_or_paths(paths), Vec::new()),
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

/// The folder of the object's own path; at the root, the paths, which are purged by URL.
fn folder_or_paths(mut paths: Vec<ServedPath>) -> Targets {
    let folder = paths.first().and_then(|own| Folder::new(split_folder(&own.path).0.to_owned()));
    let Some(folder) = folder else { return Targets::Paths(paths) };
    paths.retain(|path| !folder.covers(path));
    Targets::Folder(folder, paths)
}

fn cost(mapping: &PlannedMapping<'_>, targets: &Targets, problems: &[String]) -> Cost {
    let PlannedMapping { urls, prefixes, shared, .. } = mapping;
    let problems = Lengths::of(problems.iter().map(String::len)).of_items();
    let kept = bounds::HIT_OVERHEAD + problems + shared.count * bounds::ORIGIN_OVERHEAD;
    let mut cost = Cost { kept, replaced: 0, shared: shared.bytes };
    match targets {
        Targets::Paths(paths) => {
            for path in paths {
                cost.kept += path.size();
                let bytes = urls.bytes(&path.spellings);
                match &mapping.escalation_folder {
                    Some(folder) if folder.covers(path) => cost.replaced += bytes,
                    _ => cost.kept += bytes,
                }
            }
            if mapping.escalation_folder.is_some() {
                cost.kept += paths.len() * bounds::COUNTED_PATH;
            }
        }
        Targets::Folder(folder, outside) => {
            cost.kept += folder.size() + prefixes.bytes(&folder.spellings);
            cost.kept += outside.iter().map(|path| path.size() + urls.bytes(&path.spellings)).sum::<usize>();
        }
        Targets::Tags(tags) => {
            let tags = Lengths::of(tags.iter().map(|tag| tag.size())).of_items();
            cost.kept += mapping.mapping.zones.len() * tags;
        }
        Targets::WholeZones => {}
    }
    cost
}
