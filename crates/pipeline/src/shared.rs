//! What the batches of all events share.

use crate::clock::Clock;
use crate::rate_limit::RateLimits;
use crate::refused_hostnames::RefusedHostnames;
use crate::settings::Settings;
use crate::token_health::TokenCircuits;

/// What outlives an event: connections, tokens, and what was learned about limits, tokens and hostnames.
#[derive(Debug)]
pub(crate) struct Shared<T, A> {
    pub(crate) api: A,
    pub(crate) tokens: T,
    pub(crate) clock: Clock,
    pub(crate) limits: RateLimits,
    pub(crate) circuits: TokenCircuits,
    pub(crate) hostnames: RefusedHostnames,
    pub(crate) settings: Settings,
}

impl<T, A> Shared<T, A> {
    pub(crate) fn new(api: A, tokens: T, settings: Settings, clock: Clock) -> Self {
        let limits = RateLimits::new(settings.instances, clock.clone());
        let circuits = TokenCircuits::new(settings.open_circuit_for, clock.clone());
        let hostnames = RefusedHostnames::new(clock.clone());
        Self { api, tokens, clock, limits, circuits, hostnames, settings }
    }
}
