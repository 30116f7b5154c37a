//! The programs of a release, compiled with Zig as the linker.
//!
//! cargo-lambda compiles the function for the glibc of Amazon Linux 2023, cargo-zigbuild the command with musl, so that it runs on any Linux.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files::read;
use super::machine_paths::{assert_absent, rustc_flags};
use crate::process::{NO_JITTER_ENTROPY, TaskResult, output, run};
use crate::tools::python;

pub(crate) const FUNCTION: &str = "purge-router-lambda";
pub(crate) const COMMAND: &str = "purge-router";

/// Where cargo-lambda writes the program. `cargo lambda deploy` writes a zip beside it.
const FUNCTION_PROGRAM: &str = "target/lambda/bootstrap/bootstrap";

/// The oldest glibc that the function must run with: that of Amazon Linux 2023.
const GLIBC: &str = "2.34";

/// Builds the function for a target, and returns its bytes.
pub(crate) fn function(target: &str) -> Result<Vec<u8>, String> {
    check_standard_library(target)?;
    let tools = Tools::install()?;
    let mut command = tools.command("cargo-lambda")?;
    // cargo-lambda's own optimizations would let a panic end the process, and with it a whole batch.
    command.args(["lambda", "build", "--release", "--locked", "--disable-optimizations"]);
    command.args(["--package", FUNCTION, "--bin", "bootstrap", "--lambda-dir", "target/lambda"]);
    let (name, value) = NO_JITTER_ENTROPY;
    run(command.arg("--target").arg(format!("{target}.{GLIBC}")).env(name, value))?;
    program(Path::new(FUNCTION_PROGRAM))
}

/// Builds the command for a target, and returns its bytes.
pub(crate) fn command(target: &str) -> Result<Vec<u8>, String> {
    check_standard_library(target)?;
    let tools = Tools::install()?;
    let mut command = tools.command("cargo-zigbuild")?;
    command.args(["zigbuild", "--release", "--locked", "--package", COMMAND, "--bin", COMMAND, "--target", target]);
    let (name, value) = NO_JITTER_ENTROPY;
    run(command.env(name, value))?;
    let built = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    program(&built.join(target).join("release").join(COMMAND))
}

fn program(file: &Path) -> Result<Vec<u8>, String> {
    let program = read(file)?;
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

/// The compilers around Cargo, and Zig, in one folder.
struct Tools {
    programs: PathBuf,
    path: OsString,
}

impl Tools {
    fn install() -> Result<Self, String> {
        let why = "the release needs cargo-lambda, cargo-zigbuild and Zig";
        let programs = python::environment("release", "xtask/release-requirements.txt", why)?.join("bin");
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = env::join_paths([programs.clone()].into_iter().chain(env::split_paths(&path)));
        Ok(Self { programs, path: paths.map_err(|error| format!("PATH: {error}"))? })
    }

    /// One of them, which compiles with the profile of this workspace and nothing else.
    fn command(&self, program: &str) -> Result<Command, String> {
        let mut command = Command::new(self.programs.join(program));
        command.env("PATH", &self.path).env("CARGO_ENCODED_RUSTFLAGS", rustc_flags()?);
        Ok(command)
    }
}
