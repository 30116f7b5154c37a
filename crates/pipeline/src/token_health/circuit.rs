//! The circuit breaker of one token in one zone.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// A circuit breaker. It outlives events.
#[derive(Debug)]
pub(super) struct Circuit {
    open_for: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The token is used. It is proven if Cloudflare accepted it last.
    Closed { is_proven: bool },
    /// A freshly read token was refused, so it is not used until then.
    Open { until: Timestamp },
    /// One event probes the token with one request at a time. If that does not decide by then, another event may.
    HalfOpen { until: Timestamp },
}

/// How an event may use the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    Closed,
    /// This event probes it.
    HalfOpen,
    /// The token is not used for this long.
    Open(Duration),
}

impl Circuit {
    /// The closed circuit of an untested token.
    pub(super) fn new(open_for: Duration) -> Self {
        Self { open_for, state: Mutex::new(State::Closed { is_proven: false }) }
    }

    /// How an event that begins now may use the token. The first event after an open circuit's time probes it.
    pub(super) fn enter(&self, now: Timestamp) -> Passage {
        let mut state = self.state();
        match *state {
            State::Closed { .. } => Passage::Closed,
            State::Open { until } | State::HalfOpen { until } if until > now => Passage::Open(until - now),
            State::Open { .. } | State::HalfOpen { .. } => {
                *state = State::HalfOpen { until: now + self.open_for };
                Passage::HalfOpen
            }
        }
    }

    /// What the probes of an event found out so far.
    pub(super) fn probed(&self) -> Passage {
        match *self.state() {
            State::Closed { .. } => Passage::Closed,
            State::HalfOpen { .. } => Passage::HalfOpen,
            State::Open { .. } => Passage::Open(self.open_for),
        }
    }

    /// Cloudflare accepted the token.
    pub(super) fn close(&self) {
        *self.state() = State::Closed { is_proven: true };
    }

    /// Cloudflare refused the token, and refused it again after it was read afresh. Returns for how long the token is not
    /// used, if the circuit was not open already.
    pub(super) fn open(&self, now: Timestamp) -> Option<Duration> {
        let mut state = self.state();
        let was_open = matches!(*state, State::Open { .. });
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
    async fn it_opens_for_a_while_and_then_one_event_probes() {
        let (circuit, start) = (Circuit::new(FIVE), Clock::system().now());
        let after = |seconds: f64| start + Duration::from_secs_f64(seconds);
        assert_eq!((circuit.enter(start), circuit.is_proven(), circuit.is_refused()), (Passage::Closed, false, false));
        circuit.close();
        assert!(circuit.is_proven());

        assert_eq!(circuit.open(start), Some(FIVE));
        assert_eq!(circuit.open(after(1.0)), None, "it is logged once, and stays open for longer");
        assert_eq!((circuit.is_proven(), circuit.is_refused()), (false, true));
        assert_eq!(circuit.enter(after(4.0)), Passage::Open(Duration::from_secs(2)));
        assert_eq!((circuit.enter(after(6.0)), circuit.probed()), (Passage::HalfOpen, Passage::HalfOpen));
        assert_eq!(circuit.enter(after(7.0)), Passage::Open(Duration::from_secs(4)), "one event probes");
        assert_eq!(circuit.enter(after(11.0)), Passage::HalfOpen, "the probe decided nothing");
        assert!(circuit.is_refused());

        assert_eq!(circuit.open(after(12.0)), Some(FIVE), "a refused probe is logged");
        assert!(matches!(circuit.probed(), Passage::Open(_)));
        assert_eq!(circuit.enter(after(17.0)), Passage::HalfOpen);
        circuit.close();
        assert_eq!((circuit.probed(), circuit.enter(after(17.0))), (Passage::Closed, Passage::Closed));
    }
}
