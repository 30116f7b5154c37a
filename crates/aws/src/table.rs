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

use crate::trouble::Trouble;

/// The index of mappings by bucket.
const INDEX: &str = "by-bucket";

/// The most keys of one BatchGetItem. DynamoDB takes 100; but a row may have 400 KB, and teams write what they like.
pub(crate) const KEYS_PER_CALL: usize = 25;

/// How many calls go side by side.
const CALLS: usize = 2;

/// How often keys that DynamoDB left out of its answers are asked for again.
const MORE_CALLS: u32 = 6;

/// The attributes of a row, keys included.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// Why the table can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no such table, or it has no index by bucket.
    #[error("DynamoDB has no table `{table}` with an index `{INDEX}` in the region {region}: {said}")]
    #[expect(missing_docs, reason = "the message says what they are")]
    NoTable { table: String, region: String, said: String },
    /// The role or user may not do it.
    #[error("it may not be done: {0}")]
    Denied(String),
    /// DynamoDB was asked too often.
    #[error("DynamoDB throttles: {0}")]
    Throttled(String),
    /// DynamoDB did not answer, or has trouble of its own.
    #[error("DynamoDB does not answer: {0}")]
    Unavailable(String),
    /// Without a region or credentials, or with those that are not taken, it can't be asked.
    #[error("DynamoDB can't be asked: {0}; set the region and the credentials, or renew them, as for the AWS CLI")]
    Settings(String),
    /// DynamoDB refuses it for another reason.
    #[error("DynamoDB refuses it: {0}")]
    Refused(String),
}

/// A name that no table of DynamoDB has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a table's name: write 3 to 255 letters, digits, `_`, `-` or `.`")]
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
        let (trouble, code, said) = Trouble::of(error);
        match trouble {
            _ if code == "ResourceNotFoundException" => {
                let region = self.client.config().region().map_or("that is not set", |region| region.as_ref());
                TableError::NoTable { table: self.name.clone(), region: region.to_owned(), said }
            }
            Trouble::Denied => TableError::Denied(said),
            Trouble::Throttled => TableError::Throttled(said),
            Trouble::Unavailable => TableError::Unavailable(said),
            Trouble::Settings => TableError::Settings(said),
            Trouble::Refused => TableError::Refused(said),
        }
    }

    /// The rows of one bucket, as the index has them: it follows the table within moments. Anybody may write rows of any
    /// bucket, so that no more of one team are read than it may have there.
    pub(crate) async fn of_bucket(&self, bucket: &BucketName) -> Result<Vec<Row>, TableError> {
        let mut rows = Vec::new();
        let mut taken = Taken::default();
        let (mut start, mut behind) = (None, None);
        loop {
            let query = self.client.query().table_name(&self.name).index_name(INDEX).set_exclusive_start_key(start);
            let query = query.expression_attribute_names("#bucket", "bucket");
            let query = query.expression_attribute_values(":bucket", text(bucket.as_str()));
            let query = match &behind {
                None => query.key_condition_expression("#bucket = :bucket"),
                // The rows of a team stand together, so that the rest of one's can be passed over.
                Some(partition) => query
                    .key_condition_expression("#bucket = :bucket AND pk > :pk")
                    .expression_attribute_values(":pk", text(partition)),
            };
            let page = query.send().await.map_err(|error| self.failed(&error))?;
            for item in page.items.unwrap_or_default() {
                if taken.is_room_for(&item) {
                    rows.push(row(item));
                }
            }
            match page.last_evaluated_key {
                None => break,
                Some(_) if taken.is_full() && behind.as_ref() != Some(&taken.partition) => {
                    (start, behind) = (None, Some(taken.partition.clone()));
                }
                Some(last) => start = Some(last),
            }
        }
        for partition in &taken.full {
            let (bucket, most, bytes) = (bucket.as_str(), bounds::MAPPINGS, bounds::ROWS);
            tracing::warn!(
                bucket,
                partition,
                most,
                bytes,
                "more rows of a bucket than a team may have: the rest is left out"
            );
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

    /// The rows that there are of these keys, as they are now.
    pub(crate) async fn rows(&self, keys: impl IntoIterator<Item = RowKey>) -> Result<Vec<Row>, TableError> {
        let keys: Vec<RowKey> = keys.into_iter().collect();
        let some: Vec<Vec<RowKey>> = keys.chunks(KEYS_PER_CALL).map(<[_]>::to_vec).collect();
        let calls = stream::iter(some.into_iter().map(|some| self.some_rows(some)));
        let mut calls = calls.buffer_unordered(CALLS);
        let (mut rows, mut taken) = (Vec::new(), HashMap::new());
        while let Some(items) = calls.try_next().await? {
            for item in items {
                let key = key_of(&item);
                let bytes: &mut usize = taken.entry(key.partition()).or_default();
                *bytes += size_of(&item);
                // Only operators write grants.
                if *bytes <= bounds::ROWS || matches!(key, RowKey::Grant(_)) {
                    rows.push(row(item));
                } else {
                    tracing::warn!(row = %key, most = bounds::ROWS, "more bytes of zones than are read of a team: left out");
                }
            }
        }
        Ok(rows)
    }

    async fn some_rows(&self, keys: Vec<RowKey>) -> Result<Vec<Attributes>, TableError> {
        let mut keys: Vec<Attributes> = keys.iter().map(key_attributes).collect();
        let mut rows = Vec::new();
        for call in 0..=MORE_CALLS {
            if call > 0 {
                pause(call).await;
            }
            // The index may be ahead of what an eventually consistent read shows.
            let asked = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let asked = asked.map_err(|error| TableError::Refused(error.to_string()))?;
            let answer = self.client.batch_get_item().request_items(&self.name, asked).send().await;
            let mut answer = answer.map_err(|error| self.failed(&error))?;
            let found = answer.responses.as_mut().and_then(|tables| tables.remove(&self.name));
            rows.extend(found.unwrap_or_default());
            keys = match answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name)) {
                Some(left) if !left.keys.is_empty() => left.keys,
                _ => return Ok(rows),
            };
        }
        Err(TableError::Throttled(format!("{} of the keys were left out of {MORE_CALLS} answers", keys.len())))
    }
}

