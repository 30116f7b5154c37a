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

/// The files with this extension in a folder, sorted; if `deep`, also those in folders below it.
pub(crate) fn files_with_extension(folder: &Path, extension: &str, deep: bool) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() && deep {
            files.extend(files_with_extension(&path, extension, deep)?);
        } else if path.extension().is_some_and(|it| it == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
