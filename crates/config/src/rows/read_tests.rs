//! Rows of tests → tests. The function never reads these rows.

use std::collections::BTreeMap;

use purge_router_core::names::TeamName;
use purge_router_core::{Code, Invalid, Mappings, Team};

use crate::decoded::Decoded;
use crate::mapping_test::MappingTest;
use crate::path::ConfigPath;
use crate::problem::Problem;
use crate::rows::decode::decode_test;
use crate::rows::fields::Row;
use crate::rows::row_key::RowKey;
use crate::spec::TestSpec;
use crate::validate::test::tests;

/// The tests among these rows, for the mappings that all rows say; and what is wrong with them.
pub fn tests_of_rows<'r>(
    rows: impl IntoIterator<Item = &'r Row> + Clone,
    mappings: &Mappings,
) -> (Vec<MappingTest>, Vec<Problem>) {
    let mut by_team: BTreeMap<&TeamName, (usize, Vec<Decoded<TestSpec>>)> = BTreeMap::new();
    for row in rows {
        match &row.key {
            RowKey::Zone { team, .. } => by_team.entry(team).or_default().0 += 1,
            RowKey::Test { team, .. } => by_team.entry(team).or_default().1.push(decode_test(&row.key, &row.fields)),
            _ => {}
        }
    }
    let teams: BTreeMap<&TeamName, &Team> = mappings.teams().map(|team| (&team.name, team)).collect();
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for (name, (zones, of_team)) in by_team {
        match teams.get(name) {
            Some(team) => all.extend(tests(team, team.zones.len() == zones, &of_team, &mut problems)),
            None => problems.extend(of_team.first().map(|test| without_grant(name, test))),
        }
    }
    (all, problems)
}

fn without_grant(team: &TeamName, test: &Decoded<TestSpec>) -> Problem {
    let message = format!("the tests of team {team} can't be run, because its grant is missing or can't be read");
    let place: ConfigPath = test.checker.place.clone();
    Problem::new(place, Invalid::new(Code::BadGrant, message, "the operator has to fix it"))
}
