//! Where the function's tokens come from.

use purge_router_cloudflare::{Credential, Email};
use purge_router_core::Zone;
use purge_router_pipeline::{Freshness, TokenError, TokenPlace, TokenStore};

use crate::ssm_tokens::SsmTokens;

/// Where the function's tokens come from.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields say it: SSM, a parameter's name, and the address of a global key's user")]
pub enum FunctionTokens {
    /// Each zone's from its own parameter.
    OfZones(SsmTokens),
    /// The single-zone script's from one parameter.
    OfScriptInSsm { ssm: SsmTokens, path: String, email: Option<Email> },
    /// The single-zone script's from the environment.
    OfScript(Credential),
}

impl TokenStore for FunctionTokens {
    async fn token(&self, zone: &Zone, freshness: Freshness) -> Result<Credential, TokenError> {
        match self {
            Self::OfZones(ssm) => ssm.token(zone, freshness).await,
            Self::OfScript(credential) => Ok(credential.clone()),
            Self::OfScriptInSsm { ssm, path, email } => {
                let key = ssm.read(path, freshness).await.map_err(|error| error.of_zone(zone, path))?;
                Ok(Credential::new(email.clone(), key))
            }
        }
    }

    fn place<'p>(&'p self, zone: &'p Zone) -> TokenPlace<'p> {
        match self {
            Self::OfZones(_) => TokenPlace::Parameter(zone.token.as_str()),
            Self::OfScriptInSsm { path, .. } => TokenPlace::Parameter(path),
            Self::OfScript(_) => TokenPlace::Variable("CLOUDFLARE_API_KEY"),
        }
    }
}
