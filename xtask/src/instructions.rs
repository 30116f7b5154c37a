//! `instructions`: how many instructions some paths take, compared with budgets. Clocks are too noisy for that: the machines
//! that run the checks are shared.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{TaskResult, cargo, output, print_progress, print_result};
use crate::tools::install::{build_folder, read_text};

const BUDGETS: &str = "crates/bench/instructions.toml";

/// What begins the file. `--write` keeps it.
const HEAD: &str = "\
# Instructions of one record, lookup or row, by path. `cargo xtask instructions` fails if a path takes more than a twentieth
# above its budget; `cargo xtask instructions --write` sets the budgets to what it counts. Say in the commit why one rose.
";

/// Hundredths above a budget that are allowed: other processors choose other versions of libc's functions.
const TOLERANCE: u64 = 5;

/// One path, and what one unit of it may take and takes.
struct Counted {
    path: String,
    budget: Option<u64>,
    count: u64,
}

impl Counted {
    fn is_over(&self) -> bool {
        self.budget.is_none_or(|budget| self.count * 100 > budget * (100 + TOLERANCE))
    }
}

/// Counts, and fails if a path is over its budget; or writes what was counted as the new budgets.
pub(crate) fn check(arguments: &[&str]) -> TaskResult {
    let writes = match arguments {
        [] => false,
        ["--write"] => true,
        _ => return Err(format!("expected nothing or --write, found {}", arguments.join(" "))),
    };
    let counted = count()?;
    if writes {
        return fs::write(BUDGETS, budgets_of(&counted)).map_err(|error| format!("{BUDGETS}: {error}"));
    }
    print_result(&table(&counted));
    let over: Vec<&str> = counted.iter().filter(|it| it.is_over()).map(|it| it.path.as_str()).collect();
    match over.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "over the budget in {BUDGETS}: {}; find what takes them with `callgrind_annotate`, or write down why that is right",
            over.join(", ")
        )),
    }
}

fn count() -> Result<Vec<Counted>, String> {
    output(Command::new("valgrind").arg("--version"))
        .map_err(|error| format!("{error}; on Debian, install the package valgrind"))?;
    cargo(&["build", "--profile", "bench", "--package", "purge-router-bench", "--locked"])?;
    let program = build_folder()?.with_file_name("release").join("bench");
    let budgets: toml::Table = toml::from_str(&read_text(BUDGETS)?).map_err(|error| format!("{BUDGETS}: {error}"))?;
    let paths = output(Command::new(&program).arg("instructions"))?;
    let counted = paths.lines().map(|line| {
        let (path, units) = line.split_once(' ').ok_or_else(|| format!("`{line}` is not a path with its units"))?;
        let units: u64 = units.parse().map_err(|error| format!("{line}: {error}"))?;
        let budget = budgets.get(path).and_then(toml::Value::as_integer).and_then(|it| u64::try_from(it).ok());
        Ok(Counted { path: path.to_owned(), budget, count: instructions(&program, path)? / units })
    });
    counted.collect()
}

/// The instructions of one path, which callgrind counts inside of one function only.
fn instructions(program: &Path, path: &str) -> Result<u64, String> {
    let profile: PathBuf = build_folder()?.with_file_name(format!("callgrind.{path}.out"));
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*instructions*counted*"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args(["instructions", path])
        .stdout(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let log = String::from_utf8_lossy(&run.stderr);
    let collected = log.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    print_progress(&format!("{path}: {}", profile.display()));
    match collected {
        Some(count) if run.status.success() && count > 0 => Ok(count),
        _ => Err(format!("valgrind counted nothing of {path}: {}", log.trim_end())),
    }
}

fn budgets_of(counted: &[Counted]) -> String {
    counted.iter().fold(HEAD.to_owned(), |mut text, Counted { path, count, .. }| {
        let _ = writeln!(text, "{path} = {count}");
        text
    })
}

fn table(counted: &[Counted]) -> String {
    let mut table = "| path | instructions | budget |\n| --- | ---: | ---: |".to_owned();
    for it in counted {
        let budget = it.budget.map_or_else(|| "none".to_owned(), |budget| budget.to_string());
        let mark = if it.is_over() { " (over)" } else { "" };
        let _ = write!(table, "\n| {} | {}{mark} | {budget} |", it.path, it.count);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_be_a_twentieth_over_its_budget() {
        for (budget, count, is_over) in [
            (Some(1000), 1000, false),
            (Some(1000), 1050, false),
            (Some(1000), 1051, true),
            (Some(1000), 10, false),
            (Some(0), 1, true),
            (None, 1, true),
        ] {
            assert_eq!(
                Counted { path: "decode".to_owned(), budget, count }.is_over(),
                is_over,
                "{count} of {budget:?}"
            );
        }
    }

    #[test]
    fn what_is_written_as_budgets_is_read_again() {
        let counted = [("decode", 3), ("rows", 44_000)];
        let counted = counted.map(|(path, count)| Counted { path: path.to_owned(), budget: None, count });
        let read: toml::Table = toml::from_str(&budgets_of(&counted)).unwrap();
        assert_eq!((read["decode"].as_integer(), read["rows"].as_integer()), (Some(3), Some(44_000)));
    }
}
