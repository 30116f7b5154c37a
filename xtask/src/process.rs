//! Child processes and progress messages.

use std::process::Command;

/// The result of a command or of a part of one. The error is a message for the terminal.
pub(crate) type TaskResult = Result<(), String>;

pub(crate) fn cargo(arguments: &[&str]) -> TaskResult {
    run(Command::new(env!("CARGO")).args(arguments))
}

/// With this, AWS-LC takes its random numbers from the kernel and the processor, and does not measure the processor's jitter first
/// (decision 62). All builds for a release have it.
pub(crate) const NO_JITTER_ENTROPY: (&str, &str) = ("AWS_LC_SYS_NO_JITTER_ENTROPY", "1");

/// Builds what these arguments name as it is built for a release.
pub(crate) fn cargo_build_release(arguments: &[&str]) -> TaskResult {
    let (name, value) = NO_JITTER_ENTROPY;
    run(Command::new(env!("CARGO")).args(["build", "--release", "--locked"]).args(arguments).env(name, value))
}

/// Prints a command, runs it, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> TaskResult {
    let line = line_of(command);
    print_progress(&format!("$ {line}"));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{line}: {status}")),
        Err(error) => Err(format!("{line}: {error}")),
    }
}

/// A command as one types it.
pub(crate) fn line_of(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

/// Runs a command without printing it, and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim_end())),
    }
}

#[expect(clippy::print_stderr, reason = "a command reports progress on standard error")]
pub(crate) fn print_progress(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "this is the result of a command")]
pub(crate) fn print_result(text: &str) {
    println!("{text}");
}
