//! Which mapping of a file has which row: mappings have no names, so their keys come from their sources.

use std::collections::{BTreeSet, HashMap, VecDeque};

use serde_json::Value;

use purge_router_core::names::TeamName;

use crate::edit::checksum::{Checksum, canonical};
use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;
use crate::rows::team_tables::TeamTables;

/// The longest name of a mapping by its source, in bytes. DynamoDB takes sort keys of up to 1,024 bytes: the rest is
/// for `MAPPING#` and a number.
const MAX_SOURCE_NAME: usize = 972;

/// The rows of a team's zones and mappings, with the keys of the `current` rows where possible. An unchanged mapping
/// keeps its row. A changed one takes the row of a mapping with the same source that is gone. A new one gets a row of
/// its own.
pub fn assign_row_keys(team: &TeamName, tables: TeamTables, current: &Rows) -> Rows {
    let zones = tables.zones.into_iter();
    let mut rows: Rows = zones.map(|(domain, fields)| (RowKey::Zone { team: team.clone(), domain }, fields)).collect();
    let mut unchanged: HashMap<String, VecDeque<&RowKey>> = HashMap::new();
    let mut by_source: HashMap<String, BTreeSet<&RowKey>> = HashMap::new();
    for (key, fields) in current.iter().filter(|(key, _)| matches!(key, RowKey::Mapping { .. })) {
        unchanged.entry(canonical(fields)).or_default().push_back(key);
        by_source.entry(source_name(fields)).or_default().insert(key);
    }
    let mut changed_or_new = Vec::new();
    for fields in tables.mappings {
        let Some(key) = unchanged.get_mut(&canonical(&fields)).and_then(VecDeque::pop_front) else {
            changed_or_new.push(fields);
            continue;
        };
        if let Some(unassigned) = by_source.get_mut(&source_name(&fields)) {
            unassigned.remove(key);
        }
        rows.insert(key.clone(), fields);
    }
    let mut new_keys = NewKeys::default();
    for fields in changed_or_new {
        let name = source_name(&fields);
        let key = match by_source.get_mut(&name).and_then(BTreeSet::pop_first) {
            Some(key) => key.clone(),
            None => new_keys.next(team, name, |key| current.contains_key(key) || rows.contains_key(key)),
        };
        rows.insert(key, fields);
    }
    rows
}

/// Keys for new mappings: their source, with a number from the second on.
///
/// The last number of each source is kept: to count from one for each mapping would be slow if many share a source.
#[derive(Default)]
pub(crate) struct NewKeys(HashMap<String, usize>);

impl NewKeys {
    /// The next key that is not taken.
    pub(crate) fn next(&mut self, team: &TeamName, name: String, is_taken: impl Fn(&RowKey) -> bool) -> RowKey {
        let last = self.0.entry(name.clone()).or_default();
        loop {
            *last += 1;
            let id = if *last == 1 { name.clone() } else { format!("{name}#{last}") };
            let key = RowKey::Mapping { team: team.clone(), id };
            if !is_taken(&key) {
                return key;
            }
        }
    }
}

/// A mapping's source as its row's name: `bucket/prefix`, or if that is too long, the bucket and a checksum.
pub(crate) fn source_name(fields: &Fields) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let (bucket, prefix) = (text("bucket"), text("prefix"));
    match bucket.len() + prefix.len() > MAX_SOURCE_NAME {
        true => format!("{bucket}/{}", Checksum::of_texts(&[prefix])),
        false => format!("{bucket}/{prefix}"),
    }
}
