//! What tests of the handler share.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;
use purge_router_pipeline::{Freshness, TokenError, TokenStore};
use purge_router_sandbox::zone_secret;

/// The tokens that the sandbox accepts.
pub(crate) struct SandboxTokens;

impl TokenStore for SandboxTokens {
    async fn token(&self, zone: &Zone, _: Freshness) -> Result<Credential, TokenError> {
        Ok(ApiToken::parse(&zone_secret(zone)).unwrap().into())
    }
}
