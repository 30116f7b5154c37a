//! Long lists: the first lines, and how many more there are.

use std::fmt::Write;

use crate::print::style::dim;

/// How many lines of one kind are shown; the rest is counted.
pub(crate) const MAX_LINES: usize = 20;

/// Appends at most [`MAX_LINES`] lines.
pub(crate) fn push_lines(text: &mut String, lines: impl ExactSizeIterator<Item = String>) {
    push_first_lines(text, MAX_LINES, lines);
}

pub(crate) fn push_first_lines(text: &mut String, max: usize, lines: impl ExactSizeIterator<Item = String>) {
    let hidden = lines.len().saturating_sub(max);
    for line in lines.take(max) {
        let _ = writeln!(text, "{line}");
    }
    if hidden > 0 {
        let _ = writeln!(text, "      {}", dim(format!("… and {hidden} more (--json has all)")));
    }
}
