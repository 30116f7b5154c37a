//! The credential of one zone while a plan runs: read once, and read afresh once for all requests to which it was refused.

use std::sync::atomic::{AtomicU32, Ordering};

use purge_router_cloudflare::Credential;
use purge_router_core::Zone;
use tokio::sync::Mutex;

use super::unusable::TokenUnusable;
use crate::store::{Freshness, TokenError, TokenStore};

/// This many refusals without an acceptance between them are not a passing problem.
const REFUSALS: u32 = 4;

/// Which try of a batch with the zone's token this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenTry {
    First,
    /// Cloudflare refused the token to this batch. Each batch gets a second try, because good tokens were seen refused.
    Second,
}

/// A zone's credential, and how often it was refused.
#[derive(Debug)]
pub(super) struct Credentials<'e, T> {
    store: &'e T,
    zone: &'e Zone,
    /// The circuit is half-open: only a token that is read afresh is worth a probe.
    only_fresh: bool,
    read: Mutex<StoreReads>,
    refusals_of_cached: AtomicU32,
    refusals_of_fresh: AtomicU32,
}

/// What the store answered last.
#[derive(Debug, Default)]
struct StoreReads {
    cached: Option<StoreRead>,
    fresh: Option<StoreRead>,
}

type StoreRead = Result<Credential, TokenError>;

impl<'e, T: TokenStore> Credentials<'e, T> {
    pub(super) fn new(store: &'e T, zone: &'e Zone, only_fresh: bool) -> Self {
        let (cached, fresh) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { store, zone, only_fresh, read: Mutex::default(), refusals_of_cached: cached, refusals_of_fresh: fresh }
    }

    /// The fresh credential if the store gave it, or if this is a second try; else the cached one. The first caller reads,
    /// and the others wait for it. A missing token stays missing for this plan. If the store is unavailable, first tries
    /// keep the cached credential until it was refused too often, and the store is asked again.
    pub(super) async fn get(&self, token_try: TokenTry) -> Result<(Credential, Freshness), TokenUnusable> {
        let is_first = token_try == TokenTry::First;
        let mut read = self.read.lock().await;
        let use_cached = is_first && !self.only_fresh && !is_final(read.fresh.as_ref());
        let freshness = match use_cached && !self.is_bad(Freshness::Cached) {
            true => Freshness::Cached,
            false => Freshness::Fresh,
        };
        let credential = self.read_once(&mut read, freshness).await?;
        // A first try would only be refused as the others were.
        if is_first && freshness == Freshness::Fresh && self.is_bad(freshness) {
            return Err(TokenUnusable::RefusedToOthers);
        }
        Ok((credential, freshness))
    }

    pub(super) fn refused(&self, freshness: Freshness) {
        self.refusals(freshness).fetch_add(1, Ordering::Relaxed);
    }

    /// Earlier refusals were a passing problem.
    pub(super) fn accepted(&self, freshness: Freshness) {
        self.refusals(freshness).store(0, Ordering::Relaxed);
    }

    /// Whether no batch should begin with it: too many authentication failures make Cloudflare block an address.
    fn is_bad(&self, freshness: Freshness) -> bool {
        self.refusals(freshness).load(Ordering::Relaxed) >= REFUSALS
    }

    fn refusals(&self, freshness: Freshness) -> &AtomicU32 {
        match freshness {
            Freshness::Cached => &self.refusals_of_cached,
            Freshness::Fresh => &self.refusals_of_fresh,
        }
    }

    async fn read_once(&self, read: &mut StoreReads, freshness: Freshness) -> StoreRead {
        let reading = match freshness {
            Freshness::Cached => &mut read.cached,
            Freshness::Fresh => &mut read.fresh,
        };
        match reading {
            Some(known) if is_final(Some(known)) => known.clone(),
            _ => reading.insert(self.store.token(self.zone, freshness).await).clone(),
        }
    }
}

fn is_final(reading: Option<&StoreRead>) -> bool {
    !matches!(reading, None | Some(Err(TokenError::Unavailable { .. })))
}
