//! An event's whole way: decode, route, plan and the bodies of its requests; beside the least that reading JSON with
//! serde_json takes, the owned types of `aws_lambda_events`, and Python.

pub(crate) mod events;
mod lambda_events;
pub(crate) mod python;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use purge_router_core::{Mappings, decode, plan};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::measure::{Spread, allocations, machine, timed};
use crate::plot::{self, Line, Plot};
use crate::way::events::{Kind, event, mapping_file};
use crate::way::lambda_events::Rules;
use crate::way::python::Interpreter;

const ROUNDS: usize = 15;
const MAPPINGS: usize = 100;
/// A round repeats small events until they have so many records.
const RECORDS_PER_ROUND: usize = 1000;

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

/// Microseconds of one record, by way.
struct Figures {
    scan: Spread,
    decode: Spread,
    ours: Spread,
    owned: Spread,
    python: Spread,
}

const HEAD: &str = "\
| event | records | bytes each | scan, µs a record | purge-router, µs a record | of the scan | decode alone | allocations a record | aws_lambda_events, µs a record | Python, µs a record |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

/// Measures all events, and returns a table and a plot.
pub(crate) fn run() -> String {
    let folder = tempfile::tempdir().unwrap();
    let (mappings_file, event_file) = (folder.path().join("mappings.toml"), folder.path().join("event.json"));
    std::fs::write(&mappings_file, mapping_file(MAPPINGS)).unwrap();
    let mappings = purge_router_config::from_toml(&mapping_file(MAPPINGS)).unwrap();
    let rules = Rules::new(&mappings);
    let mut python = Interpreter::start(&mappings_file);
    let mut table = format!("{}:\n\n{HEAD}", machine());
    let mut figures_of_sqs = Vec::new();
    for (name, kind, records) in EVENTS {
        eprintln!("{name}, {records}");
        let event = event(kind, records, MAPPINGS);
        std::fs::write(&event_file, &event).unwrap();
        assert_same(&mappings, &rules, kind, &event, &mappings_file, &event_file);
        let allocated = allocations(|| bodies(&mappings, &event)).count_total as f64 / records as f64;
        let figures = measure(&mappings, &rules, kind, &event, records, |times| python.time(&event_file, times));
        let Figures { scan, decode, ours, owned, python } = &figures;
        let _ = writeln!(
            table,
            "| {name} | {records} | {} | {} | {} | {:.2} × | {} | {allocated:.1} | {} | {} |",
            event.len() / records,
            scan.show(),
            ours.show(),
            ours.median / scan.median,
            decode.show(),
            owned.show(),
            python.show(),
        );
        if matches!(kind, Kind::Sqs) {
            figures_of_sqs.push((records as f64, figures));
        }
    }
    format!("{}\n{table}", plot_of(&figures_of_sqs))
}

/// Microseconds of a record against the records of an SQS batch.
fn plot_of(figures: &[(f64, Figures)]) -> String {
    let line = |name: &str, spread: fn(&Figures) -> Spread| Line {
        name: name.to_owned(),
        points: figures.iter().map(|(records, figures)| (*records, spread(figures).median)).collect(),
    };
    plot::write(&Plot {
        file: "performance-way.svg",
        title: "An event's whole way",
        x: "records of an SQS batch",
        y: "µs a record",
        lines: vec![
            line("Python", |figures| figures.python),
            line("aws_lambda_events", |figures| figures.owned),
            line("purge-router", |figures| figures.ours),
            line("serde_json's scan of the same bytes", |figures| figures.scan),
        ],
    })
}

/// Measures all ways, one after another in each round.
fn measure(
    mappings: &Mappings,
    rules: &Rules,
    kind: Kind,
    event: &str,
    records: usize,
    mut python: impl FnMut(usize) -> Duration,
) -> Figures {
    let inner = inner_messages(event);
    let times = (RECORDS_PER_ROUND / records).max(1);
    let of_record = |time: Duration| time.as_secs_f64() * 1e6 / records as f64;
    let repeat = |work: &dyn Fn()| of_record(timed(|| (0..times).for_each(|_| work())) / times as u32);
    let mut rounds = [(); 5].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        let round = [
            repeat(&|| scan_all(event, &inner)),
            repeat(&|| drop(black_box(decode(event.as_bytes()).unwrap()))),
            repeat(&|| drop(black_box(bodies(mappings, event)))),
            repeat(&|| drop(black_box(rules.bodies(kind, event)))),
            of_record(python(times)),
        ];
        rounds.iter_mut().zip(round).for_each(|(times, time)| times.push(time));
    }
    let [scan, decode, ours, owned, python] = rounds.map(Spread::of);
    Figures { scan, decode, ours, owned, python }
}

/// The bodies of an event's requests.
fn bodies(mappings: &Mappings, event: &str) -> Vec<String> {
    let plan = plan(mappings, decode(event.as_bytes()).unwrap());
    plan.batches.iter().map(|batch| serde_json::to_string(&batch.body()).unwrap()).collect()
}

/// What serde_json needs to find the end of each value, in an event and in its messages.
pub(crate) fn scan_all(event: &str, inner: &[String]) {
    for json in std::iter::once(event).chain(inner.iter().map(String::as_str)) {
        std::hint::black_box(serde_json::from_str::<IgnoredAny>(json).unwrap());
    }
}

/// The bodies of SQS messages.
pub(crate) fn inner_messages(event: &str) -> Vec<String> {
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
