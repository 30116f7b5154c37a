//! The dependent paths of a mapping in one event: each is stored and charged once, however many changes name it.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::model::bounds;
use crate::plan::cost::ItemsPerPath;
use crate::plan::planned_mapping::ZoneItems;
use crate::purge::paths::ServedPath;

/// A path that depends on the objects of a mapping.
#[derive(Debug)]
pub(super) struct DependentPath<'p> {
    pub(super) path: ServedPath<'p>,
    /// Its URLs, once a hit needs them.
    pub(super) items: OnceCell<ZoneItems<'p>>,
}

/// The dependent paths of a mapping's admitted hits, by path.
#[derive(Debug, Default)]
pub(super) struct DependentPaths<'p>(HashMap<String, SharedPath<'p>>);

#[derive(Debug)]
struct SharedPath<'p> {
    path: Rc<DependentPath<'p>>,
    hits: usize,
}

impl<'p> DependentPath<'p> {
    pub(super) fn new(path: ServedPath<'p>) -> Rc<Self> {
        Rc::new(Self { path, items: OnceCell::new() })
    }

    /// What a hit is charged that is the first with this path.
    fn size(&self, urls: ItemsPerPath) -> usize {
        self.path.path.len() + self.path.size() + urls.bytes(&self.path.spellings)
    }
}

impl<'p> DependentPaths<'p> {
    /// What the paths of the next hit are charged: those that are new, in full.
    pub(super) fn charge_of(&self, paths: &[Rc<DependentPath<'p>>], urls: ItemsPerPath) -> usize {
        let charge = |path: &Rc<DependentPath<'p>>| {
            let new = if self.0.contains_key(&*path.path.path) { 0 } else { path.size(urls) };
            new + path.path.spellings.len() * urls.count * bounds::ORIGIN_OVERHEAD
        };
        paths.iter().map(charge).sum()
    }

    /// Counts a hit, and replaces its paths by those that are stored.
    pub(super) fn add(&mut self, paths: &mut [Rc<DependentPath<'p>>]) {
        for path in paths {
            let new = || SharedPath { path: Rc::clone(path), hits: 0 };
            let shared = self.0.entry(path.path.path.to_string()).or_insert_with(new);
            shared.hits += 1;
            *path = Rc::clone(&shared.path);
        }
    }

    /// Takes a hit back.
    pub(super) fn remove(&mut self, paths: &[Rc<DependentPath<'p>>]) {
        for path in paths {
            if let Some(shared) = self.0.get_mut(&*path.path.path) {
                shared.hits -= 1;
                if shared.hits == 0 {
                    self.0.remove(&*path.path.path);
                }
            }
        }
    }
}
