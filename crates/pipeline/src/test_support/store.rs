//! Token stores without AWS.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;

use crate::store::{Freshness, TokenError, TokenStore};

/// A store that never answers.
#[derive(Debug)]
pub(crate) struct NoStore;

impl TokenStore for NoStore {
    async fn token(&self, _: &Zone, _: Freshness) -> Result<Credential, TokenError> {
        std::future::pending().await
    }
}

/// A store of one token for all zones.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) token: Mutex<&'static str>,
    pub(crate) hangs: bool,
    pub(crate) reads: AtomicUsize,
}

impl TokenStore for &Store {
    async fn token(&self, _: &Zone, _: Freshness) -> Result<Credential, TokenError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1)).await;
        if self.hangs {
            std::future::pending::<()>().await;
        }
        let token = *self.token.lock().unwrap();
        Ok(ApiToken::parse(if token.is_empty() { "first" } else { token }).unwrap().into())
    }
}
