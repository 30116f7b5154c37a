//! Rows of buckets → their mappings, with the grants and zones that these need.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use purge_router_cloudflare::redact;
use purge_router_config::{Problem, Row, RowKey, Skipped, grants_of, needs_of, zones_within};
use purge_router_core::Mappings;
use purge_router_core::names::BucketName;

use crate::table::{KEYS_PER_CALL, Table, TableError};

/// How many rows of one team are read once more, and how many are told of, each time that buckets are read: a team may
/// write any number of rows that make no sense.
const READ_AGAIN: usize = 100;
const TOLD: usize = 10;

/// What is mapped of one bucket.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) mappings: Mappings,
    pub(super) skipped: Vec<Skipped>,
}

impl Found {
    /// The rows that there are, good or not.
    pub(super) fn names(&self) -> HashSet<Cow<'_, str>> {
        let good = self.mappings.all().iter().map(|mapping| Cow::Borrowed(&*mapping.name));
        good.chain(self.skipped.iter().map(|skipped| Cow::Owned(skipped.key.to_string()))).collect()
    }
}

type RowsOf = BTreeMap<BucketName, Vec<Row>>;
type FoundIn = BTreeMap<BucketName, Found>;

/// The mappings in rows of buckets. Rows that make no sense are read once more, from the table itself: the index may
/// show them as they were a moment ago.
pub(super) async fn found_in(table: &Table, rows_of: &mut RowsOf) -> Result<FoundIn, TableError> {
    let mut all = parsed(table, rows_of).await?;
    let doubtful = doubtful_in(&all);
    if !doubtful.is_empty() {
        let again = table.rows(doubtful.iter().cloned()).await?;
        let again: HashMap<RowKey, Row> = again.into_iter().map(|row| (row.key.clone(), row)).collect();
        for (bucket, rows) in rows_of.iter_mut() {
            rows.retain_mut(|row| {
                if doubtful.contains(&row.key) {
                    // The index may show it in two buckets for a moment.
                    let Some(now) = again.get(&row.key) else { return false };
                    *row = now.clone();
                }
                row.fields.get("bucket").and_then(|it| it.as_str()) == Some(bucket.as_str())
            });
        }
        all = parsed(table, rows_of).await?;
    }
    tell(&all);
    Ok(all)
}

async fn parsed(table: &Table, rows_of: &RowsOf) -> Result<FoundIn, TableError> {
    let needs: BTreeSet<RowKey> = rows_of.values().flat_map(needs_of).collect();
    let needed = match needs.len() {
        0 => Vec::new(),
        1..=KEYS_PER_CALL => table.rows(needs).await?,
        // What others may write of a bucket is not worth reading: only rows within their grants may ask for zones.
        _ => {
            let mut grants = table.rows(grants_of(rows_of.values().flatten())).await?;
            let zones: BTreeSet<RowKey> = rows_of.values().flat_map(|rows| zones_within(rows, &grants)).collect();
            grants.extend(table.rows(zones).await?);
            grants
        }
    };
    let needed: HashMap<RowKey, Row> = needed.into_iter().map(|row| (row.key.clone(), row)).collect();
    let grants: Vec<Row> = needed.values().filter(|row| matches!(row.key, RowKey::Grant(_))).cloned().collect();
    let found = rows_of.iter().map(|(bucket, rows)| {
        let mut keys = grants_of(rows);
        keys.extend(zones_within(rows, &grants));
        let needed = keys.into_iter().filter_map(|key| needed.get(&key));
        let (mappings, skipped) = purge_router_config::from_rows(rows.iter().chain(needed));
        (bucket.clone(), Found { mappings, skipped })
    });
    Ok(found.collect())
}

/// Rows that are left out for what they say, and not because their team may say nothing here; of each team some.
fn doubtful_in(all: &FoundIn) -> BTreeSet<RowKey> {
    let mut keys = BTreeSet::new();
    for of_team in by_partition(all).into_values() {
        let doubtful = of_team.into_iter().filter(|(_, skipped)| skipped.is_granted());
        keys.extend(doubtful.take(READ_AGAIN).map(|(key, _)| key.clone()));
    }
    keys.retain(|key| !matches!(key, RowKey::Grant(_)));
    keys
}

/// Logs what is left out, and how much there is.
fn tell(all: &FoundIn) {
    let mut count = 0;
    for (partition, of_team) in by_partition(all) {
        count += of_team.len();
        for (key, Skipped { problems, .. }) in of_team.iter().take(TOLD) {
            let row = key.to_string();
            let reason = |problem: &Problem| match problem.to_string().strip_prefix(&row) {
                Some(reason) => reason.trim_start_matches(": ").to_owned(),
                None => problem.to_string(),
            };
            let reasons: Vec<String> = problems.iter().map(reason).collect();
            tracing::warn!(%row, reason = &*redact(&reasons.join(" | ")), "skipped");
        }
        if let more @ 1.. = of_team.len().saturating_sub(TOLD) {
            tracing::warn!(partition, more, "skipped, too; `check --table` tells of all");
        }
    }
    if !all.is_empty() {
        let mappings: usize = all.values().map(|found| found.mappings.all().len()).sum();
        tracing::info!(buckets = all.len(), mappings, skipped = count, "mappings");
    }
}

/// What is left out, each row once.
fn by_partition(all: &FoundIn) -> BTreeMap<String, BTreeMap<&RowKey, &Skipped>> {
    let mut partitions: BTreeMap<String, BTreeMap<&RowKey, &Skipped>> = BTreeMap::new();
    for skipped in all.values().flat_map(|found| &found.skipped) {
        partitions.entry(skipped.key.partition()).or_default().insert(&skipped.key, skipped);
    }
    partitions
}
