//! Folders of this machine, which must not be in a program: with them, another machine builds other bytes.

use std::env;
use std::path::PathBuf;

use crate::process::TaskResult;

/// The flags, as in `CARGO_ENCODED_RUSTFLAGS`, that replace the folders of this machine by fixed ones.
pub(crate) fn rustc_flags() -> Result<String, String> {
    let flags = folders()?.into_iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}"));
    Ok(flags.collect::<Vec<_>>().join("\x1f"))
}

/// Fails if a program contains a folder of this machine.
pub(crate) fn assert_absent(program: &[u8]) -> TaskResult {
    for (folder, _) in folders()? {
        if program.windows(folder.len()).any(|part| part == folder.as_bytes()) {
            return Err(format!("the program contains the path {folder}, so another machine would build other bytes"));
        }
    }
    Ok(())
}

/// The absolute folders that the compiler sees, and what replaces each. If two match, the later one counts.
fn folders() -> Result<Vec<(String, &'static str)>, String> {
    let here = env::current_dir().map_err(|error| format!("the current folder is unknown: {error}"))?;
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| here.join("target"), |folder| here.join(folder));
    let folders = [(here, "/src"), (cargo, "/cargo"), (target, "/target")];
    let folders = folders.map(|(folder, replacement)| (folder.to_string_lossy().into_owned(), replacement));
    Ok(folders.into_iter().filter(|(folder, _)| folder.starts_with('/')).collect())
}
