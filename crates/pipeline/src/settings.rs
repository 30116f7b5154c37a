//! The settings of an executor.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::backoff::Backoff;

/// How an executor sends: shares of rate limits, timeouts and waits.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How many instances run at once. They share the rate limits.
    pub instances: NonZeroU32,
    /// How many of them retry at once; zero without a retry queue. They have most of the rate limits.
    pub retrying_instances: u32,
    /// How long Cloudflare may take for one request.
    pub request_timeout: Duration,
    /// How many requests of one limit class one zone may have in flight.
    pub requests_per_zone: usize,
    /// How long to wait before a retry.
    pub backoff: Backoff,
    /// How long the circuit of a refused token stays open before one request probes it.
    pub open_circuit_for: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            instances: NonZeroU32::MIN,
            retrying_instances: 0,
            request_timeout: Duration::from_secs(15),
            requests_per_zone: 8,
            backoff: Backoff::default(),
            open_circuit_for: Duration::from_secs(5),
        }
    }
}
