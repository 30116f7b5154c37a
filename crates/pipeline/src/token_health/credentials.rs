//! The credential of one zone while a plan runs: read once, and read afresh once for all requests to which it was
//! refused.

use std::sync::atomic::{AtomicU32, Ordering};

use purge_router_cloudflare::Credential;
use purge_router_core::Zone;
use tokio::sync::Mutex;

use super::unusable::TokenUnusable;
use crate::store::{Freshness, TokenError, TokenPlace, TokenStore};

/// After this many refusals without an acceptance between them, no piece begins with the credential.
const MAX_REFUSALS: u32 = 4;

/// Which try of a piece of a batch with the zone's token this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenTry {
    First,
    /// Cloudflare refused the token to this piece. Each piece gets a second try, because good tokens were seen refused.
    Second,
}

/// A zone's credential, and how often it was refused.
#[derive(Debug)]
pub(super) struct Credentials<'e, T> {
    store: &'e T,
    zone: &'e Zone,
    /// Whether cached credentials are not used.
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

    /// The fresh credential if the store gave it, or if this is a second try; else the cached one. The first caller
    /// reads, and the others wait for it. A missing token stays missing for this plan. If the store is unavailable,
    /// first tries keep the cached credential until it was refused too often, and the store is asked again.
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

    /// Where the store has the credential.
    pub(super) fn place(&self) -> TokenPlace<'_> {
        self.store.place(self.zone)
    }

    pub(super) fn refused(&self, freshness: Freshness) {
        self.refusals(freshness).fetch_add(1, Ordering::Relaxed);
    }

    /// Earlier refusals were a passing problem.
    pub(super) fn accepted(&self, freshness: Freshness) {
        self.refusals(freshness).store(0, Ordering::Relaxed);
    }

    /// Whether no piece begins with it: too many authentication failures make Cloudflare block an address.
    fn is_bad(&self, freshness: Freshness) -> bool {
        self.refusals(freshness).load(Ordering::Relaxed) >= MAX_REFUSALS
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex as StdMutex;

    use purge_router_cloudflare::ApiToken;

    use super::*;
    use crate::test_support::zones;

    /// A store with scripted answers, which notes how it was asked.
    #[derive(Debug, Default)]
    struct Script {
        answers: StdMutex<VecDeque<Result<&'static str, TokenError>>>,
        reads: StdMutex<Vec<Freshness>>,
    }

    impl TokenStore for Script {
        async fn token(&self, _: &Zone, freshness: Freshness) -> Result<Credential, TokenError> {
            self.reads.lock().unwrap().push(freshness);
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            let answer = self.answers.lock().unwrap().pop_front().expect("another read");
            answer.map(|token| ApiToken::parse(token).unwrap().into())
        }
    }

    fn store(answers: impl IntoIterator<Item = Result<&'static str, TokenError>>) -> Script {
        Script { answers: StdMutex::new(answers.into_iter().collect()), ..Script::default() }
    }

    fn unavailable() -> TokenError {
        TokenError::Unavailable { team: String::new(), zone: String::new(), reason: String::new() }
    }

    fn missing() -> TokenError {
        let (team, zone, reason) = Default::default();
        TokenError::Missing { team, zone, reason, help: String::new() }
    }

    /// The token that is used, or whether there is none for good.
    async fn get(credentials: &Credentials<'_, Script>, token_try: TokenTry) -> Result<String, TokenUnusable> {
        let (credential, _) = credentials.get(token_try).await?;
        let Credential::Token(token) = credential else { panic!("a token") };
        Ok(token.expose().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_read_once_for_all_requests_and_afresh_once_for_all_second_tries() {
        let (store, zones) = (store([Ok("cached"), Ok("fresh")]), zones(&[("red", "")]));
        let credentials = Credentials::new(&store, &zones[0], false);
        let first = || get(&credentials, TokenTry::First);
        let second = || get(&credentials, TokenTry::Second);
        let (a, b, c) = tokio::join!(first(), first(), first());
        assert_eq!([a.unwrap(), b.unwrap(), c.unwrap()], ["cached"; 3]);
        let (a, b) = tokio::join!(second(), second());
        assert_eq!([a.unwrap(), b.unwrap()], ["fresh"; 2]);
        assert_eq!(first().await.unwrap(), "fresh", "requests that begin now use it, too");
        assert_eq!(*store.reads.lock().unwrap(), [Freshness::Cached, Freshness::Fresh]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_uses_only_a_fresh_token() {
        let (store, zones) = (store([Ok("fresh")]), zones(&[("red", "")]));
        let credentials = Credentials::new(&store, &zones[0], true);
        assert_eq!(get(&credentials, TokenTry::First).await.unwrap(), "fresh");
        assert_eq!(*store.reads.lock().unwrap(), [Freshness::Fresh]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_token_stays_missing_and_an_unavailable_store_is_asked_again() {
        let (store, zones) = (store([Err(unavailable()), Ok("cached"), Err(missing())]), zones(&[("red", "")]));
        let credentials = Credentials::new(&store, &zones[0], false);
        assert_eq!(get(&credentials, TokenTry::First).await, Err(unavailable().into()));
        assert_eq!(get(&credentials, TokenTry::First).await.unwrap(), "cached");
        for token_try in [TokenTry::Second, TokenTry::Second, TokenTry::First] {
            assert_eq!(get(&credentials, token_try).await, Err(missing().into()));
        }
        assert_eq!(store.reads.lock().unwrap().len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_begins_with_a_token_that_was_refused_too_often() {
        let (store, zones) = (store([Ok("cached"), Ok("fresh")]), zones(&[("red", "")]));
        let credentials = Credentials::new(&store, &zones[0], false);
        assert_eq!(get(&credentials, TokenTry::First).await.unwrap(), "cached");
        (0..MAX_REFUSALS - 1).for_each(|_| credentials.refused(Freshness::Cached));
        assert_eq!(get(&credentials, TokenTry::First).await.unwrap(), "cached");
        credentials.refused(Freshness::Cached);
        assert_eq!(get(&credentials, TokenTry::First).await.unwrap(), "fresh");

        (0..MAX_REFUSALS).for_each(|_| credentials.refused(Freshness::Fresh));
        assert_eq!(get(&credentials, TokenTry::First).await, Err(TokenUnusable::RefusedToOthers));
        assert_eq!(get(&credentials, TokenTry::Second).await.unwrap(), "fresh", "each request has its second try");
        credentials.accepted(Freshness::Fresh);
        assert_eq!(get(&credentials, TokenTry::First).await.unwrap(), "fresh");
    }
}
