//! The command's tokens: one from the environment for every zone, each zone's own from SSM, or a sandbox's.

use std::collections::HashMap;

use anyhow::bail;
use aws_config::SdkConfig;
use purge_router_aws::{Parameters, ReadError, Stored, aws_identity, load_patient_config};
use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::{Mappings, Zone};
use purge_router_pipeline::{Freshness, TokenError, TokenPlace, TokenStore};
use purge_router_sandbox::zone_secret;
use tokio::sync::OnceCell;

use crate::environment::{AWS_SETTINGS_HELP, TOKEN_VARIABLE, api_token};

pub(crate) enum TokenSource {
    Environment(ApiToken),
    /// AWS's settings are looked up when the first token is needed.
    Ssm(OnceCell<Box<(SdkConfig, Parameters)>>),
    /// Tokens by parameter.
    Sandbox(HashMap<String, ApiToken>),
}

impl TokenSource {
    /// The environment's token if it is set, or else SSM.
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        Ok(api_token()?.map_or_else(|| Self::Ssm(OnceCell::new()), Self::Environment))
    }

    /// Checks with one parameter that SSM can be called at all, so that what is wrong with the settings is said once.
    /// Returns these settings, if SSM has the tokens.
    ///
    /// # Errors
    /// The region or the credentials are missing or not accepted.
    pub(crate) async fn check_settings(&self, zone: &Zone) -> anyhow::Result<Option<SdkConfig>> {
        let Self::Ssm(cell) = self else { return Ok(None) };
        let (config, parameters) = &**cell.get_or_init(ssm).await;
        let Err(error @ ReadError::Settings(_)) = parameters.read(zone.token.as_str()).await else {
            return Ok(Some(config.clone()));
        };
        let identity = aws_identity(config, false).await;
        bail!(
            "{TOKEN_VARIABLE} is not set, and the zones' tokens can't be read: {error} ({identity}); set {TOKEN_VARIABLE}, or \
             {AWS_SETTINGS_HELP}, or try --sandbox"
        )
    }

    /// The tokens of a sandbox made from these mappings.
    pub(crate) fn of_sandbox(mappings: &Mappings) -> Self {
        let token = |zone: &Zone| ApiToken::parse(&zone_secret(zone)).ok();
        let entry = |zone: &Zone| Some((zone.token.to_string(), token(zone)?));
        Self::Sandbox(mappings.zones().filter_map(|zone| entry(zone)).collect())
    }
}

impl TokenStore for TokenSource {
    async fn token(&self, zone: &Zone, _: Freshness) -> Result<Credential, TokenError> {
        let parameter = zone.token.as_str();
        let token = match self {
            Self::Environment(token) => Ok(token.clone()),
            // One by one, because a team may not read in bulk. The pipeline reads each parameter once per event.
            Self::Ssm(cell) => cell.get_or_init(ssm).await.1.read(parameter).await.and_then(Stored::into_token),
            Self::Sandbox(tokens) => tokens.get(parameter).cloned().ok_or(ReadError::Absent),
        };
        token.map(Credential::Token).map_err(|error| token_error(zone, &error))
    }

    fn place<'p>(&'p self, zone: &'p Zone) -> TokenPlace<'p> {
        match self {
            Self::Environment(_) => TokenPlace::Variable(TOKEN_VARIABLE),
            Self::Ssm(_) | Self::Sandbox(_) => TokenPlace::Parameter(zone.token.as_str()),
        }
    }
}

async fn ssm() -> Box<(SdkConfig, Parameters)> {
    let config = load_patient_config().await;
    let parameters = Parameters::new(&config);
    Box::new((config, parameters))
}

fn token_error(zone: &Zone, error: &ReadError) -> TokenError {
    let reason = format!("{TOKEN_VARIABLE} is not set, and {}: {error}", zone.token);
    let (team, zone) = (zone.team.to_string(), zone.domain.to_string());
    let help = match error {
        // Unlike Lambda's, the user's credentials are not renewed while the command waits.
        ReadError::Settings(_) => Some(AWS_SETTINGS_HELP),
        error => error.help(),
    };
    let Some(help) = help else { return TokenError::Unavailable { team, zone, reason } };
    let help = format!("set {TOKEN_VARIABLE} to a token that can purge {zone}, or {help}, or try --sandbox");
    TokenError::Missing { team, zone, reason, help }
}
