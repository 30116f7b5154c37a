//! The table of mappings: rows by bucket, by key and by partition.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_config::{Fields, Row, RowKey};
use purge_router_core::bounds;
use purge_router_core::names::BucketName;
use serde_json::Value;

use crate::aws_error::{AwsError, AwsErrorKind};

/// The index of mappings by bucket.
const INDEX: &str = "by-bucket";

/// The most keys of one BatchGetItem. DynamoDB allows 100, but teams may write rows of 400 KB.
pub(crate) const KEYS_PER_CALL: usize = 25;

/// How many BatchGetItem calls run at once.
const CONCURRENT_CALLS: usize = 2;

/// How often unprocessed keys are requested again.
const RETRIES: u32 = 6;

/// The attributes of a row, keys included.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// Why the table can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no such table, or it has no index by bucket.
    #[error("DynamoDB has no table `{table}` with an index `{INDEX}` in the region {region}: {message}")]
    #[expect(missing_docs, reason = "the message says what they are")]
    NoTable { table: String, region: String, message: String },
    /// The caller lacks a permission. [`with_caller`](crate::with_caller) adds who that is.
    #[error("access denied: {0}")]
    Denied(String),
    /// There were too many calls.
    #[error("DynamoDB throttles: {0}")]
    Throttled(String),
    /// DynamoDB did not answer, or had an internal error.
    #[error("DynamoDB does not answer: {0}")]
    Unavailable(String),
    /// The region or the credentials are missing or not accepted.
    #[error("can't call DynamoDB: {0}; set the AWS region and credentials, or renew them, as for the AWS CLI")]
    Settings(String),
    /// DynamoDB refused the request for another reason.
    #[error("DynamoDB refused the request: {0}")]
    Refused(String),
}

