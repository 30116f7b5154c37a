//! Tokens as SecureString parameters in SSM, cached for the TTL.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;
use purge_router_pipeline::{Clock, Freshness, Timestamp, TokenError, TokenStore};
use tracing::Instrument;

use crate::cache::{Entry, ReadEnd, SharedEntries, SharedEntry};
use crate::parameter_batcher::{Parameter, ParameterBatcher};
use crate::read_error::ReadError;

/// How long SSM is not called again after a failure: one that is transient, and one that someone has to fix. A team
/// that has just stored its token waits no longer than that.
const TRANSIENT_PAUSE: Duration = Duration::from_secs(1);
const PERMANENT_PAUSE: Duration = Duration::from_secs(5);

/// How many reads a caller waits for: one that was under way already, and one that started later.
const READS_PER_CALL: usize = 2;

/// How many tokens the cache is sized for, and how many bytes it holds at most: teams write the names of their
/// parameters, and SSM's values have up to 8 KiB. An entry without a token takes about a kibibyte, its name included.
const CACHED_TOKENS: usize = 10_000;
const CACHED_BYTES: u64 = 16 * 1024 * 1024;
const EMPTY_ENTRY_BYTES: u64 = 1024;

/// Reads parameters from SSM and caches them for the TTL.
///
/// Each parameter is read by one read at a time (single-flight), and up to ten in one call. If SSM can't be read, a
/// stale token is used (stale-if-error).
#[derive(Debug)]
pub struct SsmTokens {
    batcher: ParameterBatcher,
    ttl: Duration,
    clock: Clock,
    accepts_plaintext: bool,
    entries: Arc<TokenEntries>,
}

type TokenEntries = SharedEntries<String, ApiToken, ReadError>;
type TokenEntry = Entry<ApiToken, ReadError>;

impl SsmTokens {
    /// A store that caches a token for the TTL.
    pub fn new(config: &SdkConfig, ttl: Duration, clock: Clock) -> Self {
        let batcher = ParameterBatcher::new(Client::new(config), clock.clone());
        let entries = Arc::new(SharedEntries::new(CACHED_TOKENS, CACHED_BYTES, EMPTY_ENTRY_BYTES));
        Self { batcher, ttl, clock, accepts_plaintext: false, entries }
    }

    /// Accepts tokens that SSM stores in plain text, too, with a warning.
    #[must_use]
    pub fn accepting_plaintext(self) -> Self {
        Self { accepts_plaintext: true, ..self }
    }

    /// The token in the parameter of this name.
    ///
    /// # Errors
    /// See [`ReadError`]. If the error is transient, a stale token is used instead, unless the caller asks for a fresh
    /// one.
    pub async fn read(&self, name: &str, freshness: Freshness) -> Result<ApiToken, ReadError> {
        let requested_at = self.clock.now();
        let shared = self.entries.entry(&name.to_owned());
        for _ in 0..READS_PER_CALL {
            let end = {
                let mut entry = shared.lock();
                if let Some(answer) = self.answer(name, &entry, requested_at, freshness) {
                    return answer;
                }
                let now = self.clock.now();
                entry.read_under_way(now, self.ttl).unwrap_or_else(|| self.start_read(name, &shared, &mut entry, now))
            };
            end.reached().await;
        }
        let answer = self.answer(name, &shared.lock(), requested_at, freshness);
        answer.unwrap_or_else(|| Err(ReadError::Unavailable("the read was aborted".to_owned())))
    }

    /// The answer to a caller whose request began at `requested_at`; `None` if it needs another read.
    fn answer(
        &self,
        name: &str,
        entry: &TokenEntry,
        requested_at: Timestamp,
        freshness: Freshness,
    ) -> Option<Result<ApiToken, ReadError>> {
        let now = self.clock.now();
        let is_cached_enough = freshness == Freshness::Cached;
        let ttl = if is_cached_enough { self.ttl } else { Duration::ZERO };
        // A token that is still young is used, even if a fresh one could not be read.
        if let Some(cached) = entry.cached().filter(|cached| cached.is_fresh(requested_at, now, ttl)) {
            return Some(Ok(cached.value.clone()));
        }
        let pause = |error: &ReadError| match error.is_transient() {
            _ if !is_cached_enough => Duration::ZERO,
            true => TRANSIENT_PAUSE,
            false => PERMANENT_PAUSE,
        };
        let error = entry.failure_for(requested_at, now, pause)?;
        match entry.cached() {
            Some(stale) if error.is_transient() && is_cached_enough => {
                tracing::warn!(parameter = name, %error, "using a stale token: can't read SSM");
                Some(Ok(stale.value.clone()))
            }
            _ => Some(Err(error.clone())),
        }
    }

