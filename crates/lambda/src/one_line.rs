//! Several problems on one line: the function's log has a line for each error.

/// The problems, separated by `|`.
pub(crate) fn on_one_line(problems: &[impl ToString]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}
