//! Which mapping or test of a file has which row: they have no names, so their keys come from their sources and objects.

use std::collections::{BTreeSet, HashMap, VecDeque};

use serde_json::Value;

use purge_router_core::names::TeamName;

use crate::edit::checksum::{Checksum, canonical};
use crate::edit::large_change::RowKind;
use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;
use crate::rows::team_tables::TeamTables;

/// The longest name of a mapping or test, in bytes. DynamoDB takes sort keys of up to 1,024 bytes: the rest is for
/// `MAPPING#` and a number.
const MAX_NAME: usize = 972;

/// A kind of row without a name of its own.
pub(crate) struct Unnamed {
    kind: RowKind,
    key: fn(TeamName, String) -> RowKey,
    /// A name that rows may share.
    name: fn(&Fields) -> String,
}

/// Mappings, by their sources.
pub(crate) const MAPPINGS: Unnamed =
    Unnamed { kind: RowKind::Mapping, key: |team, id| RowKey::Mapping { team, id }, name: source_name };

/// Tests, by their objects.
const TESTS: Unnamed = Unnamed { kind: RowKind::Test, key: |team, id| RowKey::Test { team, id }, name: object_name };

/// The rows of a team's zones, mappings and tests, with the keys of the `current` rows where possible. An unchanged mapping
/// keeps its row. A changed one takes the row of a mapping with the same source that is gone. A new one gets a row of
/// its own. Tests do the same, by their objects.
pub fn assign_row_keys(team: &TeamName, tables: TeamTables, current: &Rows) -> Rows {
    let zones = tables.zones.into_iter();
    let mut rows: Rows = zones.map(|(domain, fields)| (RowKey::Zone { team: team.clone(), domain }, fields)).collect();
    assign(team, &MAPPINGS, tables.mappings, current, &mut rows);
    assign(team, &TESTS, tables.tests, current, &mut rows);
    rows
}

fn assign(team: &TeamName, unnamed: &Unnamed, all: Vec<Fields>, current: &Rows, rows: &mut Rows) {
    let mut unchanged: HashMap<String, VecDeque<&RowKey>> = HashMap::new();
    let mut by_name: HashMap<String, BTreeSet<&RowKey>> = HashMap::new();
    for (key, fields) in current.iter().filter(|(key, _)| RowKind::of(key) == Some(unnamed.kind)) {
        unchanged.entry(canonical(fields)).or_default().push_back(key);
        by_name.entry((unnamed.name)(fields)).or_default().insert(key);
    }
    let mut changed_or_new = Vec::new();
    for fields in all {
        let Some(key) = unchanged.get_mut(&canonical(&fields)).and_then(VecDeque::pop_front) else {
            changed_or_new.push(fields);
            continue;
        };
        if let Some(unassigned) = by_name.get_mut(&(unnamed.name)(&fields)) {
            unassigned.remove(key);
        }
        rows.insert(key.clone(), fields);
    }
    let mut new_keys = NewKeys::default();
    for fields in changed_or_new {
        let key = match by_name.get_mut(&(unnamed.name)(&fields)).and_then(BTreeSet::pop_first) {
            Some(key) => key.clone(),
            None => new_keys.next(team, unnamed, &fields, |key| current.contains_key(key) || rows.contains_key(key)),
        };
        rows.insert(key, fields);
    }
}

/// Keys for new rows: their name, with a number from the second on.
///
/// The last number of each name is kept: to count from one for each row would be slow if many share a name.
#[derive(Default)]
pub(crate) struct NewKeys(HashMap<String, usize>);

impl NewKeys {
    /// The next key that is not taken. All calls are for rows of one kind.
    pub(crate) fn next(
        &mut self,
        team: &TeamName,
        unnamed: &Unnamed,
        fields: &Fields,
        is_taken: impl Fn(&RowKey) -> bool,
    ) -> RowKey {
        let name = (unnamed.name)(fields);
        let last = self.0.entry(name.clone()).or_default();
        loop {
            *last += 1;
            let id = if *last == 1 { name.clone() } else { format!("{name}#{last}") };
            let key = (unnamed.key)(team.clone(), id);
            if !is_taken(&key) {
                return key;
            }
        }
    }
}

/// A mapping's source as its row's name: `bucket/prefix`.
fn source_name(fields: &Fields) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    bounded_name(text("bucket"), text("prefix"))
}

/// A test's object as its row's name: `bucket/key`.
fn object_name(fields: &Fields) -> String {
    let object = fields.get("object").and_then(Value::as_str).unwrap_or_default();
    let object = object.strip_prefix("s3://").unwrap_or(object);
    let (bucket, key) = object.split_once('/').unwrap_or((object, ""));
    bounded_name(bucket, key)
}

/// `bucket/rest`, or if that is too long, the bucket and a checksum.
fn bounded_name(bucket: &str, rest: &str) -> String {
    match bucket.len() + rest.len() > MAX_NAME {
        true => format!("{bucket}/{}", Checksum::of_texts(&[rest])),
        false => format!("{bucket}/{rest}"),
    }
}