    /// Reads the parameter in a task of its own, so that a token that is too late for this event is there for the next.
    fn start_read(
        &self,
        name: &str,
        shared: &SharedEntry<ApiToken, ReadError>,
        entry: &mut TokenEntry,
        now: Timestamp,
    ) -> ReadEnd {
        let (sender, end) = entry.begin_read(now);
        let (name, shared) = (name.to_owned(), shared.clone());
        let (batcher, clock, accepts_plaintext) = (self.batcher.clone(), self.clock.clone(), self.accepts_plaintext);
        let entries = Arc::clone(&self.entries);
        let read = async move {
            let read = batcher.read(&name).await;
            let token = read.result.and_then(|parameter| accept(&name, parameter, accepts_plaintext));
            store(&entries, name, &shared, (read.started_at, clock.now()), token);
            drop(sender);
        };
        tokio::spawn(read.in_current_span());
        end
    }
}

/// Stores the result of a read that began and ended at these times.
fn store(
    entries: &TokenEntries,
    name: String,
    shared: &SharedEntry<ApiToken, ReadError>,
    (began, ended): (Timestamp, Timestamp),
    token: Result<ApiToken, ReadError>,
) {
    let weight = {
        let mut entry = shared.lock();
        match token {
            Ok(token) => entry.store(began, |_| token),
            Err(error) => {
                let is_transient = error.is_transient();
                if entry.store_failure(began, ended, error) && !is_transient {
                    entry.drop_value(began);
                }
            }
        }
        let of_token = entry.cached().map_or(0, |cached| cached.value.expose().len());
        of_token + entry.failure().map_or(0, |error| error.to_string().len())
    };
    entries.set_weight(name, shared, weight as u64);
}

fn accept(name: &str, Parameter { token, plain }: Parameter, accepts_plaintext: bool) -> Result<ApiToken, ReadError> {
    match plain {
        Some(kind) if !accepts_plaintext => return Err(ReadError::NotSecure(kind)),
        Some(kind) => {
            tracing::warn!(parameter = name, kind, "SSM stores the token in plain text: store it as a SecureString");
        }
        None => {}
    }
    Ok(token?)
}

impl TokenStore for SsmTokens {
    async fn token(&self, zone: &Zone, freshness: Freshness) -> Result<Credential, TokenError> {
        let name = zone.token.as_str();
        self.read(name, freshness).await.map(Credential::Token).map_err(|error| error.of_zone(zone, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(length: usize) -> ApiToken {
        ApiToken::parse(&"x".repeat(length)).unwrap()
    }

    #[test]
    fn an_entry_weighs_what_its_last_read_brought() {
        let (entries, clock) = (TokenEntries::new(100, 100_000, EMPTY_ENTRY_BYTES), Clock::system());
        let shared = entries.entry(&"/t/0".to_owned());
        let throttled = ReadError::Unavailable("down".to_owned());
        let failure = throttled.to_string().len();
        let absent = ReadError::Absent.to_string().len();
        for (result, expected) in [
            (Ok(token(40)), 40),
            (Ok(token(4000)), 4000),
            (Err(throttled), 4000 + failure),
            (Err(ReadError::Absent), absent),
            (Ok(token(40)), 40),
        ] {
            let now = clock.now();
            store(&entries, "/t/0".to_owned(), &shared, (now, now), result);
            assert_eq!(entries.weight(), EMPTY_ENTRY_BYTES + expected as u64);
        }
    }

    #[test]
    fn a_token_whose_entry_is_evicted_during_its_read_is_cached_for_later_callers() {
        let (entries, clock) = (TokenEntries::new(10, 10 * EMPTY_ENTRY_BYTES, EMPTY_ENTRY_BYTES), Clock::system());
        let held_by_callers = entries.entry(&"/t/0".to_owned());
        (1..100).for_each(|index| drop(entries.entry(&format!("/t/{index}"))));
        let now = clock.now();
        store(&entries, "/t/0".to_owned(), &held_by_callers, (now, now), Ok(token(40)));
        for entry in [held_by_callers, entries.entry(&"/t/0".to_owned())] {
            assert!(entry.lock().cached().is_some());
        }
    }
}
