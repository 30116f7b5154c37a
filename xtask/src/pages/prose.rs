//! Words that the pages do not use: textlint, with the list `xtask/prose/words.yml`.

use std::path::Path;

use crate::process::{TaskResult, run};
use crate::tools::install::{once, read_text};
use crate::tools::node;

const FOLDER: &str = "xtask/prose";

/// Checks the words of all pages, after a test that the check itself fails on a sabotaged page.
pub(crate) fn check() -> TaskResult {
    let folder = Path::new(FOLDER);
    let node = node::find()?;
    let lock_file = read_text("xtask/prose/package-lock.json")?;
    once(&folder.join("node_modules/installed"), &lock_file, || {
        run(node.npm(folder)?.args(["ci", "--silent", "--no-audit", "--no-fund"]))
    })?;
    run(node.node(folder)?.args(["--test", "--test-reporter", "dot"]))?;
    run(node
        .node(folder)?
        .args(["node_modules/textlint/bin/textlint.js", "--format", "unix"])
        .args(["../../*.md", "../../docs/**/*.md"]))
}
