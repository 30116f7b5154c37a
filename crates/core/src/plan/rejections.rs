//! Why changes are not planned, or not as their mappings ask.

use std::collections::BTreeMap;

use crate::model::change::Change;
use crate::model::event::{Rejected, RejectionKind};
use crate::model::mapping::Mapping;
use crate::plan::hit::Hit;

const OVER_BUDGET: &str = "its purges are more than one event may hold, so it is retried; if that happens again and \
                           again, give the team fewer mappings, write fewer hostnames, `query_strings`, `vary_headers`, \
                           `spellings`, `tags` or `also`, or purge by prefix";
const DEADLINE_EXCEEDED: &str = "deadline exceeded before it was planned, so it is retried";
const INCOMPLETE: &str = "unmatched, but the known mappings of its bucket may be incomplete, so it is retried";

/// The rejections of changes, by the change's index in the event.
#[derive(Debug, Default)]
pub(super) struct Rejections<'p> {
    rejected: Vec<(usize, Rejected)>,
    over_budget: BTreeMap<usize, OverBudget<'p>>,
}

/// A change for which some mappings found no room. It is rejected once, for all of them.
#[derive(Debug)]
struct OverBudget<'p> {
    change: &'p Change,
    first: &'p Mapping,
    more: usize,
}

impl<'p> Rejections<'p> {
    /// There was no time to plan this change.
    pub(super) fn deadline_exceeded(&mut self, index: usize, change: &Change) {
        self.reject(index, change, RejectionKind::Transient, DEADLINE_EXCEEDED);
    }

    /// The mappings of the change's bucket can't be read.
    pub(super) fn unreadable(&mut self, index: usize, change: &Change, error: &str) {
        let reason = format!("can't read the mappings of its bucket: {error}");
        self.reject(index, change, RejectionKind::Transient, &reason);
    }

    /// No mapping accepts the change, but one of its bucket may be missing.
    pub(super) fn unmatched_by_incomplete_mappings(&mut self, index: usize, change: &Change) {
        self.reject(index, change, RejectionKind::Transient, INCOMPLETE);
    }

    /// A mapping's purges of this change found no room in the event.
    pub(super) fn over_budget(&mut self, index: usize, change: &'p Change, mapping: &'p Mapping) {
        let entry = self.over_budget.entry(index);
        entry.and_modify(|it| it.more += 1).or_insert(OverBudget { change, first: mapping, more: 0 });
    }

    /// For some of this hit no URL or tag exists.
    pub(super) fn unpurgeable(&mut self, hit: &Hit<'p>) {
        for problem in &hit.problems {
            let reason = format!("{problem} ({})", hit.mapping.mapping.name);
            self.reject(hit.change_index, hit.change, RejectionKind::Unpurgeable, &reason);
        }
    }

    /// All rejections, in the order of the changes.
    pub(super) fn into_rejected(mut self) -> impl Iterator<Item = Rejected> {
        for (index, OverBudget { change, first, more }) in std::mem::take(&mut self.over_budget) {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let reason = format!("{OVER_BUDGET} ({}{more})", first.name);
            self.reject(index, change, RejectionKind::Transient, &reason);
        }
        self.rejected.sort_by_key(|(index, _)| *index);
        self.rejected.into_iter().map(|(_, rejected)| rejected)
    }

    fn reject(&mut self, index: usize, change: &Change, kind: RejectionKind, reason: &str) {
        let reason = format!("{}: {reason}", change.object());
        self.rejected.push((index, Rejected { origin: change.origin.clone(), kind, reason }));
    }
}
