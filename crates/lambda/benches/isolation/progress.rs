//! Messages on standard error.

/// Prints a line.
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}
