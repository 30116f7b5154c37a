//! The circuit breaker of one token in one zone.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// A circuit breaker. It outlives events.
#[derive(Debug)]
pub(super) struct Circuit {
    open_for: Duration,
    state: Mutex<State>,
    /// Held by the one request that probes the token while the circuit is half-open.
    probe: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The token is used. It is proven if Cloudflare accepted it last.
    Closed { is_proven: bool },
    /// A freshly read token was refused, so it is not used until then. Afterwards the circuit is half-open, until a probe
    /// is accepted or refused.
    Open { until: Timestamp },
}

/// Whether requests pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    Free,
    /// One request at a time, to probe the token.
    OneProbe,
    /// None for this long.
    Blocked(Duration),
}

impl Circuit {
    /// The closed circuit of an untested token.
    pub(super) fn new(open_for: Duration) -> Self {
        Self { open_for, state: Mutex::new(State::Closed { is_proven: false }), probe: tokio::sync::Mutex::default() }
    }

    /// Whether requests pass now.
    pub(super) fn passage(&self, now: Timestamp) -> Passage {
        match *self.state() {
            State::Closed { .. } => Passage::Free,
            State::Open { until } if until > now => Passage::Blocked(until - now),
            State::Open { .. } => Passage::OneProbe,
        }
    }

    /// Waits until no other request probes the token, of this event or another one. The probe ends when the guard is
    /// dropped, whether or not it has found out anything.
    pub(super) async fn begin_probe(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.probe.lock().await
    }

    /// Cloudflare accepted the token.
    pub(super) fn close(&self) {
        *self.state() = State::Closed { is_proven: true };
    }

    /// Cloudflare refused the token, and refused it again after it was read afresh. Returns for how long the token is not
    /// used, if the circuit was not open already.
    pub(super) fn open(&self, now: Timestamp) -> Option<Duration> {
        let mut state = self.state();
        let was_open = matches!(*state, State::Open { until } if until > now);
        *state = State::Open { until: now + self.open_for };
        (!was_open).then_some(self.open_for)
    }

    pub(super) fn is_proven(&self) -> bool {
        matches!(*self.state(), State::Closed { is_proven: true })
    }

    /// Whether Cloudflare refused the token last.
    pub(super) fn is_refused(&self) -> bool {
        !matches!(*self.state(), State::Closed { .. })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced in one assignment, so a poisoned one is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const FIVE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn it_opens_for_a_while_and_is_then_half_open_until_a_probe_decides() {
        let (circuit, start) = (Circuit::new(FIVE), Clock::system().now());
        let after = |seconds: f64| start + Duration::from_secs_f64(seconds);
        assert_eq!((circuit.passage(start), circuit.is_proven(), circuit.is_refused()), (Passage::Free, false, false));
        circuit.close();
        assert!(circuit.is_proven());

        assert_eq!(circuit.open(start), Some(FIVE));
        assert_eq!(circuit.open(after(1.0)), None, "it is logged once, and stays open for longer");
        assert_eq!((circuit.is_proven(), circuit.is_refused()), (false, true));
        assert_eq!(circuit.passage(after(4.0)), Passage::Blocked(Duration::from_secs(2)));
        for seconds in [6.0, 7.0, 60.0] {
            assert_eq!(circuit.passage(after(seconds)), Passage::OneProbe, "no probe has decided anything");
        }
        assert!(circuit.is_refused());

        assert_eq!(circuit.open(after(61.0)), Some(FIVE), "a refused probe is logged");
        assert_eq!(circuit.passage(after(61.0)), Passage::Blocked(FIVE));
        assert_eq!(circuit.passage(after(66.0)), Passage::OneProbe);
        circuit.close();
        assert_eq!(circuit.passage(after(66.0)), Passage::Free);
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_probes_at_a_time() {
        let circuit = Circuit::new(FIVE);
        let first = circuit.begin_probe().await;
        assert!(tokio::time::timeout(FIVE, circuit.begin_probe()).await.is_err());
        drop(first);
        assert!(tokio::time::timeout(FIVE, circuit.begin_probe()).await.is_ok());
    }
}
