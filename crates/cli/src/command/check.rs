//! `check`: all problems of a mapping file at once, or if it has none, what its tests found.

use purge_router_aws::load_patient_config;
use purge_router_config::{
    Checked, LocatedWarning, MappingFile, Problem, from_rows, name_mappings, run_tests, tests_of_rows, warnings,
};
use purge_router_core::names::TeamName;
use purge_router_core::{Code, Mappings};
use serde::Serialize;
use serde_json::json;

use crate::args::{CheckArgs, Deny, MappingsSource};
use crate::exit::{End, Misuse};
use crate::input::shown;
use crate::mappings::{is_of_teams, load_rows, option_of, read};
use crate::print;
use crate::problems::{Lines, ProblemJson, WarningJson, draw, draw_warnings, line_of, without_span};
use crate::zone_choice::{check_teams, unknown_team};

pub(crate) async fn run(args: &CheckArgs) -> anyhow::Result<End> {
    let source = args.mappings.mappings.source_or(&args.only)?;
    let option = option_of(&source);
    let path = &match source {
        MappingsSource::Table(table, _) => return check_table(&table, &option, args).await,
        MappingsSource::File(path, _) => path,
    };
    let (text, teams) = (read(path).await?, args.mappings.teams.clone());
    let check = move || {
        let read = check_file(&text, &teams);
        (text, read)
    };
    let what = format!("checking {}", print::escaped(&shown(path)));
    let (text, read) = print::with_spinner(what, check).await?;
    let CheckedFile { mut checked, warnings } = read?;
    if let Err(problems) = &mut checked {
        problems.iter_mut().for_each(|problem| name_mappings(problem, &option));
    }
    let problems = checked.as_ref().err().map_or(&[][..], |problems| problems);
    if !args.json {
        draw_warnings(path, &text, &warnings);
    }
    if args.json {
        let lines = Lines::of(&text);
        let problems: Vec<_> = problems.iter().map(|problem| ProblemJson::new(&lines, &text, problem)).collect();
        let warnings: Vec<_> = warnings.iter().map(|warning| WarningJson::new(&lines, &text, warning)).collect();
        print::json(&with_warnings(json!({ "problems": problems }), &warnings))?;
    } else if let Ok(Checked { mappings, tests }) = &checked {
        let counts = counts(mappings, tests.len());
        print::out(&format!("{}: {counts}: {}", shown(path), verdict(args, warnings.len())));
    } else {
        draw(path, &text, problems);
    }
    Ok(End::done_if(problems.is_empty() && is_allowed(args, warnings.len())))
}

struct CheckedFile {
    /// What the file says, or all its problems, or what its tests found.
    checked: Result<Checked, Vec<Problem>>,
    /// None if it is not valid.
    warnings: Vec<LocatedWarning>,
}

/// Checks a file, or these teams' parts of it.
fn check_file(text: &str, teams: &[TeamName]) -> Result<CheckedFile, Misuse> {
    let mut file = match MappingFile::parse(text) {
        Ok(file) => file,
        Err(problems) => return Ok(CheckedFile { checked: Err(problems), warnings: Vec::new() }),
    };
    if let Some(unknown) = teams.iter().find(|team| !file.teams().contains(&team.as_str())) {
        return Err(unknown_team(unknown, file.teams().into_iter()));
    }
    if !teams.is_empty() {
        file.keep(|name| teams.iter().any(|team| team.as_str() == name));
    }
    Ok(match file.read() {
        // A file whose tests fail is valid, and a warning may say why they fail.
        Ok(checked) => CheckedFile { warnings: file.warnings(&checked.mappings), checked: file.run_tests(checked) },
        Err(problems) => CheckedFile { checked: Err(problems), warnings: Vec::new() },
    })
}

/// The rows of a table that the function skips, and the tests that fail.
async fn check_table(table: &str, option: &str, args: &CheckArgs) -> anyhow::Result<End> {
    let teams = &args.mappings.teams;
    let reading = async { load_rows(&load_patient_config().await, table, teams).await };
    let mut rows = print::spinning(&format!("reading {}", print::escaped(table)), reading).await?;
    rows.retain(|row| is_of_teams(&row.key, teams));
    let (mappings, skipped) = from_rows(&rows);
    if skipped.is_empty() {
        check_teams(&mappings, teams)?;
    }
    let (tests, mut of_tests) = tests_of_rows(&rows, &mappings);
    of_tests.extend(run_tests(&mappings, &tests).into_iter().flat_map(|result| result.failures));
    of_tests.iter_mut().for_each(|problem| name_mappings(problem, option));
    let (folders, zones): (Vec<Problem>, Vec<Problem>) = purge_router_config::check_cross_team(&mappings)
        .into_iter()
        .partition(|problem| problem.code == Code::SharedTokenFolder);
    let warnings = warnings(&mappings);
    print::warnings(&warnings);
    let problems: Vec<&Problem> =
        skipped.iter().flat_map(|skipped| &skipped.problems).chain(&folders).chain(&of_tests).collect();
    // Any team can cause this, and nothing is skipped because of it: each team's purges need its own token.
    for problem in &zones {
        print::warning(&line_of(problem));
    }
    if args.json {
        let problems: Vec<_> = problems.iter().map(|problem| without_span(problem)).collect();
        let shared: Vec<_> = zones.iter().map(without_span).collect();
        print::json(&with_warnings(json!({ "problems": problems, "shared": shared }), &warnings))?;
    } else if problems.is_empty() {
        print::out(&format!("{table}: {}: {}", counts(&mappings, tests.len()), verdict(args, warnings.len())));
    } else {
        for problem in &problems {
            print::error(&line_of(problem));
        }
        let (rows, used) = (print::count(skipped.len(), "row"), counts(&mappings, 0));
        print::error(&format!("the function skips {rows} of {table}, and uses {used}"));
    }
    Ok(End::done_if(problems.is_empty() && is_allowed(args, warnings.len())))
}

/// What is said of mappings without a problem.
fn verdict(args: &CheckArgs, warnings: usize) -> String {
    let counted = print::count(warnings, "warning");
    match is_allowed(args, warnings) {
        true if warnings == 0 => print::green("no problem"),
        true => print::yellow(format!("no problem, but {counted}")),
        false => print::red(format!("{counted}, which --deny refuses")),
    }
}

fn is_allowed(args: &CheckArgs, warnings: usize) -> bool {
    args.deny != Some(Deny::Warnings) || warnings == 0
}

fn with_warnings(mut json: serde_json::Value, warnings: &[impl Serialize]) -> serde_json::Value {
    if !warnings.is_empty() {
        json["warnings"] = json!(warnings);
    }
    json
}

/// `1 team, 2 zones, 3 mappings`, and `4 tests` if there are any.
fn counts(mappings: &Mappings, tests: usize) -> String {
    let (teams, zones, all) = (mappings.teams().count(), mappings.zones().count(), mappings.all().len());
    let counts = [(teams, "team"), (zones, "zone"), (all, "mapping"), (tests, "test")];
    let shown = counts.iter().filter(|(number, noun)| *number > 0 || *noun != "test");
    shown.map(|(number, noun)| print::count(*number, noun)).collect::<Vec<_>>().join(", ")
}