/// Waits before a call is made again for the n-th time: up to 50 ms, and twice as long each time.
pub(crate) async fn pause(nth: u32) {
    let most = Duration::from_millis(50) * 2_u32.pow(nth.clamp(1, 7) - 1);
    tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn key_attributes(key: &RowKey) -> Attributes {
    [("pk".to_owned(), text(key.partition())), ("sk".to_owned(), text(key.sort()))].into()
}

/// How much of one team was taken, while its rows come by.
#[derive(Default)]
struct Taken {
    partition: String,
    rows: usize,
    bytes: usize,
    /// The partitions of which some was left out.
    full: Vec<String>,
}

impl Taken {
    fn is_room_for(&mut self, item: &Attributes) -> bool {
        let partition = key_of(item).partition();
        if partition != self.partition {
            *self = Self { partition, full: std::mem::take(&mut self.full), ..Self::default() };
        }
        if self.is_full() {
            return false;
        }
        self.rows += 1;
        self.bytes += size_of(item);
        // One more than it may have, so that it is told of.
        let is_room = self.rows <= bounds::MAPPINGS + 1 && self.bytes <= bounds::ROWS;
        if !is_room {
            self.full.push(self.partition.clone());
        }
        is_room
    }

    /// Whether the rest of the team whose rows come by now is left out.
    fn is_full(&self) -> bool {
        self.full.last() == Some(&self.partition)
    }
}

/// About how many bytes a row takes.
fn size_of(item: &Attributes) -> usize {
    item.iter().map(|(name, value)| name.len() + size(value)).sum()
}

/// About how many bytes a value takes, as text and beside that.
fn size(value: &AttributeValue) -> usize {
    let text = match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => values.iter().map(size).sum(),
        AttributeValue::M(values) => values.iter().map(|(name, value)| name.len() + size(value)).sum(),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => {
            texts.iter().map(|text| bounds::VALUE_OVERHEAD + text.len()).sum()
        }
        AttributeValue::Bs(all) => all.iter().map(|bytes| bounds::VALUE_OVERHEAD + bytes.as_ref().len()).sum(),
        _ => 0,
    };
    bounds::VALUE_OVERHEAD + text
}

pub(crate) fn row(mut attributes: Attributes) -> Row {
    let key = key_of(&attributes);
    attributes.remove("pk");
    attributes.remove("sk");
    Row { key, fields: fields(attributes) }
}

pub(crate) fn key_of(item: &Attributes) -> RowKey {
    let text = |name: &str| item.get(name).and_then(|key| key.as_s().ok()).map_or("", String::as_str);
    RowKey::parse(text("pk"), text("sk"))
}

/// Attributes as plain values. What has none, such as bytes, is null, which no field of a mapping may be.
pub(crate) fn fields(attributes: Attributes) -> Fields {
    let value = |value| serde_dynamo::from_attribute_value(value).unwrap_or(Value::Null);
    attributes.into_iter().map(|(name, it)| (name, value(it))).collect()
}

/// Plain values as attributes.
pub(crate) fn attributes(fields: &Fields) -> Result<Attributes, TableError> {
    serde_dynamo::to_item(fields).map_err(|error| TableError::Refused(error.to_string()))
}
