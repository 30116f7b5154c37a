//! The table of mappings: rows by bucket, by key and by partition.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_config::{PartitionKey, Row, RowKey};
use purge_router_core::bounds;
use purge_router_core::names::BucketName;

pub(crate) use crate::attributes::{Attributes, attributes, fields, key_attributes, key_of, row, size_of, text};
use crate::row_quota::RowQuota;
use crate::table_error::INDEX;
pub(crate) use crate::table_error::{NotATable, TableError};

/// The most keys of one BatchGetItem. DynamoDB allows 100, but teams may write rows of 400 KB.
pub(crate) const KEYS_PER_CALL: usize = 25;

/// How many BatchGetItem calls run at once.
const CONCURRENT_CALLS: usize = 2;

/// How often unprocessed keys are requested again.
const RETRIES: u32 = 6;

/// A table of this layout.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Table {
    pub(crate) fn new(config: &SdkConfig, name: String) -> Result<Self, NotATable> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        match (3..=255).contains(&name.len()) && name.bytes().all(allowed) {
            true => Ok(Self { client: Client::new(config), name }),
            false => Err(NotATable(name)),
        }
    }

    /// The table's error for an error of the SDK.
    pub(crate) fn failed<E>(&self, error: &SdkError<E>) -> TableError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        TableError::of(error, &self.name, self.client.config().region())
    }

    /// The rows of one bucket, as the index has them: it follows the table within moments. Anyone may write rows of any
    /// bucket, so no more rows of a team are read than it may have there.
    pub(crate) async fn of_bucket(&self, bucket: &BucketName) -> Result<Vec<Row>, TableError> {
        let mut rows = Vec::new();
        let mut quota = RowQuota::default();
        let (mut start, mut after): (_, Option<PartitionKey>) = (None, None);
        loop {
            let query = self.client.query().table_name(&self.name).index_name(INDEX).set_exclusive_start_key(start);
            let query = query.expression_attribute_names("#bucket", "bucket");
            let query = query.expression_attribute_values(":bucket", text(bucket.as_str()));
            let query = match &after {
                None => query.key_condition_expression("#bucket = :bucket"),
                // The rows of a team are consecutive, so the rest of them can be passed over.
                Some(partition) => query
                    .key_condition_expression("#bucket = :bucket AND pk > :pk")
                    .expression_attribute_values(":pk", text(partition.to_string())),
            };
            let page = query.send().await.map_err(|error| self.failed(&error))?;
            for item in page.items.unwrap_or_default() {
                if quota.charge(&item) {
                    rows.push(row(item));
                }
            }
            match (page.last_evaluated_key, quota.exceeded_now()) {
                (None, _) => break,
                (Some(_), Some(partition)) if after.as_ref() != Some(partition) => {
                    (start, after) = (None, Some(partition.clone()));
                }
                (Some(last), _) => start = Some(last),
            }
        }
        for partition in &quota.exceeded {
            let (bucket, most, bytes) = (bucket.as_str(), bounds::MAPPINGS, bounds::ROWS);
            let partition = &*partition.to_string();
            tracing::warn!(bucket, partition, most, bytes, "a team has too many rows in a bucket: the rest is ignored");
        }
        Ok(rows)
    }

    /// The rows of a partition from one sort key to another, both included.
    pub(crate) async fn between(&self, pk: &str, from: &str, to: &str) -> Result<Vec<Attributes>, TableError> {
        let query = self.client.query().table_name(&self.name).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to");
        let query = query.expression_attribute_values(":pk", text(pk));
        let query = query.expression_attribute_values(":from", text(from)).expression_attribute_values(":to", text(to));
        let items: Result<Vec<_>, _> = query.into_paginator().items().send().collect().await;
        items.map_err(|error| self.failed(&error))
    }

    /// The rows with these keys that exist now.
    pub(crate) async fn rows(&self, keys: impl IntoIterator<Item = RowKey>) -> Result<Vec<Row>, TableError> {
        let keys: Vec<RowKey> = keys.into_iter().collect();
        let batches: Vec<Vec<RowKey>> = keys.chunks(KEYS_PER_CALL).map(<[_]>::to_vec).collect();
        let calls = stream::iter(batches.into_iter().map(|keys| self.batch_get(keys)));
        let mut calls = calls.buffered(CONCURRENT_CALLS);
        let (mut rows, mut bytes_by_partition) = (Vec::new(), HashMap::new());
        while let Some(items) = calls.try_next().await? {
            for item in items {
                let key = key_of(&item);
                let bytes: &mut usize = bytes_by_partition.entry(key.partition()).or_default();
                *bytes += size_of(&item);
                // Only operators write grants.
                if *bytes <= bounds::ROWS || matches!(key, RowKey::Grant(_)) {
                    rows.push(row(item));
                } else {
                    tracing::warn!(row = %key, most = bounds::ROWS, "the rows of a team are too large: ignored");
                }
            }
        }
        Ok(rows)
    }

    async fn batch_get(&self, keys: Vec<RowKey>) -> Result<Vec<Attributes>, TableError> {
        let mut keys: Vec<Attributes> = keys.iter().map(key_attributes).collect();
        let mut rows = Vec::new();
        for call in 0..=RETRIES {
            if call > 0 {
                pause(call).await;
            }
            // The index may be ahead of what an eventually consistent read shows.
            let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let request = request.map_err(|error| TableError::Refused(error.to_string()))?;
            let answer = self.client.batch_get_item().request_items(&self.name, request).send().await;
            let mut answer = answer.map_err(|error| self.failed(&error))?;
            let found = answer.responses.as_mut().and_then(|tables| tables.remove(&self.name));
            rows.extend(found.unwrap_or_default());
            keys = match answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name)) {
                Some(unprocessed) if !unprocessed.keys.is_empty() => unprocessed.keys,
                _ => return Ok(rows),
            };
        }
        Err(TableError::Throttled(format!("{} keys are still unprocessed after {RETRIES} retries", keys.len())))
    }
}

/// Waits before the n-th retry: exponential backoff from 50 ms, with full jitter.
pub(crate) async fn pause(retry: u32) {
    let longest = Duration::from_millis(50) * 2_u32.pow(retry.clamp(1, 7) - 1);
    tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
}
