//! Routing: which of many mappings accept a change, beside rivals on the same seeded mappings and changes.

mod corpus;
mod oracle;
mod report;
mod rivals;

use std::time::{Duration, Instant};

use crate::measure::{ROUNDS, Spread, machine, turn};
use crate::routing::corpus::{CELLS, Lookup};
pub(crate) use crate::routing::corpus::{Cell, Corpus, Globs};
use crate::routing::report::{CellReport, RivalReport};
pub(crate) use crate::routing::rivals::mappings_of;
use crate::routing::rivals::{RIVALS, Rival, RivalKind};

/// How many lookups of random buckets are made before they repeat.
const RANDOM_LOOKUPS: usize = 400_000;

/// How many lookups of each cell the oracle answers. It compares each with all mappings.
const CHECKED: usize = 300;

/// A cell gets no further round after this time, so that all of them take a few minutes on a busy machine, too.
const CELL_TIME: Duration = Duration::from_secs(10);

/// The rounds that each cell gets however long they take.
const FEWEST_ROUNDS: usize = 3;

/// Measures all cells, and returns plots and a table.
pub(crate) fn run() -> String {
    run_some(&[])
}

/// The same of the cells whose names contain a text. `--rival` leaves out the other rivals.
pub(crate) fn run_some(options: &[&str]) -> String {
    let option = |name| options.chunks(2).find(|option| option[0] == name).map(|option| option[1]);
    let cells = CELLS.iter().filter(|cell| cell.name().contains(option("--only").unwrap_or_default()));
    let reports: Vec<CellReport> = cells.map(|cell| measure(cell, option("--rival").unwrap_or_default())).collect();
    let is_whole = options.is_empty();
    let plots = if is_whole { report::plots(&reports) } else { String::new() };
    format!("{}:\n\n{plots}\n{}", machine(), report::table(&reports))
}

fn measure(cell: &Cell, rival: &str) -> CellReport {
    eprintln!("{}", cell.name());
    let corpus = Corpus::new(cell);
    let (hot, random) = (corpus.hot_lookups(), corpus.random_lookups(RANDOM_LOOKUPS));
    let expected = oracle::answers(&corpus, hot.iter().chain(&random).take(CHECKED));
    let mut built = Vec::new();
    for kind in RIVALS.iter().filter(|kind| kind.name.contains(rival) && kind.can_hold(&corpus)) {
        let rival = kind.build(&corpus);
        eprintln!("  {} built in {:.1?}, {} bytes", kind.name, rival.took, rival.bytes);
        check(kind, rival.value.as_ref(), hot.iter().chain(&random), &expected);
        built.push((kind, rival));
    }
    let mut times = vec![(Vec::new(), Vec::new()); built.len()];
    let mut positions = vec![(0, 0); built.len()];
    let mut found = Vec::new();
    let start = Instant::now();
    for round in 0..ROUNDS {
        if round >= FEWEST_ROUNDS && start.elapsed() > CELL_TIME {
            break;
        }
        for (index, (_, rival)) in built.iter().enumerate() {
            let mut lookup = |lookups: &[Lookup]| {
                found.clear();
                rival.value.find_all(lookups, &mut found);
                std::hint::black_box(&found);
            };
            times[index].0.push(turn(&hot, &mut positions[index].0, Lookup::touch, &mut lookup));
            times[index].1.push(turn(&random, &mut positions[index].1, Lookup::touch, &mut lookup));
        }
    }
    let rivals = built.iter().zip(times).map(|((kind, built), (hot, random))| RivalReport {
        name: kind.name,
        hot: Spread::of(hot),
        random: Spread::of(random),
        build_per_mapping: built.took.as_secs_f64() * 1e9 / corpus.rules.len() as f64,
        bytes_per_mapping: built.bytes as f64 / corpus.rules.len() as f64,
    });
    CellReport { cell: cell.clone(), rivals: rivals.collect() }
}

/// Compares a rival with the oracle.
fn check<'l>(kind: &RivalKind, rival: &dyn Rival, lookups: impl Iterator<Item = &'l Lookup>, expected: &[Vec<u32>]) {
    for (lookup, expected) in lookups.zip(expected) {
        let mut found = Vec::new();
        rival.find(lookup, &mut found);
        found.sort_unstable();
        assert_eq!(found, *expected, "{} on s3://{}/{}", kind.name, lookup.bucket(), lookup.key());
    }
}
