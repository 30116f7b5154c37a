//! Homebrew's formula of a release, from `packaging/homebrew/purge-router.rb`.

use crate::tools::install::read_text;

const TEMPLATE: &str = "packaging/homebrew/purge-router.rb";

/// The checksums that a formula names.
pub(crate) struct Checksums<'c> {
    pub(crate) source: &'c str,
    pub(crate) program: &'c str,
}

/// The formula for a version that is published in this repository.
pub(crate) fn fill(repository: &str, version: &str, checksums: &Checksums<'_>) -> Result<String, String> {
    let values = [
        ("@REPOSITORY@", repository),
        ("@VERSION@", version),
        ("@SOURCE_SHA256@", checksums.source),
        ("@PROGRAM_SHA256@", checksums.program),
    ];
    let template = read_text(TEMPLATE)?;
    let (_, formula) =
        template.split_once("\n\n").ok_or_else(|| format!("{TEMPLATE}: no paragraph above the class"))?;
    let mut formula = formula.to_owned();
    for (name, value) in values {
        if !formula.contains(name) {
            return Err(format!("{TEMPLATE}: no {name}"));
        }
        formula = formula.replace(name, value);
    }
    match formula.contains('@') {
        true => Err(format!("{TEMPLATE}: an unknown name between @ and @ is left")),
        false => Ok(formula),
    }
}
