//! `release`: the function's package, the same bytes wherever it is built, with what is in it and the sums of both.
//!
//! cargo-lambda compiles, with Zig as the linker, for the glibc of Amazon Linux 2023. The zip is ours: cargo-lambda's holds
//! the time of the build. The list of what is in it is Cargo's tree, which knows what is compiled for this target with these
//! features; `cargo metadata`, on which other tools go, names more.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::{Step, complain, run, tools};

/// Where cargo-lambda leaves the program, and where the package goes: `cargo lambda deploy` writes a zip beside the former.
const PROGRAM: &str = "target/lambda/bootstrap/bootstrap";
const FOLDER: &str = "target/package";
const PACKAGE: &str = "purge-router-lambda";

/// The oldest glibc that it must run with: that of Amazon Linux 2023.
const GLIBC: &str = "2.34";

/// Builds the package for an architecture, with these files beside the function.
pub(crate) fn release(arguments: &[&str]) -> Step {
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
    has_standard_library(&target)?;
    build(&target)?;
    let folder = Path::new(FOLDER);
    fs::create_dir_all(folder).map_err(|error| format!("{FOLDER}: {error}"))?;
    let program = read(Path::new(PROGRAM))?;
    tells_no_paths(&program)?;
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut files = vec![("bootstrap".to_owned(), program)];
    for file in included {
        files.push((name(file), read(file)?));
    }
    let package = zipped(&files).map_err(|error| format!("bootstrap.zip: {error}"))?;
    let list = parts(&target)?;
    let made = [("bootstrap.zip", package), ("bootstrap.cdx.json", list.into_bytes())];
    let mut sums = String::new();
    for (name, content) in &made {
        let file = folder.join(name);
        fs::write(&file, content).map_err(|error| format!("{}: {error}", file.display()))?;
        let sum: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        sums += &format!("{sum}  {name}\n");
    }
    fs::write(folder.join("SHA256SUMS"), &sums).map_err(|error| format!("SHA256SUMS: {error}"))?;
    complain(&format!("{FOLDER}:\n{}", sums.trim_end()));
    if architecture == "aarch64" {
        complain("nobody has tried it on arm64 yet");
    }
    Ok(())
}

fn has_standard_library(target: &str) -> Step {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output();
    let output = output.map_err(|error| format!("rustc: {error}"))?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    match sysroot.join("lib/rustlib").join(target).is_dir() {
        true => Ok(()),
        false => Err(format!("Rust's standard library for {target} is not installed: `rustup target add {target}`")),
    }
}

/// Compiles with the profile of this workspace and nothing else. Paths of this machine become fixed ones.
fn build(target: &str) -> Step {
    let tools = tools::environment("release", "xtask/release-requirements.txt", "cargo-lambda and Zig come by it")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = env::join_paths([tools.join("bin")].into_iter().chain(env::split_paths(&path)));
    let mut command = Command::new(tools.join("bin/cargo-lambda"));
    // Its own optimisations would let a panic end the process, and with it a whole batch.
    command.args(["lambda", "build", "--release", "--locked", "--disable-optimizations"]);
    command.args(["--package", PACKAGE, "--bin", "bootstrap", "--lambda-dir", "target/lambda"]);
    command.arg("--target").arg(format!("{target}.{GLIBC}"));
    command.env("PATH", paths.map_err(|error| format!("PATH: {error}"))?);
    let remapped = machine()?
        .into_iter()
        .filter(|(folder, _)| folder.starts_with('/'))
        .map(|(from, to)| format!("--remap-path-prefix={from}={to}"));
    command.env("CARGO_ENCODED_RUSTFLAGS", remapped.collect::<Vec<_>>().join("\x1f"));
    run(&mut command)
}

/// The folders of this machine that a compiler sees, and what it is told instead. Of two, the later one counts.
fn machine() -> Result<Vec<(String, &'static str)>, String> {
    let here = env::current_dir().map_err(|error| format!("where is this? {error}"))?;
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| here.join("target"), |folder| here.join(folder));
    let folders = [(here, "/src"), (cargo, "/cargo"), (target, "/target")];
    Ok(folders.map(|(folder, name)| (folder.to_string_lossy().into_owned(), name)).into())
}

/// A program that names a folder of this machine is another one on the next machine.
fn tells_no_paths(program: &[u8]) -> Step {
    for (folder, _) in machine()?.into_iter().filter(|(folder, _)| folder.starts_with('/')) {
        if program.windows(folder.len()).any(|part| part == folder.as_bytes()) {
            return Err(format!("the program holds the path {folder}, so that another machine builds another one"));
        }
    }
    Ok(())
}

/// A zip without times, and with the modes that Lambda needs.
fn zipped(files: &[(String, Vec<u8>)]) -> zip::result::ZipResult<Vec<u8>> {
    use std::io::Write;
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let options = options.compression_level(Some(9)).last_modified_time(DateTime::default());
    for (name, content) in files {
        zip.start_file(name, options.unix_permissions(if name == "bootstrap" { 0o755 } else { 0o644 }))?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// All that is compiled into the function, in CycloneDX's format.
fn parts(target: &str) -> Result<String, String> {
    let lock = fs::read_to_string("Cargo.lock").map_err(|error| format!("Cargo.lock: {error}"))?;
    let sums = sums_of(&lock)?;
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--locked", "--package", PACKAGE, "--target", target, "--edges", "normal,no-proc-macro"]);
    command.args(["--prefix", "depth", "--format", "\t{p}\t{l}\t{r}"]);
    let output = command.output().map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let (mut components, mut needs) = (BTreeMap::new(), BTreeMap::<String, BTreeSet<String>>::new());
    let mut above: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line = line.trim_end_matches(" (*)");
        let [depth, package, licence, repository] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("cargo tree: what is `{line}`?"));
        };
        let depth: usize = depth.parse().map_err(|error| format!("cargo tree: `{line}`: {error}"))?;
        let (name, version) = package.split_once(" v").ok_or_else(|| format!("cargo tree: what is `{package}`?"))?;
        let version = version.split(' ').next().unwrap_or(version);
        let reference = format!("pkg:cargo/{name}@{version}");
        above.truncate(depth);
        if let Some(parent) = above.last() {
            needs.entry(parent.clone()).or_default().insert(reference.clone());
        }
        above.push(reference.clone());
        needs.entry(reference.clone()).or_default();
        let mut component =
            json!({ "type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference });
        if !licence.is_empty() {
            component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
        }
        if let Some(sum) = sums.get(&(name.to_owned(), version.to_owned())) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
        }
        if !repository.is_empty() {
            component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
        }
        components.insert(reference, component);
    }
    let root = above.first().cloned().unwrap_or_default();
    let mut function = components.remove(&root).unwrap_or_default();
    function["type"] = json!("application");
    let dependencies: Vec<Value> = needs.iter().map(|(it, needs)| json!({ "ref": it, "dependsOn": needs })).collect();
    let list = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": function },
        "components": components.into_values().collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    serde_json::to_string_pretty(&list).map_err(|error| error.to_string())
}

/// The SHA-256 of each package from a registry, by name and version.
fn sums_of(lock: &str) -> Result<BTreeMap<(String, String), String>, String> {
    let lock: toml::Table = lock.parse().map_err(|error| format!("Cargo.lock: {error}"))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let field = |package: &toml::Value, name: &str| Some(package.get(name)?.as_str()?.to_owned());
    Ok(packages.filter_map(|it| Some(((field(it, "name")?, field(it, "version")?), field(it, "checksum")?))).collect())
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}
