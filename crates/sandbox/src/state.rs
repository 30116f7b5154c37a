//! What the API, the edge and the control API share while a sandbox runs.
//!
//! Each part has its own lock, held only for a look or a change and never across an await.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderName, HeaderValue};

use crate::edge::cache::Cache;
use crate::faults::Faults;
use crate::limit::Limits;
use crate::record::Log;
use crate::token::Tokens;
use crate::zone::Zone;

/// The header that names an answer, in both the API's and the edge's.
pub(crate) const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");

/// The state of one sandbox.
pub(crate) struct State {
    pub(crate) zones: Vec<Zone>,
    pub(crate) tokens: Mutex<Tokens>,
    pub(crate) faults: Mutex<Faults>,
    /// `None`: nothing is limited.
    pub(crate) limits: Option<Mutex<Limits>>,
    pub(crate) cache: Mutex<Cache>,
    pub(crate) log: Log,
    rays: AtomicU64,
}

impl State {
    pub(crate) fn new(zones: Vec<Zone>, tokens: Tokens, rate_limits: bool) -> Self {
        Self {
            cache: Mutex::new(Cache::new(zones.len())),
            zones,
            tokens: Mutex::new(tokens),
            faults: Mutex::default(),
            limits: rate_limits.then(Mutex::default),
            log: Log::new(),
            rays: AtomicU64::default(),
        }
    }

    /// The zone with this id, and its place among the zones.
    pub(crate) fn zone(&self, id: &str) -> Option<(usize, &Zone)> {
        self.zones.iter().enumerate().find(|(_, zone)| zone.id == id)
    }

    /// A new value for `CF-Ray`.
    pub(crate) fn ray(&self) -> HeaderValue {
        // An odd factor maps counted numbers one to one onto scattered ones, which look like real rays.
        let number = self.rays.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        HeaderValue::try_from(format!("{number:016x}-SBX")).unwrap_or(HeaderValue::from_static("SBX"))
    }
}

/// Locks. A panic elsewhere leaves values that are still whole, so it does not spread.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
