//! `test`: runs the tests of mappings, and shows them as test runners do.

use std::fmt::Write;

use purge_router_aws::load_patient_config;
use purge_router_config::{
    Checked, MappingFile, Problem, TestResult, from_rows, name_mappings, run_tests, tests_of_rows,
};
use purge_router_core::names::TeamName;
use serde_json::{Value, json};

use crate::args::{MappingsSource, TestArgs};
use crate::exit::End;
use crate::mappings::{is_of_teams, load_rows, named, option_of, read, warn};
use crate::print;
use crate::problems::{draw, line_of, without_span};
use crate::zone_choice::check_teams;

pub(super) async fn run(args: &TestArgs) -> anyhow::Result<End> {
    let teams = &args.mappings.teams;
    let source = named(args.mappings.mappings.source_or(&args.only)?);
    let option = option_of(&source);
    let (checked, problems) = match source {
        MappingsSource::Table(table, _) => from_table(&table, teams).await?,
        MappingsSource::File(path, _) => {
            let text = read(&path).await?;
            match MappingFile::parse(&text).and_then(|file| file.read()) {
                Ok(checked) => (checked, Vec::new()),
                Err(problems) => {
                    draw(&path, &text, &problems);
                    return Ok(End::Problems);
                }
            }
        }
    };
    check_teams(&checked.mappings, teams)?;
    let Checked { mappings, mut tests } = checked;
    tests.retain(|test| teams.is_empty() || teams.contains(&test.team));
    let results = run_tests(&mappings, &tests);
    match args.json {
        true => print::json(&as_json(&results))?,
        false => print::out(&as_text(&results, &option)),
    }
    for problem in &problems {
        print::error(&line_of(problem));
    }
    if results.is_empty() && problems.is_empty() {
        print::note("there is no test; write one as `[[teams.<name>.tests]]`");
    }
    Ok(End::done_if(problems.is_empty() && results.iter().all(TestResult::is_passed)))
}

/// The tests of a table, and what is wrong with them. Rows that the function skips are warned of, because a test may fail
/// for these.
async fn from_table(table: &str, teams: &[TeamName]) -> anyhow::Result<(Checked, Vec<Problem>)> {
    let mut rows = load_rows(&load_patient_config().await, table, teams).await?;
    rows.retain(|row| is_of_teams(&row.key, teams));
    let (mappings, skipped) = from_rows(&rows);
    warn(&skipped);
    let (tests, problems) = tests_of_rows(&rows, &mappings);
    Ok((Checked { mappings, tests }, problems))
}

/// All results, and of those that failed, the details. The option names the mappings in commands that are suggested.
fn as_text(results: &[TestResult<'_>], option: &str) -> String {
    let mut text = String::new();
    for result in results {
        let state = if result.is_passed() { print::green("ok    ") } else { print::red("FAILED") };
        let _ = writeln!(text, "{state} {}", name(result));
    }
    for result in results.iter().filter(|result| !result.is_passed()) {
        let _ = writeln!(text, "\n{}", name(result));
        push_details(&mut text, result, option);
    }
    let failed = results.iter().filter(|result| !result.is_passed()).count();
    let summary =
        format!("{}: {} passed, {failed} failed", print::count(results.len(), "test"), results.len() - failed);
    let _ = write!(text, "\n{}", if failed == 0 { print::green(summary) } else { print::red(summary) });
    text
}

/// `s3://assets.website.com/uk/app.css created (teams.web.tests[0])`.
fn name(result: &TestResult<'_>) -> String {
    let change = &result.test.change;
    let place = print::escaped(&result.test.place.to_string());
    format!("{} {} {}", print::escaped(&change.object()), change.kind, print::dim(format!("({place})")))
}

fn push_details(text: &mut String, result: &TestResult<'_>, option: &str) {
    for problem in &result.failures {
        let _ = writeln!(text, "  {} {}", print::red("✗"), print::escaped(&problem.message));
    }
    let purged = result.purged.iter().map(|item| format!("    {}", print::escaped(item)));
    let _ = writeln!(text, "  it purges {}", print::count(result.purged.len(), "item"));
    print::push_lines(text, purged);
    for reason in &result.unpurgeable {
        let _ = writeln!(text, "  {} {}", print::yellow("unpurgeable"), print::escaped(reason));
    }
    if let Some(mut failure) = result.failures.first().cloned() {
        name_mappings(&mut failure, option);
        let _ = writeln!(text, "  {}", print::dim(print::escaped(&failure.help)));
    }
}

fn as_json(results: &[TestResult<'_>]) -> Value {
    let failed = results.iter().filter(|result| !result.is_passed()).count();
    let tests: Vec<Value> = results.iter().map(test_as_json).collect();
    json!({ "passed": results.len() - failed, "failed": failed, "tests": tests })
}

fn test_as_json(result: &TestResult<'_>) -> Value {
    let test = result.test;
    json!({
        "team": test.team,
        "test": test.place,
        "object": test.change.object(),
        "event": test.change.kind,
        "passed": result.is_passed(),
        "failures": result.failures.iter().map(without_span).collect::<Vec<_>>(),
        "purged": result.purged,
        "unpurgeable": result.unpurgeable,
    })
}
