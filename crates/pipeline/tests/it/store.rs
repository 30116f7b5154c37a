//! A store of tokens that tests change while it is used, and that records its reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;
use purge_router_pipeline::{Freshness, TokenError, TokenStore};

/// Tokens by parameter, as in SSM. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    secrets: HashMap<String, String>,
    cached: HashMap<String, String>,
    reads: Vec<(String, Freshness)>,
    problems: HashMap<String, Problem>,
}

/// What goes wrong when one parameter is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Problem {
    /// The store is unavailable this many times. A cached token is still returned.
    Unavailable(usize),
    /// The store never answers.
    Hang,
}

impl Store {
    pub(crate) fn set(&self, parameter: &str, secret: &str) {
        self.entries().secrets.insert(parameter.to_owned(), secret.to_owned());
    }

    /// Sets what a cached read returns.
    pub(crate) fn set_cached(&self, parameter: &str, secret: &str) {
        self.entries().cached.insert(parameter.to_owned(), secret.to_owned());
    }

    /// Removes a token; a cached one stays.
    pub(crate) fn remove_secret(&self, parameter: &str) {
        self.entries().secrets.remove(parameter);
    }

    pub(crate) fn problem(&self, parameter: &str, problem: Problem) {
        self.entries().problems.insert(parameter.to_owned(), problem);
    }

    /// How often a parameter was read with this freshness.
    pub(crate) fn reads(&self, parameter: &str, freshness: Freshness) -> usize {
        self.entries().reads.iter().filter(|(name, wanted)| name == parameter && *wanted == freshness).count()
    }

    pub(crate) fn clear_reads(&self) {
        self.entries().reads.clear();
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }
}

impl Entries {
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
        self.entries().reads.push((parameter.to_owned(), freshness));
        let serves_cached = freshness == Freshness::Cached && self.entries().cached.contains_key(parameter);
        let problem = self.entries().problems.get(parameter).copied().filter(|_| !serves_cached);
        match problem {
            Some(Problem::Hang) => std::future::pending().await,
            Some(Problem::Unavailable(times @ 1..)) => {
                self.problem(parameter, Problem::Unavailable(times - 1));
                Err(TokenError::Unavailable { team, zone, reason: "throttled".to_owned() })
            }
            Some(Problem::Unavailable(0)) | None => match self.entries().read(parameter, freshness) {
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
