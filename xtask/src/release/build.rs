//! The function's program, compiled by cargo-lambda.
//!
//! cargo-lambda links with Zig, for the glibc of Amazon Linux 2023.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::machine_paths::{assert_absent, rustc_flags};
use crate::process::{TaskResult, output, run};
use crate::tools::python;

pub(crate) const PACKAGE: &str = "purge-router-lambda";

/// Where cargo-lambda writes the program. `cargo lambda deploy` writes a zip beside it.
const PROGRAM: &str = "target/lambda/bootstrap/bootstrap";

/// The oldest glibc that the program must run with: that of Amazon Linux 2023.
const GLIBC: &str = "2.34";

/// Builds the program for a target, and returns its bytes.
pub(crate) fn function(target: &str) -> Result<Vec<u8>, String> {
    check_standard_library(target)?;
    compile(target)?;
    let program = fs::read(PROGRAM).map_err(|error| format!("{PROGRAM}: {error}"))?;
    assert_absent(&program)?;
    Ok(program)
}

fn check_standard_library(target: &str) -> TaskResult {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    match PathBuf::from(sysroot.trim()).join("lib/rustlib").join(target).is_dir() {
        true => Ok(()),
        false => Err(format!("Rust's standard library for {target} is not installed: `rustup target add {target}`")),
    }
}

/// Compiles with the profile of this workspace and nothing else.
fn compile(target: &str) -> TaskResult {
    let why = "the release needs cargo-lambda and Zig";
    let tools = python::environment("release", "xtask/release-requirements.txt", why)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = env::join_paths([tools.join("bin")].into_iter().chain(env::split_paths(&path)));
    let mut command = Command::new(tools.join("bin/cargo-lambda"));
    // cargo-lambda's own optimizations would let a panic end the process, and with it a whole batch.
    command.args(["lambda", "build", "--release", "--locked", "--disable-optimizations"]);
    command.args(["--package", PACKAGE, "--bin", "bootstrap", "--lambda-dir", "target/lambda"]);
    command.arg("--target").arg(format!("{target}.{GLIBC}"));
    command.env("PATH", paths.map_err(|error| format!("PATH: {error}"))?);
    command.env("CARGO_ENCODED_RUSTFLAGS", rustc_flags()?);
    run(&mut command)
}
