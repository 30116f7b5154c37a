//! API tokens that can't be printed, and the redaction of tokens in text from outside.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use secrecy::{ExposeSecret, SecretString};

/// A Cloudflare API token. It can't be printed or serialised, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct ApiToken(SecretString);

/// A text that can't be a token; it is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an API token: {0}")]
pub struct NotAToken(&'static str);

impl ApiToken {
    /// Takes a token, without white space around it. Its length says nothing: Cloudflare has changed it before.
    ///
    /// # Errors
    /// An empty text, or one that no HTTP header can hold.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NotAToken("it is empty"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotAToken("it holds white space or characters that are not ASCII"));
        }
        Ok(Self(SecretString::from(text)))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The text without this token, wherever it stands in it, and without all that looks like a token.
    pub(crate) fn redact(&self, text: &str) -> String {
        redact(&text.replace(self.expose(), "[redacted]")).into_owned()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken([redacted])")
    }
}

#[expect(clippy::unwrap_used, reason = "the pattern is constant")]
static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(cfut_|cfat_|cfk_)([A-Za-z0-9_-]+)").unwrap());

/// Replaces what looks like a Cloudflare token or key (`cfut_…`, `cfat_…`, `cfk_…`), keeping its prefix.
pub fn redact(text: &str) -> Cow<'_, str> {
    TOKEN.replace_all(text, "${1}[redacted]")
}

/// The same in as many bytes, for text whose places count.
pub fn mask(text: &str) -> Cow<'_, str> {
    TOKEN.replace_all(text, |found: &Captures<'_>| format!("{}{}", &found[1], "*".repeat(found[2].len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_printed() {
        let token = ApiToken::parse(" s3cr3t\n").unwrap();
        assert_eq!(token.expose(), "s3cr3t");
        assert_eq!(format!("{token:?}"), "ApiToken([redacted])");
        assert_eq!(token.redact("bad s3cr3t, cfut_abc"), "bad [redacted], cfut_[redacted]");
        for bad in ["", "  ", "a b", "tök"] {
            assert!(ApiToken::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_looks_like_a_token_is_redacted() {
        for (text, redacted) in [
            ("Bearer cfut_a-B_9.", "Bearer cfut_[redacted]."),
            ("cfat_x,cfk_y", "cfat_[redacted],cfk_[redacted]"),
            ("cfx_y plain", "cfx_y plain"),
        ] {
            assert_eq!(redact(text), redacted);
            assert_eq!(mask(text).len(), text.len());
        }
    }
}
