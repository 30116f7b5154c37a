//! What an edit changes: rows before and after, their difference, and the order in which it may be written.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::file::TeamTables;
use crate::rows::{Fields, RowKey, Rows};

/// The most of a team's zones or mappings, in hundredths, that an edit changes or removes without a warning.
const USUAL: usize = 30;

/// DynamoDB takes sort keys of up to 1,024 bytes.
const LONGEST_SORT: usize = 1000;

/// The rows that a team's part of a file stands for, beside the `current` ones. A mapping that is there already keeps its
/// row; one that was changed takes the row of another of the same source that is gone; a new one gets a row of its own.
pub fn rows_of(tables: TeamTables, current: &Rows) -> Rows {
    let mut rows: Rows =
        tables.zones.into_iter().map(|(domain, fields)| (format!("{}{domain}", RowKey::ZONE), fields)).collect();
    let mut same: HashMap<String, VecDeque<&String>> = HashMap::new();
    let mut of_source: HashMap<String, BTreeSet<&String>> = HashMap::new();
    for (sort, fields) in current.iter().filter(|(sort, _)| sort.starts_with(RowKey::MAPPING)) {
        same.entry(canonical(fields)).or_default().push_back(sort);
        of_source.entry(name_of(fields)).or_default().insert(sort);
    }
    let mut others = Vec::new();
    for fields in tables.mappings {
        match same.get_mut(&canonical(&fields)).and_then(VecDeque::pop_front) {
            Some(sort) => {
                if let Some(left) = current.get(sort).and_then(|fields| of_source.get_mut(&name_of(fields))) {
                    left.remove(sort);
                }
                rows.insert(sort.clone(), fields);
            }
            None => others.push(fields),
        }
    }
    let mut names: HashMap<String, usize> = HashMap::new();
    for fields in others {
        let name = name_of(&fields);
        let sort = match of_source.get_mut(&name).and_then(BTreeSet::pop_first) {
            Some(sort) => sort.clone(),
            None => new_sort(&name, names.entry(name.clone()).or_default(), |sort| {
                current.contains_key(sort) || rows.contains_key(sort)
            }),
        };
        rows.insert(sort, fields);
    }
    rows
}

/// The sort key of a new mapping: its source, with a number from the second on.
fn new_sort(name: &str, last: &mut usize, is_taken: impl Fn(&str) -> bool) -> String {
    loop {
        *last += 1;
        let number = if *last == 1 { String::new() } else { format!("#{last}") };
        let sort = format!("{}{name}{number}", RowKey::MAPPING);
        if !is_taken(&sort) {
            return sort;
        }
    }
}

/// A mapping's source as its row's name: `bucket/prefix`, or where that is too long, the bucket and a checksum.
fn name_of(fields: &Fields) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let (bucket, prefix) = (text("bucket"), text("prefix"));
    match bucket.len() + prefix.len() > LONGEST_SORT - RowKey::MAPPING.len() - 20 {
        true => format!("{bucket}/{}", checksum_of_texts(&[prefix])),
        false => format!("{bucket}/{prefix}"),
    }
}

/// Fields as one text, however they are ordered.
fn canonical(fields: &Fields) -> String {
    let sorted: BTreeMap<&String, Value> = fields.iter().map(|(name, value)| (name, sorted(value))).collect();
    serde_json::to_string(&sorted).unwrap_or_default()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let by_name: BTreeMap<&String, Value> = fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            by_name.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// A short name for texts that differs where any of them does: 32 hexadecimal digits of SHA-256.
pub fn checksum_of_texts(texts: &[&str]) -> String {
    format!("{:032x}", u128::from_be_bytes(hash_of(texts)))
}

fn hash_of(texts: &[&str]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hash.finalize()[..16]);
    first
}

/// A short name for what rows say, that differs where they do. Which mapping has which key says nothing.
///
/// It is the sum of a hash of each row, so that it is known after each of many writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksum(u128);

