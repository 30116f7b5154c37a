//! What a Cloudflare API token looks like, so that nobody writes one in place of its name, and none is shown.

use crate::model::code::Code;
use crate::model::invalid::Invalid;

/// What tokens of users, tokens of accounts, and global keys of users begin with.
pub const TOKEN_PREFIXES: [&str; 3] = ["cfut_", "cfat_", "cfk_"];

/// Whether a text is a Cloudflare API token of the older form: 40 letters, digits, `-` and `_`, without a prefix.
pub fn is_unprefixed_token(text: &str) -> bool {
    let has = |is_kind: fn(&u8) -> bool| text.as_bytes().iter().any(is_kind);
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    text.len() == 40 && is_mixed && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Whether a text is a Cloudflare API token, with or without `Bearer` before it, or has one as a part between `/` and `.`.
fn is_api_token(text: &str) -> bool {
    let is_token =
        |part: &str| TOKEN_PREFIXES.iter().any(|prefix| part.starts_with(prefix)) || is_unprefixed_token(part);
    text.strip_prefix("Bearer ").unwrap_or(text).split(['/', '.']).any(is_token)
}

/// Refuses an API token in place of what is expected.
pub(super) fn refuse_token(text: &str, expected: &str, help: &str) -> Result<(), Invalid> {
    match is_api_token(text) {
        true => Err(Invalid::new(
            Code::TokenInTheOpen,
            format!("this is a token itself, not {expected}"),
            format!("{help}; replace the token if anybody else may have seen it"),
        )),
        false => Ok(()),
    }
}
