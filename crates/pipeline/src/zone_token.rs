//! The token of one zone while a plan runs: read once, and read afresh once for all requests that it was refused to.

use purge_router_cloudflare::ApiToken;
use purge_router_core::Zone;
use tokio::sync::Mutex;

use crate::store::{Freshness, TokenError, TokenStore};

/// A zone's token, and how often it was read.
pub(crate) struct ZoneToken<'e, T> {
    store: &'e T,
    zone: &'e Zone,
    read: Mutex<Option<Reading>>,
}

/// A token with the number of its reading: whoever it is refused to names that number.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) token: ApiToken,
    number: u32,
}

impl<'e, T: TokenStore> ZoneToken<'e, T> {
    pub(crate) fn new(store: &'e T, zone: &'e Zone) -> Self {
        Self { store, zone, read: Mutex::new(None) }
    }

    /// The token; the first caller reads it, and the others wait for that.
    pub(crate) async fn get(&self) -> Result<Reading, TokenError> {
        let mut read = self.read.lock().await;
        if let Some(reading) = &*read {
            return Ok(reading.clone());
        }
        let token = self.store.token(self.zone, Freshness::Cached).await?;
        Ok(read.insert(Reading { token, number: 1 }).clone())
    }

    /// A reading after this one, which was refused.
    pub(crate) async fn after(&self, refused: &Reading) -> Result<Reading, TokenError> {
        let mut read = self.read.lock().await;
        if let Some(reading) = read.as_ref().filter(|reading| reading.number > refused.number) {
            return Ok(reading.clone());
        }
        let token = self.store.token(self.zone, Freshness::Fresh).await?;
        Ok(read.insert(Reading { token, number: refused.number + 1 }).clone())
    }
}
