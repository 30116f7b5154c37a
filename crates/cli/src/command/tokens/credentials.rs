//! Tokens that the caller gives: the admin token, and a token to store.

use std::io::{IsTerminal, Read};

use purge_router_cloudflare::{ApiToken, Credential};

use crate::environment::{TOKEN_VARIABLE, api_token};
use crate::exit::Misuse;
use crate::{print, shutdown};

/// The caller's admin token, which manages other tokens, from the environment.
pub(super) fn admin_from_environment() -> anyhow::Result<Option<Credential>> {
    Ok(api_token()?.map(Credential::Token))
}

/// The admin token, from the environment or a prompt.
pub(super) async fn admin() -> anyhow::Result<Credential> {
    if let Some(admin) = admin_from_environment()? {
        return Ok(admin);
    }
    if !std::io::stdin().is_terminal() {
        let what = "an admin token, which creates and deletes tokens";
        return Err(Misuse(format!("set {TOKEN_VARIABLE} to {what}")).into());
    }
    Ok(Credential::Token(read_token("Admin token (creates and deletes tokens)").await?))
}

/// Prompts for a token on the terminal, without echo, or reads it from standard input.
pub(super) async fn read_token(prompt: &str) -> anyhow::Result<ApiToken> {
    let text = match std::io::stdin().is_terminal() {
        true => print::secret(prompt).await?,
        false => {
            let piped = shutdown::blocking(|| {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text)?;
                Ok(text)
            });
            piped.await?
        }
    };
    Ok(ApiToken::parse(&text).map_err(|error| Misuse(error.to_string()))?)
}
