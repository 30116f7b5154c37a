//! The changes of all teams. The times of a team's changes depend on the seed and on its name alone, so they are the
//! same with and without other teams.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep_until};

use crate::queue::Queue;
use crate::scenario::Team;

/// One change: a new object with a key of its own.
#[derive(Debug)]
pub(crate) struct Change {
    /// Since the start of the load.
    at: Duration,
    team: Team,
    key: String,
}

/// All changes in the order of their times.
pub(crate) fn changes(seed: u64, teams: &[Team], duration: Duration) -> Vec<Change> {
    let mut changes: Vec<Change> = teams.iter().flat_map(|team| changes_of(seed, *team, duration)).collect();
    changes.sort_by_key(|change| change.at);
    changes
}

/// One change in each interval of the team, at a random time of the interval.
fn changes_of(seed: u64, team: Team, duration: Duration) -> impl Iterator<Item = Change> {
    let of_name = team.name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = fastrand::Rng::with_seed(of_name);
    let count = (duration.as_secs_f64() / team.interval.as_secs_f64()) as u32;
    (0..count).map(move |index| Change {
        at: team.interval * index + team.interval.mul_f64(random.f64()),
        team,
        key: format!("{seed}/{index}.css"),
    })
}

/// Sends all changes to the queue at their times. Returns when each URL of a healthy team was sent.
pub(crate) async fn send(changes: Vec<Change>, queue: Arc<Queue>) -> HashMap<String, Instant> {
    let start = Instant::now();
    let mut sent = HashMap::new();
    for (number, Change { at, team, key }) in changes.into_iter().enumerate() {
        sleep_until(start + at).await;
        queue.send(notification(team.name, &key, number), Duration::ZERO);
        if team.sickness.is_none() {
            sent.insert(team.url(&key), Instant::now());
        }
    }
    sent
}

/// S3's event notification of a new object.
fn notification(bucket: &str, key: &str, number: usize) -> String {
    let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": now,
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "AWS:AIDAIENQZJOLO23YVJ4VO" },
        "requestParameters": { "sourceIPAddress": "192.0.2.1" },
        "responseElements": { "x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "purge-router",
            "bucket": { "name": bucket, "ownerIdentity": { "principalId": "A3NL1KOZZKExample" }, "arn": format!("arn:aws:s3:::{bucket}") },
            "object": { "key": key, "size": 1024, "eTag": "d41d8cd98f00b204e9800998ecf8427e", "sequencer": format!("{number:016X}") },
        },
    }] })
    .to_string()
}
