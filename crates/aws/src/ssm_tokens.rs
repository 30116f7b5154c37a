//! Tokens as SecureString parameters in SSM.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;
use purge_router_pipeline::{Freshness, Moment, TokenError, TokenStore};

use crate::gather::{Gather, Parameter, Reading};
use crate::read_error::ReadError;

/// How long a failure is told again before SSM is asked again: one that passes by itself, and one that somebody has to mend.
/// A team that has just stored its token waits no longer.
const PAUSE: Duration = Duration::from_secs(1);
const LONG_PAUSE: Duration = Duration::from_secs(5);

/// Reads parameters from SSM, and keeps them for a while.
///
/// A parameter is read once for all who ask for it at the same time, and up to ten in one call. While SSM can't be asked,
/// an old token serves on.
#[derive(Debug)]
pub struct SsmTokens {
    gather: Gather,
    time_to_live: Duration,
    takes_plain: bool,
    shelf: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Readings>>>>,
}

/// What is known of one parameter.
#[derive(Debug, Default)]
struct Readings {
    /// When the last token was read, and the token; none after SSM said that there is none.
    good: Option<(Moment, ApiToken)>,
    /// How reading failed since.
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Failed {
    /// When the read began, and when it was given up: SSM may have hung in between.
    began: Moment,
    ended: Moment,
    error: ReadError,
}

impl SsmTokens {
    /// A store that keeps a token for this long.
    pub fn new(config: &SdkConfig, time_to_live: Duration) -> Self {
        let gather = Gather::new(Client::new(config));
        Self { gather, time_to_live, takes_plain: false, shelf: Mutex::default() }
    }

    /// Takes tokens that lie open in SSM, too, though not without a warning.
    #[must_use]
    pub fn taking_plain(self) -> Self {
        Self { takes_plain: true, ..self }
    }

    /// The token in the parameter of this name.
    ///
    /// # Errors
    /// What [`ReadError`] says. Where trying again may help, an old token serves instead, unless a fresh one is wanted.
    pub async fn read(&self, name: &str, freshness: Freshness) -> Result<ApiToken, ReadError> {
        let asked = Moment::now();
        // Who comes while the parameter is read waits here, and takes what was brought.
        let slot = self.slot(name);
        let mut readings = slot.lock().await;
        let brought = match readings.known(asked, freshness, self.time_to_live) {
            Some(known) => known,
            None => {
                let Reading { began, brought } = self.gather.read(name).await;
                readings.note(began, brought.and_then(|parameter| self.taken(name, parameter)))
            }
        };
        match (brought, &readings.good) {
            (Err(error), Some((_, old))) if error.may_pass() && freshness == Freshness::Cached => {
                tracing::warn!(parameter = name, error = %error, "an old token serves while SSM can't be read");
                Ok(old.clone())
            }
            (brought, _) => brought,
        }
    }

    fn taken(&self, name: &str, Parameter { token, plain }: Parameter) -> Result<ApiToken, ReadError> {
        match plain {
            Some(kind) if !self.takes_plain => return Err(ReadError::NotSecure(kind)),
            Some(kind) => {
                tracing::warn!(parameter = name, kind, "the token lies open in SSM: store it as a SecureString");
            }
            None => {}
        }
        Ok(token?)
    }

    fn slot(&self, name: &str) -> Arc<tokio::sync::Mutex<Readings>> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shelf.entry(name.to_owned()).or_default())
    }
}

impl Readings {
    /// What serves without another read: what a read brought that began after this was asked for or, where it need not be
    /// fresh, a young token, or the failure of a moment ago.
    fn known(
        &self,
        asked: Moment,
        freshness: Freshness,
        time_to_live: Duration,
    ) -> Option<Result<ApiToken, ReadError>> {
        let cached = freshness == Freshness::Cached;
        // A token that is still young serves though a fresh one could not be had.
        let serves = |began: Moment| !began.is_before(&asked) || (cached && began.elapsed() < time_to_live);
        if let Some((_, token)) = self.good.as_ref().filter(|(began, _)| serves(*began)) {
            return Some(Ok(token.clone()));
        }
        let tells = |failed: &&Failed| {
            let pause = if failed.error.may_pass() { PAUSE } else { LONG_PAUSE };
            !failed.began.is_before(&asked) || (cached && failed.ended.elapsed() < pause)
        };
        self.failed.as_ref().filter(tells).map(|failed| Err(failed.error.clone()))
    }

    fn note(&mut self, began: Moment, brought: Result<ApiToken, ReadError>) -> Result<ApiToken, ReadError> {
        match &brought {
            Ok(token) => *self = Self { good: Some((began, token.clone())), failed: None },
            Err(error) => {
                self.failed = Some(Failed { began, ended: Moment::now(), error: error.clone() });
                self.good.take_if(|_| !error.may_pass());
            }
        }
        brought
    }
}

impl TokenStore for SsmTokens {
    async fn token(&self, zone: &Zone, freshness: Freshness) -> Result<Credential, TokenError> {
        let name = zone.token.as_str();
        self.read(name, freshness).await.map(Credential::Token).map_err(|error| error.of_zone(zone, name))
    }
}
