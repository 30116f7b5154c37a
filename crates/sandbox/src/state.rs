//! The state that the API, the edge and the control API share while a sandbox runs.
//!
//! Each part has its own lock, which is never held across an await.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderName, HeaderValue};

use crate::client_limit::ClientLimits;
use crate::edge::cache::Cache;
use crate::faults::Faults;
use crate::limit::Limits;
use crate::record::Log;
use crate::token::store::Tokens;
use crate::zone::Zone;

/// The header with an answer's id, of the API and of the edge.
pub(crate) const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");

pub(crate) struct State {
    pub(crate) zones: Vec<Zone>,
    pub(crate) tokens: Mutex<Tokens>,
    pub(crate) faults: Mutex<Faults>,
    /// `None`: there are no rate limits.
    pub(crate) limits: Option<Mutex<Limits>>,
    /// `None`: there are no limits of clients.
    pub(crate) client_limits: Option<Mutex<ClientLimits>>,
    pub(crate) cache: Mutex<Cache>,
    pub(crate) log: Log,
    rays: AtomicU64,
}

impl State {
    pub(crate) fn new(zones: Vec<Zone>, tokens: Tokens, rate_limits: bool, purge_race: bool) -> Self {
        Self {
            cache: Mutex::new(Cache::new(zones.len(), purge_race)),
            zones,
            tokens: Mutex::new(tokens),
            faults: Mutex::default(),
            limits: rate_limits.then(Mutex::default),
            client_limits: rate_limits.then(Mutex::default),
            log: Log::new(),
            rays: AtomicU64::default(),
        }
    }

    /// The zone with this id, and its index among the zones.
    pub(crate) fn zone(&self, id: &str) -> Option<(usize, &Zone)> {
        self.zones.iter().enumerate().find(|(_, zone)| zone.id == id)
    }

    /// A new value for `CF-Ray`.
    pub(crate) fn ray(&self) -> HeaderValue {
        // An odd factor maps consecutive numbers one to one to scattered ones, which look like real rays.
        let number = self.rays.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        HeaderValue::try_from(format!("{number:016x}-SBX")).unwrap_or(HeaderValue::from_static("SBX"))
    }
}
