//! Credentials for Cloudflare's API, which can't be printed, and the redaction of tokens in text from outside.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use purge_router_core::names::{TOKEN_PREFIXES, is_unprefixed_token};
use regex::{Captures, Regex};
use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A Cloudflare API token. It can't be printed or serialized, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct ApiToken(SecretString);

/// What a secret is, by its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A user's token: `cfut_`.
    OfUser,
    /// An account's token, which outlives its users: `cfat_`.
    OfAccount,
    /// A user's global key, which is not a token: `cfk_`.
    GlobalKey,
}

/// A string that can't be a token. The error does not show it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an API token: {0}")]
pub struct NotAToken(&'static str);

impl ApiToken {
    /// Parses a token and trims white space. Its length is not checked: Cloudflare has changed it before.
    ///
    /// # Errors
    /// The string is empty, or an HTTP header can't hold it.
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

    /// The secret. Never log it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What its prefix says; `None` for tokens from before 2026, which have no prefix.
    pub fn kind(&self) -> Option<TokenKind> {
        match TOKEN_PREFIXES.into_iter().find(|prefix| self.expose().starts_with(prefix))? {
            "cfut_" => Some(TokenKind::OfUser),
            "cfat_" => Some(TokenKind::OfAccount),
            _ => Some(TokenKind::GlobalKey),
        }
    }

    fn redact(&self, text: &str) -> String {
        redact(&text.replace(self.expose(), "[redacted]")).into_owned()
    }
}

/// The email address of a Cloudflare user, in a form that a header can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// A string that can't be a user's address. The error does not show it, because it may be the key by mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address: write one such as `ops@website.com`")]
pub struct NotAnEmail;

impl Email {
    /// Parses an address and trims white space.
    ///
    /// # Errors
    /// The string has no `@`, or an HTTP header can't hold it.
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim();
        match text.contains('@') && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(text.to_owned())),
            false => Err(NotAnEmail),
        }
    }
}

/// What authenticates a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// An API token, which can be limited to one zone and one permission.
    Token(ApiToken),
    /// The global API key of a user, which may do everything that the user may. Only for users of the single-zone
    /// script, which used it.
    GlobalKey {
        /// The email address of the user, for `X-Auth-Email`.
        email: Email,
        /// The user's global key, for `X-Auth-Key`.
        key: ApiToken,
    },
}

impl Credential {
    /// The global key of the user with this address or, without an address, an API token.
    pub fn new(email: Option<Email>, secret: ApiToken) -> Self {
        match email {
            None => Self::Token(secret),
            Some(email) => Self::GlobalKey { email, key: secret },
        }
    }

    pub(crate) fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Token(token) => request.bearer_auth(token.expose()),
            Self::GlobalKey { email, key } => {
                let mut key = HeaderValue::from_str(key.expose()).unwrap_or(HeaderValue::from_static(""));
                key.set_sensitive(true);
                request.header("x-auth-email", &email.0).header("x-auth-key", key)
            }
        }
    }

    /// Replaces this secret and everything that looks like a token.
    pub(crate) fn redact(&self, text: &str) -> String {
        let (Self::Token(secret) | Self::GlobalKey { key: secret, .. }) = self;
        secret.redact(text)
    }
}

impl From<ApiToken> for Credential {
    fn from(token: ApiToken) -> Self {
        Self::Token(token)
    }
}

impl PartialEq for ApiToken {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for ApiToken {}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken([redacted])")
    }
}

/// Words that may be tokens without a prefix.
#[expect(clippy::unwrap_used, reason = "the pattern is constant")]
static UNPREFIXED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9_-]{40,}").unwrap());

#[expect(clippy::unwrap_used, reason = "the pattern is constant")]
static TOKEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("({})([A-Za-z0-9_-]+)", TOKEN_PREFIXES.join("|"))).unwrap());

/// Replaces what looks like a Cloudflare token or key (`cfut_…`, `cfat_…`, `cfk_…`), keeping its prefix.
pub fn redact(text: &str) -> Cow<'_, str> {
    TOKEN.replace_all(text, "${1}[redacted]")
}

/// Like [`redact`], but keeps the number of bytes, for text in which positions matter. It is for messages about mapping files and
/// rows: older tokens, which have no prefix, are replaced too, and so would be a name that looks like one.
pub fn mask(text: &str) -> Cow<'_, str> {
    let masked = TOKEN.replace_all(text, |found: &Captures<'_>| format!("{}{}", &found[1], "*".repeat(found[2].len())));
    let replace =
        |found: &Captures<'_>| if is_unprefixed_token(&found[0]) { "*".repeat(40) } else { found[0].to_owned() };
    match UNPREFIXED.replace_all(&masked, replace) {
        Cow::Borrowed(_) => masked,
        Cow::Owned(all) => Cow::Owned(all),
    }
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
    fn a_panic_does_not_show_it() {
        let (sender, messages) = std::sync::mpsc::channel();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| sender.send(panic.to_string()).unwrap()));
        let panicked = std::panic::catch_unwind(|| {
            let refused: Result<(), Credential> = Err(ApiToken::parse("s3cr3t").unwrap().into());
            std::hint::black_box(refused).unwrap();
        });
        std::panic::set_hook(before);
        assert!(panicked.is_err());
        let message = messages.recv().unwrap();
        assert!(message.contains("ApiToken([redacted])") && !message.contains("s3cr3t"), "{message}");
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
        let old = "Abc4eFgH1jklMnopQrst-vwxYz0123456_89aBcd";
        let masked = mask(&format!("Bearer {old}\"")).into_owned();
        assert_eq!(masked, format!("Bearer {}\"", "*".repeat(40)));
        let long = format!("x-{old}-cfut_abc");
        assert_eq!(mask(&long), format!("x-{old}-cfut_***"), "a longer word is no older token");
        for name in [old.to_lowercase(), "0123456789abcdef0123456789abcdef01234567".to_owned()] {
            assert_eq!(mask(&name), name);
        }
    }
}
