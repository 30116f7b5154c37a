//! A mapping file → its table over time: rows, edits that give a mapping another row, and bursts of failures.
//!
//! The index follows the table a moment later, each row by itself.

use std::time::Duration;

use fastrand::Rng;
use purge_router_config::{Fields, MappingFile, RowKey, Rows, VERSION, assign_row_keys};
use purge_router_core::names::TeamName;
use serde_json::{Map, Value, json};

use super::model::Scenario;
use super::table::{Lifetime, MappingTable, TableRow};
use crate::clock::SimTime;
use crate::random::{chance, millis, seconds};

/// How many of the scenarios have their mappings in a table. In the others they are in the function's package.
const IN_A_TABLE: f64 = 0.05;

/// How many of the mappings are edited once.
const EDITED: f64 = 0.2;

/// How long the index takes to follow the table, in milliseconds.
const INDEX_LAG: std::ops::RangeInclusive<u64> = 0..=900;

/// The table of a scenario with this mapping file and these uploads, if it has one.
pub(super) fn mapping_table(scenario: &Scenario, file: &str, length: Duration) -> Option<MappingTable> {
    let mut rng = scenario.seed.stream("table", 0);
    if !chance(&mut rng, IN_A_TABLE) {
        return None;
    }
    let mut rows = rows(file);
    for index in 0..rows.len() {
        let Some(bucket) = &rows[index].bucket else { continue };
        if chance(&mut rng, EDITED)
            && let Some(at) = time_of_edit(&mut rng, scenario, bucket)
        {
            let new = replace(&mut rng, &mut rows[index], at);
            rows.push(new);
        }
    }
    let mut bursts = Vec::new();
    for _ in 0..rng.u32(0..=2) {
        let start = seconds(&mut rng, 0..=length.as_secs());
        let end = start + seconds(&mut rng, 1..=60);
        bursts.push((SimTime::after(start), SimTime::after(end)));
    }
    Some(MappingTable { rows, bursts })
}

/// Replaces a row by one with another key, which is returned: at once in the table, and in the index one after the
/// other, in any order.
fn replace(rng: &mut Rng, old: &mut TableRow, at: SimTime) -> TableRow {
    let added = at + millis(rng, INDEX_LAG);
    old.in_table.until = Some(at);
    old.in_index.until = Some(at + millis(rng, INDEX_LAG));
    let sort = format!("{}#2", old.sort);
    let mut item = old.item.clone();
    item["sk"] = json!({ "S": sort });
    let lifetime = |from| Lifetime { from, until: None };
    let (partition, bucket) = (old.partition.clone(), old.bucket.clone());
    TableRow { partition, sort, bucket, item, in_table: lifetime(at), in_index: lifetime(added) }
}

/// When a mapping of a bucket is edited: at about the time of an upload, when reads are likely.
fn time_of_edit(rng: &mut Rng, scenario: &Scenario, bucket: &str) -> Option<SimTime> {
    let uploads = scenario.uploads.iter().enumerate();
    let of_bucket = uploads.filter(|(change, _)| Scenario::bucket(scenario.team_of(*change)) == bucket);
    let times: Vec<SimTime> = of_bucket.map(|(_, upload)| upload.at).collect();
    let at = *rng.choice(&times)?;
    Some(at + millis(rng, 0..=2000))
}

/// The rows of all teams of a mapping file.
fn rows(file: &str) -> Vec<TableRow> {
    let Ok(file) = MappingFile::parse(file) else { return Vec::new() };
    let mut rows = Rows::new();
    for team in file.teams().into_iter().filter_map(|name| TeamName::parse(name).ok()) {
        rows.insert(RowKey::Grant(team.clone()), file.grant(&team));
        rows.extend(assign_row_keys(&team, file.tables(&team), &Rows::new()));
    }
    rows.into_iter().map(|(key, fields)| row(&key, fields)).collect()
}

fn row(key: &RowKey, mut fields: Fields) -> TableRow {
    let (partition, sort) = (key.partition().to_string(), key.sort());
    let bucket = fields.get("bucket").and_then(Value::as_str).map(str::to_owned);
    for (name, value) in [("version", json!(VERSION)), ("pk", json!(partition)), ("sk", json!(sort))] {
        fields.insert(name.to_owned(), value);
    }
    let item: Map<String, Value> = fields.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
    let (in_table, in_index) = (Lifetime::default(), Lifetime::default());
    TableRow { partition, sort, bucket, item: Value::Object(item), in_table, in_index }
}

/// A value as the API writes it, with its type.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::String(text) => json!({ "S": text }),
        Value::Array(values) => json!({ "L": values.iter().map(attribute).collect::<Vec<_>>() }),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), attribute(value)));
            json!({ "M": fields.collect::<Map<_, _>>() })
        }
    }
}
