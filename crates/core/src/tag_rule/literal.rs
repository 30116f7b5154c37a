//! Strings of Cloudflare's rules language.

/// A string in quotes.
pub(super) fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
