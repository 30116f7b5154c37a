//! A mapping that accepts a change, and what it purges: named, but not yet written out as items.

use std::rc::Rc;

use crate::model::bounds;
use crate::model::change::Change;
use crate::model::mapping::{Mapping, Purge};
use crate::plan::cost::{Cost, Lengths};
use crate::plan::dependents::DependentPath;
use crate::plan::planned_mapping::PlannedMapping;
use crate::purge::dependents::dependent_paths;
use crate::purge::item::Item;
use crate::purge::path_prefix::{PathPrefix, purged_beginning};
use crate::purge::paths::{ServedPath, ServedPaths, served_paths};

/// One mapping that accepts one change.
#[derive(Debug)]
pub(super) struct Hit<'p> {
    /// The change's index in the event.
    pub(super) change_index: usize,
    pub(super) change: &'p Change,
    pub(super) mapping: Rc<PlannedMapping<'p>>,
    pub(super) targets: Targets<'p>,
    /// The paths that depend on the object, purged by URL too.
    pub(super) dependents: Vec<Rc<DependentPath<'p>>>,
    /// Why it purges less than its mapping asks for, or nothing.
    pub(super) problems: Vec<String>,
    pub(super) cost: Cost,
}

/// What a hit purges.
#[derive(Debug)]
pub(super) enum Targets<'p> {
    /// URLs of these paths; if the mapping escalates, its escalation folder instead of the paths that this covers.
    Paths(ServedPaths<'p>),
    /// Prefixes of the object's folder or of its own path, and URLs of the paths that these do not cover; if the mapping
    /// escalates, its escalation folder instead.
    Prefix(PathPrefix, ServedPaths<'p>),
    /// These tags.
    Tags(Vec<Item>),
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
        let dependents: Vec<_> = dependent_paths(mapping.mapping, change).into_iter().map(DependentPath::new).collect();
        let mut cost = cost(&mapping, &targets, &problems);
        cost.kept += dependents.len() * size_of::<Rc<DependentPath<'_>>>();
        Self { change_index, change, mapping, targets, dependents, problems, cost }
    }

    /// Whether it neither purges nor reports anything.
    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty() && self.purges_nothing()
    }

    /// Whether it has no item.
    pub(super) fn purges_nothing(&self) -> bool {
        self.dependents.is_empty()
            && match &self.targets {
                Targets::Paths(paths) => paths.is_empty(),
                Targets::Tags(tags) => tags.is_empty(),
                Targets::Prefix(..) | Targets::WholeZones => false,
            }
    }
}

fn targets<'p>(mapping: &Mapping, change: &'p Change) -> (Targets<'p>, Vec<String>) {
    match &mapping.purge {
        Purge::Urls(_) | Purge::Prefixes => match served_paths(&mapping.urls, &change.key) {
            Ok(paths) => (path_targets(mapping, &change.key, paths), Vec::new()),
            Err(error) => (Targets::Paths(ServedPaths::new()), vec![error.to_string()]),
        },
        Purge::Tags(templates) => {
            let mut problems = Vec::new();
            let rendered = templates.iter().map(|template| template.render(change));
            let tags = rendered.filter_map(|tag| tag.map_err(|problem| problems.push(problem)).ok());
            let tags = tags.map(Item::Tag).collect();
            (Targets::Tags(tags), problems)
        }
        Purge::Hosts | Purge::Everything => (Targets::WholeZones, Vec::new()),
    }
}

/// The object's paths by URL, or a prefix and the paths that it does not cover.
fn path_targets<'p>(mapping: &Mapping, key: &str, mut paths: ServedPaths<'p>) -> Targets<'p> {
    let prefix = purged_beginning(mapping, key).and_then(|beginning| PathPrefix::of_keys(&mapping.urls, beginning));
    let Some(prefix) = prefix else { return Targets::Paths(paths) };
    paths.retain(|path| !prefix.covers(path));
    Targets::Prefix(prefix, paths)
}

fn cost(mapping: &PlannedMapping<'_>, targets: &Targets<'_>, problems: &[String]) -> Cost {
    let PlannedMapping { prefixes, shared, .. } = mapping;
    let problems = Lengths::of(problems.iter().map(String::len)).of_items();
    let kept = bounds::HIT_OVERHEAD + problems + shared.count * bounds::ORIGIN_OVERHEAD;
    let mut cost = Cost { kept, replaced: 0, shared: shared.bytes };
    match targets {
        Targets::Paths(paths) => add_paths(&mut cost, mapping, paths),
        Targets::Prefix(prefix, outside) => {
            cost.kept += prefix.size();
            match &mapping.escalation_folder {
                // The folder covers every path of an object's own.
                Some(_) => {
                    cost.replaced += prefixes.bytes(&prefix.spellings);
                    cost.kept += bounds::COUNTED_PATH;
                }
                None => cost.kept += prefixes.bytes(&prefix.spellings),
            }
            add_paths(&mut cost, mapping, outside);
        }
        Targets::Tags(tags) => {
            let tags = Lengths::of(tags.iter().map(|tag| tag.size())).of_items();
            cost.kept += mapping.mapping.zones.len() * tags;
        }
        Targets::WholeZones => {}
    }
    cost
}

/// Adds what paths take that are purged by URL.
fn add_paths(cost: &mut Cost, mapping: &PlannedMapping<'_>, paths: &[ServedPath<'_>]) {
    for path in paths {
        cost.kept += path.size();
        let bytes = mapping.urls.bytes(&path.spellings);
        match &mapping.escalation_folder {
            Some(folder) if folder.covers(path) => cost.replaced += bytes,
            _ => cost.kept += bytes,
        }
    }
    if mapping.escalation_folder.is_some() {
        cost.kept += paths.len() * bounds::COUNTED_PATH;
    }
}
