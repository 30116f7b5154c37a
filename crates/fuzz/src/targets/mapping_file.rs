//! Mapping files: problems have places in the file, and what is valid reads the same after it was written again.

use std::collections::BTreeMap;

use purge_router_config::{
    Checked, FileOfTeam, MappingFile, MappingTest, Problem, Rows, assign_row_keys, run_tests, to_toml,
};
use purge_router_core::names::TeamName;

pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match (read(&text), read(&text)) {
        (Ok(first), Ok(second)) => {
            assert_eq!(described(&first), described(&second), "a second reading differs");
            check_written_again(&text, &first);
            // One, because each may purge as much as an event may hold.
            let one = &first.tests[..first.tests.len().min(1)];
            assert_eq!(run_tests(&first.mappings, one), run_tests(&first.mappings, one), "a test finds something else");
        }
        (Err(first), Err(second)) => {
            assert_eq!(first, second, "a second reading differs");
            assert!(!first.is_empty(), "a file is refused without a problem");
            first.iter().for_each(|problem| check_problem(&text, problem));
        }
        _ => assert_eq!("one reading", "fails, and the other does not"),
    }
}

fn read(text: &str) -> Result<Checked, Vec<Problem>> {
    MappingFile::parse(text).and_then(|file| file.read())
}

fn check_problem(text: &str, problem: &Problem) {
    assert!(!problem.message.is_empty() && !problem.help.is_empty(), "a problem says nothing: {problem:?}");
    if let Some(span) = &problem.span {
        assert!(text.get(span.clone()).is_some(), "a place is outside of the file: {problem:?}");
    }
}

fn check_written_again(text: &str, checked: &Checked) {
    let file = MappingFile::parse(text).expect("it was parsed before");
    let teams: Vec<_> = checked.mappings.teams().map(|team| team.name.clone()).collect();
    let parts: BTreeMap<TeamName, _> = teams
        .into_iter()
        .map(|team| {
            let rows = assign_row_keys(&team, file.tables(&team), &Rows::new());
            let grant = file.grant(&team);
            (team, (rows, grant))
        })
        .collect();
    let files = parts.iter().map(|(team, (rows, grant))| FileOfTeam { team, pulled: None, grant: Some(grant), rows });
    let written = to_toml(None, files).expect("a valid file can be written");
    let again = read(&written).expect("a written file is valid");
    assert_eq!(described(checked), described(&again), "a written file says something else: {written}");
}

/// Each mapping and test without its name, which says where it is. The order of a team's mappings never matters.
fn described(Checked { mappings, tests }: &Checked) -> Vec<String> {
    let describe = |mapping: &purge_router_core::Mapping| {
        let globs: Vec<&str> = mapping.include.iter().chain(["|"]).chain(mapping.exclude.iter()).collect();
        format!(
            "{} {:?} {:?} {globs:?} {:?} {:?} {:?} {:?} {:?}",
            mapping.team,
            mapping.source,
            mapping.zones,
            mapping.events,
            mapping.urls,
            mapping.hostnames,
            mapping.purge,
            mapping.mode
        )
    };
    let mut all: Vec<String> = mappings.all().iter().map(|mapping| describe(mapping)).collect();
    let describe = |test: &MappingTest| format!("{} {:?} {}", test.team, test.change, test.expectation());
    all.extend(tests.iter().map(describe));
    all.sort();
    all
}