impl Checksum {
    /// That of these rows.
    pub fn of(rows: &Rows) -> Self {
        rows.iter().fold(Self::default(), |sum, (sort, fields)| Self(sum.0.wrapping_add(Self::of_row(sort, fields))))
    }

    /// That of the rows after a write.
    pub fn after(self, write: &Write) -> Self {
        let Write { sort, before, after } = write;
        let of = |fields: &Option<Fields>| fields.as_ref().map_or(0, |fields| Self::of_row(sort, fields));
        Self(self.0.wrapping_sub(of(before)).wrapping_add(of(after)))
    }

    fn of_row(sort: &str, fields: &Fields) -> u128 {
        let name = if kind_of(sort) == "mapping" { "" } else { sort };
        u128::from_be_bytes(hash_of(&[name, &canonical(fields)]))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What an edit of one partition adds, changes and removes, by sort key.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Diff {
    /// New rows.
    pub added: Rows,
    /// Rows with other fields than before.
    pub changed: BTreeMap<String, Changed>,
    /// Rows that go.
    pub removed: Rows,
}

/// A row before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// Before.
    pub before: Fields,
    /// After.
    pub after: Fields,
}

/// One field before and after; none where the row has no such field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange<'c> {
    /// Its name.
    pub name: &'c str,
    /// Before.
    pub before: Option<&'c Value>,
    /// After.
    pub after: Option<&'c Value>,
}

impl Changed {
    /// The fields that differ, in their order after the edit; those that go come last.
    pub fn fields(&self) -> impl Iterator<Item = FieldChange<'_>> {
        let gone = self.before.keys().filter(|name| !self.after.contains_key(*name));
        let names = self.after.keys().chain(gone);
        names
            .map(|name| FieldChange { name, before: self.before.get(name), after: self.after.get(name) })
            .filter(|field| field.before != field.after)
    }
}

/// More is changed or removed than an edit usually does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// `mapping`, `zone` or `grant`.
    pub kind: &'static str,
    /// How many are changed or removed.
    pub touched: usize,
    /// Of how many.
    pub of: usize,
}

/// Rows after some writes.
pub fn written(mut rows: Rows, writes: &[Write]) -> Rows {
    for Write { sort, after, .. } in writes {
        match after {
            Some(fields) => rows.insert(sort.clone(), fields.clone()),
            None => rows.remove(sort),
        };
    }
    rows
}

/// One row to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Its sort key.
    pub sort: String,
    /// What it must hold until then; none: nothing.
    pub before: Option<Fields>,
    /// What it holds from then on; none: it goes.
    pub after: Option<Fields>,
}

