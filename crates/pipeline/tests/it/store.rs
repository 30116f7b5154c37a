//! A store of tokens that can be changed while it is used, and that remembers what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;
use purge_router_pipeline::{Freshness, TokenError, TokenStore};

/// Tokens by parameter, as SSM has them. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store(Arc<Mutex<Shelf>>);

#[derive(Debug, Default)]
struct Shelf {
    secrets: HashMap<String, String>,
    cached: HashMap<String, String>,
    reads: Vec<(String, Freshness)>,
    troubles: HashMap<String, Trouble>,
}

/// What goes wrong with the reading of one parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    /// The store can't be asked, this many times; what is cached serves meanwhile.
    Unavailable(usize),
    /// The store never answers.
    Hang,
}

impl Store {
    pub(crate) fn set(&self, parameter: &str, secret: &str) {
        self.shelf().secrets.insert(parameter.to_owned(), secret.to_owned());
    }

    /// Sets what a cached read gives.
    pub(crate) fn set_cached(&self, parameter: &str, secret: &str) {
        self.shelf().cached.insert(parameter.to_owned(), secret.to_owned());
    }

    /// Removes a token, which stays in the cache.
    pub(crate) fn remove_secret(&self, parameter: &str) {
        self.shelf().secrets.remove(parameter);
    }

    pub(crate) fn trouble(&self, parameter: &str, trouble: Trouble) {
        self.shelf().troubles.insert(parameter.to_owned(), trouble);
    }

    /// How often a parameter was read like this.
    pub(crate) fn reads(&self, parameter: &str, freshness: Freshness) -> usize {
        self.shelf().reads.iter().filter(|(name, wanted)| name == parameter && *wanted == freshness).count()
    }

    pub(crate) fn clear_reads(&self) {
        self.shelf().reads.clear();
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap()
    }
}

impl Shelf {
    fn read(&mut self, parameter: &str, freshness: Freshness) -> Option<String> {
        let cached = self.cached.get(parameter).filter(|_| freshness == Freshness::Cached);
        let secret = cached.or_else(|| self.secrets.get(parameter)).cloned()?;
        self.cached.insert(parameter.to_owned(), secret.clone());
        Some(secret)
    }
}

impl TokenStore for Store {
    async fn token(&self, zone: &Zone, freshness: Freshness) -> Result<Credential, TokenError> {
        // Let others run, as a read over the network would.
        tokio::task::yield_now().await;
        let parameter = zone.token.as_str();
        let (team, zone) = (zone.team.to_string(), zone.domain.to_string());
        self.shelf().reads.push((parameter.to_owned(), freshness));
        let serves_cached = freshness == Freshness::Cached && self.shelf().cached.contains_key(parameter);
        let trouble = self.shelf().troubles.get(parameter).copied().filter(|_| !serves_cached);
        match trouble {
            Some(Trouble::Hang) => std::future::pending().await,
            Some(Trouble::Unavailable(times @ 1..)) => {
                self.trouble(parameter, Trouble::Unavailable(times - 1));
                Err(TokenError::Unavailable { team, zone, reason: "throttled".to_owned() })
            }
            Some(Trouble::Unavailable(0)) | None => match self.shelf().read(parameter, freshness) {
                Some(secret) => Ok(ApiToken::parse(&secret).unwrap().into()),
                None => Err(TokenError::Missing {
                    team,
                    zone,
                    reason: format!("there is no {parameter}"),
                    help: "set it".to_owned(),
                }),
            },
        }
    }
}
