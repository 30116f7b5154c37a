//! AWS's own DynamoDB engine, in the folder in which the tests look for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha512};

use super::install::{build_folder, once};
use super::{java, node};
use crate::process::{TaskResult, run};

/// The npm package that carries DynamoDB Local, its version, and the SHA-512 of its archive.
const PACKAGE: &str = "amplify-dynamodb-simulator";
const VERSION: &str = "2.9.30";
const SHA512: &str = "c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c5280439836665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1";

/// The folder of the engine, which `crates/dynamodb-local` reads: the jar, its libraries, and `java-path`.
pub(crate) fn folder() -> Result<PathBuf, String> {
    Ok(build_folder()?.join("dynamodb-local"))
}

/// Installs the engine, and Java if it is missing.
pub(crate) fn install() -> TaskResult {
    let folder = folder()?;
    once(&folder.join("package"), &format!("{PACKAGE}-{VERSION}"), || unpack_into(&folder))?;
    // Java may have been installed or removed since the engine was.
    let java = java::find()?;
    fs::write(folder.join("java-path"), java.to_string_lossy().as_bytes())
        .map_err(|error| format!("java-path: {error}"))
}

fn unpack_into(folder: &Path) -> TaskResult {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    run(node::find()?.npm(folder)?.args(["pack", "--silent", &format!("{PACKAGE}@{VERSION}")]))?;
    let archive = format!("{PACKAGE}-{VERSION}.tgz");
    verify(&folder.join(&archive))?;
    let unpack = ["--extract", "--file", &archive, "--strip-components=2", "package/emulator"];
    run(Command::new("tar").args(unpack).current_dir(folder))?;
    fs::remove_file(folder.join(&archive)).map_err(|error| format!("{archive}: {error}"))
}

/// Checks that an archive is the one that this project was tested with.
fn verify(archive: &Path) -> TaskResult {
    let content = fs::read(archive).map_err(|error| format!("{}: {error}", archive.display()))?;
    let sum: String = Sha512::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    match sum == SHA512 {
        true => Ok(()),
        false => Err(format!("{}: the SHA-512 is {sum}, expected {SHA512}", archive.display())),
    }
}
