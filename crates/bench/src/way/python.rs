//! The same work in Python.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/way/single_zone.py");

/// The command that prints the bodies of an event's requests.
pub(crate) fn command(mappings: &Path, event: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(SCRIPT).arg(mappings).arg(event);
    command
}

/// A running interpreter, which measures itself.
pub(crate) struct Interpreter {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Interpreter {
    pub(crate) fn start(mappings: &Path) -> Self {
        let mut process = Command::new("python3")
            .arg(SCRIPT)
            .arg(mappings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, input, output: BufReader::new(output) }
    }

    /// How long an event takes, the mean of this many times.
    pub(crate) fn time(&mut self, event: &Path, times: usize) -> Duration {
        writeln!(self.input, "{times} {}", event.display()).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        Duration::from_secs_f64(line.trim().parse().unwrap())
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
