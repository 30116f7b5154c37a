//! A table of teams, and a store with a clock that tests can move.

use std::collections::BTreeSet;
use std::time::Duration;

use purge_router_aws::{DynamoMappings, Lookup};
use purge_router_config::Skipped;
use purge_router_core::names::BucketName;
use purge_router_core::{Event, LastPurges, Plan, UncertainBuckets, decode, plan_until};
use purge_router_dynamodb_local::{Action, Table};
use purge_router_test_support::MovedClock;
use purge_router_test_support::events::{s3, sqs};
use serde_json::{Value, json};

pub(crate) const LONG: Duration = Duration::from_secs(3600);

fn zone_id(index: usize) -> String {
    format!("{index:032x}")
}

/// A team with a grant, a zone and a mapping of each of its buckets.
pub(crate) fn team(index: usize, buckets: &[String]) -> Vec<(String, String, Value)> {
    let (name, pk, domain) = (format!("team{index}"), format!("TEAM#team{index}"), format!("team{index}.com"));
    let owns: Vec<String> = buckets.iter().map(|bucket| format!("s3://{bucket}/")).collect();
    let hostnames = [format!("www.{domain}")];
    let mut rows = vec![
        ("GRANTS".to_owned(), name, json!({ "version": 1, "owns": owns })),
        (
            pk.clone(),
            format!("ZONE#{domain}"),
            json!({ "version": 1, "zone_id": zone_id(index), "hostnames": hostnames }),
        ),
    ];
    rows.extend(buckets.iter().map(|bucket| {
        let fields = json!({ "version": 1, "bucket": bucket, "prefix": "", "zones": [domain] });
        (pk.clone(), format!("MAPPING#{bucket}/"), fields)
    }));
    rows
}

pub(crate) fn bucket(index: usize) -> String {
    format!("bucket-{index}")
}

/// A table in which so many teams map a bucket each.
pub(crate) async fn table_of(teams: usize) -> Table {
    let table = Table::new().await;
    table.put_all((0..teams).flat_map(|index| team(index, &[bucket(index)])).collect()).await;
    table
}

/// A store, and the clock that it reads.
pub(crate) struct Store {
    mappings: DynamoMappings,
    clock: MovedClock,
}

impl Store {
    /// Moves the clock, as a freeze of the process would.
    pub(crate) fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    async fn lookup(&self, buckets: BTreeSet<BucketName>) -> Lookup {
        self.mappings.lookup(buckets, self.clock.clock.now() + Duration::from_secs(30)).await
    }

    /// Looks buckets up with a deadline that is this far away.
    pub(crate) async fn lookup_within(&self, buckets: &[&str], time: Duration) -> Lookup {
        self.mappings.lookup(names(buckets), self.clock.clock.now() + time).await
    }
}

pub(crate) fn store(table: &Table, ttl: Duration) -> Store {
    store_of(&table.name, table, ttl)
}

/// A store of the table of this name, behind the proxy of another one.
pub(crate) fn store_of(name: &str, table: &Table, ttl: Duration) -> Store {
    let clock = MovedClock::default();
    let mappings = DynamoMappings::new(&table.config(), name.to_owned(), ttl, clock.clock.clone()).unwrap();
    Store { mappings, clock }
}

fn names(buckets: &[&str]) -> BTreeSet<BucketName> {
    buckets.iter().map(|name| BucketName::parse(name).unwrap()).collect()
}

pub(crate) async fn look(store: &Store, buckets: &[&str]) -> Lookup {
    store.lookup(names(buckets)).await
}

/// Looks buckets up. The answers of all queries are held until the engine has given all of them, so that they arrive within the
/// time for which the store collects answers. All other calls get this action.
pub(crate) async fn look_at_once(table: &Table, store: &Store, buckets: &[&str], of_other_calls: Action) -> Lookup {
    table.proxy.on_call(move |call| match call.operation.as_str() {
        "Query" => Action::HoldAnswer,
        _ => of_other_calls.clone(),
    });
    let (lookup, ()) = tokio::join!(look(store, buckets), async {
        table.proxy.answers_held(buckets.len()).await;
        table.proxy.release_held();
    });
    lookup
}

/// The sorted names of the rows whose mappings were found. Their own order depends on when each bucket was read.
pub(crate) fn rows(lookup: &Lookup) -> Vec<&str> {
    assert!(lookup.unreadable.is_empty(), "{:?}", lookup.unreadable);
    let mut names: Vec<&str> = lookup.mappings.all().iter().map(|mapping| mapping.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// The rows that were skipped in all buckets.
pub(crate) fn skipped(lookup: &Lookup) -> Vec<&Skipped> {
    lookup.skipped.iter().flat_map(|of_bucket| of_bucket.iter()).collect()
}

fn event(objects: &[(&str, &str)]) -> Event {
    let message = |(index, (bucket, key)): (usize, &(&str, &str))| (format!("m{index}"), s3(bucket, [key]));
    decode(sqs(objects.iter().enumerate().map(message)).to_string().as_bytes()).unwrap()
}

/// The plan of an event, as the function makes it.
pub(crate) async fn planned(store: &Store, objects: &[(&str, &str)]) -> Plan {
    let event = event(objects);
    let buckets = event.changes.iter().map(|change| change.bucket.clone()).collect();
    let Lookup { mappings, unreadable, stale, .. } = store.lookup(buckets).await;
    let unreadable = unreadable.into_iter().map(|(bucket, error)| (bucket, error.to_string())).collect();
    plan_until(&mappings, &UncertainBuckets { unreadable, incomplete: stale }, &LastPurges::default(), event, || false)
}

pub(crate) fn bodies(plan: &Plan) -> Vec<String> {
    plan.batches.iter().map(|batch| serde_json::to_string(&batch.body()).unwrap()).collect()
}
