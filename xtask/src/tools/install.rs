//! What all installations share: the build folder, and a stamp that says what was installed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::TaskResult;

/// The folder of the built programs. This program is one of them.
pub(crate) fn build_folder() -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| format!("the path of this program is unknown: {error}"))?;
    program.parent().map(PathBuf::from).ok_or_else(|| format!("{} has no folder", program.display()))
}

/// Runs a task, unless `stamp` says that it ran for the same `version`.
pub(crate) fn once(stamp: &Path, version: &str, task: impl FnOnce() -> TaskResult) -> TaskResult {
    if fs::read_to_string(stamp).is_ok_and(|installed| installed == version) {
        return Ok(());
    }
    task()?;
    fs::write(stamp, version).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// Reads a file of the project.
pub(crate) fn read_text(file: &str) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))
}
