//! The token of one zone while a plan runs: read once, and read afresh once for all requests that it was refused to.

use purge_router_cloudflare::ApiToken;
use purge_router_core::Zone;
use tokio::sync::Mutex;

use crate::store::{Freshness, TokenError, TokenStore};

/// A zone's token, and how often it was read.
pub(crate) struct ZoneToken<'e, T> {
    store: &'e T,
    zone: &'e Zone,
    last: Mutex<Option<Reading>>,
}

/// What the store said, with the number of the reading, from 1: whoever the token is refused to names that number.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) number: u32,
    pub(crate) token: Result<ApiToken, TokenError>,
}

impl<'e, T: TokenStore> ZoneToken<'e, T> {
    pub(crate) fn new(store: &'e T, zone: &'e Zone) -> Self {
        Self { store, zone, last: Mutex::new(None) }
    }

    /// A reading after the one that was refused; 0 if none was. The first caller reads, and the others wait for that. A
    /// token that is missing stays missing for this plan; a store that could not be asked is asked again.
    pub(crate) async fn after(&self, refused: u32) -> Reading {
        let mut last = self.last.lock().await;
        if let Some(reading) = last.as_ref().filter(|reading| reading.number > refused)
            && !matches!(reading.token, Err(TokenError::Unavailable { .. }))
        {
            return reading.clone();
        }
        let number = last.as_ref().map_or(0, |reading| reading.number) + 1;
        let token = match refused {
            0 => self.cached_or_fresh().await,
            _ => self.store.token(self.zone, Freshness::Fresh).await,
        };
        last.insert(Reading { number, token }).clone()
    }

    /// A token that was missing a while ago may have been set since.
    async fn cached_or_fresh(&self) -> Result<ApiToken, TokenError> {
        match self.store.token(self.zone, Freshness::Cached).await {
            Err(TokenError::Missing { .. }) => self.store.token(self.zone, Freshness::Fresh).await,
            read => read,
        }
    }
}
