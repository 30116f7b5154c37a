//! A circuit breaker: after a failure, nothing is sent until the circuit is half-open; one probe then closes it or
//! opens it again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

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
    state: Mutex<CircuitState>,
    /// Held by the one request that probes while the circuit is half-open.
    probe: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CircuitState {
    /// Requests pass. It is proven if the last one succeeded.
    Closed { is_proven: bool },
    /// No request passes until then. `period` is how long it is open in all.
    Open { until: Timestamp, period: Duration },
    /// One request at a time passes, as a probe. `period` is how long the circuit was open.
    HalfOpen { period: Duration },
}

/// A permit to send a request, until it is dropped. A half-open circuit issues one at a time, for a probe.
#[derive(Debug)]
#[must_use]
pub(crate) struct CircuitPass<'c>(Option<ProbeGuard<'c>>);

type ProbeGuard<'c> = tokio::sync::MutexGuard<'c, ()>;

/// The circuit is open for this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CircuitOpen(pub(crate) Duration);

impl CircuitPass<'_> {
    pub(crate) const WITHOUT_PROBE: Self = Self(None);
}

impl Circuit {
    /// A closed circuit that is not proven yet.
    pub(crate) fn new(times: OpenTimes) -> Self {
        let state = Mutex::new(CircuitState::Closed { is_proven: false });
        Self { times, state, probe: tokio::sync::Mutex::default() }
    }

    pub(crate) fn state(&self, now: Timestamp) -> CircuitState {
        *self.state_at(now)
    }

