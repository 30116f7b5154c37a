//! `release`: the function's package, with the same bytes on every machine, its list of components, and checksums.

mod archive;
mod build;
mod components;
mod machine_paths;

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::process::{TaskResult, print_progress};

const FOLDER: &str = "target/package";

/// Builds the package for an architecture, with the included files beside the function.
pub(crate) fn build_package(arguments: &[&str]) -> TaskResult {
    let (architecture, included) = match arguments {
        ["--arm64", rest @ ..] => ("aarch64", rest),
        rest => ("x86_64", rest),
    };
    let included: Vec<&Path> = match included {
        [] => Vec::new(),
        ["--include", files @ ..] if !files.is_empty() => files.iter().map(Path::new).collect(),
        _ => return Err("usage: cargo xtask release [--arm64] [--include FILE…]".to_owned()),
    };
    let target = format!("{architecture}-unknown-linux-gnu");
    let program = build::function(&target)?;
    let mut files = vec![("bootstrap".to_owned(), program)];
    for file in included {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?));
    }
    let archive = archive::zip(&files).map_err(|error| format!("bootstrap.zip: {error}"))?;
    let components = components::list(build::PACKAGE, &target)?;
    write_with_checksums(&[("bootstrap.zip", archive), ("bootstrap.cdx.json", components.into_bytes())])?;
    if architecture == "aarch64" {
        print_progress("this has not been tried on arm64 yet");
    }
    Ok(())
}

fn write_with_checksums(files: &[(&str, Vec<u8>)]) -> TaskResult {
    let folder = Path::new(FOLDER);
    fs::create_dir_all(folder).map_err(|error| format!("{FOLDER}: {error}"))?;
    let mut checksums = String::new();
    for (name, content) in files {
        let file = folder.join(name);
        fs::write(&file, content).map_err(|error| format!("{}: {error}", file.display()))?;
        let sum: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        checksums += &format!("{sum}  {name}\n");
    }
    fs::write(folder.join("SHA256SUMS"), &checksums).map_err(|error| format!("SHA256SUMS: {error}"))?;
    print_progress(&format!("{FOLDER}:\n{}", checksums.trim_end()));
    Ok(())
}
