//! `check`: all problems of a mapping file at once.

use purge_router_config::{Problem, Warning, warnings};
use purge_router_core::{Code, Mappings};
use serde_json::json;

use crate::args::CheckArgs;
use crate::exit::End;
use crate::mappings::{load_table, read};
use crate::print;
use crate::problems::{Lines, ProblemJson, draw};

pub(crate) async fn run(args: &CheckArgs) -> anyhow::Result<End> {
    if let Some(table) = &args.mappings.table {
        return check_table(table, args.json).await;
    }
    let path = &args.mappings.file.path();
    let text = read(path)?;
    let check = move || {
        let read = purge_router_config::from_toml(&text);
        (text, read)
    };
    let what = format!("checking {}", print::escaped(&path.display().to_string()));
    let (text, read) = print::with_spinner(what, check).await?;
    let problems = read.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    let warnings = read.as_ref().map(warnings).unwrap_or_default();
    print_warnings(&warnings);
    if args.json {
        let lines = Lines::of(&text);
        let problems: Vec<_> = problems.iter().map(|problem| ProblemJson::new(&lines, problem)).collect();
        print::json(&with_warnings(json!({ "problems": problems }), &warnings))?;
    } else if let Ok(mappings) = &read {
        print::out(&format!("{}: {}: {}", path.display(), counts(mappings), print::green("no problem")));
    } else {
        draw(path, &text, problems);
    }
    Ok(if problems.is_empty() { End::Done } else { End::Problems })
}

/// The rows of a table that the function skips.
async fn check_table(table: &str, json: bool) -> anyhow::Result<End> {
    let (mappings, skipped) = load_table(table).await?;
    let (folders, zones): (Vec<Problem>, Vec<Problem>) = purge_router_config::check_cross_team(&mappings)
        .into_iter()
        .partition(|problem| problem.code == Code::SharedTokenFolder);
    let warnings = warnings(&mappings);
    print_warnings(&warnings);
    let problems: Vec<&Problem> = skipped.iter().flat_map(|skipped| &skipped.problems).chain(&folders).collect();
    // Any team can cause this, and nothing is skipped because of it: each team's purges need its own token.
    for problem in &zones {
        print::warning(&problem.to_string());
    }
    if json {
        let problems: Vec<_> = problems.iter().map(|problem| problem_of_row(problem)).collect();
        let shared: Vec<_> = zones.iter().map(problem_of_row).collect();
        print::json(&with_warnings(json!({ "problems": problems, "shared": shared }), &warnings))?;
    } else if problems.is_empty() {
        print::out(&format!("{table}: {}: {}", counts(&mappings), print::green("no problem")));
    } else {
        for problem in &problems {
            print::error(&problem.to_string());
        }
        let (rows, used) = (print::count(skipped.len(), "row"), counts(&mappings));
        print::error(&format!("the function skips {rows} of {table}, and uses {used}"));
    }
    Ok(if problems.is_empty() { End::Done } else { End::Problems })
}

/// To standard error, and no reason to fail.
fn print_warnings(warnings: &[Warning]) {
    for warning in warnings {
        print::warning(&warning.to_string());
    }
}

fn with_warnings(mut json: serde_json::Value, warnings: &[Warning]) -> serde_json::Value {
    if !warnings.is_empty() {
        json["warnings"] = json!(warnings);
    }
    json
}

fn problem_of_row(problem: &Problem) -> serde_json::Value {
    json!({
        "code": problem.code,
        "place": problem.place.to_string(),
        "message": problem.message,
        "help": problem.help,
    })
}

fn counts(mappings: &Mappings) -> String {
    let count = |number, noun| print::count(number, noun);
    let (teams, zones) = (mappings.teams().count(), mappings.zones().count());
    format!("{}, {}, {}", count(teams, "team"), count(zones, "zone"), count(mappings.all().len(), "mapping"))
}
