//! Benchmarks of core beside rivals, on seeded inputs, after a check that all give the same answers. `cargo xtask bench`
//! runs them; docs/performance.md has what they print.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    reason = "this is a program for people, and what fails ends it"
)]

mod allocator;
mod measure;
mod routing;
mod rows;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.split_first() {
        Some((&"routing", options)) if options.len() % 2 == 0 => routing::run(options),
        Some((&"rows", [])) => rows::run(),
        _ => {
            eprintln!("usage: bench routing [--only TEXT] [--rival NAME] | bench rows");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
