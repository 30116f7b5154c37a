//! What opens Cloudflare's API, which can't be printed, and the redaction of tokens in text from outside.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A Cloudflare API token. It can't be printed or serialised, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct ApiToken(SecretString);

/// Whose a token is, by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A user's.
    OfUser,
    /// An account's, which outlives its users.
    OfAccount,
    /// No token, but a user's global key.
    GlobalKey,
}

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

    /// The token itself, to be put where it belongs and nowhere else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whose it is, where its beginning tells: tokens from before 2026 have none.
    pub fn kind(&self) -> Option<TokenKind> {
        let of = [("cfut_", TokenKind::OfUser), ("cfat_", TokenKind::OfAccount), ("cfk_", TokenKind::GlobalKey)];
        of.into_iter().find(|(prefix, _)| self.expose().starts_with(prefix)).map(|(_, kind)| kind)
    }

    fn redact(&self, text: &str) -> String {
        redact(&text.replace(self.expose(), "[redacted]")).into_owned()
    }
}

/// The e-mail address of a Cloudflare user, as a header can hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// A text that can't be the address of a user. It is not shown: what stands there by mistake may be the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address: write one such as `ops@website.com`")]
pub struct NotAnEmail;

impl Email {
    /// Takes an address, without white space around it.
    ///
    /// # Errors
    /// A text without an `@`, or one that no HTTP header can hold.
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim();
        match text.contains('@') && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(text.to_owned())),
            false => Err(NotAnEmail),
        }
    }
}

/// What a request shows to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// An API token, which may be limited to one zone and one deed.
    Token(ApiToken),
    /// The global API key of a user, which may do all that the user may. Only for those who come from a script that used
    /// it.
    GlobalKey {
        /// The user.
        email: Email,
        /// The key.
        key: ApiToken,
    },
}

impl Credential {
    /// The global key of this user, or without one an API token.
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

    /// The text without this secret, wherever it stands in it, and without all that looks like a token.
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
    fn a_panic_does_not_tell_it() {
        let (sender, told) = std::sync::mpsc::channel();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| sender.send(panic.to_string()).unwrap()));
        let panicked = std::panic::catch_unwind(|| {
            let refused: Result<(), Credential> = Err(ApiToken::parse("s3cr3t").unwrap().into());
            std::hint::black_box(refused).unwrap();
        });
        std::panic::set_hook(before);
        assert!(panicked.is_err());
        let told = told.recv().unwrap();
        assert!(told.contains("ApiToken([redacted])") && !told.contains("s3cr3t"), "{told}");
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
