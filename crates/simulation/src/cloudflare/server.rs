//! What Cloudflare does with a request at the moment when it arrives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use purge_router_core::names::CloudflareId;
use serde_json::Value;

use super::answer::Answer;
use super::edge::{Cached, Edge};
use super::network::{Journey, Mishap, Network};
use super::plan_limits::PlanLimits;
use super::purge_body::{PurgeBody, Urls};
use crate::clock::{SimClock, SimTime};
use crate::event::{Event, Refused};
use crate::options::Sabotage;
use crate::scenario::{ObjectId, Scenario, TokenGeneration, Trouble, UrlId, ZoneId};
use crate::trace::Trace;

/// How much longer requests take if teams share their fate.
const SHARED_FATE: Duration = Duration::from_millis(700);

/// How often a refused request is sent if refusals are repeated.
const REPETITIONS: usize = 50;

/// Cloudflare, with its edge.
pub(crate) struct Cloudflare {
    scenario: Arc<Scenario>,
    pub(super) clock: SimClock,
    trace: Arc<Trace>,
    sabotage: Option<Sabotage>,
    urls: Urls,
    state: Mutex<State>,
}

struct State {
    limits: PlanLimits,
    network: Network,
    edge: Edge,
    last_sick_request: Option<SimTime>,
}

/// The token of a request, if it is one that was ever created.
pub(crate) type SentToken = Option<(ZoneId, TokenGeneration)>;

impl Cloudflare {
    pub(crate) fn new(
        scenario: &Arc<Scenario>,
        clock: &SimClock,
        trace: &Arc<Trace>,
        sabotage: Option<Sabotage>,
    ) -> Self {
        let state = State {
            limits: PlanLimits::default(),
            network: Network::new(scenario.seed, scenario.zones.len()),
            edge: Edge::new(scenario),
            last_sick_request: None,
        };
        let (urls, scenario) = (Urls::new(scenario), Arc::clone(scenario));
        Self { scenario, clock: clock.clone(), trace: Arc::clone(trace), sabotage, urls, state: Mutex::new(state) }
    }

    /// An object changes at the origin server.
    pub(crate) fn change(&self, object: ObjectId) {
        self.state().edge.change(object, self.clock.now());
    }

    /// A visitor gets a URL. Only what comes from the cache is noted.
    pub(crate) fn visit(&self, url: UrlId) {
        let seen = self.state().edge.look(url, self.clock.now());
        if let Some(Cached { version, is_raced }) = seen {
            self.trace.note(Event::Served { url, version, is_raced });
        }
    }

    /// How long a request that is sent now will be under way.
    pub(super) fn journey(&self, zone: ZoneId) -> Journey {
        let now = self.clock.now();
        let mut state = self.state();
        let mut journey = state.network.journey(zone, self.scenario.trouble(zone, now));
        if self.sabotage == Some(Sabotage::TeamsShareTheirFate) {
            match self.scenario.is_healthy(self.scenario.zones[zone].team) {
                false => state.last_sick_request = Some(now),
                true if state.last_sick_request.is_some() => journey.back += SHARED_FATE,
                true => {}
            }
        }
        journey
    }

    pub(super) fn zone(zone_id: &CloudflareId) -> Option<ZoneId> {
        Scenario::zone_of_id(zone_id.as_str())
    }

    /// Decides about a request that arrives now, and does what it asks for.
    pub(super) fn receive(&self, zone: ZoneId, token: SentToken, body: &Value, mishap: Option<Mishap>) -> Answer {
        let body = self.urls.read(&self.scenario, zone, body);
        let answer = self.decide(zone, token, &body, mishap);
        match &answer {
            Answer::Accepted => self.accept(zone, body),
            Answer::Refused(reason, _) => {
                let times = if self.sabotage == Some(Sabotage::RefusalsAreRepeated) { REPETITIONS } else { 1 };
                (0..times).for_each(|_| self.note_refusal(zone, *reason, token));
            }
            Answer::AllCallsBlocked => self.note_refusal(zone, Refused::Limited, token),
            Answer::Silence => self.note_refusal(zone, Refused::NoAnswer, token),
        }
        answer
    }

    fn decide(&self, zone: ZoneId, token: SentToken, body: &PurgeBody, mishap: Option<Mishap>) -> Answer {
        let now = self.clock.now();
        let refused = |reason| Answer::Refused(reason, None);
        let trouble = self.scenario.trouble(zone, now);
        match trouble {
            Some(Trouble::Hangs) => return Answer::Silence,
            Some(Trouble::Resets) => return refused(Refused::NoAnswer),
            Some(Trouble::ServerErrors) => return refused(Refused::Server),
            Some(Trouble::AllCallsBlocked) => return Answer::AllCallsBlocked,
            _ if mishap == Some(Mishap::ServerError) => return refused(Refused::Server),
            _ => {}
        }
        if !token.is_some_and(|(of, token)| of == zone && self.scenario.zones[zone].tokens.accepts(token, now)) {
            return refused(Refused::Token);
        }
        match trouble {
            Some(Trouble::UnknownZone) => return refused(Refused::Zone),
            Some(Trouble::RateLimited { retry_after }) => {
                return Answer::Refused(Refused::Limited, retry_after.map(Duration::from_secs));
            }
            _ => {}
        }
        let Some(target) = self.scenario.zones.get(zone) else { return refused(Refused::Zone) };
        let bucket = (target.account, target.plan, body.class);
        let taken = self.state().limits.take(bucket, body.cost, now);
        if let Err(wait) = taken
            && self.sabotage != Some(Sabotage::LimitsAreNotKept)
        {
            // In whole seconds, as the header has it.
            return Answer::Refused(Refused::OverLimit, Some(Duration::from_secs(wait.as_secs() + 1)));
        }
        match body.urls.iter().any(|url| self.scenario.objects[self.scenario.urls[*url].object].is_refused) {
            true => refused(Refused::Items),
            false => Answer::Accepted,
        }
    }

    fn accept(&self, zone: ZoneId, body: PurgeBody) {
        let PurgeBody { class, cost, urls } = body;
        let keeps_urls = self.sabotage == Some(Sabotage::EdgeKeepsUrls) && zone.is_multiple_of(7);
        if !keeps_urls {
            let (now, mut state) = (self.clock.now(), self.state());
            urls.iter().for_each(|url| state.edge.purge(*url, now));
        }
        self.trace.note(Event::Accepted { zone, class, cost, urls });
    }

    fn note_refusal(&self, zone: ZoneId, reason: Refused, token: SentToken) {
        let token_of = token.and_then(|(zone, _)| Some(self.scenario.zones.get(zone)?.team));
        self.trace.note(Event::Refused { zone, reason, token_of });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
