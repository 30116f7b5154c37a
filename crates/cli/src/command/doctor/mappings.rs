//! The mappings: the table or the file, the grants, and rows that the function skips.

use aws_config::SdkConfig;
use purge_router_config::{MappingFile, RowKey, Skipped};
use purge_router_core::Mappings;
use purge_router_core::names::TeamName;

use super::finding::Finding;
use crate::args::{KnownFunction, MappingsSource};
use crate::input::shown;
use crate::mappings::{is_of_teams, load_table_of, read};
use crate::print;

/// What was found, and the mappings if they can be read.
pub(super) async fn examine(
    config: &SdkConfig,
    source: &MappingsSource,
    teams: &[TeamName],
) -> anyhow::Result<(Vec<Finding>, Option<Mappings>)> {
    match source {
        MappingsSource::File(path, _) => {
            let shown = shown(path);
            let named = source.to_string();
            let text = match read(path).await {
                Ok(text) => text,
                Err(error) => return Ok((vec![Finding::unknown("mappings", format!("{error:#}"))], None)),
            };
            match MappingFile::parse(&text).and_then(|file| file.read()) {
                Ok(checked) => {
                    let found = format!("{named}: {}", counts(&checked.mappings));
                    Ok((vec![Finding::good("mappings", found)], Some(checked.mappings)))
                }
                Err(problems) => {
                    let found = format!("{shown} has {}", print::count(problems.len(), "problem"));
                    let fix = format!("purge-router check --mappings {}", path.display());
                    Ok((vec![Finding::bad("mappings", found, fix)], None))
                }
            }
        }
        MappingsSource::Table(table, _) => match load_table_of(config, table, teams).await {
            Ok((mappings, skipped)) => Ok((of_table(table, teams, &mappings, &skipped), Some(mappings))),
            Err(error) => {
                let found = format!("{table} can't be read: {error:#}");
                let fix = match teams {
                    [] => "purge-router doctor --team NAME".to_owned(),
                    _ => format!("purge-router check --table {table}"),
                };
                // A team without a grant is not a matter of rights.
                let is_bad = found.contains("has no grant") || found.contains("has no table");
                let finding = if is_bad {
                    Finding::bad("table", found, fix)
                } else {
                    Finding::unknown("table", found).with_fix(fix)
                };
                Ok((vec![finding], None))
            }
        },
    }
}

/// The mappings, if only the function or its package says where they are.
pub(super) fn of_unknown_source(function: KnownFunction<'_>) -> Finding {
    let (why, fix) = match function {
        KnownFunction::Read { .. } => (
            "the function reads a file in its package",
            "purge-router doctor --mappings FILE   # the file in the package",
        ),
        KnownFunction::Unnamed | KnownFunction::Unreadable => {
            ("the function names them, and its settings can't be read", "purge-router doctor --table NAME")
        }
    };
    Finding::skipped("mappings", why).with_fix(fix)
}

fn of_table(table: &str, teams: &[TeamName], mappings: &Mappings, skipped: &[Skipped]) -> Vec<Finding> {
    let mut findings = vec![Finding::good("table", format!("{table}: {}", counts(mappings)))];
    let skipped: Vec<&Skipped> = skipped.iter().filter(|skipped| is_of_teams(&skipped.key, teams)).collect();
    findings.extend(teams.iter().map(|team| grant_of(table, team, mappings)));
    let of_mappings = mappings.all().iter().map(|mapping| &mapping.team).collect::<std::collections::BTreeSet<_>>();
    let idle = mappings.teams().filter(|team| teams.is_empty() && !of_mappings.contains(&team.name));
    findings.extend(idle.map(|team| {
        let fix = format!("purge-router mappings push --team {} --table {table}", team.name);
        Finding::unknown(format!("team {}", team.name), "it has a grant, but no mapping that the function uses")
            .with_fix(fix)
    }));
    if let Some(first) = skipped.iter().flat_map(|skipped| &skipped.problems).next() {
        let rows: std::collections::BTreeSet<&RowKey> = skipped.iter().map(|skipped| &skipped.key).collect();
        let found = format!("the function skips {}, such as {first}", print::count(rows.len(), "row"));
        findings.push(Finding::bad("rows", found, format!("purge-router check --table {table}")));
    }
    findings
}

fn grant_of(table: &str, team: &TeamName, mappings: &Mappings) -> Finding {
    let what = format!("grant of team {team}");
    match mappings.teams().find(|granted| granted.name == *team) {
        Some(granted) => {
            let owns: Vec<String> = granted.owns.iter().map(ToString::to_string).collect();
            Finding::good(what, format!("owns {}; tokens in {}", owns.join(", "), granted.tokens))
        }
        None => {
            let fix = format!("purge-router grants push --table {table}");
            Finding::bad(what, format!("{table} has none that can be read"), fix)
        }
    }
}

fn counts(mappings: &Mappings) -> String {
    let counts = [
        print::count(mappings.teams().count(), "team"),
        print::count(mappings.zones().count(), "zone"),
        print::count(mappings.all().len(), "mapping"),
    ];
    counts.join(", ")
}
