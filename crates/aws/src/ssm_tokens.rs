//! Tokens as SecureString parameters in SSM.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;
use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;
use purge_router_pipeline::{Freshness, TokenError, TokenStore};
use tokio::time::Instant;

use crate::gather::{Gather, Reading};
use crate::read_error::ReadError;

/// A parameter that holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The token.
    pub token: ApiToken,
    /// SSM's type of the parameter, such as `SecureString`.
    pub kind: String,
}

impl Parameter {
    /// Whether it is encrypted.
    pub fn is_secure(&self) -> bool {
        self.kind == ParameterType::SecureString.as_str()
    }
}

/// Reads parameters from SSM, and keeps them for a while.
///
/// A parameter is read once for all who ask for it at the same time, and up to ten in one call. What failed is never
/// kept. While SSM can't be asked, an old token serves on.
#[derive(Debug)]
pub struct SsmTokens {
    gather: Gather,
    time_to_live: Duration,
    shelf: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Readings>>>>,
}

/// What is known of one parameter.
#[derive(Debug, Default)]
struct Readings {
    last: Option<Reading>,
    /// What the last read brought that was answered.
    good: Option<Parameter>,
}

impl SsmTokens {
    /// A store that keeps a token for this long.
    pub fn new(config: &SdkConfig, time_to_live: Duration) -> Self {
        Self { gather: Gather::new(Client::new(config)), time_to_live, shelf: Mutex::default() }
    }

    /// The parameter of this name.
    ///
    /// # Errors
    /// What [`ReadError`] says. Where trying again may help, an old token serves instead, unless a fresh one is wanted.
    pub async fn read(&self, name: &str, freshness: Freshness) -> Result<Parameter, ReadError> {
        let asked = Instant::now();
        // Who comes while the parameter is read waits here, and takes what was brought.
        let slot = self.slot(name);
        let mut readings = slot.lock().await;
        let serves = |last: &Reading| {
            let is_young = last.brought.is_ok() && last.began.elapsed() < self.time_to_live;
            last.began >= asked || (freshness == Freshness::Cached && is_young)
        };
        let brought = match readings.last.as_ref().filter(|last| serves(last)) {
            Some(last) => last.brought.clone(),
            None => {
                let reading = self.gather.read(name).await;
                readings.note(reading.clone());
                reading.brought
            }
        };
        match (brought, &readings.good) {
            (Err(error), Some(good)) if error.may_pass() && freshness == Freshness::Cached => {
                tracing::warn!(parameter = name, error = %error, "an old token serves while SSM can't be read");
                Ok(good.clone())
            }
            (brought, _) => brought,
        }
    }

    fn slot(&self, name: &str) -> Arc<tokio::sync::Mutex<Readings>> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shelf.entry(name.to_owned()).or_default())
    }
}

impl Readings {
    fn note(&mut self, reading: Reading) {
        match &reading.brought {
            Ok(parameter) => self.good = Some(parameter.clone()),
            Err(error) if error.may_pass() => {}
            Err(_) => self.good = None,
        }
        self.last = Some(reading);
    }
}

impl TokenStore for SsmTokens {
    async fn token(&self, zone: &Zone, freshness: Freshness) -> Result<Credential, TokenError> {
        let name = zone.token.as_str();
        let secure = |parameter: Parameter| match parameter.is_secure() {
            true => Ok(Credential::Token(parameter.token)),
            false => Err(ReadError::NotSecure(parameter.kind)),
        };
        self.read(name, freshness).await.and_then(secure).map_err(|error| error.of_zone(zone, name))
    }
}
