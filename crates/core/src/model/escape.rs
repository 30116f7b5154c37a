//! Text from outside in messages of one line.

/// The text with its control characters escaped.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
