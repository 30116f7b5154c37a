//! `house`: the rules that keep the code readable, checked on its syntax.
//!
//! A source file has at most 350 lines (tests apart). A function's body has at most 60 lines of code and four levels of
//! blocks. No file imports from a file that, directly or through others, imports from it.
//!
//! Each decision of `docs/decisions` has a status, a date and the usual headings, and is in the index. Each page and section of
//! `docs/` that the code names exists.

mod circles;
mod decisions;
mod documents;
mod functions;
mod imports;
mod markdown;
mod modules;
mod references;
mod report;
mod source;

use crate::process::{TaskResult, print_result};
use report::House;

/// Prints a table of all crates, and each place that breaks a rule.
pub(crate) fn print() -> TaskResult {
    print_result(&House::read()?.to_string());
    Ok(())
}

/// Lists each place that breaks a rule, and fails if there is any.
pub(crate) fn check() -> TaskResult {
    let house = House::read()?;
    let broken = house.broken_rules();
    if broken.is_empty() {
        return Ok(());
    }
    print_result(&broken.join("\n"));
    Err(format!("{} places break the house rules", broken.len()))
}
