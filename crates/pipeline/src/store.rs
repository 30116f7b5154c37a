//! The token store that the pipeline needs. `aws` implements it with SSM, the command with its environment.

use std::future::Future;

use purge_router_cloudflare::Credential;
use purge_router_core::Zone;

/// A store of tokens. Several zones ask it concurrently, and it may batch their reads.
pub trait TokenStore: Send + Sync {
    /// The token of a zone, by its [`Zone::token`]. A missing token may be cached for a few seconds.
    fn token(&self, zone: &Zone, freshness: Freshness) -> impl Future<Output = Result<Credential, TokenError>> + Send;

    /// Where the token of a zone is stored, for messages that ask to replace it.
    fn place<'p>(&'p self, zone: &'p Zone) -> TokenPlace<'p> {
        TokenPlace::Parameter(zone.token.as_str())
    }
}

/// Where a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPlace<'p> {
    /// The SSM parameter of this name.
    Parameter(&'p str),
    /// The environment variable of this name.
    Variable(&'p str),
}

/// Whether a cached token is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// One from the cache, within its TTL.
    Cached,
    /// One that is read after this call, because the cached one was refused.
    Fresh,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no token, or it may not be read. Only its team or the operator can fix that.
    #[error("team {team} has no token for zone {zone}: {reason}; {help}")]
    Missing {
        /// The team's name.
        team: String,
        /// The zone's domain.
        zone: String,
        /// What is wrong.
        reason: String,
        /// How to fix it.
        help: String,
    },
    /// The store can't be read now; a retry may help.
    #[error("the token of team {team} for zone {zone} can't be read now: {reason}")]
    Unavailable {
        /// The team's name.
        team: String,
        /// The zone's domain.
        zone: String,
        /// What the store answered, without any token.
        reason: String,
    },
}
