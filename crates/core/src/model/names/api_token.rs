//! What a Cloudflare API token looks like, so that nobody writes one in place of its name.

/// Whether a text is a Cloudflare API token: older ones are 40 letters, digits, `-` and `_` without a prefix.
pub(super) fn is_api_token(text: &str) -> bool {
    let token = text.strip_prefix("Bearer ").unwrap_or(text);
    let has = |is_kind: fn(&u8) -> bool| token.as_bytes().iter().any(is_kind);
    let is_random = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    ["cfut_", "cfat_", "cfk_"].iter().any(|prefix| token.starts_with(prefix))
        || (token.len() == 40 && is_random && token.bytes().all(is_of_token))
}
