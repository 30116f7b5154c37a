//! This instance's part of the rate of each bucket, which depends on what it does.
//!
//! All instances together must keep each rate, and none knows what the others do. A small part of a rate belongs to new
//! messages. The rest belongs to the instances that retry, because a burst waits there, and the event source bounds how
//! many they are. Those that retry at a moment divide it evenly.
//!
//! ```text
//! rate  ├─ new messages ─┬──────────── retries ────────────────┤
//!       │ / instances    │ / instances that may retry at once  │
//!       │ for them       │                                     │
//! ```
//!
//! A slow rate is divided evenly instead, whatever an instance does: retries that wait for minutes do not run meanwhile,
//! and would lose their part.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use purge_router_core::limits::LimitClass;

use crate::clock::{Clock, Timestamp};
use crate::patience::Work;

/// The part of each rate that is for new messages. Decision 34 has the reasons.
const OF_NEW_MESSAGES: f64 = 0.05;

#[derive(Debug)]
pub(crate) struct Share {
    clock: Clock,
    instances: NonZeroU32,
    parts: Parts,
    start: Timestamp,
    state: Mutex<State>,
}

/// How a rate is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Division {
    Even,
    ByWork,
}

/// Which part of a rate one instance has if it is divided by work.
#[derive(Debug, Clone, Copy)]
struct Parts {
    retrying: f64,
    /// While a caller waits for it.
    direct: f64,
    new_or_idle: f64,
}

#[derive(Debug)]
struct State {
    /// How many seconds of a whole rate this instance has had until `at`.
    accrued: f64,
    at: Timestamp,
    running: Vec<Work>,
}

/// Some work is running until this is dropped.
#[derive(Debug)]
pub(crate) struct Running<'s> {
    share: &'s Share,
    work: Work,
}

impl Division {
    /// A purge by URL waits for a fraction of a second; the others may wait for minutes.
    pub(super) fn of(class: LimitClass) -> Self {
        match class {
            LimitClass::Urls => Self::ByWork,
            LimitClass::Requests => Self::Even,
        }
    }
}

impl Parts {
    /// All instances have the same part at all times if none is for retries.
    fn new(instances: NonZeroU32, retrying: u32) -> Self {
        let even = 1.0 / f64::from(instances.get());
        if retrying == 0 {
            return Self { retrying: even, direct: even, new_or_idle: even };
        }
        let others = instances.get().saturating_sub(retrying).max(1);
        Self {
            retrying: (1.0 - OF_NEW_MESSAGES) / f64::from(retrying),
            direct: even,
            new_or_idle: OF_NEW_MESSAGES / f64::from(others),
        }
    }

    fn of(self, work: Work) -> f64 {
        match work {
            Work::Retries => self.retrying,
            Work::Direct => self.direct,
            Work::New => self.new_or_idle,
        }
    }
}

impl Share {
    /// The share of one of this many instances, of which at most `retrying` retry at once; zero if there is no queue for
    /// retries.
    pub(crate) fn new(instances: NonZeroU32, retrying: u32, clock: Clock) -> Self {
        let start = clock.now();
        let state = State { accrued: 0.0, at: start, running: Vec::new() };
        Self { clock, instances, parts: Parts::new(instances, retrying), start, state: Mutex::new(state) }
    }

    pub(super) fn instances(&self) -> NonZeroU32 {
        self.instances
    }

