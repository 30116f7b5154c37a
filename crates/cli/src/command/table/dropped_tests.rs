//! Tests that an edit removes or changes, and that its mappings would break: an edit of both passes its own tests.

use purge_router_config::{Diff, Fields, Row, RowKey, run_tests, tests_of_rows};
use purge_router_core::Mappings;

use crate::print;

/// Warns of each test in the table that `mappings` would not pass.
pub(super) fn warn_of_dropped_tests(diff: &Diff, mappings: &Mappings) {
    let changed = diff.changed.iter().map(|(key, changed)| (key, &changed.before));
    let dropped = diff.removed.iter().chain(changed).filter(|(key, _)| matches!(key, RowKey::Test { .. }));
    let row = |(key, fields): (&RowKey, &Fields)| Row { key: key.clone(), fields: fields.clone() };
    let rows: Vec<Row> = dropped.map(row).collect();
    // A test that can't be read any more, for example because a zone is removed, is in the difference.
    let (tests, _) = tests_of_rows(&rows, mappings);
    for failure in run_tests(mappings, &tests).into_iter().flat_map(|result| result.failures) {
        print::warning(&format!("{} is removed or changed, and would fail: {}", failure.place, failure.message));
    }
}
