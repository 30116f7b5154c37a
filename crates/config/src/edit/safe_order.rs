//! An order of writes that may stop anywhere: an object that is purged both before and after the edit is purged after
//! every single write, too.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::edit::assign_row_keys::{MAPPINGS, NewKeys};
use crate::edit::diff::Diff;
use crate::edit::write::Write;
use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;

impl Diff {
    /// The writes of this difference, in an order that may stop anywhere:
    ///
    /// 1. Zones get their new fields, with the hostnames of both before and after.
    /// 2. New mappings, tests and grants are added, and changed tests and grants are written. A changed mapping is added
    ///    under a new key.
    /// 3. Mappings, tests and grants are removed, also mappings that were changed.
    /// 4. Zones lose the hostnames that are removed, and removed zones are deleted.
    ///
    /// A changed mapping is not written in place, because an object may move from one mapping to another: it would not
    /// be purged while neither row covers it.
    pub fn safe_order(&self, before: &Rows) -> Vec<Write> {
        let (mut widened_zones, mut added) = (Vec::new(), Vec::new());
        let (mut removed, mut narrowed_zones) = (Vec::new(), Vec::new());
        let mut new_keys = NewKeys::default();
        let mut taken: BTreeSet<RowKey> = before.keys().chain(self.added.keys()).cloned().collect();
        for write in self.writes() {
            match (&write.key, &write.before, &write.after) {
                (RowKey::Zone { .. }, _, None) => narrowed_zones.push(write),
                (RowKey::Zone { .. }, _, Some(_)) => {
                    let (widened, narrowed) = widened_and_narrowed(write);
                    widened_zones.extend(widened);
                    narrowed_zones.extend(narrowed);
                }
                (RowKey::Mapping { team, .. }, Some(_), Some(new)) => {
                    let key = new_keys.next(team, &MAPPINGS, new, |key| taken.contains(key));
                    taken.insert(key.clone());
                    added.push(Write { key, before: None, after: write.after });
                    removed.push(Write { key: write.key, before: write.before, after: None });
                }
                // New and removed mappings, and all tests and grants: a changed one is written in place, because it is one row.
                (_, _, None) => removed.push(write),
                (_, _, Some(_)) => added.push(write),
            }
        }
        [widened_zones, added, removed, narrowed_zones].concat()
    }
}

/// Splits the write of a zone: the first write gives it the hostnames of both before and after, and the second one
/// removes those of before. `None` for a write that would change nothing.
fn widened_and_narrowed(write: Write) -> (Option<Write>, Option<Write>) {
    let Write { key, before, after } = write;
    let with_both = match (&before, &after) {
        (Some(old), Some(new)) => Some(with_hostnames_of(new, old)),
        _ => after.clone(),
    };
    let widened = Write { key: key.clone(), before, after: with_both.clone() };
    let narrowed = Write { key, before: with_both, after };
    let is_needed = |write: &Write| write.before != write.after;
    (Some(widened).filter(is_needed), Some(narrowed).filter(is_needed))
}

/// A zone's fields, with the hostnames of the same zone as it was.
fn with_hostnames_of(zone: &Fields, earlier: &Fields) -> Fields {
    let mut both = zone.clone();
    for list in ["hostnames", "custom_hostnames"] {
        let items = |zone: &Fields| zone.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let current = items(zone);
        let more: Vec<Value> = items(earlier).into_iter().filter(|item| !current.contains(item)).collect();
        if !more.is_empty() {
            both.insert(list.to_owned(), [current, more].concat().into());
        }
    }
    both
}
