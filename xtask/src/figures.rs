//! Blocks of `docs/reliability.md` that commands write.
//!
//! A block is what is between `<!-- figures: NAME -->` and `<!-- end of figures -->`: the command with the commit that it
//! measured, and what it printed.

use std::fs;
use std::process::Command;

use crate::process::{TaskResult, output, print_progress};

const PAGE: &str = "docs/reliability.md";
const END: &str = "<!-- end of figures -->";

/// Fails if the page has no block of this name.
pub(crate) fn check(block: &str) -> TaskResult {
    replaced(&page()?, block, "").map(|_| ())
}

/// Replaces a block by what this command printed.
pub(crate) fn write(block: &str, command: &str, printed: &str) -> TaskResult {
    let commit = output(Command::new("git").args(["rev-parse", "--short", "HEAD"]))?;
    let text = format!("`{command}`, at commit {}:\n\n{}\n", commit.trim(), printed.trim());
    let page = replaced(&page()?, block, &text)?;
    fs::write(PAGE, page).map_err(|error| format!("{PAGE}: {error}"))?;
    print_progress(&format!("wrote the figures {block:?} to {PAGE}"));
    Ok(())
}

fn page() -> Result<String, String> {
    fs::read_to_string(PAGE).map_err(|error| format!("{PAGE}: {error}"))
}

/// The page with another text in this block.
fn replaced(page: &str, block: &str, text: &str) -> Result<String, String> {
    let start = format!("<!-- figures: {block} -->\n");
    let missing = || format!("{PAGE} has no block {:?} that ends with {END:?}", start.trim_end());
    let (before, rest) = page.split_once(&start).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{start}\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_block_is_replaced() {
        let page = |one: &str, two: &str| {
            format!("a\n<!-- figures: one -->\n{one}{END}\nb\n<!-- figures: two -->\n{two}{END}\nc\n")
        };
        assert_eq!(replaced(&page("1\n", "2\n"), "two", "new\n"), Ok(page("1\n", "\nnew\n\n")));
        assert_eq!(replaced(&page("1\n", "2\n"), "one", "new\n"), Ok(page("\nnew\n\n", "2\n")));
        let error = replaced(&page("1\n", "2\n"), "three", "new\n").unwrap_err();
        assert!(error.contains("<!-- figures: three -->"), "{error}");
        assert!(replaced("<!-- figures: one -->\n1\n", "one", "new\n").is_err(), "it never ends");
    }
}
