//! A table with an editor, and edits of the team `web`.

use std::collections::BTreeSet;
use std::time::Duration;

use purge_router_aws::{DynamoMappings, Editor, PartitionSnapshot, Push, PushDescription, PushError};
use purge_router_config::{Checksum, Diff, Fields, Partition, TeamTables, assign_row_keys};
use purge_router_core::names::TeamName;
use purge_router_core::{decode, plan};
use purge_router_dynamodb_local::{Call, Table};
use purge_router_pipeline::Clock;
use purge_router_test_support::events::s3;
use serde_json::{Value, json};

pub(crate) const WRITE: &str = "TransactWriteItems";

pub(crate) fn web() -> TeamName {
    TeamName::parse("web").unwrap()
}

pub(crate) fn partition_of_web() -> Partition {
    Partition::Team(web())
}

pub(crate) fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

pub(crate) fn description(by: &str) -> PushDescription {
    let (by, summary) = (by.to_owned(), "some rows".to_owned());
    PushDescription { by, summary, message: None, approval: Some(Checksum::of_texts(&["approved"])), pulled: None }
}

pub(crate) fn mapping(index: usize, include: &str) -> Fields {
    fields(
        json!({ "bucket": "assets", "prefix": format!("{index:04}/"), "zones": ["website.com"], "include": [include] }),
    )
}

pub(crate) fn tables(hostnames: &[&str], mappings: Vec<Fields>) -> TeamTables {
    let zone = fields(json!({ "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "hostnames": hostnames }));
    TeamTables { zones: [("website.com".to_owned(), zone)].into(), mappings, ..TeamTables::default() }
}

pub(crate) fn some(count: usize) -> TeamTables {
    tables(&["www.website.com"], (0..count).map(|index| mapping(index, "*.css")).collect())
}

pub(crate) struct TableFixture {
    pub(crate) table: Table,
    pub(crate) editor: Editor,
}

impl TableFixture {
    pub(crate) async fn new() -> Self {
        let table = Table::new().await;
        let editor = Editor::new(&table.config(), table.name.clone()).unwrap();
        table.put("GRANTS", "web", json!({ "version": 1, "owns": ["s3://assets/"] })).await;
        Self { table, editor }
    }

    pub(crate) async fn team(&self) -> PartitionSnapshot {
        self.editor.team(&web()).await.unwrap()
    }

    /// A push of these tables, prepared from what is there now.
    pub(crate) async fn prepared(&self, tables: &TeamTables, by: &str) -> Push {
        self.try_prepared(tables, by, false).await.unwrap()
    }

    pub(crate) async fn try_prepared(&self, tables: &TeamTables, by: &str, take_over: bool) -> Result<Push, PushError> {
        let partition = self.team().await;
        let diff = Diff::between(&partition.rows, &assign_row_keys(&web(), tables.clone(), &partition.rows));
        self.editor.prepare(&partition, &diff, description(by), take_over)
    }

    pub(crate) async fn push(&self, tables: &TeamTables, by: &str) -> Result<(), PushError> {
        self.editor.push(&self.prepared(tables, by).await, |_| {}).await
    }

    /// Whether the table says what these tables say.
    pub(crate) async fn says(&self, tables: &TeamTables) -> bool {
        let rows = self.team().await.rows;
        Diff::between(&rows, &assign_row_keys(&web(), tables.clone(), &rows)).is_empty()
    }

    /// The URLs that the function would purge for changes of these objects, reading the table again.
    pub(crate) async fn purged(&self, keys: &[String]) -> BTreeSet<String> {
        let event = decode(s3("assets", keys).to_string().as_bytes()).unwrap();
        let (config, clock) = (self.table.config(), Clock::system());
        let store = DynamoMappings::new(&config, self.table.name.clone(), Duration::ZERO, clock.clone()).unwrap();
        let buckets = event.changes.iter().map(|change| change.bucket.clone()).collect();
        let lookup = store.lookup(buckets, clock.now() + Duration::from_secs(30)).await;
        assert!(lookup.unreadable.is_empty(), "{:?}", lookup.unreadable);
        let plan = plan(&lookup.mappings, event);
        assert!(plan.rejected.is_empty(), "{:?}", plan.rejected);
        plan.batches.iter().flat_map(|batch| batch.items()).map(|item| item.item.to_string()).collect()
    }
}

pub(crate) fn items_of(call: &Call) -> usize {
    call.body["TransactItems"].as_array().unwrap().len()
}

/// Whether a transaction writes or checks `HEAD` on a condition.
pub(crate) fn is_guarded(call: &Call) -> bool {
    let mut items =
        call.body["TransactItems"].as_array().unwrap().iter().flat_map(|item| item.as_object().unwrap().values());
    items.any(|item| {
        let key = if item["Key"].is_null() { &item["Item"] } else { &item["Key"] };
        key["sk"]["S"] == "HEAD" && item["ConditionExpression"].is_string()
    })
}

/// An edit of more rows than one transaction takes: some mappings stay, some change, some go, some come, patterns move
/// from one mapping to another, and the zone's hostname changes.
pub(crate) fn large_edit() -> (TeamTables, TeamTables) {
    let before = (0..150).map(|index| mapping(index, if index % 2 == 0 { "*.css" } else { "*.js" })).collect();
    let after = (30..170).map(|index| mapping(index, if index % 3 == 0 { "*.css" } else { "*.js" })).collect();
    (tables(&["www.website.com", "old.website.com"], before), tables(&["www.website.com", "new.website.com"], after))
}

pub(crate) fn keys() -> Vec<String> {
    (0..170).flat_map(|index| [format!("{index:04}/a.css"), format!("{index:04}/a.js")]).collect()
}
