//! A model of SSM and of the cache in front of it: delays, throttling, missing parameters, and tokens that change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;
use purge_router_pipeline::{Freshness, TokenError, TokenStore};

use crate::call::{Call, Callee};
use crate::clock::{SimClock, SimTime};
use crate::event::Event;
use crate::fault::Fault;
use crate::options::Sabotage;
use crate::random::{chance, millis};
use crate::scenario::{Scenario, TokenGeneration, Trouble, ZoneId};
use crate::trace::Trace;

/// How long an instance caches a token, and failures: one that is transient, and one that someone has to fix.
const TTL: Duration = Duration::from_secs(300);
const TRANSIENT_TTL: Duration = Duration::from_secs(1);
const MISSING_TTL: Duration = Duration::from_secs(5);

/// What tokens of accounts begin with.
const OF_ACCOUNT: &str = "cfat_";

/// SSM. Each zone has a random stream of its own.
pub(crate) struct Ssm {
    scenario: Arc<Scenario>,
    clock: SimClock,
    trace: Arc<Trace>,
    sabotage: Option<Sabotage>,
    streams: Mutex<Vec<Rng>>,
}

/// The tokens that one instance has read.
pub(crate) struct SimTokens {
    ssm: Arc<Ssm>,
    cached: Mutex<HashMap<ZoneId, Read>>,
}

/// What a read found, and when it began.
#[derive(Debug, Clone)]
struct Read {
    began: SimTime,
    found: Found,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Token(TokenGeneration),
    Missing,
    Throttled,
}

impl Ssm {
    pub(crate) fn new(
        scenario: &Arc<Scenario>,
        clock: &SimClock,
        trace: &Arc<Trace>,
        sabotage: Option<Sabotage>,
    ) -> Self {
        let streams = (0..scenario.zones.len()).map(|zone| scenario.seed.stream("ssm", zone)).collect();
        let (scenario, trace) = (Arc::clone(scenario), Arc::clone(trace));
        Self { scenario, clock: clock.clone(), trace, sabotage, streams: Mutex::new(streams) }
    }

    async fn read(&self, zone: ZoneId) -> Read {
        let began = self.clock.now();
        let (is_slow, delay, is_throttled) = {
            let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
            let rng = &mut streams[zone];
            let is_slow = chance(rng, 0.01);
            let delay = if is_slow { millis(rng, 100..=600) } else { millis(rng, 5..=40) };
            (is_slow, delay, chance(rng, 0.005))
        };
        if is_slow {
            self.trace.note(Event::Injected { fault: Fault::SsmSlow });
        }
        tokio::time::sleep(delay).await;
        let now = self.clock.now();
        let (found, fault) = match self.scenario.trouble(zone, now) {
            _ if is_throttled => (Found::Throttled, Some(Fault::SsmThrottled)),
            Some(Trouble::TokenMissing) => (Found::Missing, Some(Fault::TokenMissing)),
            _ => (Found::Token(self.scenario.zones[zone].tokens.stored_at(now)), None),
        };
        if let Some(fault) = fault {
            self.trace.note(Event::Injected { fault });
        }
        Read { began, found }
    }

    /// The secret of a token. With mixed-up tokens, it is that of another zone.
    fn secret(&self, zone: ZoneId, token: TokenGeneration) -> String {
        let zone = match self.sabotage {
            Some(Sabotage::TokensAreMixedUp) => (zone + 7) % self.scenario.zones.len(),
            _ => zone,
        };
        let prefix = if self.scenario.zones[zone].extras.has_account_token { OF_ACCOUNT } else { "" };
        format!("{prefix}token-{zone}-{}", token.0)
    }
}

/// The zone and generation of a token, from its secret.
pub(crate) fn token_of_secret(secret: &str) -> Option<(ZoneId, TokenGeneration)> {
    let secret = secret.strip_prefix(OF_ACCOUNT).unwrap_or(secret);
    let (zone, generation) = secret.strip_prefix("token-")?.split_once('-')?;
    Some((zone.parse().ok()?, TokenGeneration(generation.parse().ok()?)))
}

impl SimTokens {
    pub(crate) fn new(ssm: Arc<Ssm>) -> Self {
        Self { ssm, cached: Mutex::default() }
    }

    /// What is cached and young enough.
    fn cached(&self, zone: ZoneId) -> Option<Found> {
        let Read { began, found } = self.reads().get(&zone)?.clone();
        let ttl = match found {
            Found::Token(_) => TTL,
            Found::Missing => MISSING_TTL,
            Found::Throttled => TRANSIENT_TTL,
        };
        (self.ssm.clock.now() - began < ttl).then_some(found)
    }

    /// Reads a token. If SSM throttles, a cached one is used even if it is old, unless a fresh one is needed.
    async fn read(&self, zone: ZoneId, freshness: Freshness) -> Found {
        let read = self.ssm.read(zone).await;
        let mut reads = self.reads();
        match reads.get(&zone).map(|read| read.found) {
            Some(old @ Found::Token(_)) if read.found == Found::Throttled => match freshness {
                Freshness::Cached => old,
                Freshness::Fresh => Found::Throttled,
            },
            _ => reads.entry(zone).insert_entry(read).get().found,
        }
    }

    fn reads(&self) -> MutexGuard<'_, HashMap<ZoneId, Read>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for SimTokens {
    async fn token(&self, zone: &Zone, freshness: Freshness) -> Result<Credential, TokenError> {
        let (team, domain) = (zone.team.to_string(), zone.domain.to_string());
        let missing = |reason: &str| TokenError::Missing {
            team: team.clone(),
            zone: domain.clone(),
            reason: reason.to_owned(),
            help: "store one".to_owned(),
        };
        let Some(id) = Scenario::zone_of_id(zone.zone_id.as_str()) else { return Err(missing("no zone")) };
        let callee = if freshness == Freshness::Cached { Callee::Token(id) } else { Callee::FreshToken(id) };
        self.ssm.trace.note_call(|| Call::new(callee, 1, Duration::ZERO, &()));
        let cached = if freshness == Freshness::Cached { self.cached(id) } else { None };
        let found = match cached {
            Some(found) => found,
            None => self.read(id, freshness).await,
        };
        match found {
            Found::Token(token) => match ApiToken::parse(&self.ssm.secret(id, token)) {
                Ok(token) => Ok(Credential::Token(token)),
                Err(error) => Err(missing(&error.to_string())),
            },
            Found::Missing => Err(missing("ParameterNotFound")),
            Found::Throttled => {
                Err(TokenError::Unavailable { team, zone: domain, reason: "ThrottlingException".to_owned() })
            }
        }
    }
}

impl std::fmt::Debug for SimTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimTokens")
    }
}