    /// Lets a request pass. While another request probes, of this event or another one, this waits for its result.
    pub(crate) async fn enter(&self, clock: &Clock) -> Result<CircuitPass<'_>, CircuitOpen> {
        if let Some(decided) = self.pass_without_probe(clock.now()) {
            return decided;
        }
        let probe = self.probe.lock().await;
        // The probe that this one waited for may have closed or opened the circuit.
        self.pass_without_probe(clock.now()).unwrap_or(Ok(CircuitPass(Some(probe))))
    }

    /// `None` if the circuit is half-open.
    fn pass_without_probe(&self, now: Timestamp) -> Option<Result<CircuitPass<'_>, CircuitOpen>> {
        match self.state(now) {
            CircuitState::Closed { .. } => Some(Ok(CircuitPass::WITHOUT_PROBE)),
            CircuitState::Open { until, .. } => Some(Err(CircuitOpen(until - now))),
            CircuitState::HalfOpen { .. } => None,
        }
    }

    /// A request succeeded.
    pub(crate) fn close(&self) {
        *self.lock() = CircuitState::Closed { is_proven: true };
    }

    /// A request failed. Returns for how long no request passes, if the circuit was not open already.
    pub(crate) fn open(&self, now: Timestamp, pass: &CircuitPass<'_>) -> Option<Duration> {
        let mut state = self.state_at(now);
        let (period, was_open) = match *state {
            CircuitState::Closed { .. } => (self.times.first, false),
            CircuitState::Open { period, .. } => (period, true),
            CircuitState::HalfOpen { period } if pass.0.is_some() => ((period * 2).min(self.times.longest), false),
            // It was sent before the circuit was half-open, so this is no failed probe.
            CircuitState::HalfOpen { period } => (period, false),
        };
        *state = CircuitState::Open { until: now + period, period };
        (!was_open).then_some(period)
    }

    pub(crate) fn is_proven(&self) -> bool {
        matches!(*self.lock(), CircuitState::Closed { is_proven: true })
    }

    /// Whether the last request failed.
    pub(crate) fn has_failed(&self) -> bool {
        !matches!(*self.lock(), CircuitState::Closed { .. })
    }

    /// The state: an open circuit is half-open as soon as its period has passed.
    fn state_at(&self, now: Timestamp) -> MutexGuard<'_, CircuitState> {
        let mut state = self.lock();
        if let CircuitState::Open { until, period } = *state
            && until <= now
        {
            *state = CircuitState::HalfOpen { period };
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, CircuitState> {
        // The state is replaced in one assignment, so a poisoned one is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::test_support::paused_clock;

    const FIVE: Duration = Duration::from_secs(5);

    fn circuit(longest: Duration) -> Circuit {
        Circuit::new(OpenTimes { first: FIVE, longest })
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_open_then_half_open_until_a_probe_decides() {
        let (circuit, start) = (circuit(FIVE), paused_clock().now());
        let after = |seconds: f64| start + Duration::from_secs_f64(seconds);
        assert_eq!(circuit.state(start), CircuitState::Closed { is_proven: false });
        assert_eq!((circuit.is_proven(), circuit.has_failed()), (false, false));
        circuit.close();
        assert!(circuit.is_proven());

        assert_eq!(circuit.open(start, &CircuitPass::WITHOUT_PROBE), Some(FIVE));
        assert_eq!(
            circuit.open(after(1.0), &CircuitPass::WITHOUT_PROBE),
            None,
            "it is logged once, and stays open for longer"
        );
        assert_eq!((circuit.is_proven(), circuit.has_failed()), (false, true));
        assert_eq!(circuit.state(after(5.9)), CircuitState::Open { until: after(6.0), period: FIVE });
        for seconds in [6.0, 7.0, 60.0] {
            assert_eq!(circuit.state(after(seconds)), CircuitState::HalfOpen { period: FIVE }, "nothing was decided");
        }
        assert!(circuit.has_failed());

        assert_eq!(circuit.open(after(61.0), &CircuitPass::WITHOUT_PROBE), Some(FIVE), "a refused probe is logged");
        assert_eq!(circuit.state(after(61.0)), CircuitState::Open { until: after(66.0), period: FIVE });
        circuit.close();
        assert_eq!(circuit.state(after(66.0)), CircuitState::Closed { is_proven: true });
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_open_for_twice_as_long_after_each_failed_probe_until_one_succeeds() {
        let (circuit, clock) = (circuit(FIVE * 6), paused_clock());
        let fail = async || {
            let pass = circuit.enter(&clock).await.unwrap();
            let period = circuit.open(clock.now(), &pass).unwrap();
            assert_eq!(circuit.open(clock.now(), &pass), None, "failures of requests in flight do not double it");
            advance(period).await;
            period.as_secs()
        };
        for seconds in [5, 10, 20, 30, 30] {
            assert_eq!(fail().await, seconds);
        }
        circuit.close();
        assert_eq!(fail().await, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_probe_that_fails_doubles_the_period() {
        let (circuit, clock) = (circuit(FIVE * 6), paused_clock());
        _ = circuit.open(clock.now(), &CircuitPass::WITHOUT_PROBE);
        advance(FIVE).await;
        let late = circuit.open(clock.now(), &CircuitPass::WITHOUT_PROBE);
        assert_eq!(late, Some(FIVE), "a request that was sent before the circuit opened");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_enter_a_closed_circuit_and_not_an_open_one() {
        let (circuit, clock) = (circuit(FIVE), paused_clock());
        let (first, second) = (circuit.enter(&clock).await, circuit.enter(&clock).await);
        assert!(first.is_ok() && second.is_ok(), "at the same time");
        _ = circuit.open(clock.now(), &CircuitPass::WITHOUT_PROBE);
        advance(Duration::from_secs(2)).await;
        assert_eq!(circuit.enter(&clock).await.unwrap_err(), CircuitOpen(Duration::from_secs(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_probes_and_the_others_wait_for_its_result() {
        type Decide = fn(&Circuit, &Clock);
        let cases: [(Decide, Result<(), CircuitOpen>); 3] = [
            (|circuit, _| circuit.close(), Ok(())),
            (|circuit, clock| _ = circuit.open(clock.now(), &CircuitPass::WITHOUT_PROBE), Err(CircuitOpen(FIVE))),
            // The probe ended without a result: the next request probes.
            (|_, _| (), Ok(())),
        ];
        for (decide, expected) in cases {
            let (circuit, clock) = (circuit(FIVE), paused_clock());
            _ = circuit.open(clock.now(), &CircuitPass::WITHOUT_PROBE);
            advance(FIVE).await;
            let probe = circuit.enter(&clock).await.unwrap();
            let second = circuit.enter(&clock);
            tokio::pin!(second);
            assert!(timeout(FIVE, &mut second).await.is_err(), "it waits");
            decide(&circuit, &clock);
            drop(probe);
            assert_eq!(second.await.map(drop), expected);
        }
    }
}
