//! Blocks of `docs/reliability.md` and the pages in `docs/reliability` that commands write.
//!
//! A block is what is between `<!-- figures: NAME -->` and `<!-- end of figures -->`: the command with the commit that it
//! measured, and what it printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{TaskResult, output, print_progress};
use crate::tools::install::{files_with_extension, read_text};

const PAGE: &str = "docs/reliability.md";
const FOLDER: &str = "docs/reliability";
const END: &str = "<!-- end of figures -->";

/// Fails if no page has a block of this name.
pub(crate) fn check(block: &str) -> TaskResult {
    let (_, text) = page_of(block)?;
    replaced(&text, block, "").map(|_| ())
}

/// Replaces a block by what this command printed.
pub(crate) fn write(block: &str, command: &str, printed: &str) -> TaskResult {
    let commit = output(Command::new("git").args(["rev-parse", "--short", "HEAD"]))?;
    let figures = format!("`{command}`, at commit {}:\n\n{}\n", commit.trim(), printed.trim());
    let (page, text) = page_of(block)?;
    fs::write(&page, replaced(&text, block, &figures)?).map_err(|error| format!("{}: {error}", page.display()))?;
    print_progress(&format!("wrote the figures {block:?} to {}", page.display()));
    Ok(())
}

/// The page that has this block, and its text.
fn page_of(block: &str) -> Result<(PathBuf, String), String> {
    let mut pages = files_with_extension(Path::new(FOLDER), "md", false)?;
    pages.push(PathBuf::from(PAGE));
    for page in pages {
        let text = read_text(&page.to_string_lossy())?;
        if text.contains(&start_of(block)) {
            return Ok((page, text));
        }
    }
    Err(format!("neither {PAGE} nor a page in {FOLDER} has {:?}", start_of(block).trim_end()))
}

/// The page's text with other figures in this block.
fn replaced(page: &str, block: &str, figures: &str) -> Result<String, String> {
    let start = start_of(block);
    let missing = || format!("there is no {:?} that ends with {END:?}", start.trim_end());
    let (before, rest) = page.split_once(&start).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{start}\n{figures}\n{END}{after}"))
}

fn start_of(block: &str) -> String {
    format!("<!-- figures: {block} -->\n")
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
