//! The project's own commands, which `cargo xtask` runs: see [`usage::USAGE`].
//!
//! They need Rust, a C compiler and Python 3.11. Everything else is installed into the build folder on first use.

mod event;
mod figures;
mod house;
mod instructions;
mod layers;
mod lint;
mod measured;
mod pages;
mod process;
mod release;
mod test;
mod tools;
mod usage;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::process::print_progress;
use crate::usage::USAGE;

fn main() -> ExitCode {
    // Cargo's alias works in every folder of the workspace, and so do these commands.
    if let Some(root) = env::var_os("CARGO_MANIFEST_DIR").map(|own| PathBuf::from(own).join("..")) {
        let _ = env::set_current_dir(root);
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test::all(),
        ["iam"] => test::iam_policies(),
        ["lint"] => lint::all(),
        ["book"] => pages::book(),
        ["commands"] => test::commands(),
        ["house"] => house::print(),
        ["fetch"] => tools::dynamodb_local::install(),
        ["latency"] => test::latency(),
        ["lookups"] => test::lookups(),
        ["instructions", ref arguments @ ..] => instructions::check(arguments),
        ["bench", "cold-start"] => test::cold_start(),
        ["bench"] => test::bench(&[]).and_then(|()| test::cold_start()),
        ["bench", ref arguments @ ..] => test::bench(arguments),
        ["isolation", ref arguments @ ..] => test::isolation(arguments),
        ["simulate", ref arguments @ ..] => test::simulate(arguments),
        ["soak", ref arguments @ ..] => test::soak(arguments),
        ["drain", ref arguments @ ..] => test::drain(arguments),
        ["fuzz", ref arguments @ ..] => test::fuzz(arguments),
        ["mutants", ref arguments @ ..] => test::mutants(arguments),
        ["release", ref arguments @ ..] => release::build(arguments),
        ["event", messages] => event::print(messages),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            print_progress(&reason);
            ExitCode::FAILURE
        }
    }
}
