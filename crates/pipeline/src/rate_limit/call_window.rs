//! One instance's share of a limit of the client: at most so many requests in any period.
//!
//! Cloudflare does not say how it counts these, so no period may hold more than the limit, wherever it begins. A token
//! bucket that keeps this promise has half the rate, because a full bucket and a period's refill may fall into one
//! period.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use purge_router_core::limits::CallLimit;

use super::bucket::AfterDeadline;
use crate::clock::{Clock, Timestamp};

/// How much of the limit is used. The rest is for requests that arrive closer together than they were sent, and for
/// calls that the caller makes elsewhere.
const USED: f64 = 0.9;

/// Into how many slots a period is divided. Requests of one slot are forgotten together, when the last of them may be.
const SLOTS: u32 = 50;

#[derive(Debug)]
pub(super) struct CallWindow {
    clock: Clock,
    calls: u32,
    period: Duration,
    slots: tokio::sync::Mutex<VecDeque<Slot>>,
}

/// The requests of a short time.
#[derive(Debug)]
struct Slot {
    from: Timestamp,
    calls: u32,
}

impl CallWindow {
    /// A window that has seen no request. A share of less than one request is one in a longer period.
    pub(super) fn new(limit: CallLimit, instances: NonZeroU32, clock: Clock) -> Self {
        let share = f64::from(limit.calls) * USED / f64::from(instances.get());
        let slots = tokio::sync::Mutex::new(VecDeque::new());
        match share < 1.0 {
            true => Self { clock, calls: 1, period: limit.period.div_f64(share), slots },
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between one and the limit")]
            false => Self { clock, calls: share as u32, period: limit.period, slots },
        }
    }

    /// Waits until one more request may be sent. Waiters queue at the lock, which is fair.
    pub(super) async fn acquire(&self, deadline: Timestamp) -> Result<(), AfterDeadline> {
        let mut slots = self.clock.timeout_at(deadline, self.slots.lock()).await.map_err(|_| AfterDeadline::Full)?;
        while let Some(until) = self.full_until(&mut slots) {
            if until >= deadline {
                return Err(AfterDeadline::Full);
            }
            self.clock.sleep_until(until).await;
        }
        let now = self.clock.now();
        match slots.back_mut() {
            Some(slot) if now - slot.from < self.slot_length() => slot.calls += 1,
            _ => slots.push_back(Slot { from: now, calls: 1 }),
        }
        Ok(())
    }

    /// Whether a request may be sent before the deadline, as far as that is known now. Takes nothing.
    pub(super) fn may_admit_before(&self, deadline: Timestamp) -> bool {
        let Ok(mut slots) = self.slots.try_lock() else { return true };
        self.full_until(&mut slots).is_none_or(|until| until < deadline)
    }

    /// When the next request may be sent, if not now.
    fn full_until(&self, slots: &mut VecDeque<Slot>) -> Option<Timestamp> {
        let now = self.clock.now();
        let forgotten_at = |slot: &Slot| slot.from + self.slot_length() + self.period;
        while slots.front().is_some_and(|slot| forgotten_at(slot) <= now) {
            slots.pop_front();
        }
        let calls: u32 = slots.iter().map(|slot| slot.calls).sum();
        slots.front().filter(|_| calls >= self.calls).map(forgotten_at)
    }

    fn slot_length(&self) -> Duration {
        self.period / SLOTS
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use purge_router_core::limits::{CALLS_PER_ADDRESS, CALLS_PER_CALLER};

    use super::*;
    use crate::test_support::{frozen_clock, paused_clock};

    fn window(limit: CallLimit, instances: u32) -> CallWindow {
        CallWindow::new(limit, NonZeroU32::new(instances).unwrap(), paused_clock())
    }

    /// How many requests pass in this time.
    async fn passed_within(window: &CallWindow, time: Duration) -> u32 {
        let deadline = window.clock.now() + time;
        let mut passed = 0;
        while window.acquire(deadline).await.is_ok() {
            passed += 1;
        }
        passed
    }

    #[tokio::test(start_paused = true)]
    async fn a_period_has_at_most_the_share_and_nearly_all_of_it_is_used() {
        for (limit, instances, calls) in [
            (CALLS_PER_ADDRESS, 1, 180),
            (CALLS_PER_ADDRESS, 4, 45),
            (CALLS_PER_CALLER, 1, 1080),
            (CALLS_PER_CALLER, 4, 270),
        ] {
            let window = window(limit, instances);
            let passed = passed_within(&window, 10 * limit.period).await;
            assert!((calls * 98 / 10..=calls * 10).contains(&passed), "{limit:?} / {instances}: {passed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn shares_of_less_than_one_request_are_kept_too() {
        let window = window(CALLS_PER_ADDRESS, 360);
        assert_eq!(passed_within(&window, Duration::from_secs(21)).await, 11, "one in two seconds, and a bit");
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_to_wait_beyond_the_deadline_fails_at_once_and_takes_nothing() {
        let window = window(CALLS_PER_CALLER, 4);
        let (start, second) = (window.clock.now(), Duration::from_secs(1));
        assert_eq!(passed_within(&window, second).await, 270);
        assert!(!window.may_admit_before(start + 299 * second) && window.may_admit_before(start + 307 * second));
        assert_eq!(window.acquire(start + 299 * second).await, Err(AfterDeadline::Full));
        assert!(window.clock.now() - start < second);
        assert_eq!(window.acquire(start + 307 * second).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_freeze_counts() {
        let (clock, freeze) = frozen_clock();
        let window = CallWindow::new(CALLS_PER_CALLER, NonZeroU32::MIN, clock);
        assert_eq!(passed_within(&window, Duration::from_secs(1)).await, 1080);
        freeze(Duration::from_secs(310));
        assert_eq!(passed_within(&window, Duration::from_secs(1)).await, 1080);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_period_has_more_wherever_it_begins(pauses in prop::collection::vec(0u64..40, 1..600), instances in 1u32..12) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.unwrap().block_on(async {
                let window = window(CALLS_PER_ADDRESS, instances);
                let mut sent = Vec::new();
                for pause in pauses {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    window.acquire(window.clock.now() + Duration::from_secs(60)).await.unwrap();
                    sent.push(window.clock.now());
                }
                for (index, from) in sent.iter().enumerate() {
                    let in_period = sent[index..].iter().take_while(|at| **at - *from < CALLS_PER_ADDRESS.period);
                    assert!(in_period.count() <= window.calls as usize);
                }
            });
        }
    }
}
