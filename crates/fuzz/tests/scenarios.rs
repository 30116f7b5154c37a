//! The events of all scenarios, and mutations of them, hold what the target of events asserts.

use std::fs;
use std::path::Path;
use std::time::Duration;

use purge_router_fuzz::run::run;
use purge_router_fuzz::target::TARGETS;

#[test]
fn events_of_scenarios_and_their_mutations_pass_the_target_of_events() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let events = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("event.json"));
    let mut corpus: Vec<Vec<u8>> = events.filter_map(|path| fs::read(path).ok()).collect();
    corpus.sort();
    assert!(corpus.len() > 50, "{} events", corpus.len());
    let target = TARGETS.into_iter().find(|target| target.name == "decode").unwrap();
    let summary = run(target, &corpus, 5_000 + corpus.len() as u64, Duration::MAX, 17);
    if let Some((input, reason)) = summary.failure {
        panic!("{reason}; input: {}", input.escape_ascii());
    }
}
