//! The token of one zone while a plan runs: read once, and read afresh once for all requests that it was refused to.

use purge_router_cloudflare::ApiToken;
use purge_router_core::Zone;
use tokio::sync::Mutex;

use crate::store::{Freshness, TokenError, TokenStore};

type Read = Result<ApiToken, TokenError>;

/// A zone's token, and what the store said of it.
pub(crate) struct ZoneToken<'e, T> {
    store: &'e T,
    zone: &'e Zone,
    read: Mutex<Readings>,
}

#[derive(Default)]
struct Readings {
    cached: Option<Read>,
    fresh: Option<Read>,
}

impl<'e, T: TokenStore> ZoneToken<'e, T> {
    pub(crate) fn new(store: &'e T, zone: &'e Zone) -> Self {
        Self { store, zone, read: Mutex::default() }
    }

    /// The token: the fresh one, if it was read or if the cached one was `refused` to the caller. The first caller
    /// reads, and the others wait for that. What is missing stays missing for this plan; a store that could not be asked
    /// is asked again.
    pub(crate) async fn get(&self, refused: bool) -> Read {
        let mut read = self.read.lock().await;
        if !refused && read.fresh.is_none() {
            let cached = self.memoised(&mut read.cached, Freshness::Cached).await;
            // A token that was missing a while ago may have been set since.
            if !matches!(cached, Err(TokenError::Missing { .. })) {
                return cached;
            }
        }
        self.memoised(&mut read.fresh, Freshness::Fresh).await
    }

    async fn memoised(&self, read: &mut Option<Read>, freshness: Freshness) -> Read {
        match read {
            Some(read) if !matches!(read, Err(TokenError::Unavailable { .. })) => read.clone(),
            _ => read.insert(self.store.token(self.zone, freshness).await).clone(),
        }
    }
}
