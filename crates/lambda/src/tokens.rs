//! Where the function has its tokens from.

use purge_router_aws::{ReadError, SsmTokens};
use purge_router_cloudflare::Credential;
use purge_router_core::Zone;
use purge_router_pipeline::{Freshness, TokenError, TokenStore};

/// Where the function has its tokens from.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields say it: SSM, a parameter's name, and the address of a global key's user")]
pub enum Tokens {
    /// Each zone's from its own parameter.
    OfZones(SsmTokens),
    /// The single-zone script's from one parameter.
    OfScriptInSsm { ssm: SsmTokens, path: String, email: Option<String> },
    /// The single-zone script's from the environment.
    OfScript(Credential),
}

impl TokenStore for Tokens {
    async fn token(&self, zone: &Zone, freshness: Freshness) -> Result<Credential, TokenError> {
        let (ssm, path, email) = match self {
            Self::OfZones(ssm) => return ssm.token(zone, freshness).await,
            Self::OfScript(credential) => return Ok(credential.clone()),
            Self::OfScriptInSsm { ssm, path, email } => (ssm, path, email.as_deref()),
        };
        let read = ssm.read(path, freshness).await.and_then(|parameter| {
            if !parameter.is_secure() {
                // The script did not mind.
                tracing::warn!(parameter = path, "the key lies open in SSM: store it as a SecureString");
            }
            Ok(Credential::new(email, parameter.token)?)
        });
        read.map_err(|error: ReadError| error.of_zone(zone, path))
    }
}
