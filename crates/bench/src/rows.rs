//! Rows of the table → mappings that can be routed, without DynamoDB's own time.

use std::fmt::Write;

use purge_router_config::{Row, RowKey, from_rows};
use serde_json::{Value, json};

use crate::measure::{ROUNDS, Spread, build, machine};

/// As many mappings as one team may have in one bucket.
const MAPPINGS: usize = 10_000;

/// Measures rows whose mappings have no globs, share them, or each have others, and returns a table.
pub(crate) fn run() -> String {
    let mut table = format!("{}:\n\n| globs of {MAPPINGS} rows | ms | bytes a mapping |\n", machine());
    table.push_str("| --- | ---: | ---: |\n");
    table.push_str(&row("none", |_| json!([])));
    table.push_str(&row("shared", |_| json!(["*.{css,js}", "blog/**"])));
    table.push_str(&row("unique", |index| json!([format!("page{index}-*.html")])));
    table
}

fn row(name: &str, include: impl Fn(usize) -> Value) -> String {
    let rows = team_rows(MAPPINGS, include);
    let mut bytes = 0;
    let times = (0..ROUNDS).map(|_| {
        let built = build(|| from_rows(&rows));
        let (mappings, skipped) = built.value;
        assert_eq!((mappings.all().len(), skipped.len()), (MAPPINGS, 0));
        bytes = built.bytes / MAPPINGS;
        built.took.as_secs_f64() * 1e3
    });
    let mut row = format!("| {name} | {} |", Spread::of(times.collect()).show());
    let _ = writeln!(row, " {bytes} |");
    row
}

/// The rows of a team with so many mappings of one bucket.
pub(crate) fn team_rows(mappings: usize, include: impl Fn(usize) -> Value) -> Vec<Row> {
    let row = |partition: &str, sort: &str, fields: Value| Row {
        key: RowKey::parse(partition, sort),
        fields: fields.as_object().unwrap().clone(),
    };
    let zone = json!({ "version": 1, "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "hostnames": ["www.web.com"] });
    let mut rows = vec![
        row("GRANTS", "web", json!({ "version": 1, "owns": ["s3://assets/"] })),
        row("TEAM#web", "ZONE#web.com", zone),
    ];
    rows.extend((0..mappings).map(|index| {
        let prefix = format!("tenants/{:02x}/{index:05}/", index % 256);
        let sort = format!("MAPPING#assets/{prefix}");
        let include = include(index);
        let fields = json!({
            "version": 1, "bucket": "assets", "prefix": prefix, "zones": ["web.com"], "include": include,
        });
        row("TEAM#web", &sort, fields)
    }));
    rows
}
