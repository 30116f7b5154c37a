//! Tables in Markdown.

use crate::measure::Spread;
use crate::routing::corpus::{Cell, Globs};

pub(crate) struct CellReport {
    pub(crate) cell: Cell,
    pub(crate) rivals: Vec<RivalReport>,
}

pub(crate) struct RivalReport {
    pub(crate) name: &'static str,
    /// Nanoseconds of a lookup in one bucket.
    pub(crate) hot: Spread,
    /// Nanoseconds of a lookup in random buckets.
    pub(crate) random: Spread,
    pub(crate) build_per_mapping: f64,
    pub(crate) bytes_per_mapping: f64,
}

/// Prints one line for each cell and rival.
pub(crate) fn print(reports: &[CellReport]) {
    println!("| globs | mappings | buckets | | hot, ns | random, ns | build, ns a mapping | bytes a mapping |");
    println!("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |");
    for CellReport { cell: Cell { globs, mappings, buckets }, rivals } in reports {
        for rival in rivals {
            let globs = match globs {
                Globs::Shared => "shared",
                Globs::Unique => "unique",
                Globs::Stars => "leading stars",
                Globs::Braces => "braces",
            };
            println!(
                "| {globs} | {mappings} | {buckets} | {} | {} | {} | {:.0} | {:.0} |",
                rival.name,
                spread(rival.hot),
                spread(rival.random),
                rival.build_per_mapping,
                rival.bytes_per_mapping
            );
        }
    }
}

fn spread(Spread { median, least, most }: Spread) -> String {
    format!("{median:.0} ({least:.0}–{most:.0})")
}
