//! `release`: the function's package and the command, with the same bytes on every machine, lists of components, and checksums.

mod archive;
mod build;
mod command;
mod components;
mod debian;
mod documents;
mod elf;
mod files;
mod formula;
mod machine_paths;
mod tarball;

use std::path::Path;

use self::files::{read, write_with_checksums};
use crate::process::{TaskResult, print_progress};

const FOLDER: &str = "target/package";

/// Builds the function's package, or the packages of the command.
pub(crate) fn build(arguments: &[&str]) -> TaskResult {
    match arguments {
        ["command", rest @ ..] => command::build_packages(rest),
        rest => build_package(rest),
    }
}

/// Builds the package for an architecture, with the included files beside the function.
fn build_package(arguments: &[&str]) -> TaskResult {
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
        files.push((name, read(file)?));
    }
    let archive = archive::zip(&files).map_err(|error| format!("bootstrap.zip: {error}"))?;
    let components = components::list(build::FUNCTION, &target)?;
    let files = [("bootstrap.zip".to_owned(), archive), ("bootstrap.cdx.json".to_owned(), components.into_bytes())];
    write_with_checksums(FOLDER, &files)?;
    if architecture == "aarch64" {
        print_progress("this has not been tried on arm64 yet");
    }
    Ok(())
}
