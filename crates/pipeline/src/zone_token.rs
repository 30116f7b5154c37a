//! The token of one zone while a plan runs: read once, and read afresh once for all requests that it was refused to.

use std::sync::atomic::{AtomicU32, Ordering};

use purge_router_cloudflare::Credential;
use purge_router_core::Zone;
use tokio::sync::Mutex;

use crate::store::{Freshness, TokenError, TokenStore};

/// So many refusals with no acceptance between them are no passing trouble.
const REFUSALS: u32 = 4;

type Read = Result<Credential, TokenError>;

/// A zone's token, and what the store and Cloudflare said of it.
pub(crate) struct ZoneToken<'e, T> {
    store: &'e T,
    zone: &'e Zone,
    /// Whether the token was refused before, so that only a fresh one is worth a try.
    was_refused: bool,
    read: Mutex<Readings>,
    refusals_of_cached: AtomicU32,
    refusals_of_fresh: AtomicU32,
}

#[derive(Default)]
struct Readings {
    cached: Option<Read>,
    fresh: Option<Read>,
}

impl<'e, T: TokenStore> ZoneToken<'e, T> {
    pub(crate) fn new(store: &'e T, zone: &'e Zone, was_refused: bool) -> Self {
        Self {
            store,
            zone,
            was_refused,
            read: Mutex::default(),
            refusals_of_cached: AtomicU32::new(0),
            refusals_of_fresh: AtomicU32::new(0),
        }
    }

    /// The token: the fresh one, if the store gave it or if the cached one was `refused` to the caller. The first caller
    /// reads, and the others wait for that. What is missing stays missing for this plan; a store that could not be asked
    /// is asked again, and until it answers the cached token serves all that it was not refused to, unless it is bad.
    pub(crate) async fn get(&self, refused: bool) -> (Read, Freshness) {
        let mut read = self.read.lock().await;
        if !refused && !self.was_refused && !is_known(read.fresh.as_ref()) && !self.is_bad(Freshness::Cached) {
            return (self.memoised(&mut read.cached, Freshness::Cached).await, Freshness::Cached);
        }
        (self.memoised(&mut read.fresh, Freshness::Fresh).await, Freshness::Fresh)
    }

    /// Notes that a token was refused.
    pub(crate) fn refuse(&self, freshness: Freshness) {
        self.refusals(freshness).fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a token was accepted: what was refused before was a passing trouble.
    pub(crate) fn accept(&self, freshness: Freshness) {
        self.refusals(freshness).store(0, Ordering::Relaxed);
    }

    /// Whether to begin nothing more with it: every further try would only bring Cloudflare nearer to blocking us.
    pub(crate) fn is_bad(&self, freshness: Freshness) -> bool {
        self.refusals(freshness).load(Ordering::Relaxed) >= REFUSALS
    }

    fn refusals(&self, freshness: Freshness) -> &AtomicU32 {
        match freshness {
            Freshness::Cached => &self.refusals_of_cached,
            Freshness::Fresh => &self.refusals_of_fresh,
        }
    }

    async fn memoised(&self, read: &mut Option<Read>, freshness: Freshness) -> Read {
        match read {
            Some(known) if is_known(Some(known)) => known.clone(),
            _ => read.insert(self.store.token(self.zone, freshness).await).clone(),
        }
    }
}

fn is_known(read: Option<&Read>) -> bool {
    !matches!(read, None | Some(Err(TokenError::Unavailable { .. })))
}
