//! Rows: each line is a JSON array of `pk`, `sk` and the fields. Each row of a mapping becomes a mapping or is skipped,
//! never both, no mapping is outside of what its team owns, and no test is lost.

use std::collections::BTreeMap;

use purge_router_config::{Fields, Row, RowKey, from_rows, tests_of_rows};

pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut rows: BTreeMap<RowKey, Row> = BTreeMap::new();
    for line in text.lines() {
        let Ok((pk, sk, fields)) = serde_json::from_str::<(String, String, Fields)>(line) else { continue };
        let key = RowKey::parse(&pk, &sk);
        assert_eq!((key.partition().to_string(), key.sort()), (pk, sk), "a key is written differently");
        rows.insert(key.clone(), Row { key, fields });
    }
    let ((mappings, skipped), (_, again)) = (from_rows(rows.values()), from_rows(rows.values()));
    assert_eq!(skipped, again, "a second reading differs");
    let of_mappings = rows.keys().filter(|key| matches!(key, RowKey::Mapping { .. })).count();
    let skipped_mappings = skipped.iter().filter(|row| matches!(row.key, RowKey::Mapping { .. })).count();
    assert_eq!(mappings.all().len() + skipped_mappings, of_mappings, "a row is lost, or has two outcomes");
    assert!(skipped.iter().all(|row| !row.problems.is_empty()), "a row is skipped without a problem");
    let of_tests = rows.keys().filter(|key| matches!(key, RowKey::Test { .. })).count();
    let (tests, problems) = tests_of_rows(rows.values(), &mappings);
    assert!(tests.len() == of_tests || !problems.is_empty(), "a test is lost without a problem");
    for mapping in mappings.all() {
        let team = mappings.teams().find(|team| team.name == mapping.team).expect("a mapping has a team");
        assert!(team.owns(&mapping.source), "{} is outside of its grant", mapping.name);
        assert!(mapping.zones.iter().all(|zone| zone.team == mapping.team), "{} has another's zone", mapping.name);
    }
}
