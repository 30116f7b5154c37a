//! For whom Cloudflare counts the calls of a request.

use std::hash::{DefaultHasher, Hash, Hasher};

use purge_router_cloudflare::{Credential, TokenKind};

/// A caller as far as the function can tell it. Callers of different teams are different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// A token of an account counts for itself. It is known by a hash.
    AccountToken(u64),
    /// All tokens of a user count together, and a token does not name its user: it may be the same for all tokens of a
    /// team.
    AllUserTokens,
}

impl From<&Credential> for Caller {
    fn from(credential: &Credential) -> Self {
        match credential {
            Credential::Token(token) if token.kind() == Some(TokenKind::OfAccount) => {
                let mut hasher = DefaultHasher::new();
                token.expose().hash(&mut hasher);
                Self::AccountToken(hasher.finish())
            }
            Credential::Token(_) | Credential::GlobalKey { .. } => Self::AllUserTokens,
        }
    }
}
