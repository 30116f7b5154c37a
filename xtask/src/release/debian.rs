//! The Debian package of the command, which cargo-deb makes from `package.metadata.deb` of `crates/cli/Cargo.toml`.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::documents;
use super::files::{NamedFile, read, write};
use crate::process::{output, run};
use crate::tools::install::{build_folder, once};

/// Without its default features it needs no liblzma: it runs `xz`.
const VERSION: &str = "3.8.0";

/// The package with this program, which was built for a target, and its manual pages and completions. Its times are those of the last commit.
pub(crate) fn package(target: &str, program: &[u8], documents: &[NamedFile]) -> Result<Vec<u8>, String> {
    let tools = install()?;
    // cargo-deb takes the program from a target folder, and must not take another one.
    let stage = build_folder()?.join("debian");
    let release = stage.join(target).join("release");
    fs::create_dir_all(&release).map_err(|error| format!("{}: {error}", release.display()))?;
    write(&release.join("purge-router"), program)?;
    for folder in [documents::MANUAL, documents::COMPLETIONS] {
        let folder = release.join(folder);
        // Pages of commands that are gone would be packaged, too.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    for (name, content) in documents {
        write(&release.join(name), content)?;
    }
    let package = stage.join("purge-router.deb");
    let mut command = Command::new(tools.join("bin/cargo-deb"));
    command.args(["deb", "--no-build", "--no-strip", "--locked", "--package", "purge-router", "--target", target]);
    command.arg("--output").arg(&package);
    run(command.env("CARGO_TARGET_DIR", &stage).env("SOURCE_DATE_EPOCH", time_of_commit()?))?;
    read(&package)
}

/// Seconds since 1970. `SOURCE_DATE_EPOCH` replaces it, for sources without Git.
fn time_of_commit() -> Result<String, String> {
    match env::var("SOURCE_DATE_EPOCH") {
        Ok(time) => Ok(time),
        Err(_) => Ok(output(Command::new("git").args(["log", "-1", "--format=%ct"]))?.trim().to_owned()),
    }
}

/// Installs cargo-deb into the build folder, and returns its folder.
fn install() -> Result<PathBuf, String> {
    let folder = build_folder()?.join("cargo-deb");
    once(&folder.join("version"), VERSION, || {
        let mut command = Command::new(env!("CARGO"));
        command.args(["install", "cargo-deb", "--locked", "--quiet", "--no-default-features", "--version", VERSION]);
        run(command.arg("--root").arg(&folder))
    })?;
    Ok(folder)
}
