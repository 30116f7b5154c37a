//! An event's whole way: decode, route, plan and the bodies of its requests; beside the least that reading JSON with
//! serde_json takes, the owned types of `aws_lambda_events`, and Python.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use purge_router_core::{Mappings, decode, plan};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::corpus::{Kind, event, mapping_file};
use crate::lambda_events::Rules;
use crate::measure::{Times, print_machine, ratio, timed};
use crate::python::{self, Interpreter};

const ROUNDS: usize = 31;
const MAPPINGS: usize = 100;
/// A round repeats small events until they have so many records.
const RECORDS_PER_ROUND: usize = 1000;
const MICROSECOND: Duration = Duration::from_micros(1);

const EVENTS: [(&str, Kind, usize); 8] = [
    ("SQS, S3's records", Kind::Sqs, 1),
    ("SQS, S3's records", Kind::Sqs, 10),
    ("SQS, S3's records", Kind::Sqs, 1_000),
    ("SQS, S3's records", Kind::Sqs, 10_000),
    ("SQS, EventBridge", Kind::SqsEventBridge, 1_000),
    ("S3, direct", Kind::S3, 1),
    ("S3, direct", Kind::S3, 1_000),
    ("EventBridge, direct", Kind::EventBridge, 1),
];

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let (mappings_file, event_file) = (folder.path().join("mappings.toml"), folder.path().join("event.json"));
    std::fs::write(&mappings_file, mapping_file(MAPPINGS)).unwrap();
    let mappings = purge_router_config::from_toml(&mapping_file(MAPPINGS)).unwrap();
    let rules = Rules::new(&mappings);
    let mut python = Interpreter::start(&mappings_file);
    print_machine();
    println!(
        "| event | records | bytes each | scan, µs a record | purge-router, µs a record | of the scan | decode alone | aws_lambda_events, µs a record | Python, µs a record |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (name, kind, records) in EVENTS {
        let event = event(kind, records, MAPPINGS);
        std::fs::write(&event_file, &event).unwrap();
        assert_same(&mappings, &rules, kind, &event, &mappings_file, &event_file);
        let inner = inner_messages(&event);
        let times = (RECORDS_PER_ROUND / records).max(1);
        let repeat = |work: &dyn Fn()| timed(|| (0..times).for_each(|_| work())) / u32::try_from(times).unwrap();
        let [mut scan, mut decoding, mut ours, mut owned, mut script] = [(); 5].map(|()| Times::default());
        for _ in 0..ROUNDS {
            scan.push(repeat(&|| scan_all(&event, &inner)));
            ours.push(repeat(&|| _ = std::hint::black_box(bodies(&mappings, &event))));
            decoding.push(repeat(&|| _ = std::hint::black_box(decode(event.as_bytes()).unwrap())));
            owned.push(repeat(&|| _ = std::hint::black_box(rules.bodies(kind, &event))));
            script.push(python.time(&event_file, times));
        }
        println!(
            "| {name} | {records} | {} | {} | {} | {:.2} × | {} | {} | {} |",
            event.len() / records,
            scan.show(MICROSECOND, records),
            ours.show(MICROSECOND, records),
            ratio(&ours, &scan),
            decoding.show(MICROSECOND, records),
            owned.show(MICROSECOND, records),
            script.show(MICROSECOND, records),
        );
    }
}

/// The bodies of an event's requests.
fn bodies(mappings: &Mappings, event: &str) -> Vec<String> {
    let plan = plan(mappings, decode(event.as_bytes()).unwrap());
    plan.batches.iter().map(|batch| serde_json::to_string(&batch.body()).unwrap()).collect()
}

/// What serde_json needs to find the end of each value, in an event and in its messages.
fn scan_all(event: &str, inner: &[String]) {
    for json in std::iter::once(event).chain(inner.iter().map(String::as_str)) {
        std::hint::black_box(serde_json::from_str::<IgnoredAny>(json).unwrap());
    }
}

/// The bodies of SQS messages.
fn inner_messages(event: &str) -> Vec<String> {
    let event: Value = serde_json::from_str(event).unwrap();
    let records = event["Records"].as_array().into_iter().flatten();
    records.filter_map(|record| Some(record["body"].as_str()?.to_owned())).collect()
}

/// All ways lead to the same requests.
fn assert_same(mappings: &Mappings, rules: &Rules, kind: Kind, event: &str, mappings_file: &Path, event_file: &Path) {
    let ours: BTreeSet<String> = bodies(mappings, event).into_iter().collect();
    let owned: BTreeSet<String> = rules.bodies(kind, event).into_iter().collect();
    let output = python::command(mappings_file, event_file).output().unwrap();
    let script: BTreeSet<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(ours, owned, "aws_lambda_events");
    assert_eq!(ours, script, "Python");
    assert!(!ours.is_empty());
}
