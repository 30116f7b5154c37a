//! The commands whose figures `docs/reliability.md` and the pages in `docs/reliability` have: `isolation`, `simulate`,
//! `drain`, `soak`, `fuzz` and `mutants`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::figures;
use crate::process::{TaskResult, line_of, print_progress, print_result, run};

/// With this argument, the figures are written to the block of the command, or to the block after a `=`.
const WRITE_DOCS: &str = "--write-docs";

/// Runs a command with what `xtask` was called with. With `--write-docs`, its figures go to the documentation, too.
pub(crate) fn measured(name: &str, arguments: &[&str], mut command: Command) -> TaskResult {
    let Some(option) = arguments.iter().find(|argument| argument.starts_with(WRITE_DOCS)) else {
        return run(command.args(arguments));
    };
    let block = option.split_once('=').map_or(name, |(_, block)| block);
    figures::check(block)?;
    let arguments: Vec<&str> = arguments.iter().copied().filter(|argument| argument != option).collect();
    let words: Vec<&str> = ["cargo", "xtask", name].into_iter().chain(arguments.iter().copied()).collect();
    let printed = printed(command.args(&arguments))?;
    figures::write(block, &words.join(" "), &printed)
}

/// Runs a command and returns what it prints, which is printed, too.
fn printed(command: &mut Command) -> Result<String, String> {
    let line = line_of(command);
    print_progress(&format!("$ {line}"));
    let failed = |error: std::io::Error| format!("{line}: {error}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut printed = String::new();
    if let Some(output) = child.stdout.take() {
        for text in BufReader::new(output).lines() {
            let text = text.map_err(failed)?;
            print_result(&text);
            printed.push_str(&text);
            printed.push('\n');
        }
    }
    match child.wait().map_err(failed)? {
        status if status.success() => Ok(printed),
        status => Err(format!("{line}: {status}; nothing was written to the documentation")),
    }
}
