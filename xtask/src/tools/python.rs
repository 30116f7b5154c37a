//! Virtual environments of Python, each with the packages of one requirements file.

use std::path::PathBuf;
use std::process::Command;

use super::install::{build_folder, once, read_text};
use crate::process::{output, run};

/// A Python with the packages of the end-to-end tests.
pub(crate) fn with_test_packages() -> Result<PathBuf, String> {
    Ok(environment("e2e", "tests/e2e/requirements.txt", "the end-to-end tests need it")?.join("bin/python"))
}

/// The folder of an environment. It is created again if the requirements or Python changed.
pub(crate) fn environment(name: &str, requirements: &str, why: &str) -> Result<PathBuf, String> {
    let environment = build_folder()?.join(name);
    let python = environment.join("bin/python");
    let version = output(Command::new("python3").arg("--version"));
    let version = version.map_err(|error| format!("{error}; {why}, in version 3.11 or later"))?;
    let stamp = format!("# {version}{}", read_text(requirements)?);
    once(&environment.join("requirements.txt"), &stamp, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))
            .map_err(|reason| format!("{reason}; on Debian, install the package python3-venv"))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement", requirements]))
    })?;
    Ok(environment)
}
