//! The table of last purges on the real SDK and on AWS's own engine, behind a proxy that counts calls and lets them fail.

#![allow(clippy::unwrap_used, reason = "clippy does not treat helpers of tests as tests")]

use std::time::Duration;

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use purge_router_aws::DynamoLastPurges;
use purge_router_core::names::{BucketName, TeamName};
use purge_router_core::{LastPurge, PurgedContent, Sequencer, TeamObject};
use purge_router_dynamodb_local::{Action, Table};
use purge_router_pipeline::{LastPurgeStore, Remembered};
use purge_router_test_support::MovedClock;
use serde_json::json;

const TIME: Duration = Duration::from_secs(5);
const DAY: Duration = Duration::from_secs(24 * 3600);

struct World {
    table: Table,
    last_purges: String,
    clock: MovedClock,
}

impl World {
    async fn new() -> Self {
        let table = Table::new().await;
        let last_purges = table.add_last_purges().await;
        Self { table, last_purges, clock: MovedClock::default() }
    }

    /// The store of one more instance.
    fn store(&self) -> DynamoLastPurges {
        self.store_of(Duration::from_secs(30))
    }

    /// The store of an instance that caches mappings for this long.
    fn store_of(&self, ttl: Duration) -> DynamoLastPurges {
        let (config, mappings) = (self.table.config(), Some(self.table.name.clone()));
        let (table, clock) = (self.last_purges.clone(), self.clock.clock.clone());
        DynamoLastPurges::new(&config, table, mappings, ttl, clock).unwrap()
    }

    /// How many calls there were since this was last asked: writes, and reads of several rows.
    fn calls(&self) -> (usize, usize) {
        let calls = self.table.proxy.calls();
        let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
        (count("PutItem"), count("BatchGetItem"))
    }
}

fn object(team: &str, key: &str) -> TeamObject {
    TeamObject {
        team: TeamName::parse(team).unwrap(),
        bucket: BucketName::parse("assets").unwrap(),
        key: key.to_owned(),
    }
}

fn remembered(object: &TeamObject, etag: &str, version: u64) -> Remembered {
    let content = Some(PurgedContent { etag: etag.to_owned(), items: u64::MAX });
    let last_purge = LastPurge { content, sequencer: Sequencer::parse("0055AED6"), version };
    Remembered { object: object.clone(), last_purge }
}

async fn read(store: &DynamoLastPurges, object: &TeamObject) -> LastPurge {
    store.read(std::slice::from_ref(object), TIME).await.remove(0).unwrap()
}

async fn write(store: &DynamoLastPurges, written: &Remembered) -> Result<(), String> {
    store.write(std::slice::from_ref(written), TIME).await.remove(0)
}

#[tokio::test]
async fn instances_share_what_is_remembered_and_only_one_of_two_writes_counts() {
    let world = World::new().await;
    let (one, two) = (world.store(), world.store());
    let a = object("web", "a b/ü.css");
    assert_eq!(read(&one, &a).await, LastPurge::default());
    let first = remembered(&a, "etag-1", 1);
    assert_eq!(write(&one, &first).await, Ok(()));
    assert_eq!(read(&two, &a).await, first.last_purge);
    let other_came_first = Err("another purge of the object came first".to_owned());
    assert_eq!(write(&two, &remembered(&a, "etag-2", 1)).await, other_came_first, "both found nothing");
    assert_eq!(write(&two, &remembered(&a, "etag-2", 2)).await, Ok(()));
    assert_eq!(write(&one, &remembered(&a, "etag-3", 2)).await, other_came_first);
    assert_eq!(read(&one, &a).await.content.unwrap().etag, "etag-2");
    assert_eq!(read(&one, &object("docs", "a b/ü.css")).await, LastPurge::default(), "of another team");
}

