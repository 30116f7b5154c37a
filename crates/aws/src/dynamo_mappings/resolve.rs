//! Rows of buckets → the mappings of each bucket, with the grants and zones that these need.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use purge_router_config::{Row, RowKey, Skipped, grants_of, needs_of, zones_within};
use purge_router_core::names::BucketName;
use purge_router_pipeline::{Clock, Timestamp};

use crate::dynamo_mappings::bucket_mappings::{BucketMappings, skipped_by_partition};
use crate::dynamo_mappings::log::log_skipped;
use crate::dynamo_mappings::removal::BucketState;
use crate::table::{KEYS_PER_CALL, Table};
use crate::table_error::TableError;

/// How many rows of one team are read a second time: a team may write any number of invalid rows.
const REREADS_PER_TEAM: usize = 100;

type RowsByBucket = BTreeMap<BucketName, Vec<Row>>;
type MappingsByBucket = BTreeMap<BucketName, BucketMappings>;
/// What the reads before found.
pub(super) type StatesBefore = BTreeMap<BucketName, Arc<BucketState>>;

/// Resolves the rows of each bucket. Invalid rows are read a second time, from the table itself: the index may show
/// them as they were a moment ago.
pub(super) async fn resolve(
    table: &Table,
    clock: &Clock,
    before: &StatesBefore,
    mut rows: RowsByBucket,
) -> BTreeMap<BucketName, Result<BucketMappings, TableError>> {
    let mut resolved = match resolve_once(table, clock, before, &rows).await {
        Ok(resolved) => resolved,
        Err(error) => return without_needs(clock.now(), rows, &error),
    };
    let doubtful = doubtful_rows(&resolved);
    if !doubtful.is_empty() {
        match resolve_again(table, clock, before, &mut rows, &doubtful).await {
            Ok(again) => resolved = again,
            Err(error) => {
                tracing::warn!(rows = doubtful.len(), %error, "can't read invalid rows a second time: skipped for now");
                mark_unverified(&mut resolved, &doubtful);
            }
        }
    }
    log_skipped(&resolved);
    resolved.into_iter().map(|(bucket, mappings)| (bucket, Ok(mappings))).collect()
}

/// Without grants and zones, only buckets without rows are known to have no mappings.
fn without_needs(
    now: Timestamp,
    rows: RowsByBucket,
    error: &TableError,
) -> BTreeMap<BucketName, Result<BucketMappings, TableError>> {
    let no_mappings = || BucketMappings::from_rows([].iter(), now, None);
    let result = |rows: &[Row]| if rows.is_empty() { Ok(no_mappings()) } else { Err(error.clone()) };
    rows.into_iter().map(|(bucket, rows)| (bucket, result(&rows))).collect()
}

async fn resolve_once(
    table: &Table,
    clock: &Clock,
    before: &StatesBefore,
    rows: &RowsByBucket,
) -> Result<MappingsByBucket, TableError> {
    let needs_read_at = clock.now();
    let needed = read_needs(table, rows).await?;
    let needed: HashMap<RowKey, Row> = needed.into_iter().map(|row| (row.key.clone(), row)).collect();
    let grants: Vec<Row> = needed.values().filter(|row| matches!(row.key, RowKey::Grant(_))).cloned().collect();
    let resolved = rows.iter().map(|(bucket, rows)| {
        let mut keys = grants_of(rows);
        keys.extend(zones_within(rows, &grants));
        let needed: Vec<&Row> = keys.into_iter().filter_map(|key| needed.get(&key)).collect();
        let before = before.get(bucket).map(|state| state.current());
        let rows = rows.iter().chain(needed.iter().copied());
        (bucket.clone(), BucketMappings::from_rows(rows, needs_read_at, before))
    });
    Ok(resolved.collect())
}

/// The grants and zones that these rows need.
async fn read_needs(table: &Table, rows: &RowsByBucket) -> Result<Vec<Row>, TableError> {
    let needs: BTreeSet<RowKey> = rows.values().flat_map(needs_of).collect();
    match needs.len() {
        0 => Ok(Vec::new()),
        1..=KEYS_PER_CALL => table.rows(needs).await,
        // Zones are read only for rows within their team's grant: anyone may write rows of any bucket.
        _ => {
            let mut grants = table.rows(grants_of(rows.values().flatten())).await?;
            let zones: BTreeSet<RowKey> = rows.values().flat_map(|rows| zones_within(rows, &grants)).collect();
            grants.extend(table.rows(zones).await?);
            Ok(grants)
        }
    }
}

/// The mapping rows that are skipped for what they say, rather than because their team has no rights in the bucket.
/// Grants and zones are read from the table in the first place.
fn doubtful_rows(resolved: &MappingsByBucket) -> BTreeSet<RowKey> {
    let mut keys = BTreeSet::new();
    for rows_of_team in skipped_by_partition(resolved).into_values() {
        let is_doubtful =
            |key: &RowKey, skipped: &Skipped| matches!(key, RowKey::Mapping { .. }) && skipped.is_granted();
        let doubtful = rows_of_team.into_iter().filter(|(key, skipped)| is_doubtful(key, skipped));
        keys.extend(doubtful.take(REREADS_PER_TEAM).map(|(key, _)| key.clone()));
    }
    keys
}

/// Resolves again, with these rows as the table has them now.
async fn resolve_again(
    table: &Table,
    clock: &Clock,
    before: &StatesBefore,
    rows_by_bucket: &mut RowsByBucket,
    doubtful: &BTreeSet<RowKey>,
) -> Result<MappingsByBucket, TableError> {
    let current = table.rows(doubtful.iter().cloned()).await?;
    let current: HashMap<RowKey, Row> = current.into_iter().map(|row| (row.key.clone(), row)).collect();
    for (bucket, rows) in rows_by_bucket.iter_mut() {
        rows.retain_mut(|row| {
            if doubtful.contains(&row.key) {
                let Some(current) = current.get(&row.key) else { return false };
                *row = current.clone();
            }
            // For a moment, the index may show a row in two buckets.
            row.fields.get("bucket").and_then(|name| name.as_str()) == Some(bucket.as_str())
        });
    }
    resolve_once(table, clock, before, rows_by_bucket).await
}

fn mark_unverified(resolved: &mut MappingsByBucket, doubtful: &BTreeSet<RowKey>) {
    for mappings in resolved.values_mut() {
        let keys = mappings.skipped.iter().map(|Skipped { key, .. }| key);
        mappings.unverified = keys.filter(|key| doubtful.contains(key)).cloned().collect();
    }
}
