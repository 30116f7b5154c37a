//! What the rules found: a table of crates, and the places that break a rule.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use super::circles::{Circle, circles};
use super::documents::broken_documents;
use super::functions::{Function, functions};
use super::imports::imports;
use super::modules::{crate_roots, modules};
use super::source::{Package, packages};

const MAX_FILE_LINES: usize = 350;
/// As in `clippy.toml`.
const MAX_FUNCTION_LINES: usize = 60;
/// Blocks inside a body. Clippy counts the impl and the body, too: `clippy.toml` has 6 for the same.
const MAX_NESTING: usize = 4;

/// How many of the longest functions are listed.
const LONGEST: usize = 10;

/// All packages, measured, and the rules that documents break.
pub(crate) struct House {
    packages: Vec<Measured>,
    broken_documents: Vec<String>,
}

struct Measured {
    name: String,
    lines: usize,
    test_lines: usize,
    long_files: Vec<(String, usize)>,
    functions: Vec<Function>,
    circles: BTreeSet<Circle>,
}

impl House {
    pub(crate) fn read() -> Result<Self, String> {
        let packages = packages()?.iter().map(measure).collect();
        Ok(Self { packages, broken_documents: broken_documents()? })
    }

    /// One line for each place that breaks a rule.
    pub(crate) fn broken_rules(&self) -> Vec<String> {
        let mut lines = self.broken_documents.clone();
        for package in &self.packages {
            lines.extend(package.long_files.iter().map(|(file, lines)| format!("{file}: {lines} lines")));
            lines.extend(package.broken_functions().map(describe));
            lines.extend(package.circles.iter().map(|circle| format!("{}: {}", package.name, arrows(circle))));
        }
        lines
    }

    fn functions(&self) -> impl Iterator<Item = &Function> {
        self.packages.iter().flat_map(|package| &package.functions)
    }
}

impl Measured {
    fn broken_functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.iter().filter(|it| it.lines > MAX_FUNCTION_LINES || it.nesting > MAX_NESTING)
    }

    fn count(&self, is_test: bool, breaks: impl Fn(&Function) -> bool) -> usize {
        self.functions.iter().filter(|function| function.is_test == is_test && breaks(function)).count()
    }

    /// The cells of this crate's row: lines, lines of tests, long files, long functions, deep functions, circles.
    fn cells(&self) -> [usize; 8] {
        let is_long = |function: &Function| function.lines > MAX_FUNCTION_LINES;
        let is_deep = |function: &Function| function.nesting > MAX_NESTING;
        [
            self.lines,
            self.test_lines,
            self.long_files.len(),
            self.count(false, is_long),
            self.count(true, is_long),
            self.count(false, is_deep),
            self.count(true, is_deep),
            self.circles.len(),
        ]
    }
}

fn measure(package: &Package) -> Measured {
    let lines = |is_test| package.files.iter().filter(|file| file.is_test == is_test).map(|file| file.lines).sum();
    let long = package.files.iter().filter(|file| !file.is_test && file.lines > MAX_FILE_LINES);
    let roots = crate_roots(&package.folder, &package.files);
    Measured {
        name: package.folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        lines: lines(false),
        test_lines: lines(true),
        long_files: long.map(|file| (file.path.display().to_string(), file.lines)).collect(),
        functions: package.files.iter().flat_map(functions).collect(),
        circles: roots.iter().flat_map(|root| circles(&imports(&modules(root, &package.files)))).collect(),
    }
}

impl fmt::Display for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| crate | lines | lines of test files | files > {MAX_FILE_LINES} lines | functions > {MAX_FUNCTION_LINES} lines | of tests | functions nested > {MAX_NESTING} | of tests | import circles |"
        )?;
        writeln!(f, "| --- | --: | --: | --: | --: | --: | --: | --: | --: |")?;
        let mut sums = [0; 8];
        for package in &self.packages {
            let cells = package.cells();
            write_row(f, &package.name, cells)?;
            sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell);
        }
        write_row(f, "all", sums)?;
        writeln!(f, "\nThe longest functions:\n")?;
        let mut longest: Vec<&Function> = self.functions().filter(|function| !function.is_test).collect();
        longest.sort_by_key(|function| std::cmp::Reverse(function.lines));
        for function in longest.iter().take(LONGEST) {
            writeln!(f, "- {}", describe(function))?;
        }
        writeln!(f, "\nPlaces that break a rule:\n")?;
        self.broken_rules().iter().try_for_each(|line| writeln!(f, "- {line}"))
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, name: &str, cells: [usize; 8]) -> fmt::Result {
    writeln!(f, "| {name} | {} |", cells.map(|cell| cell.to_string()).join(" | "))
}

fn describe(function: &Function) -> String {
    let Function { file, line, name, lines, nesting, .. } = function;
    format!("{}:{line}: {name} has {lines} lines and {nesting} levels", file.display())
}

/// A circle's files, without the folders that all files of a crate have.
fn arrows(circle: &Circle) -> String {
    let short = |file: &PathBuf| file.iter().skip_while(|part| *part != "src").skip(1).collect::<PathBuf>();
    let files = circle.iter().chain(circle.first()).map(|file| short(file).display().to_string());
    files.collect::<Vec<_>>().join(" → ")
}
