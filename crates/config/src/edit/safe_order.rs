//! An order of writes that may stop anywhere: after every write, what is purged both before and after the edit is purged.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::edit::assign_row_keys::{NewKeys, source_name};
use crate::edit::diff::Diff;
use crate::edit::write::Write;
use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;

impl Diff {
    /// The writes of this difference, in an order that may stop anywhere.
    ///
    /// Zones come first, with the hostnames of before and after. Then mappings that are new, and then those that are
    /// removed. A mapping that is changed is both: its new fields may not yet, and its old ones no longer, be in another row.
    /// At the end, zones lose what they lose.
    pub fn safe_order(&self, before: &Rows) -> Vec<Write> {
        let (mut zones, mut added, mut removed, mut last) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut new_keys = NewKeys::default();
        let mut taken: BTreeSet<RowKey> = before.keys().chain(self.added.keys()).cloned().collect();
        for write in self.writes() {
            match (&write.key, &write.before, &write.after) {
                (RowKey::Zone { .. }, _, None) => last.push(write),
                (RowKey::Zone { .. }, _, Some(_)) => {
                    let (widened, narrowed) = in_two_steps(write);
                    zones.extend(widened);
                    last.extend(narrowed);
                }
                (RowKey::Mapping { team, .. }, Some(_), Some(new)) => {
                    let key = new_keys.next(team, source_name(new), |key| taken.contains(key));
                    taken.insert(key.clone());
                    added.push(Write { key, before: None, after: write.after });
                    removed.push(Write { key: write.key, before: write.before, after: None });
                }
                (_, _, None) => removed.push(write),
                _ => added.push(write),
            }
        }
        [zones, added, removed, last].concat()
    }
}

/// The write of a zone as one that gives it all hostnames of before and after, and one that takes away the old ones.
fn in_two_steps(write: Write) -> (Option<Write>, Option<Write>) {
    let Write { key, before, after } = write;
    let between = match (&before, &after) {
        (Some(old), Some(new)) => Some(with_hostnames_of(new, old)),
        _ => after.clone(),
    };
    let widened = Write { key: key.clone(), before, after: between.clone() };
    let narrowed = Write { key, before: between, after };
    let is_needed = |write: &Write| write.before != write.after;
    (Some(widened).filter(is_needed), Some(narrowed).filter(is_needed))
}

/// A zone with its own hostnames, and those of another.
fn with_hostnames_of(zone: &Fields, other: &Fields) -> Fields {
    let mut both = zone.clone();
    for list in ["hostnames", "custom_hostnames"] {
        let items = |zone: &Fields| zone.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let own = items(zone);
        let more: Vec<Value> = items(other).into_iter().filter(|item| !own.contains(item)).collect();
        if !more.is_empty() {
            both.insert(list.to_owned(), [own, more].concat().into());
        }
    }
    both
}
