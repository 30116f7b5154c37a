//! The list of everything that is compiled into the function, in CycloneDX's format.
//!
//! It is made from `cargo tree`, which knows what is compiled for a target with given features. `cargo metadata`, on
//! which other tools build, lists more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::process::output;

/// The SHA-256 of packages from a registry, by name and version.
type Checksums = BTreeMap<(String, String), String>;

/// The components of a package as a CycloneDX document in JSON.
pub(crate) fn list(package: &str, target: &str) -> Result<String, String> {
    let lock = fs::read_to_string("Cargo.lock").map_err(|error| format!("Cargo.lock: {error}"))?;
    let checksums = checksums(&lock)?;
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--locked", "--package", package, "--target", target, "--edges", "normal,no-proc-macro"]);
    command.args(["--prefix", "depth", "--format", "\t{p}\t{l}\t{r}"]);
    let mut list = List::default();
    for line in output(&mut command)?.lines() {
        list.add(&TreeLine::parse(line.trim_end_matches(" (*)"))?, &checksums);
    }
    serde_json::to_string_pretty(&list.into_json()).map_err(|error| error.to_string())
}

#[derive(Debug, PartialEq)]
struct TreeLine<'l> {
    depth: usize,
    name: &'l str,
    version: &'l str,
    license: &'l str,
    repository: &'l str,
}

impl<'l> TreeLine<'l> {
    fn parse(line: &'l str) -> Result<Self, String> {
        let unexpected = || format!("cargo tree printed an unexpected line: `{line}`");
        let [depth, package, license, repository] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(unexpected());
        };
        let depth = depth.parse().map_err(|_| unexpected())?;
        let (name, version) = package.split_once(" v").ok_or_else(unexpected)?;
        let version = version.split(' ').next().unwrap_or(version);
        Ok(Self { depth, name, version, license, repository })
    }

    fn reference(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }

    fn component(&self, checksum: Option<&String>) -> Value {
        let Self { name, version, license, repository, .. } = self;
        let reference = self.reference();
        let mut component =
            json!({ "type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference });
        if !license.is_empty() {
            component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
        }
        if let Some(checksum) = checksum {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        if !repository.is_empty() {
            component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
        }
        component
    }
}

#[derive(Default)]
struct List {
    components: BTreeMap<String, Value>,
    dependencies: BTreeMap<String, BTreeSet<String>>,
    /// The references from the root to the last line.
    branch: Vec<String>,
}

impl List {
    fn add(&mut self, line: &TreeLine<'_>, checksums: &Checksums) {
        let reference = line.reference();
        self.branch.truncate(line.depth);
        if let Some(parent) = self.branch.last() {
            self.dependencies.entry(parent.clone()).or_default().insert(reference.clone());
        }
        self.branch.push(reference.clone());
        self.dependencies.entry(reference.clone()).or_default();
        let checksum = checksums.get(&(line.name.to_owned(), line.version.to_owned()));
        self.components.insert(reference, line.component(checksum));
    }

    fn into_json(mut self) -> Value {
        let root = self.branch.first().cloned().unwrap_or_default();
        let mut function = self.components.remove(&root).unwrap_or_default();
        function["type"] = json!("application");
        let dependency = |(reference, on): (String, BTreeSet<String>)| json!({ "ref": reference, "dependsOn": on });
        json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": { "component": function },
            "components": self.components.into_values().collect::<Vec<_>>(),
            "dependencies": self.dependencies.into_iter().map(dependency).collect::<Vec<_>>(),
        })
    }
}

fn checksums(lock: &str) -> Result<Checksums, String> {
    let lock: toml::Table = lock.parse().map_err(|error| format!("Cargo.lock: {error}"))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let field = |package: &toml::Value, name: &str| Some(package.get(name)?.as_str()?.to_owned());
    Ok(packages.filter_map(|it| Some(((field(it, "name")?, field(it, "version")?), field(it, "checksum")?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cargo_tree_is_parsed() {
        let line = "2\tserde v1.0.219\tMIT OR Apache-2.0\thttps://github.com/serde-rs/serde";
        let expected = TreeLine {
            depth: 2,
            name: "serde",
            version: "1.0.219",
            license: "MIT OR Apache-2.0",
            repository: "https://github.com/serde-rs/serde",
        };
        assert_eq!(TreeLine::parse(line).unwrap(), expected);
        assert_eq!(TreeLine::parse("0\tours v0.1.0 (/src)\tMIT\t").unwrap().version, "0.1.0");
        assert!(TreeLine::parse("nonsense").is_err());
    }
}
