//! Messages of the tour that are about no single upload, and events that come from no queue.

use std::ops::Range;
use std::sync::Arc;

use serde_json::json;

use super::model::{Scenario, Zone, ZoneId};
use crate::clock::SimTime;

/// How many objects a zone with many URLs has.
pub(super) const MANY_OBJECTS: usize = 20;

/// A record without most of its fields.
const MALFORMED: &str = r#"{"eventSource":"aws:s3"}"#;

/// Messages with several records, and with records that lead to no purge. `unchanged` is a zone whose mapping skips
/// unchanged content; zones of `one_limit` share one that allows fewer requests in one event than there are zones.
pub(super) fn messages(zones: &[Zone], unchanged: ZoneId, one_limit: Range<ZoneId>) -> Vec<(SimTime, Arc<str>)> {
    let recent = "2026-01-01T00:00:01.000Z";
    let record = |zone: ZoneId, name: &str| record(zones, zone, name, "ObjectCreated:Put", Some(recent));
    let old = record_of_old(zones, unchanged);
    let of_one_limit: Vec<String> = one_limit.map(|zone| record(zone, "dir0/0.css")).collect();
    let bodies = [
        body(&of_one_limit.iter().map(String::as_str).collect::<Vec<_>>()),
        // Two teams in one message, both of which have trouble.
        body(&[&record(2, "dir1/1.css"), &record(4, "dir3/3.css")]),
        body(&[&record(5, "dir1/1.css"), &record(6, "dir2/2.css")]),
        body(&[&record(unchanged, "dir0/0.css"), &record(2, "dir1/1.css")]),
        // No mapping accepts it; no URL leads to it; nothing is done; one record is malformed.
        body(&[&record(0, "dir1/a.part")]),
        body(&[&record(0, "a/../b.css")]),
        body(&[&record(0, "a/../b.css"), &record(2, "dir1/1.css")]),
        body(&[&self::record(zones, 0, "dir1/1.css", "ObjectTagging:Put", Some(recent))]),
        body(&[MALFORMED, &record(0, "dir1/1.css")]),
        body(&[MALFORMED, &record(unchanged, "dir1/1.css")]),
        body(&std::iter::once(MALFORMED).chain(of_one_limit.iter().map(String::as_str)).collect::<Vec<_>>()),
        // Without a time, and too old to be remembered.
        body(&[&self::record(zones, unchanged, "dir2/2.css", "ObjectCreated:Put", None)]),
        body(&[&old]),
    ];
    let times = [71_000, 200_000, 420_000];
    let at = |time: u64| bodies.clone().map(|body| (SimTime::from_millis(time), body));
    times.into_iter().flat_map(at).collect()
}

/// Events that are passed to the function by itself, and as requests to its URL. In the last ones, all objects of a zone
/// of `many_batches` change.
pub(super) fn direct_events(zones: &[Zone], many_batches: &[ZoneId]) -> Vec<(SimTime, Arc<str>)> {
    let recent = "2026-01-01T00:00:01.000Z";
    let record = |zone: ZoneId, name: &str| record(zones, zone, name, "ObjectCreated:Put", Some(recent));
    let wrong: [String; 6] = std::array::from_fn(|name| record(0, &format!("wrong/{name}.css")));
    let all_of = |zone: &ZoneId| {
        let records: Vec<String> =
            (0..MANY_OBJECTS).map(|name| record(*zone, &format!("dir{}/{name}.css", name % 4))).collect();
        body(&records.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut bodies = vec![
        body(&[&record(0, "dir1/1.css"), &record(9, "dir1/1.css")]),
        body(&[&record(2, "dir1/1.css")]),
        body(&[&record(0, "a/../b.css")]),
        // Of a wrong hostname.
        body(&wrong.each_ref().map(String::as_str)),
        body(&[MALFORMED, &record(2, "dir1/1.css"), &record(5, "dir1/1.css")]),
    ];
    bodies.extend(many_batches.iter().map(all_of));
    let mut events = Vec::new();
    for time in [72_000, 73_000, 430_000] {
        for body in &bodies {
            events.push((SimTime::from_millis(time), Arc::clone(body)));
            events.push((SimTime::from_millis(time + 500), request(body)));
        }
    }
    events
}

fn record_of_old(zones: &[Zone], zone: ZoneId) -> String {
    record(zones, zone, "dir3/3.css", "ObjectCreated:Put", Some("2025-12-30T00:00:00.000Z"))
}

/// A record of S3. Its sequencer is shorter than an upload's, so that it names none.
fn record(zones: &[Zone], zone: ZoneId, name: &str, event: &str, time: Option<&str>) -> String {
    let bucket = Scenario::bucket(zones[zone].team);
    let object = json!({ "key": format!("z{zone}/{name}"), "eTag": "0".repeat(32), "sequencer": "ff" });
    let s3 = json!({ "bucket": { "name": bucket }, "object": object });
    let mut record = json!({ "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": event, "s3": s3 });
    if let Some(time) = time {
        record["eventTime"] = json!(time);
    }
    record.to_string()
}

fn body(records: &[&str]) -> Arc<str> {
    Arc::from(format!(r#"{{"Records":[{}]}}"#, records.join(",")))
}

/// A request to the function's URL with this body.
fn request(body: &str) -> Arc<str> {
    let http = json!({ "method": "POST", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7" });
    let context = json!({ "accountId": "anonymous", "apiId": "abcdefghij", "http": http, "requestId": "8476a536", "stage": "$default" });
    let request = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": { "content-type": "application/json" },
        "requestContext": context,
        "body": body,
        "isBase64Encoded": false,
    });
    Arc::from(request.to_string())
}
