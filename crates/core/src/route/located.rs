//! Changes beside what the router knows of their buckets.

use smallvec::SmallVec;

use crate::model::change::Change;
use crate::route::router::{GROUP, LocatedChange, Router};

/// Locates changes, [`GROUP`] of them together.
pub(crate) struct LocatedChanges<'m, C> {
    router: &'m Router,
    changes: C,
    group: SmallVec<[LocatedChange<'m>; GROUP]>,
    /// How many of the group were returned.
    returned: usize,
}

impl<'m, C: Iterator<Item = &'m Change>> LocatedChanges<'m, C> {
    pub(crate) fn new(router: &'m Router, changes: C) -> Self {
        Self { router, changes, group: SmallVec::new(), returned: 0 }
    }
}

impl<'m, C: Iterator<Item = &'m Change>> Iterator for LocatedChanges<'m, C> {
    type Item = LocatedChange<'m>;

    fn next(&mut self) -> Option<LocatedChange<'m>> {
        if self.returned == self.group.len() {
            let Self { router, changes, group, returned } = self;
            group.clear();
            group.extend(changes.take(GROUP).map(|change| LocatedChange { change, slot: None }));
            router.locate(group);
            *returned = 0;
        }
        let located = self.group.get(self.returned)?;
        self.returned += 1;
        Some(*located)
    }
}
