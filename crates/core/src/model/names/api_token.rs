//! What a Cloudflare API token looks like, so that nobody writes one in place of its name, and none is shown.

/// Whether a text is a Cloudflare API token of the older form: 40 letters, digits, `-` and `_`, without a prefix.
pub fn is_unprefixed_token(text: &str) -> bool {
    let has = |is_kind: fn(&u8) -> bool| text.as_bytes().iter().any(is_kind);
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    text.len() == 40 && is_mixed && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Whether a text is a Cloudflare API token, with or without `Bearer` before it.
pub(super) fn is_api_token(text: &str) -> bool {
    let token = text.strip_prefix("Bearer ").unwrap_or(text);
    ["cfut_", "cfat_", "cfk_"].iter().any(|prefix| token.starts_with(prefix)) || is_unprefixed_token(token)
}
