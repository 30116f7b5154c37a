//! `book`, and the checks of the pages: README.md and what is beside it, and the book in `docs`.

mod commands;
mod help;
mod links;
mod markdown;
mod prose;
mod shell;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{TaskResult, output, print_result, run};
use crate::tools::install::files_with_extension;
use crate::tools::python;
use crate::usage::USAGE;
use help::Help;
use markdown::Page;

/// Checks the pages, and builds the book into `target/book`.
pub(crate) fn book() -> TaskResult {
    check()?;
    let why = "mdBook comes from PyPI, because building it takes minutes";
    let environment = python::environment("book", "xtask/book-requirements.txt", why)?;
    run(Command::new(environment.join("bin/mdbook")).arg("build"))
}

/// Checks what needs no built program: links, comments in commands, commands of `cargo xtask`, and words.
pub(crate) fn check() -> TaskResult {
    let pages = pages()?;
    let mut problems = links::broken(&pages, &|file| file.exists());
    problems.extend(links::missing_in_summary(&pages));
    problems.extend(pages.iter().flat_map(commands::comments_behind_commands));
    problems.extend(pages.iter().flat_map(|page| commands::unknown_tasks(page, USAGE)));
    report(&problems)?;
    prose::check()
}

/// Checks that each command on a page exists, with its options, as `--help` of the built program prints them.
pub(crate) fn check_commands(program: &Path) -> TaskResult {
    let mut help = Help::new(|path: &[String]| output(Command::new(program).args(path).arg("--help")));
    let mut problems = Vec::new();
    for page in pages()? {
        problems.extend(commands::unknown_commands(&page, &mut help)?);
    }
    report(&problems)
}

fn pages() -> Result<Vec<Page>, String> {
    let mut files: Vec<PathBuf> = files_with_extension(Path::new("."), "md", false)?;
    files.extend(files_with_extension(Path::new("docs"), "md", true)?);
    files.iter().map(|file| Page::read(file)).collect()
}

fn report(problems: &[String]) -> TaskResult {
    if problems.is_empty() {
        return Ok(());
    }
    print_result(&problems.join("\n"));
    Err(format!("the pages have {} problems", problems.len()))
}
