//! The difference between rows before and after an edit.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::edit::checksum::{canonical, checksum_of_texts};
use crate::edit::write::Write;
use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;

/// What an edit of one partition adds, changes and removes, by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    /// New rows.
    pub added: Rows,
    /// Rows with other fields than before.
    pub changed: BTreeMap<RowKey, Changed>,
    /// Rows that are removed.
    pub removed: Rows,
}

/// A row before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Before.
    pub before: Fields,
    /// After.
    pub after: Fields,
}

/// One field before and after; `None` if the row has no such field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange<'c> {
    /// The field's name, such as `include`.
    pub name: &'c str,
    /// Before.
    pub before: Option<&'c Value>,
    /// After.
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
    /// The difference that leads from `before` to `after`.
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

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows differ.
    pub fn len(&self) -> usize {
        self.added.len() + self.changed.len() + self.removed.len()
    }

    /// A checksum of the difference itself: by it, what was shown is approved.
    pub fn checksum(&self) -> String {
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
        checksum_of_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The same rows as writes, in any order: for those that are written together.
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
