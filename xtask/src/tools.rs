//! What the tests need and Cargo does not bring, each fetched once into the build folder: a Python for the end-to-end tests,
//! AWS's own DynamoDB engine, and an evaluator of IAM policies.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Step, run};

/// The npm package that carries DynamoDB Local, with the SHA-512 of its archive.
const DYNAMODB_LOCAL: (&str, &str) = (
    "amplify-dynamodb-simulator-2.9.30",
    "c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c5280439836665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1",
);

/// The folder of the programs that were built: this one is among them.
pub(crate) fn built() -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    program.parent().map(PathBuf::from).ok_or_else(|| format!("{} is in no folder", program.display()))
}

/// A Python with the packages of the end-to-end tests.
pub(crate) fn python() -> Result<PathBuf, String> {
    Ok(environment("e2e", "tests/e2e/requirements.txt", "the end-to-end tests need it")?.join("bin/python"))
}

/// A folder of Python packages, those of a list. It is made anew where the list or Python changed.
pub(crate) fn environment(name: &str, list: &str, why: &str) -> Result<PathBuf, String> {
    let environment = built()?.join(name);
    let python = environment.join("bin/python");
    let version = Command::new("python3").arg("--version").output();
    let version = version.map_err(|error| format!("python3: {error}; {why}, in version 3.11 or later"))?;
    let wanted = read(list)?;
    let wanted = format!("# {}{wanted}", String::from_utf8_lossy(&version.stdout));
    once(&environment.join("requirements.txt"), &wanted, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))
            .map_err(|reason| format!("{reason}; Debian has it in the package python3-venv"))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement", list]))
    })?;
    Ok(environment)
}

/// AWS's own DynamoDB engine, in the folder where the tests look for it.
pub(crate) fn dynamodb_local() -> Step {
    run(Command::new("java").arg("-version").stderr(Stdio::null()))
        .map_err(|reason| format!("{reason}; DynamoDB Local needs Java 17 or later"))?;
    let (package, sum) = DYNAMODB_LOCAL;
    let folder = built()?.join("dynamodb-local");
    once(&folder.join("package"), package, || {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let (name, version) = package.rsplit_once('-').unwrap_or((package, ""));
        npm(Command::new("npm").args(["pack", "--silent", &format!("{name}@{version}")]).current_dir(&folder))?;
        let archive = format!("{package}.tgz");
        check(&folder, &archive, sum)?;
        let unpack = ["--extract", "--file", &archive, "--strip-components=2", "package/emulator"];
        run(Command::new("tar").args(unpack).current_dir(&folder))?;
        fs::remove_file(folder.join(&archive)).map_err(|error| format!("{archive}: {error}"))
    })
}

/// Evaluates the policies of the templates.
pub(crate) fn iam() -> Step {
    let folder = Path::new("tests/iam");
    let wanted = read("tests/iam/package-lock.json")?;
    once(&folder.join("node_modules/installed"), &wanted, || {
        npm(Command::new("npm").args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(folder))
    })?;
    run(Command::new("node").arg("--test").current_dir(folder))
}

/// Does something, unless the stamp says that it was done for what is wanted.
fn once(stamp: &Path, wanted: &str, step: impl FnOnce() -> Step) -> Step {
    if fs::read_to_string(stamp).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    step()?;
    fs::write(stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

fn npm(command: &mut Command) -> Step {
    run(command).map_err(|reason| format!("{reason}; the tests need Node.js 20 or later, with npm"))
}

/// Whether an archive is the one that this project was tested with.
fn check(folder: &Path, archive: &str, sum: &str) -> Step {
    let failed = |error: &dyn std::fmt::Display| format!("sha512sum of {archive}: {error}");
    let mut command = Command::new("sha512sum");
    command.args(["--check", "--quiet"]).current_dir(folder).stdin(Stdio::piped());
    let mut process = command.spawn().map_err(|error| failed(&error))?;
    if let Some(mut stdin) = process.stdin.take() {
        stdin.write_all(format!("{sum}  {archive}\n").as_bytes()).map_err(|error| failed(&error))?;
    }
    match process.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(&status)),
        Err(error) => Err(failed(&error)),
    }
}

fn read(file: &str) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))
}
