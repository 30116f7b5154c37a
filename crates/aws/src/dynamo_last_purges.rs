//! What was purged last of each object, in a DynamoDB table of its own: one row for each object of a team.

mod item;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::{StreamExt, stream};
use purge_router_config::{Partition, RowKey};
use purge_router_core::names::TeamName;
use purge_router_core::{LastPurge, TeamObject};
use purge_router_pipeline::{Clock, LastPurgeStore, Remembered};
use tokio::time::{Instant, timeout_at};

use self::item::{key_of, last_purge_of, text_of, to_item};
use crate::table::{Attributes, Table, key_attributes};
use crate::table_error::{NotATable, TableError};

/// How many objects one BatchGetItem reads. With the heads of as many teams and of the grants, these are 99 keys; DynamoDB
/// allows 100. Rows are small.
const OBJECTS_PER_CALL: usize = 49;

/// How many calls run at once.
const CONCURRENT_READS: usize = 8;
const CONCURRENT_WRITES: usize = 32;

/// How long a row is used, in seconds. DynamoDB deletes it some time later.
const LIFETIME: u64 = 7 * 24 * 3600;

/// For how long after an edit of the mappings nothing that was remembered before counts, at least.
const EDITS_SETTLE: Duration = Duration::from_secs(600);

/// The table of last purges.
#[derive(Debug, Clone)]
pub struct DynamoLastPurges {
    table: Table,
    /// The table of mappings, whose edits make older rows invalid.
    mappings: Option<Table>,
    /// For how long after an edit of the mappings nothing that was remembered before counts. By then, all instances have read
    /// the edit, so that none of them purges an object without remembering it.
    edits_settle: Duration,
    clock: Clock,
}

impl DynamoLastPurges {
    /// A store in this table. What was remembered before the last push to the table of mappings, if there is one, does not
    /// count: until all instances have read it, which cache mappings for `mappings_ttl`, objects may have been purged without
    /// being remembered.
    ///
    /// # Errors
    /// A name can't be the name of a DynamoDB table.
    pub fn new(
        config: &SdkConfig,
        table: String,
        mappings: Option<String>,
        mappings_ttl: Duration,
        clock: Clock,
    ) -> Result<Self, NotATable> {
        let mappings = mappings.map(|name| Table::new(config, name)).transpose()?;
        let edits_settle = EDITS_SETTLE.max(mappings_ttl.saturating_mul(2));
        Ok(Self { table: Table::new(config, table)?, mappings, edits_settle, clock })
    }

    fn client(&self) -> &Client {
        &self.table.client
    }

    fn now(&self) -> u64 {
        self.clock.wall_time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    /// What is remembered of at most [`OBJECTS_PER_CALL`] objects.
    async fn read_chunk(&self, objects: &[TeamObject], end: Instant) -> Vec<Option<LastPurge>> {
        let read = timeout_at(end, self.read_some(objects)).await.unwrap_or_else(|_| {
            tracing::warn!("the table of last purges does not answer in time");
            None
        });
        let now = self.now();
        let of = |object: &TeamObject| {
            let (rows, valid_since) = read.as_ref()?;
            let since = valid_since.get(&object.team).copied().unwrap_or_default();
            Some(rows.get(&key_of(object)).map_or_else(LastPurge::default, |row| last_purge_of(row, now, since)))
        };
        objects.iter().map(of).collect()
    }

    /// The rows of these objects, by key, and since when rows of their teams count; `None` if that can't be read.
    async fn read_some(
        &self,
        objects: &[TeamObject],
    ) -> Option<(HashMap<String, Attributes>, BTreeMap<TeamName, u64>)> {
        let teams: BTreeSet<&TeamName> = objects.iter().map(|object| &object.team).collect();
        let keys = objects.iter().map(|object| [("object".to_owned(), text_of(&key_of(object)))].into()).collect();
        let mut requests = HashMap::from([(self.table.name.clone(), keys)]);
        if let Some(mappings) = &self.mappings {
            let partitions = teams.iter().map(|team| Partition::Team((*team).clone())).chain([Partition::Grants]);
            let heads = partitions.map(|partition| key_attributes(&RowKey::Head(partition)));
            requests.insert(mappings.name.clone(), heads.collect());
        }
        let found = self.batch_get(requests).await;
        let mut found = found.map_err(|error| tracing::warn!(%error, "can't read the table of last purges")).ok()?;
        let heads = self.mappings.as_ref().and_then(|mappings| found.remove(&mappings.name)).unwrap_or_default();
        let valid_since = item::valid_since(&heads, teams, self.edits_settle.as_secs());
        let rows = found.remove(&self.table.name).unwrap_or_default().into_iter();
        let rows = rows.filter_map(|row| Some((row.get("object")?.as_s().ok()?.clone(), row)));
        Some((rows.collect(), valid_since))
    }

    /// The rows with these keys, by table.
    async fn batch_get(
        &self,
        mut keys: HashMap<String, Vec<Attributes>>,
    ) -> Result<HashMap<String, Vec<Attributes>>, TableError> {
        let mut found: HashMap<String, Vec<Attributes>> = HashMap::new();
        // Ends with the time of the read: unprocessed keys are requested again until then.
        for call in 0.. {
            if call > 0 {
                crate::table::pause(call).await;
            }
            let request = |(table, keys)| {
                let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
                Ok((table, request.map_err(|error| TableError::Refused(error.to_string()))?))
            };
            let requests: HashMap<_, _> = keys.drain().map(request).collect::<Result<_, TableError>>()?;
            let answer = self.client().batch_get_item().set_request_items(Some(requests)).send().await;
            let answer = answer.map_err(|error| self.table.failed(&error))?;
            for (table, rows) in answer.responses.unwrap_or_default() {
                found.entry(table).or_default().extend(rows);
            }
            let unprocessed = answer.unprocessed_keys.unwrap_or_default().into_iter();
            keys = unprocessed.map(|(table, it)| (table, it.keys)).filter(|(_, keys)| !keys.is_empty()).collect();
            if keys.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    async fn put(&self, Remembered { object, last_purge }: &Remembered) -> Result<(), String> {
        let now = self.now();
        let put = self.client().put_item().table_name(&self.table.name);
        let put = put.set_item(Some(to_item(object, last_purge, now, now + LIFETIME)));
        let put = match last_purge.version.saturating_sub(1) {
            0 => put
                .condition_expression("attribute_not_exists(#object)")
                .expression_attribute_names("#object", "object"),
            before => put
                .condition_expression("#version = :before")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":before", item::number_of(before)),
        };
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|it| it.is_conditional_check_failed_exception()) => {
                Err("another purge of the object came first".to_owned())
            }
            Err(error) => Err(self.table.failed(&error).to_string()),
        }
    }
}

impl LastPurgeStore for DynamoLastPurges {
    async fn read(&self, objects: &[TeamObject], time: Duration) -> Vec<Option<LastPurge>> {
        let end = Instant::now() + time;
        let reads: Vec<_> = objects.chunks(OBJECTS_PER_CALL).map(|chunk| self.read_chunk(chunk, end)).collect();
        stream::iter(reads).buffered(CONCURRENT_READS).concat().await
    }

    async fn write(&self, objects: &[Remembered], time: Duration) -> Vec<Result<(), String>> {
        let end = Instant::now() + time;
        let writes: Vec<_> = objects.iter().map(|object| timeout_at(end, self.put(object))).collect();
        let in_time = |put: Result<_, _>| put.unwrap_or_else(|_| Err("deadline exceeded".to_owned()));
        stream::iter(writes).buffered(CONCURRENT_WRITES).map(in_time).collect().await
    }
}
