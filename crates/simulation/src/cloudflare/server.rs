//! How Cloudflare handles a request when it arrives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use purge_router_core::names::CloudflareId;
use serde_json::Value;

use super::answer::Answer;
use super::call_limits::CallLimits;
use super::edge::{Cached, Edge};
use super::network::{Journey, Mishap, Network};
use super::plan_limits::PlanLimits;
use super::purge_body::{PurgeBody, Urls};
use crate::clock::{SimClock, SimTime};
use crate::event::{Event, Refused};
use crate::fault::Fault;
use crate::options::{Options, Sabotage};
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
    pub(super) trace: Arc<Trace>,
    sabotage: Option<Sabotage>,
    urls: Urls,
    state: Mutex<State>,
}

struct State {
    limits: PlanLimits,
    call_limits: CallLimits,
    network: Network,
    edge: Edge,
    last_sick_request: Option<SimTime>,
}

/// The token of a request, if it is one that was ever created.
pub(crate) type SentToken = Option<(ZoneId, TokenGeneration)>;

impl Cloudflare {
    pub(crate) fn new(scenario: &Arc<Scenario>, clock: &SimClock, trace: &Arc<Trace>, options: Options) -> Self {
        let state = State {
            limits: PlanLimits::default(),
            call_limits: CallLimits::default(),
            network: Network::new(options.noise_seed(scenario.seed), scenario.zones.len(), options.mishaps),
            edge: Edge::new(scenario),
            last_sick_request: None,
        };
        let (urls, scenario) = (Urls::new(scenario), Arc::clone(scenario));
        Self {
            scenario,
            clock: clock.clone(),
            trace: Arc::clone(trace),
            sabotage: options.sabotage,
            urls,
            state: Mutex::new(state),
        }
    }

    /// An object changes at the origin server.
    pub(crate) fn change(&self, object: ObjectId) {
        self.state().edge.change(object, self.clock.now());
    }

    /// A visitor gets a URL. Only what comes from the cache is noted.
    pub(crate) fn visit(&self, url: UrlId) {
        let seen = self.state().edge.visit(url, self.clock.now());
        if let Some(Cached { version, is_raced }) = seen {
            self.trace.note(Event::Served { url, version, is_raced });
        }
    }

    /// How long a request that is sent now will be under way.
    pub(super) fn journey(&self, zone: ZoneId) -> Journey {
        let now = self.clock.now();
        let trouble = self.scenario.trouble(zone, now);
        if trouble == Some(Trouble::Slow) {
            self.trace.note(Event::Injected { fault: Fault::SlowAnswer });
        }
        let mut state = self.state();
        let mut journey = state.network.journey(zone, trouble);
        if self.sabotage == Some(Sabotage::TeamsShareTheirFate) {
            match self.scenario.is_healthy(self.scenario.zones[zone].team) {
                false => state.last_sick_request = Some(now),
                true if state.last_sick_request.is_some() => journey.to_function += SHARED_FATE,
                true => {}
            }
        }
        journey
    }

    /// The zone with this id.
    pub(super) fn zone(&self, zone_id: &CloudflareId) -> Option<ZoneId> {
        Scenario::zone_of_id(zone_id.as_str()).filter(|zone| *zone < self.scenario.zones.len())
    }

    /// Decides about a request that arrives now, and does what it asks for.
    pub(super) fn receive(&self, zone: ZoneId, token: SentToken, body: &Value, mishap: Option<Mishap>) -> Answer {
        let body = self.urls.read(&self.scenario, zone, body);
        let answer = self.decide(zone, token, &body, mishap);
        if let Some(fault) = answer.fault() {
            self.trace.note(Event::Injected { fault });
        }
        match answer.reason() {
            None => self.accept(zone, body, mishap),
            Some(reason) => {
                let times = if self.sabotage == Some(Sabotage::RefusalsAreRepeated) { REPETITIONS } else { 1 };
                (0..times).for_each(|_| self.note_refusal(zone, reason, token));
            }
        }
        answer
    }

    fn decide(&self, zone: ZoneId, token: SentToken, body: &PurgeBody, mishap: Option<Mishap>) -> Answer {
        let now = self.clock.now();
        let trouble = self.scenario.trouble(zone, now);
        match trouble {
            Some(Trouble::Hangs) => return Answer::Silence,
            Some(Trouble::Resets) => return Answer::Reset,
            Some(Trouble::ServerErrors) => return Answer::server_error(),
            Some(Trouble::Html { status }) => return Answer::html(status),
            Some(Trouble::Unsuccessful) => return Answer::unsuccessful(),
            Some(Trouble::AllCallsBlocked) => return Answer::all_calls_blocked(),
            _ => {}
        }
        match mishap {
            Some(Mishap::ServerError) => return Answer::server_error(),
            Some(Mishap::Html) => return Answer::html(502),
            Some(Mishap::Unsuccessful) => return Answer::unsuccessful(),
            Some(Mishap::TokenRefused) => return Answer::token_refused(zone),
            Some(Mishap::Limited) => return Answer::limited(None),
            Some(Mishap::AnswerLost | Mishap::CutOff) | None => {}
        }
        if !token.is_some_and(|(of, token)| of == zone && self.scenario.zones[zone].tokens.accepts(token, now)) {
            return Answer::token_refused(zone);
        }
        match trouble {
            Some(Trouble::UnknownZone) => return Answer::unknown_zone(),
            Some(Trouble::RateLimited { retry_after }) => return Answer::limited(retry_after.map(Duration::from_secs)),
            _ => {}
        }
        let target = &self.scenario.zones[zone];
        let bucket = (target.account, target.plan, body.class);
        let taken = {
            let mut state = self.state();
            let of_client = state.call_limits.take(target.team, body.class, now).map_err(Answer::over_client_limit);
            of_client.and_then(|()| state.limits.take(bucket, body.cost, now).map_err(Answer::over_limit))
        };
        if let Err(refusal) = taken
            && self.sabotage != Some(Sabotage::LimitsAreNotKept)
        {
            return refusal;
        }
        match body.urls.iter().any(|url| self.scenario.urls[*url].is_refused) {
            true => Answer::item_refused(target.extras.refusal),
            false => Answer::Accepted,
        }
    }

    fn accept(&self, zone: ZoneId, body: PurgeBody, mishap: Option<Mishap>) {
        if let Some(fault) = mishap.and_then(Mishap::fault_of_answer) {
            self.trace.note(Event::Injected { fault });
        }
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
