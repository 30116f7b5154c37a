//! The version of a program that may already be installed.

use std::process::Command;

/// The major version of a program, or nothing if it can't be run or says something else.
///
/// Java prints `openjdk version "17.0.15" 2025-04-15` on standard error, Node.js `v20.20.2` on standard output.
pub(crate) fn major(command: &mut Command) -> Option<u32> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    major_in(&String::from_utf8_lossy(&text))
}

/// The first number in the text.
fn major_in(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|char: char| !char.is_ascii_digit());
    let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_the_major_version() {
        for (text, major) in [
            ("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment", Some(17)),
            ("java version \"1.8.0_412\"", Some(1)),
            ("v20.20.2\n", Some(20)),
            ("24", Some(24)),
            ("command not found", None),
        ] {
            assert_eq!(major_in(text), major, "{text}");
        }
    }
}
