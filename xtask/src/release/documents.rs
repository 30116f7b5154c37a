//! Manual pages and completions of the command, which the program writes itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::files::{NamedFile, read, write};
use crate::process::output;
use crate::tools::install::build_folder;

/// The folders of the files, in the tarball and in the stage of the Debian package.
pub(crate) const MANUAL: &str = "man";
pub(crate) const COMPLETIONS: &str = "completions";

/// Each shell, and the name under which it looks for its file.
const SHELLS: [(&str, &str); 3] = [("bash", "purge-router"), ("zsh", "_purge-router"), ("fish", "purge-router.fish")];

/// What this program writes, by name, such as `man/purge-router.1`.
///
/// # Errors
/// The program does not run on this machine.
pub(crate) fn of_program(program: &[u8]) -> Result<Vec<NamedFile>, String> {
    let folder = build_folder()?.join("documents");
    let runnable = folder.join("purge-router");
    let manual = folder.join(MANUAL);
    // Pages of commands that are gone would be packaged, too.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&manual).map_err(|error| format!("{}: {error}", manual.display()))?;
    write(&runnable, program)?;
    make_executable(&runnable)?;
    output(Command::new(&runnable).arg("man").arg(&manual))?;
    let mut files = Vec::new();
    let listed = fs::read_dir(&manual).map_err(|error| format!("{}: {error}", manual.display()))?;
    for entry in listed {
        let path = entry.map_err(|error| format!("{}: {error}", manual.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((format!("{MANUAL}/{name}"), read(&path)?));
    }
    files.sort();
    for (shell, name) in SHELLS {
        let script = output(Command::new(&runnable).args(["completions", shell]))?;
        files.push((format!("{COMPLETIONS}/{name}"), script.into_bytes()));
    }
    Ok(files)
}

#[cfg(unix)]
fn make_executable(program: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(program, mode).map_err(|error| format!("{}: {error}", program.display()))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<(), String> {
    Ok(())
}
