//! The Rust files of the workspace, each parsed once.

use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Meta};

pub(crate) struct Package {
    /// Its folder, such as `crates/core`.
    pub(crate) folder: PathBuf,
    pub(crate) files: Vec<SourceFile>,
}

pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    /// All lines, with comments, blank lines and tests.
    pub(crate) lines: usize,
    /// Whether it holds nothing but tests or benchmarks.
    pub(crate) is_test: bool,
    pub(crate) syntax: syn::File,
}

pub(crate) fn packages() -> Result<Vec<Package>, String> {
    let mut folders = children(Path::new("crates"))?;
    folders.push(PathBuf::from("xtask"));
    folders.into_iter().filter(|folder| folder.join("Cargo.toml").is_file()).map(read_package).collect()
}

/// Whether an item is compiled for tests only.
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().segments.last().is_some_and(|name| name.ident == "test"),
    })
}

fn read_package(folder: PathBuf) -> Result<Package, String> {
    let mut files = Vec::new();
    for part in ["src", "tests", "benches"] {
        collect(&folder.join(part), part != "src", &mut files)?;
    }
    Ok(Package { folder, files })
}

fn collect(folder: &Path, is_test: bool, files: &mut Vec<SourceFile>) -> Result<(), String> {
    if !folder.is_dir() {
        return Ok(());
    }
    for path in children(folder)? {
        if path.is_dir() {
            collect(&path, is_test || path.ends_with("tests"), files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(read_file(path, is_test)?);
        }
    }
    Ok(())
}

fn read_file(path: PathBuf, is_test: bool) -> Result<SourceFile, String> {
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let syntax = syn::parse_file(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let is_test = is_test || path.ends_with("tests.rs");
    Ok(SourceFile { path, lines: text.lines().count(), is_test, syntax })
}

/// The entries of a folder, sorted.
pub(crate) fn children(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}