impl Diff {
    /// From these rows to those.
    pub fn between(before: &Rows, after: &Rows) -> Self {
        let mut diff = Self::default();
        for (sort, new) in after {
            match before.get(sort) {
                None => drop(diff.added.insert(sort.clone(), new.clone())),
                Some(old) if old != new => {
                    diff.changed.insert(sort.clone(), Changed { before: old.clone(), after: new.clone() });
                }
                Some(_) => {}
            }
        }
        let gone = before.iter().filter(|(sort, _)| !after.contains_key(*sort));
        diff.removed = gone.map(|(sort, fields)| (sort.clone(), fields.clone())).collect();
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

    /// A short name for it that differs where it does.
    pub fn checksum(&self) -> String {
        let changed = self.changed.iter().flat_map(|(sort, changed)| {
            ["~".to_owned(), sort.clone(), canonical(&changed.before), canonical(&changed.after)]
        });
        let whole = |sign: &'static str, rows: &Rows| -> Vec<String> {
            rows.iter().flat_map(|(sort, fields)| [sign.to_owned(), sort.clone(), canonical(fields)]).collect()
        };
        let texts: Vec<String> =
            whole("+", &self.added).into_iter().chain(changed).chain(whole("-", &self.removed)).collect();
        checksum_of_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The kind of row of which more than 30 % are changed or removed, and more than one: most teams are small, and who
    /// edits one row means it. That the last one goes, and none comes, is too much in any case.
    pub fn excess(&self, before: &Rows) -> Option<Excess> {
        ["mapping", "zone", "grant"].into_iter().find_map(|kind| {
            let is_one = |sort: &&String| kind_of(sort) == kind;
            let touched = self.changed.keys().chain(self.removed.keys()).filter(is_one).count();
            let of = before.keys().filter(is_one).count();
            let is_emptied = of > 0
                && self.removed.keys().filter(is_one).count() == of
                && !self.added.keys().any(|sort| is_one(&sort));
            ((touched > 1 && touched * 100 > of * USUAL) || is_emptied).then_some(Excess { kind, touched, of })
        })
    }

    /// The same rows as writes, in any order: for those that are written together.
    pub fn writes(&self) -> Vec<Write> {
        let write = |sort: &String, before: Option<&Fields>, after: Option<&Fields>| Write {
            sort: sort.clone(),
            before: before.cloned(),
            after: after.cloned(),
        };
        let added = self.added.iter().map(|(sort, fields)| write(sort, None, Some(fields)));
        let changed = self.changed.iter().map(|(sort, it)| write(sort, Some(&it.before), Some(&it.after)));
        let removed = self.removed.iter().map(|(sort, fields)| write(sort, Some(fields), None));
        added.chain(changed).chain(removed).collect()
    }

    /// The same in an order that may stop anywhere: after every write, what is purged both before and after the edit is
    /// purged.
    ///
    /// Zones come first, with the hostnames of before and after. Then mappings that are new, and then those that go: one
    /// that is changed is both, because its row's new fields might not yet, and its old ones no longer, be held by another.
    /// Last, zones lose what they lose.
    pub fn in_order(&self, before: &Rows) -> Vec<Write> {
        let (mut zones, mut added, mut removed, mut last) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        // The last number of each source: to count from one for each mapping would take long where many share a source.
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut taken: BTreeSet<String> = before.keys().chain(self.added.keys()).cloned().collect();
        for Write { sort, before, after } in self.writes() {
            match (before, after) {
                (before, Some(new)) if sort.starts_with(RowKey::ZONE) => {
                    let between = before.as_ref().map_or_else(|| new.clone(), |old| with_hostnames_of(&new, old));
                    if before.as_ref() != Some(&between) {
                        zones.push(Write { sort: sort.clone(), before, after: Some(between.clone()) });
                    }
                    if between != new {
                        last.push(Write { sort, before: Some(between), after: Some(new) });
                    }
                }
                (Some(old), Some(new)) if sort.starts_with(RowKey::MAPPING) => {
                    let name = name_of(&new);
                    let fresh = new_sort(&name, names.entry(name.clone()).or_default(), |sort| taken.contains(sort));
                    taken.insert(fresh.clone());
                    added.push(Write { sort: fresh, before: None, after: Some(new) });
                    removed.push(Write { sort, before: Some(old), after: None });
                }
                (before, None) if sort.starts_with(RowKey::ZONE) => last.push(Write { sort, before, after: None }),
                (before, None) => removed.push(Write { sort, before, after: None }),
                (before, after) => added.push(Write { sort, before, after }),
            }
        }
        [zones, added, removed, last].concat()
    }
}

/// What a row is: grants have the bare names of teams for keys.
fn kind_of(sort: &str) -> &'static str {
    match sort {
        _ if sort.starts_with(RowKey::MAPPING) => "mapping",
        _ if sort.starts_with(RowKey::ZONE) => "zone",
        _ => "grant",
    }
}

/// A zone with its own hostnames, and those of another.
fn with_hostnames_of(zone: &Fields, other: &Fields) -> Fields {
    let mut both = zone.clone();
    for list in ["hostnames", "custom_hostnames"] {
        let items = |zone: &Fields| zone.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let (mut all, more) = (items(zone), items(other));
        let before = all.len();
        all.extend(more.into_iter().filter(|item| !items(zone).contains(item)));
        if all.len() > before {
            both.insert(list.to_owned(), all.into());
        }
    }
    both
}

#[cfg(test)]
mod tests;