    /// Some work begins.
    pub(crate) fn run(&self, work: Work) -> Running<'_> {
        self.state_now().running.push(work);
        Running { share: self, work }
    }

    /// How many seconds of a whole rate this instance has had.
    pub(super) fn accrued(&self, division: Division) -> f64 {
        match division {
            Division::Even => (self.clock.now() - self.start).as_secs_f64() * self.even(),
            Division::ByWork => self.state_now().accrued,
        }
    }

    /// Which part of a rate this instance has at present.
    pub(super) fn part(&self, division: Division) -> f64 {
        match division {
            Division::Even => self.even(),
            Division::ByWork => self.part_of(&self.state_now()),
        }
    }

    fn even(&self) -> f64 {
        1.0 / f64::from(self.instances.get())
    }

    fn part_of(&self, state: &State) -> f64 {
        state.running.iter().map(|work| self.parts.of(*work)).fold(self.parts.new_or_idle, f64::max)
    }

    fn state_now(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        state.accrued += (now - state.at).as_secs_f64() * self.part_of(&state);
        state.at = now;
        state
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.share.state_now();
        if let Some(index) = state.running.iter().position(|work| *work == self.work) {
            state.running.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::test_support::paused_clock;

    fn share(instances: u32, retrying: u32) -> Share {
        Share::new(NonZeroU32::new(instances).unwrap(), retrying, paused_clock())
    }

    /// Lets time pass, and returns how many seconds of a whole rate the share has had meanwhile.
    async fn accrued_in(share: &Share, seconds: u64) -> f64 {
        let before = share.accrued(Division::ByWork);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        ((share.accrued(Division::ByWork) - before) * 1000.0).round() / 1000.0
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_depends_on_what_runs() {
        for (instances, retrying, new_or_idle, retries, direct) in [
            (1, 0, 1.0, 1.0, 1.0),
            (4, 0, 0.25, 0.25, 0.25),
            (4, 2, 0.025, 0.475, 0.25),
            (20, 4, 0.05 / 16.0, 0.2375, 0.05),
            (2, 2, 0.05, 0.475, 0.5),
        ] {
            let share = share(instances, retrying);
            let part_while = |work| {
                let _running = share.run(work);
                assert_eq!(share.part(Division::Even), 1.0 / f64::from(instances));
                share.part(Division::ByWork)
            };
            for (part, expected) in [
                (share.part(Division::ByWork), new_or_idle),
                (part_while(Work::New), new_or_idle),
                (part_while(Work::Retries), retries),
                (part_while(Work::Direct), direct),
                (share.part(Division::ByWork), new_or_idle),
            ] {
                assert!((part - expected).abs() < 1e-9, "{instances} and {retrying}: {part}, not {expected}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_time_in_which_retries_run_counts_for_them() {
        let share = share(4, 2);
        assert_eq!(accrued_in(&share, 10).await, 0.25);
        let retries = share.run(Work::Retries);
        assert_eq!(accrued_in(&share, 10).await, 4.75);
        let new = share.run(Work::New);
        assert_eq!(accrued_in(&share, 10).await, 4.75, "what runs beside it takes nothing away");
        drop(retries);
        assert_eq!(accrued_in(&share, 10).await, 0.25);
        drop(new);
        assert_eq!(accrued_in(&share, 10).await, 0.25);
        assert_eq!(share.accrued(Division::Even), 12.5);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However long batches and the gaps between them are, and whichever instances get them.
        #[test]
        fn all_instances_together_keep_the_rate(
            turns in prop::collection::vec((1u64..6000, 0u64..3000, prop::sample::subsequence(vec![0, 1, 2, 3, 4], 2)), 1..60),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.unwrap().block_on(async {
                let shares: Vec<Share> = (0..5).map(|_| share(5, 2)).collect();
                let mut elapsed = 0;
                for (batch, gap, instances) in turns {
                    let retries: Vec<Running> = instances.iter().map(|index| shares[*index].run(Work::Retries)).collect();
                    tokio::time::sleep(Duration::from_millis(batch)).await;
                    drop(retries);
                    tokio::time::sleep(Duration::from_millis(gap)).await;
                    elapsed += batch + gap;
                }
                let all: f64 = shares.iter().map(|share| share.accrued(Division::ByWork)).sum();
                let seconds = elapsed as f64 / 1000.0;
                assert!(all <= seconds + 1e-6, "{all} of {seconds} s");
            });
        }
    }
}
