//! The difference between rows before and after an edit.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::edit::checksum::{Checksum, canonical};
use crate::edit::write::Write;
use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;

/// The rows of one partition that an edit writes. No row is in two of the three.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the names say it: `removed` has the fields that are lost")]
pub struct Diff {
    pub added: Rows,
    pub changed: BTreeMap<RowKey, Changed>,
    pub removed: Rows,
}

/// All fields of a row, as they are before and after an edit.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Changed {
    pub before: Fields,
    pub after: Fields,
}

/// The values of one field before and after an edit; `None` if the row does not have the field.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it: `name` is such as `include`")]
pub struct FieldChange<'c> {
    pub name: &'c str,
    pub before: Option<&'c Value>,
    pub after: Option<&'c Value>,
}

impl Changed {
    /// The fields that differ, in their order after the edit; those that are removed come last.
    pub fn fields(&self) -> impl Iterator<Item = FieldChange<'_>> {
        let removed = self.before.keys().filter(|name| !self.after.contains_key(*name));
        let names = self.after.keys().chain(removed);
        names
            .map(|name| FieldChange { name, before: self.before.get(name), after: self.after.get(name) })
            .filter(|field| field.before != field.after)
    }
}

impl Diff {
    /// Compares rows by key, and their fields by value.
    pub fn between(before: &Rows, after: &Rows) -> Self {
        let mut diff = Self::default();
        for (key, new) in after {
            match before.get(key) {
                None => drop(diff.added.insert(key.clone(), new.clone())),
                Some(old) if old != new => {
                    diff.changed.insert(key.clone(), Changed { before: old.clone(), after: new.clone() });
                }
                Some(_) => {}
            }
        }
        let removed = before.iter().filter(|(key, _)| !after.contains_key(*key));
        diff.removed = removed.map(|(key, fields)| (key.clone(), fields.clone())).collect();
        diff
    }

    /// Whether the edit writes no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of rows that the edit writes.
    pub fn len(&self) -> usize {
        self.added.len() + self.changed.len() + self.removed.len()
    }

    /// The checksum of keys and fields, before and after, by which an operator approves the edit that was shown.
    pub fn checksum(&self) -> Checksum {
        let mut texts = Vec::new();
        for (key, fields) in &self.added {
            texts.extend(["+".to_owned(), key.sort(), canonical(fields)]);
        }
        for (key, changed) in &self.changed {
            texts.extend(["~".to_owned(), key.sort(), canonical(&changed.before), canonical(&changed.after)]);
        }
        for (key, fields) in &self.removed {
            texts.extend(["-".to_owned(), key.sort(), canonical(fields)]);
        }
        Checksum::of_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// One write for each row, sorted by kind of change and key. [`Diff::safe_order`] has an order for several
    /// transactions.
    pub fn writes(&self) -> Vec<Write> {
        let write = |key: &RowKey, before: Option<&Fields>, after: Option<&Fields>| Write {
            key: key.clone(),
            before: before.cloned(),
            after: after.cloned(),
        };
        let added = self.added.iter().map(|(key, fields)| write(key, None, Some(fields)));
        let changed = self.changed.iter().map(|(key, it)| write(key, Some(&it.before), Some(&it.after)));
        let removed = self.removed.iter().map(|(key, fields)| write(key, Some(fields), None));
        added.chain(changed).chain(removed).collect()
    }
}
