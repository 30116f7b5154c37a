//! Benchmarks of core beside rivals, on seeded inputs, after a check that all give the same answers. `cargo xtask bench`
//! runs them and writes what they measure into docs/performance.md.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    reason = "this is a program for people, and what fails ends it"
)]

mod calls;
mod command;
mod instructions;
mod measure;
mod page;
mod plot;
mod routing;
mod rows;
mod way;

use std::env;
use std::process::ExitCode;

/// A benchmark's name, and what runs it and returns its section of the page.
type Benchmark = (&'static str, fn() -> String);

const BENCHMARKS: [Benchmark; 5] = [
    ("way", way::run),
    ("calls", calls::run),
    ("command", command::run),
    ("routing", routing::run),
    ("rows", rows::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.split_first() {
        None => BENCHMARKS.into_iter().for_each(run),
        Some((&"routing", options @ [_, ..])) if options.len() % 2 == 0 => println!("{}", routing::run_some(options)),
        Some((&"instructions", names)) if names.len() < 2 => instructions::run(names.first().copied()),
        Some((name, [])) if BENCHMARKS.iter().any(|it| it.0 == *name) => {
            BENCHMARKS.into_iter().filter(|it| it.0 == *name).for_each(run);
        }
        _ => {
            let names = BENCHMARKS.map(|(name, _)| name).join(" | ");
            eprintln!(
                "usage: bench [{names}] | bench routing [--only TEXT] [--rival NAME] | bench instructions [PATH]"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run((name, benchmark): Benchmark) {
    let section = benchmark();
    println!("{section}");
    page::write(name, &section);
}
