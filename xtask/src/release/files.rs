//! Files of a release, with their checksums.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::process::{TaskResult, print_progress};

/// A name, and the bytes.
pub(crate) type NamedFile = (String, Vec<u8>);

/// Writes the files into a folder, and their checksums into `SHA256SUMS`.
pub(crate) fn write_with_checksums(folder: &str, files: &[NamedFile]) -> TaskResult {
    fs::create_dir_all(folder).map_err(|error| format!("{folder}: {error}"))?;
    let mut checksums = String::new();
    for (name, content) in files {
        write(&Path::new(folder).join(name), content)?;
        checksums += &format!("{}  {name}\n", checksum(content));
    }
    write(&Path::new(folder).join("SHA256SUMS"), checksums.as_bytes())?;
    print_progress(&format!("{folder}:\n{}", checksums.trim_end()));
    Ok(())
}

/// The SHA-256 of these bytes in hexadecimal.
pub(crate) fn checksum(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

pub(crate) fn write(file: &Path, content: &[u8]) -> TaskResult {
    fs::write(file, content).map_err(|error| format!("{}: {error}", file.display()))
}