#[tokio::test]
async fn many_objects_are_read_in_few_calls() {
    let world = World::new().await;
    let store = world.store();
    let objects: Vec<TeamObject> = (0..100).map(|key| object(&format!("team{}", key % 60), &key.to_string())).collect();
    let written: Vec<Remembered> = objects.iter().step_by(2).map(|it| remembered(it, &it.key, 1)).collect();
    assert!(store.write(&written, TIME).await.iter().all(Result::is_ok));
    let read = store.read(&objects, TIME).await;
    let etags =
        read.iter().map(|it| it.as_ref().unwrap().content.as_ref().map(|content| content.etag.parse().unwrap()));
    let expected = (0..100).map(|key| (key % 2 == 0).then_some(key));
    assert!(etags.eq(expected));
    assert_eq!(world.calls(), (50, 3));
}

#[tokio::test]
async fn rows_are_forgotten_after_a_week_and_after_edits_of_the_mappings() {
    let world = World::new().await;
    let (store, a) = (world.store(), object("web", "a"));
    let first = remembered(&a, "etag", 1);
    write(&store, &first).await.unwrap();
    world.clock.advance(DAY * 7 - Duration::from_secs(60));
    assert_eq!(read(&store, &a).await, first.last_purge);
    world.clock.advance(Duration::from_secs(60));
    let unknown = LastPurge { content: None, ..first.last_purge };
    assert_eq!(read(&store, &a).await, unknown);
    let second = remembered(&a, "etag", 2);
    assert_eq!(write(&store, &second).await, Ok(()), "though DynamoDB has not deleted the row yet");
    assert_eq!(read(&store, &a).await, second.last_purge);
    // By then, the clock is a week ahead of the push.
    world.table.put("TEAM#web", "HEAD", json!({ "revision": 1, "at": "2999-01-01T00:00:00Z" })).await;
    assert_eq!(read(&store, &a).await.content, None);
    world.table.put("TEAM#web", "HEAD", json!({ "revision": 1, "at": "2020-01-01T00:00:00Z" })).await;
    assert_eq!(read(&store, &a).await, second.last_purge);
    world.table.put("GRANTS", "HEAD", json!({ "revision": 1, "at": "2020-01-01T00:00:00Z", "pending": {} })).await;
    assert_eq!(read(&store, &a).await.content, None, "while the grants are edited");
}

#[tokio::test]
async fn rows_count_only_after_all_instances_have_read_an_edit() {
    let world = World::new().await;
    let a = object("web", "a");
    let written = remembered(&a, "etag", 1);
    write(&world.store(), &written).await.unwrap();
    let edited_at = DateTime::from(world.clock.clock.wall_time() - Duration::from_secs(900));
    let edited_at = edited_at.fmt(DateTimeFormat::DateTime).unwrap();
    world.table.put("TEAM#web", "HEAD", json!({ "revision": 1, "at": edited_at })).await;
    for (ttl, is_known) in [(0, true), (400, true), (500, false), (86_400, false)] {
        let read = read(&world.store_of(Duration::from_secs(ttl)), &a).await;
        assert_eq!(read.content.is_some(), is_known, "{ttl}");
    }
}

#[tokio::test]
async fn what_is_not_answered_in_time_is_unknown_and_what_is_unprocessed_is_read_again() {
    let world = World::new().await;
    let store = world.store();
    let objects = [object("web", "a"), object("web", "b")];
    let short = Duration::from_millis(300);
    world.table.proxy.on_call(|_| Action::Hang);
    assert_eq!(store.read(&objects, short).await, [None, None]);
    let written = remembered(&objects[0], "etag", 1);
    assert_eq!(store.write(std::slice::from_ref(&written), short).await, [Err("deadline exceeded".to_owned())]);
    world.table.proxy.on_call(|_| Action::Refuse(400, "AccessDeniedException", "no"));
    assert_eq!(store.read(&objects, TIME).await, [None, None]);
    assert_eq!(write(&store, &written).await, Err("access denied: AccessDeniedException: no".to_owned()));
    let mut left_out = 0;
    world.table.proxy.on_call(move |call| {
        left_out += usize::from(call.operation == "BatchGetItem");
        if left_out == 1 { Action::LeaveHalfOut } else { Action::Pass }
    });
    assert_eq!(store.read(&objects, TIME).await, [Some(LastPurge::default()), Some(LastPurge::default())]);
}
