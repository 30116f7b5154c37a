//! The variables that the command reads from its environment.

use purge_router_cloudflare::{ApiToken, Client, DEFAULT_BASE_URL};

use crate::exit::Misuse;

/// The variable with a Cloudflare API token.
pub(crate) const TOKEN_VARIABLE: &str = "CLOUDFLARE_API_TOKEN";

/// How to fix missing or expired AWS settings.
pub(crate) const AWS_SETTINGS_HELP: &str = "set the AWS region and credentials, or renew them, as for the AWS CLI";

const BASE_URL_VARIABLE: &str = "CLOUDFLARE_BASE_URL";

/// The token in `CLOUDFLARE_API_TOKEN`, if it is set.
pub(crate) fn api_token() -> anyhow::Result<Option<ApiToken>> {
    let parse = |text: String| ApiToken::parse(&text).map_err(|error| Misuse(format!("{TOKEN_VARIABLE}: {error}")));
    Ok(variable(TOKEN_VARIABLE)?.map(parse).transpose()?)
}

/// A client of the API in `CLOUDFLARE_BASE_URL`, or else of Cloudflare's own.
pub(crate) fn cloudflare_client() -> anyhow::Result<Client> {
    client_of(&variable(BASE_URL_VARIABLE)?.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned()))
}

/// A client of the API at this URL.
pub(crate) fn client_of(base_url: &str) -> anyhow::Result<Client> {
    Ok(Client::new(base_url).map_err(|error| Misuse(error.to_string()))?)
}

/// A variable; an empty one counts as unset.
fn variable(name: &str) -> anyhow::Result<Option<String>> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Misuse(format!("{name} is not UTF-8")).into()),
    }
}
