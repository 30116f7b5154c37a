//! The command's packages: a tarball with a static program, a Debian package, sources, and Homebrew's formula. Nothing is published.

use std::path::Path;
use std::process::Command;

use super::files::{checksum, read, write_with_checksums};
use super::formula::{self, Checksums};
use super::{build, components, debian, documents, elf, tarball};
use crate::process::{TaskResult, print_progress};

const FOLDER: &str = "target/command";
const VERSION: &str = env!("CARGO_PKG_VERSION");
const USAGE: &str = "usage: cargo xtask release command [--target TRIPLE] [--repository URL] [--program FILE] [--native FILE] [--no-deb]";

/// Where the release will be published. Cargo.toml has no `repository` yet.
const PLACEHOLDER: &str = "https://github.com/OWNER/purge-router";

struct Options<'o> {
    target: &'o str,
    repository: &'o str,
    /// A program that is built already, for tests of the packaging.
    program: Option<&'o Path>,
    /// A program of the same release that runs here, if the target's does not: it writes manual pages and completions.
    native: Option<&'o Path>,
    output: &'o str,
    has_deb: bool,
}

pub(crate) fn build_packages(arguments: &[&str]) -> TaskResult {
    let options = Options::parse(arguments)?;
    let program = program(&options)?;
    let folder = format!("purge-router-{VERSION}-{}", options.target);
    let mut files = vec![("purge-router".to_owned(), program)];
    for name in ["LICENSE", "README.md", "CHANGELOG.md"] {
        files.push((name.to_owned(), read(Path::new(name))?));
    }
    let native = options.native.map(read).transpose()?;
    let documents = documents::of_program(native.as_deref().unwrap_or(&files[0].1)).map_err(|error| {
        format!("{error}; if the program does not run here, name one of this release that does with --native")
    })?;
    files.extend(documents.iter().cloned());
    let tarball = tarball::tar_gz(&folder, "purge-router", &files).map_err(|error| format!("{folder}: {error}"))?;
    let sources = sources()?;
    let checksums = Checksums { source: &checksum(&sources), program: &checksum(&tarball) };
    let formula = formula::fill(options.repository, VERSION, &checksums)?;
    let components = components::list(build::COMMAND, options.target)?;
    let mut packages = vec![
        (format!("{folder}.tar.gz"), tarball),
        (format!("{folder}.cdx.json"), components.into_bytes()),
        (format!("purge-router-{VERSION}.tar.gz"), sources),
        ("purge-router.rb".to_owned(), formula.into_bytes()),
    ];
    if options.has_deb {
        let (_, program) = files.swap_remove(0);
        packages.push((format!("{folder}.deb"), debian::package(options.target, &program, &documents)?));
    }
    write_with_checksums(options.output, &packages)?;
    if options.repository == PLACEHOLDER {
        print_progress(
            "purge-router.rb names a repository that does not exist: set --repository before you publish it",
        );
    }
    Ok(())
}

impl<'o> Options<'o> {
    fn parse(mut arguments: &[&'o str]) -> Result<Self, String> {
        let target = "x86_64-unknown-linux-musl";
        let mut options =
            Self { target, repository: PLACEHOLDER, program: None, native: None, output: FOLDER, has_deb: true };
        loop {
            match *arguments {
                [] => return Ok(options),
                ["--no-deb", ..] => options.has_deb = false,
                ["--target", target, ..] => options.target = target,
                ["--repository", url, ..] => options.repository = url,
                ["--program", file, ..] => options.program = Some(Path::new(file)),
                ["--native", file, ..] => options.native = Some(Path::new(file)),
                ["--output", folder, ..] => options.output = folder,
                _ => return Err(USAGE.to_owned()),
            }
            arguments = &arguments[if arguments[0] == "--no-deb" { 1 } else { 2 }..];
        }
    }
}

/// The bytes of the program, which is static if it was built here.
fn program(options: &Options<'_>) -> Result<Vec<u8>, String> {
    if let Some(file) = options.program {
        print_progress(&format!("{} is packaged as it is", file.display()));
        return read(file);
    }
    let program = build::command(options.target)?;
    match elf::is_static(&program)? {
        true => Ok(program),
        false => {
            Err(format!("the program for {} needs the libraries of its machine: choose a musl target", options.target))
        }
    }
}

/// The committed sources, with the time of the commit.
fn sources() -> Result<Vec<u8>, String> {
    let prefix = format!("--prefix=purge-router-{VERSION}/");
    let archive = Command::new("git").args(["archive", "--format=tar.gz", &prefix, "HEAD"]).output();
    let archive = archive.map_err(|error| format!("git: {error}"))?;
    match archive.status.success() {
        true => Ok(archive.stdout),
        false => Err(format!("git archive: {}", String::from_utf8_lossy(&archive.stderr).trim_end())),
    }
}
