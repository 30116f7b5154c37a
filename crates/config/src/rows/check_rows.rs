//! All that is wrong with rows that are to be written: these must have no problem at all.

use purge_router_core::Mappings;

use crate::mapping_test::run::run_tests;
use crate::path::ConfigPath;
use crate::problem::Problem;
use crate::rows::fields::Row;
use crate::rows::from_rows::from_rows;
use crate::rows::read_tests::tests_of_rows;
use crate::rows::row_key::RowKey;
use crate::validate::cross_team::{check_cross_team, duplicate_zone_id, duplicate_zone_ids};

/// What a push of these grants, zones, mappings and tests would be refused for.
pub fn check_rows<'r>(rows: impl IntoIterator<Item = &'r Row> + Clone) -> Vec<Problem> {
    let (mappings, skipped) = from_rows(rows.clone());
    let mut problems: Vec<Problem> = skipped.into_iter().flat_map(|skipped| skipped.problems).collect();
    problems.extend(duplicates(&mappings));
    problems.extend(check_cross_team(&mappings));
    let (tests, of_tests) = tests_of_rows(rows, &mappings);
    problems.extend(of_tests);
    // A problem of a mapping may be why a test fails.
    if problems.is_empty() {
        problems.extend(run_tests(&mappings, &tests).into_iter().flat_map(|result| result.failures));
    }
    problems
}

fn duplicates(mappings: &Mappings) -> Vec<Problem> {
    let duplicates = mappings.teams().flat_map(|team| duplicate_zone_ids(team.zones.values()));
    let problem = |(zone, first): (&purge_router_core::Zone, &purge_router_core::Zone)| {
        let place = ConfigPath::row(&RowKey::zone(&zone.team, &zone.domain)).key("zone_id");
        Problem::new(place, duplicate_zone_id(zone, first))
    };
    duplicates.map(problem).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(pk: &str, sk: &str, fields: serde_json::Value) -> Row {
        Row { key: RowKey::parse(pk, sk), fields: fields.as_object().unwrap().clone() }
    }

    #[test]
    fn rows_are_refused_for_what_a_file_is_refused_for() {
        let zone = json!({ "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "hostnames": ["www.one.com"] });
        let twin = json!({ "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "hostnames": ["www.two.com"] });
        let mapping = json!({ "bucket": "assets", "prefix": "", "zones": ["one.com"], "hostname": [] });
        let rows = [
            row("GRANTS", "web", json!({ "owns": ["s3://assets/"] })),
            row("GRANTS", "docs", json!({ "owns": [], "tokens": "/purge-router/" })),
            row("TEAM#web", "ZONE#one.com", zone),
            row("TEAM#web", "ZONE#two.com", twin),
            row("TEAM#web", "MAPPING#x", mapping),
        ];
        let problems: Vec<String> = check_rows(&rows).iter().map(|it| format!("{} @ {}", it.code, it.place)).collect();
        assert_eq!(
            problems,
            [
                "unknown-field @ TEAM#web/MAPPING#x: hostname",
                "duplicate-zone-id @ TEAM#web/ZONE#two.com: zone_id",
                "shared-token-folder @ GRANTS/web: tokens",
            ]
        );
        assert_eq!(check_rows(&rows[..1]), []);
    }
}
