//! Tables in Markdown.

use std::fmt::Write;

use indexmap::IndexSet;

use crate::measure::Spread;
use crate::plot::{self, Line, Plot};
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

/// One line for each cell and rival.
pub(crate) fn table(reports: &[CellReport]) -> String {
    let mut table = HEAD.to_owned();
    for CellReport { cell: Cell { globs, mappings, buckets }, rivals } in reports {
        for RivalReport { name, hot, random, build_per_mapping, bytes_per_mapping } in rivals {
            let (globs, hot, random) = (name_of(*globs), hot.show(), random.show());
            let _ = writeln!(
                table,
                "| {globs} | {mappings} | {buckets} | {name} | {hot} | {random} | {build_per_mapping:.0} | {bytes_per_mapping:.0} |",
            );
        }
    }
    table
}

const HEAD: &str = "\
| globs | mappings | buckets | | hot, ns | random, ns | build, ns a mapping | bytes a mapping |
| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |
";

fn name_of(globs: Globs) -> &'static str {
    match globs {
        Globs::Shared => "shared",
        Globs::Unique => "unique",
        Globs::Stars => "leading stars",
        Globs::Braces => "braces",
    }
}

/// What a lookup costs against the number of mappings, ten a bucket, with shared globs.
pub(crate) fn plots(reports: &[CellReport]) -> String {
    let shared =
        || reports.iter().filter(|it| it.cell.globs == Globs::Shared && it.cell.mappings == it.cell.buckets * 10);
    let plot = |file, title, cost: fn(&RivalReport) -> f64| {
        let names: IndexSet<&str> = shared().flat_map(|it| it.rivals.iter().map(|rival| rival.name)).collect();
        let point = |it: &CellReport, name: &str| {
            let rival = it.rivals.iter().find(|rival| rival.name == name)?;
            Some((it.cell.mappings as f64, cost(rival)))
        };
        let line =
            |name: &str| Line { name: name.to_owned(), points: shared().filter_map(|it| point(it, name)).collect() };
        let lines = names.into_iter().map(line).collect();
        plot::write(&Plot { file, title, x: "mappings", y: "ns a lookup", lines })
    };
    [
        plot("performance-routing-hot.svg", "Routing in one bucket of many", |rival| rival.hot.median),
        plot("performance-routing-random.svg", "Routing in random buckets", |rival| rival.random.median),
    ]
    .join("\n")
}
