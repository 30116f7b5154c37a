//! What is read before an event, and what is written after it.

use std::sync::Mutex;

use purge_router_core::{LastPurges, Origin, Plan, PurgedContent, UncertainBuckets, decode, plan_until};
use serde_json::json;

use super::*;
use crate::outcome::{FailedOrigin, FailureKind, Outcome, Status};
use crate::test_support::{frozen_clock, paused_clock};

/// A store that knows nothing, or does not answer, and keeps what is written.
#[derive(Debug, Default)]
struct Store {
    hangs: bool,
    written: Mutex<Vec<Remembered>>,
}

impl LastPurgeStore for Store {
    async fn read(&self, objects: &[TeamObject], time: Duration) -> Vec<Option<LastPurge>> {
        if self.hangs {
            tokio::time::sleep(time).await;
            return vec![None; objects.len()];
        }
        vec![Some(LastPurge::default()); objects.len()]
    }

    async fn write(&self, objects: &[Remembered], time: Duration) -> Vec<Result<(), String>> {
        if self.hangs {
            tokio::time::sleep(time).await;
            return vec![Err("deadline exceeded".to_owned()); objects.len()];
        }
        self.written.lock().unwrap().extend_from_slice(objects);
        vec![Ok(()); objects.len()]
    }
}

/// The mappings of the teams `red` and `blue`, which map the same bucket.
fn mappings() -> Mappings {
    let mut text = "version = 1\n".to_owned();
    for (index, team) in ["red", "blue"].iter().enumerate() {
        text += &format!(
            "[teams.{team}]\nowns = [\"s3://files/\"]\n[teams.{team}.zones.\"{team}.com\"]\nzone_id = \"{index:032x}\"\n\
             hostnames = [\"{team}.com\"]\n[[teams.{team}.mappings]]\nsource = \"s3://files/\"\nzones = [\"{team}.com\"]\n\
             skip_unchanged = true\n"
        );
    }
    purge_router_config::from_toml(&text).unwrap()
}

/// A message for each key, all of 1970.
fn event(keys: &[&str]) -> Event {
    let record = |key: &str| {
        json!({ "Records": [{ "eventVersion": "2.1", "eventSource": "aws:s3", "eventTime": "1970-01-01T00:00:00Z",
            "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": "files" }, "object": { "key": key, "eTag": "e", "sequencer": "01" } } }] })
    };
    let message = |key: &&str| json!({ "messageId": key, "eventSource": "aws:sqs", "body": record(key).to_string() });
    let records: Vec<_> = keys.iter().map(message).collect();
    decode(json!({ "Records": records }).to_string().as_bytes()).unwrap()
}

async fn planned(store: &Store, keys: &[&str], clock: &Clock) -> Plan {
    let (mappings, event) = (mappings(), event(keys));
    let deadline = clock.now() + Duration::from_secs(29);
    let last_purges = read_last_purges(Some(store), &mappings, &event, clock, deadline).await;
    plan_until(&mappings, &UncertainBuckets::default(), &last_purges, event, || false)
}

/// Blue's batch is the first one. `failed` are of red's.
fn report<'p>(plan: &'p Plan, failed: &[&str]) -> Report<'p> {
    let failed: Vec<FailedOrigin> = failed
        .iter()
        .map(|id| FailedOrigin { origin: Origin::Message((*id).into()), kind: FailureKind::Transient })
        .collect();
    let status = if failed.is_empty() { Status::Purged } else { Status::Unreachable };
    Report::new(plan, vec![Outcome::new(0), Outcome { status, failed, ..Outcome::new(1) }])
}

fn contents(store: &Store) -> Vec<(String, String, bool)> {
    let written = store.written.lock().unwrap();
    written
        .iter()
        .map(|it| (it.object.team.to_string(), it.object.key.clone(), it.last_purge.content.is_some()))
        .collect()
}

fn written(team: &str, key: &str, has_content: bool) -> (String, String, bool) {
    (team.to_owned(), key.to_owned(), has_content)
}

#[tokio::test(start_paused = true)]
async fn each_team_remembers_what_was_purged_of_it_and_teams_take_turns() {
    let (store, clock) = (Store::default(), paused_clock());
    let plan = planned(&store, &["a", "b"], &clock).await;
    let report = remember(Some(&store), report(&plan, &["b"]), &clock, clock.now() + Duration::from_secs(9)).await;
    assert_eq!(report.failed, [Origin::Message("b".into())]);
    let expected =
        [written("blue", "a", true), written("red", "a", true), written("blue", "b", true), written("red", "b", false)];
    assert_eq!(contents(&store), expected);
    assert!(store.written.lock().unwrap().iter().all(|it| it.last_purge.version == 1));
}

#[tokio::test(start_paused = true)]
async fn an_old_event_and_a_stopped_batch_are_not_remembered() {
    let (clock, freeze) = frozen_clock();
    let store = Store::default();
    let plan = planned(&store, &["a"], &clock).await;
    let deadline = clock.now() + Duration::from_secs(9);
    remember(Some(&store), Report::new(&plan, vec![Outcome::new(0)]), &clock, deadline).await;
    assert_eq!(
        contents(&store),
        [written("blue", "a", true), written("red", "a", false)],
        "red's batch has no outcome"
    );
    freeze(MAX_AGE + Duration::from_secs(1));
    store.written.lock().unwrap().clear();
    let deadline = clock.now() + Duration::from_secs(9);
    remember(Some(&store), report(&plan, &[]), &clock, deadline).await;
    assert_eq!(contents(&store), [written("blue", "a", false), written("red", "a", false)]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_delays_purges_briefly_and_fails_the_messages() {
    let (store, clock) = (Store { hangs: true, ..Store::default() }, paused_clock());
    let start = clock.now();
    let plan = planned(&store, &["a"], &clock).await;
    assert_eq!(clock.now() - start, READ_TIME);
    assert_eq!(plan.batches.len(), 2, "it is purged");
    let report = remember(Some(&store), report(&plan, &[]), &clock, clock.now() + Duration::from_secs(9)).await;
    assert_eq!(report.failed, [Origin::Message("a".into())]);
    assert_eq!(
        report.reason(),
        "can't remember what was purged of team blue: what was remembered could not be read, and 1 more: see the log"
    );
}

#[tokio::test(start_paused = true)]
async fn a_purge_that_fails_again_has_nothing_new_to_say() {
    let known = LastPurge { sequencer: purge_router_core::Sequencer::parse("01"), version: 5, content: None };
    let clock = paused_clock();
    let (mappings, event) = (mappings(), event(&["a"]));
    let objects = objects_to_remember(&mappings, &event).into_iter();
    let last_purges: LastPurges = objects.map(|object| (object, Some(known.clone()))).collect();
    let plan = plan_until(&mappings, &UncertainBuckets::default(), &last_purges, event, || false);
    let store = Store::default();
    remember(Some(&store), report(&plan, &["a"]), &clock, clock.now() + Duration::from_secs(9)).await;
    assert_eq!(contents(&store), [written("blue", "a", true)]);
    let content = store.written.lock().unwrap()[0].last_purge.content.clone();
    assert!(content.is_some_and(|PurgedContent { etag, .. }| etag == "e"));
}

#[tokio::test(start_paused = true)]
async fn without_a_store_nothing_is_remembered() {
    let clock = paused_clock();
    let (mappings, event) = (mappings(), event(&["a"]));
    let read = read_last_purges::<Store>(None, &mappings, &event, &clock, clock.now()).await;
    let plan = plan_until(&mappings, &UncertainBuckets::default(), &read, event, || false);
    assert_eq!((plan.batches.len(), plan.remember), (2, vec![]));
}
