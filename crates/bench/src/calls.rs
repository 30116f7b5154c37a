//! How many requests an event leads to, beside one request for each record.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use purge_router_core::{decode, plan};

use crate::way::events::{Kind, event, mapping_file};

const HEAD: &str = "\
| records | zones | unique URLs | requests | ⌈unique URLs / limit⌉, summed over zones | one for each record |
| ---: | ---: | ---: | ---: | ---: | ---: |
";

/// Counts, and returns a table.
pub(crate) fn run() -> String {
    let mut table = HEAD.to_owned();
    for (records, mappings) in [(1, 10), (10, 10), (100, 10), (1_000, 10), (10_000, 10), (1_000, 100), (10_000, 100)] {
        let mappings_of_event = purge_router_config::from_toml(&mapping_file(mappings)).unwrap();
        let plan = plan(&mappings_of_event, decode(event(Kind::Sqs, records, mappings).as_bytes()).unwrap());
        let mut zones: BTreeMap<_, (usize, BTreeSet<String>)> = BTreeMap::new();
        for batch in &plan.batches {
            let limit = batch.zone.items_per_request(batch.method().class());
            let (_, urls) = zones.entry(&batch.zone.zone_id).or_insert((limit, BTreeSet::new()));
            urls.extend(batch.items().iter().map(|item| item.item.to_string()));
        }
        let urls: usize = zones.values().map(|(_, urls)| urls.len()).sum();
        let fewest: usize = zones.values().map(|(limit, urls)| urls.len().div_ceil(*limit)).sum();
        assert_eq!(plan.batches.len(), fewest);
        let (zones, requests) = (zones.len(), plan.batches.len());
        let _ = writeln!(table, "| {records} | {zones} | {urls} | {requests} | {fewest} | {records} |");
    }
    table
}
