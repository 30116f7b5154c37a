//! Paths whose instructions `cargo xtask instructions` counts: clocks are too noisy for a test, and the count of
//! instructions is the same on each run. `scan` is not ours: it is what `decode`, `plan` and `bodies` together are compared with.

use std::hint::black_box;

use purge_router_config::{from_rows, from_toml};
use purge_router_core::{decode, hits, plan};

use crate::routing::{Cell, Corpus, Globs, mappings_of};
use crate::rows::team_rows;
use crate::way::events::{Kind, event, mapping_file};
use crate::way::{inner_messages, scan_all};

/// One path.
struct CountedPath {
    name: &'static str,
    /// How many records, lookups or rows one run of it takes.
    units: usize,
    prepare: fn(usize) -> Box<dyn FnMut()>,
}

const PATHS: [CountedPath; 6] = [
    CountedPath { name: "scan", units: 1_000, prepare: scan_batch },
    CountedPath { name: "decode", units: 1_000, prepare: decode_batch },
    CountedPath { name: "route", units: 10_000, prepare: route_changes },
    CountedPath { name: "plan", units: 1_000, prepare: plan_event },
    CountedPath { name: "bodies", units: 1_000, prepare: write_bodies },
    CountedPath { name: "rows", units: 1_000, prepare: read_rows },
];

/// Mappings of the events.
const MAPPINGS: usize = 100;

/// Runs one path for callgrind, which collects inside of [`counted`] only; without a name, prints all names with their units.
pub(crate) fn run(name: Option<&str>) {
    let Some(name) = name else {
        return PATHS.iter().for_each(|path| println!("{} {}", path.name, path.units));
    };
    let path = PATHS.iter().find(|path| path.name == name).unwrap_or_else(|| panic!("no path is named {name}"));
    let mut work = (path.prepare)(path.units);
    // What is compiled or allocated on first use is not counted.
    work();
    counted(&mut work);
}

#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
}

fn scan_batch(records: usize) -> Box<dyn FnMut()> {
    let event = event(Kind::Sqs, records, MAPPINGS);
    let inner = inner_messages(&event);
    Box::new(move || scan_all(&event, &inner))
}

fn decode_batch(records: usize) -> Box<dyn FnMut()> {
    let event = event(Kind::Sqs, records, MAPPINGS);
    Box::new(move || drop(black_box(decode(event.as_bytes()).unwrap())))
}

fn route_changes(lookups: usize) -> Box<dyn FnMut()> {
    let corpus = Corpus::new(&Cell { globs: Globs::Shared, mappings: 1_000, buckets: 100 });
    let mappings = mappings_of(&corpus);
    let changes: Vec<_> = corpus.random_lookups(lookups).into_iter().map(|lookup| lookup.change).collect();
    Box::new(move || {
        let hits = mappings.locate(&changes).flat_map(|located| hits(&mappings, located));
        hits.for_each(|hit| _ = black_box(hit));
    })
}

fn plan_event(records: usize) -> Box<dyn FnMut()> {
    let mappings = from_toml(&mapping_file(MAPPINGS)).unwrap();
    let decoded = decode(event(Kind::Sqs, records, MAPPINGS).as_bytes()).unwrap();
    let mut events = [decoded.clone(), decoded].into_iter();
    Box::new(move || drop(black_box(plan(&mappings, events.next().unwrap()))))
}

fn write_bodies(records: usize) -> Box<dyn FnMut()> {
    let mappings = from_toml(&mapping_file(MAPPINGS)).unwrap();
    let plan = plan(&mappings, decode(event(Kind::Sqs, records, MAPPINGS).as_bytes()).unwrap());
    Box::new(move || plan.batches.iter().for_each(|batch| drop(black_box(serde_json::to_string(&batch.body())))))
}

fn read_rows(rows: usize) -> Box<dyn FnMut()> {
    let rows = team_rows(rows, |_| serde_json::json!(["*.{css,js}", "blog/**"]));
    Box::new(move || drop(black_box(from_rows(&rows))))
}
