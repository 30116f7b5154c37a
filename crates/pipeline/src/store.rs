//! The store of tokens that the pipeline needs; `aws` has it on SSM, the command on its environment.

use std::future::Future;

use purge_router_cloudflare::Credential;
use purge_router_core::Zone;

/// Where tokens come from. It is asked by several zones at once, and may join what they ask.
pub trait TokenStore: Send + Sync {
    /// The token of a zone, by its [`Zone::token`]. That there is none may be remembered for a moment, but not for long.
    fn token(&self, zone: &Zone, freshness: Freshness) -> impl Future<Output = Result<Credential, TokenError>> + Send;
}

/// Whether a token that was read before may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Any that is not too old.
    Cached,
    /// Only one read after this call: the cached one was refused.
    Fresh,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none, or it may not be read: only its team or the operator can mend that.
    #[error("team {team} has no token for zone {zone}: {reason}; {help}")]
    Missing {
        /// Whose.
        team: String,
        /// Of which zone.
        zone: String,
        /// What was found instead.
        reason: String,
        /// Where to set it.
        help: String,
    },
    /// The store can't be asked now; another try may help.
    #[error("the token of team {team} for zone {zone} can't be read now: {reason}")]
    Unavailable {
        /// Whose.
        team: String,
        /// Of which zone.
        zone: String,
        /// What went wrong.
        reason: String,
    },
}
