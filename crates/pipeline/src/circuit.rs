//! A circuit breaker: what failed is left alone for a while, and one probe then finds out whether it works again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// For how long a circuit stays open: the first time, and at most. The time doubles with each failed probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenTimes {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

/// A circuit breaker. It outlives events.
#[derive(Debug)]
pub(crate) struct Circuit {
    times: OpenTimes,
    state: Mutex<State>,
    /// Held by the one request that probes while the circuit is half-open.
    probe: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Requests pass. It is proven if the last one succeeded.
    Closed { is_proven: bool },
    /// No request passes until then. Afterwards the circuit is half-open, until a probe succeeds or fails. The last period
    /// is the one to double.
    Open { until: Timestamp, period: Duration },
}

/// Whether requests pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Free,
    /// One request at a time, as a probe.
    OneProbe,
    /// None for this long.
    Blocked(Duration),
}

impl Circuit {
    /// A closed circuit of what is not proven yet.
    pub(crate) fn new(times: OpenTimes) -> Self {
        Self { times, state: Mutex::new(State::Closed { is_proven: false }), probe: tokio::sync::Mutex::default() }
    }

    /// Whether requests pass now.
    pub(crate) fn passage(&self, now: Timestamp) -> Passage {
        match *self.state() {
            State::Closed { .. } => Passage::Free,
            State::Open { until, .. } if until > now => Passage::Blocked(until - now),
            State::Open { .. } => Passage::OneProbe,
        }
    }

    /// Waits until no other request is a probe, of this event or another one. The probe ends when the guard is dropped,
    /// whether or not it has found out anything.
    pub(crate) async fn begin_probe(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.probe.lock().await
    }

    /// A request succeeded.
    pub(crate) fn close(&self) {
        *self.state() = State::Closed { is_proven: true };
    }

    /// A request failed. Returns for how long no request passes, if the circuit was not open already.
    pub(crate) fn open(&self, now: Timestamp) -> Option<Duration> {
        let mut state = self.state();
        let (period, was_open) = match *state {
            State::Closed { .. } => (self.times.first, false),
            State::Open { until, period } if until > now => (period, true),
            State::Open { period, .. } => ((period * 2).min(self.times.longest), false),
        };
        *state = State::Open { until: now + period, period };
        (!was_open).then_some(period)
    }

    pub(crate) fn is_proven(&self) -> bool {
        matches!(*self.state(), State::Closed { is_proven: true })
    }

    /// Whether the last request failed.
    pub(crate) fn has_failed(&self) -> bool {
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

    fn circuit(longest: Duration) -> Circuit {
        Circuit::new(OpenTimes { first: FIVE, longest })
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_for_a_while_and_is_then_half_open_until_a_probe_decides() {
        let (circuit, start) = (circuit(FIVE), Clock::system().now());
        let after = |seconds: f64| start + Duration::from_secs_f64(seconds);
        assert_eq!((circuit.passage(start), circuit.is_proven(), circuit.has_failed()), (Passage::Free, false, false));
        circuit.close();
        assert!(circuit.is_proven());

        assert_eq!(circuit.open(start), Some(FIVE));
        assert_eq!(circuit.open(after(1.0)), None, "it is logged once, and stays open for longer");
        assert_eq!((circuit.is_proven(), circuit.has_failed()), (false, true));
        assert_eq!(circuit.passage(after(4.0)), Passage::Blocked(Duration::from_secs(2)));
        for seconds in [6.0, 7.0, 60.0] {
            assert_eq!(circuit.passage(after(seconds)), Passage::OneProbe, "no probe has decided anything");
        }
        assert!(circuit.has_failed());

        assert_eq!(circuit.open(after(61.0)), Some(FIVE), "a refused probe is logged");
        assert_eq!(circuit.passage(after(61.0)), Passage::Blocked(FIVE));
        assert_eq!(circuit.passage(after(66.0)), Passage::OneProbe);
        circuit.close();
        assert_eq!(circuit.passage(after(66.0)), Passage::Free);
    }

    #[tokio::test(start_paused = true)]
    async fn it_stays_open_for_twice_as_long_after_each_failed_probe_until_one_succeeds() {
        let (circuit, mut now) = (circuit(FIVE * 6), Clock::system().now());
        let mut fail = || {
            let period = circuit.open(now).unwrap();
            assert_eq!(circuit.open(now), None, "failures of requests that were under way do not double it");
            now = now + period;
            period.as_secs()
        };
        assert_eq!([fail(), fail(), fail(), fail(), fail()], [5, 10, 20, 30, 30]);
        circuit.close();
        assert_eq!(circuit.open(now), Some(FIVE));
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_probes_at_a_time() {
        let circuit = circuit(FIVE);
        let first = circuit.begin_probe().await;
        assert!(tokio::time::timeout(FIVE, circuit.begin_probe()).await.is_err());
        drop(first);
        assert!(tokio::time::timeout(FIVE, circuit.begin_probe()).await.is_ok());
    }
}