/// A name that no DynamoDB table can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a table name: use 3 to 255 letters, digits, `_`, `-` or `.`")]
pub struct NotATable(String);

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

    pub(crate) fn failed<E>(&self, error: &SdkError<E>) -> TableError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let region = self.client.config().region();
        let AwsError { kind, code, message } = AwsError::of(error, region);
        match kind {
            _ if code == "ResourceNotFoundException" => {
                let region = region.map(ToString::to_string).unwrap_or_default();
                TableError::NoTable { table: self.name.clone(), region, message }
            }
            AwsErrorKind::Denied => TableError::Denied(message),
            AwsErrorKind::Throttled => TableError::Throttled(message),
            AwsErrorKind::Unavailable => TableError::Unavailable(message),
            AwsErrorKind::Settings => TableError::Settings(message),
            AwsErrorKind::Refused => TableError::Refused(message),
        }
    }

    /// The rows of one bucket, as the index has them: it follows the table within moments. Anyone may write rows of any
    /// bucket, so no more rows of a team are read than it may have there.
    pub(crate) async fn of_bucket(&self, bucket: &BucketName) -> Result<Vec<Row>, TableError> {
        let mut rows = Vec::new();
        let mut quota = RowQuota::default();
        let (mut start, mut after) = (None, None);
        loop {
            let query = self.client.query().table_name(&self.name).index_name(INDEX).set_exclusive_start_key(start);
            let query = query.expression_attribute_names("#bucket", "bucket");
            let query = query.expression_attribute_values(":bucket", text(bucket.as_str()));
            let query = match &after {
                None => query.key_condition_expression("#bucket = :bucket"),
                // The rows of a team are consecutive, so the rest of them can be passed over.
                Some(partition) => query
                    .key_condition_expression("#bucket = :bucket AND pk > :pk")
                    .expression_attribute_values(":pk", text(partition)),
            };
            let page = query.send().await.map_err(|error| self.failed(&error))?;
            for item in page.items.unwrap_or_default() {
                if quota.charge(&item) {
                    rows.push(row(item));
                }
            }
            match page.last_evaluated_key {
                None => break,
                Some(_) if quota.is_exceeded() && after.as_ref() != Some(&quota.partition) => {
                    (start, after) = (None, Some(quota.partition.clone()));
                }
                Some(last) => start = Some(last),
            }
        }
        for partition in &quota.exceeded {
            let (bucket, most, bytes) = (bucket.as_str(), bounds::MAPPINGS, bounds::ROWS);
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
        let mut calls = calls.buffer_unordered(CONCURRENT_CALLS);
        let (mut rows, mut bytes_by_partition) = (Vec::new(), HashMap::new());
        while let Some(items) = calls.try_next().await? {
            for item in items {
                let key = key_of(&item);
                let bytes: &mut usize = bytes_by_partition.entry(key.partition.clone()).or_default();
                *bytes += size_of(&item);
                // Only operators write grants.
                if *bytes <= bounds::ROWS || key.partition == RowKey::GRANTS {
                    rows.push(row(item));
                } else {
                    tracing::warn!(row = %key, most = bounds::ROWS, "the zone rows of a team are too large: ignored");
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

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn key_attributes(key: &RowKey) -> Attributes {
    [("pk".to_owned(), text(&key.partition)), ("sk".to_owned(), text(&key.sort))].into()
}

/// Counts the rows and bytes of one team after another, up to what a team may have.
#[derive(Default)]
struct RowQuota {
    partition: String,
    rows: usize,
    bytes: usize,
    /// The partitions with more than that.
    exceeded: Vec<String>,
}

impl RowQuota {
    /// Counts a row, and returns whether it is within the quota.
    fn charge(&mut self, item: &Attributes) -> bool {
        let partition = key_of(item).partition;
        if partition != self.partition {
            *self = Self { partition, exceeded: std::mem::take(&mut self.exceeded), ..Self::default() };
        }
        if self.is_exceeded() {
            return false;
        }
        self.rows += 1;
        self.bytes += size_of(item);
        // One more than allowed, so that the reader of the rows reports it.
        let is_within = self.rows <= bounds::MAPPINGS + 1 && self.bytes <= bounds::ROWS;
        if !is_within {
            self.exceeded.push(self.partition.clone());
        }
        is_within
    }

    /// Whether the current team's other rows are ignored.
    fn is_exceeded(&self) -> bool {
        self.exceeded.last() == Some(&self.partition)
    }
}

/// About how many bytes a row takes.
fn size_of(item: &Attributes) -> usize {
    item.iter().map(|(name, value)| name.len() + size(value)).sum()
}

/// About how many bytes a value takes, overhead included.
fn size(value: &AttributeValue) -> usize {
    let text = match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => values.iter().map(size).sum(),
        AttributeValue::M(values) => values.iter().map(|(name, value)| name.len() + size(value)).sum(),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => {
            texts.iter().map(|text| bounds::BESIDE_A_VALUE + text.len()).sum()
        }
        AttributeValue::Bs(all) => all.iter().map(|bytes| bounds::BESIDE_A_VALUE + bytes.as_ref().len()).sum(),
        _ => 0,
    };
    bounds::BESIDE_A_VALUE + text
}

pub(crate) fn row(mut attributes: Attributes) -> Row {
    let key = key_of(&attributes);
    attributes.remove("pk");
    attributes.remove("sk");
    Row { key, fields: fields(attributes) }
}

fn key_of(item: &Attributes) -> RowKey {
    let text = |name: &str| item.get(name).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
    RowKey { partition: text("pk"), sort: text("sk") }
}

/// Attributes as JSON values. Bytes have none and become null, which no field of a mapping may be.
pub(crate) fn fields(attributes: Attributes) -> Fields {
    let value = |value| serde_dynamo::from_attribute_value(value).unwrap_or(Value::Null);
    attributes.into_iter().map(|(name, it)| (name, value(it))).collect()
}

/// JSON values as attributes.
pub(crate) fn attributes(fields: &Fields) -> Result<Attributes, TableError> {
    serde_dynamo::to_item(fields).map_err(|error| TableError::Refused(error.to_string()))
}
