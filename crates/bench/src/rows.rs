//! Rows of the table → mappings that can be routed, without DynamoDB's own time.

use purge_router_config::{Row, RowKey, from_rows};
use serde_json::{Value, json};

use crate::measure::{ROUNDS, Spread, build};

/// As many mappings as one team may have in one bucket.
const MAPPINGS: usize = 10_000;

/// Measures rows whose mappings have no globs, share them, or each have others, and prints a table.
pub(crate) fn run() {
    println!("| globs of {MAPPINGS} rows | ms | bytes a mapping |");
    println!("| --- | ---: | ---: |");
    print("none", |_| json!([]));
    print("shared", |_| json!(["*.{css,js}", "blog/**"]));
    print("unique", |index| json!([format!("page{index}-*.html")]));
}

fn print(name: &str, include: impl Fn(usize) -> Value) {
    let rows = rows(include);
    let mut bytes = 0;
    let times = (0..ROUNDS).map(|_| {
        let built = build(|| from_rows(&rows));
        let (mappings, skipped) = built.value;
        assert_eq!((mappings.all().len(), skipped.len()), (MAPPINGS, 0));
        bytes = built.bytes / MAPPINGS;
        built.took.as_secs_f64() * 1e3
    });
    let Spread { median, least, most } = Spread::of(times.collect());
    println!("| {name} | {median:.1} ({least:.1}–{most:.1}) | {bytes} |");
}

fn rows(include: impl Fn(usize) -> Value) -> Vec<Row> {
    let row = |partition: &str, sort: &str, fields: Value| Row {
        key: RowKey::parse(partition, sort),
        fields: fields.as_object().unwrap().clone(),
    };
    let zone = json!({ "version": 1, "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "hostnames": ["www.web.com"] });
    let mut rows = vec![
        row("GRANTS", "web", json!({ "version": 1, "owns": ["s3://assets/"] })),
        row("TEAM#web", "ZONE#web.com", zone),
    ];
    rows.extend((0..MAPPINGS).map(|index| {
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
