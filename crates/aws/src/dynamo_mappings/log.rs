//! Logs which rows are skipped, and why: some of each team, and how many more there are.

use std::collections::BTreeMap;

use purge_router_cloudflare::mask;
use purge_router_config::{Problem, RowKey, Skipped};
use purge_router_core::names::BucketName;

use crate::dynamo_mappings::bucket_mappings::{BucketMappings, skipped_by_partition};

/// How many rows of one team are logged each time that buckets are read: a team may write any number of invalid rows.
const LOGGED_PER_TEAM: usize = 10;

/// Logs the skipped rows, and how many mappings and skipped rows there are.
pub(super) fn log_skipped(resolved: &BTreeMap<BucketName, BucketMappings>) {
    if resolved.is_empty() {
        return;
    }
    let mut count = 0;
    for (partition, rows_of_team) in skipped_by_partition(resolved) {
        count += rows_of_team.len();
        for (key, skipped) in rows_of_team.iter().take(LOGGED_PER_TEAM) {
            tracing::warn!(row = %key, reason = &*mask(&reason(key, skipped)), "row skipped");
        }
        if let more @ 1.. = rows_of_team.len().saturating_sub(LOGGED_PER_TEAM) {
            tracing::warn!(
                partition = &*partition.to_string(),
                more,
                "more rows are skipped; `check --table` lists all"
            );
        }
    }
    let mappings: usize = resolved.values().map(|of_bucket| of_bucket.mappings.all().len()).sum();
    tracing::info!(buckets = resolved.len(), mappings, skipped = count, "mappings read");
}

/// All problems of a row on one line, without the row's key.
fn reason(key: &RowKey, skipped: &Skipped) -> String {
    let row = key.to_string();
    let without_key = |problem: &Problem| match problem.to_string().strip_prefix(&row) {
        Some(reason) => reason.trim_start_matches(": ").to_owned(),
        None => problem.to_string(),
    };
    skipped.problems.iter().map(without_key).collect::<Vec<_>>().join(" | ")
}
