//! This instance's share of every limit, which depends on what it does.
//!
//! All instances together must keep each limit, and none knows what the others do. A small part belongs to new work. The
//! rest belongs to the instances that retry, because a burst waits there, and the event source bounds how many they are.
//! Those that retry at a moment share that part evenly.
//!
//! ```text
//! limit ├─ new work ─────┬──────────── retries ────────────────┤
//!       │ / instances    │ / instances that may retry at once  │
//!       │ of new work    │                                     │
//! ```

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::patience::Work;

/// What is for new work: of each rate, and of each bucket. Decision 34 has the reasons.
const FOR_NEW_WORK: Part = Part { of_rate: 0.05, of_bucket: 0.25 };

/// How long an instance that retries may wait for its next batch: an event source collects messages for a second. The
/// instance keeps its part for that time.
const BETWEEN_BATCHES: Duration = Duration::from_millis(1500);

#[derive(Debug)]
pub(crate) struct Share {
    clock: Clock,
    instances: NonZeroU32,
    parts: Parts,
    state: Mutex<State>,
}

/// A part of every limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) of_rate: f64,
    pub(super) of_bucket: f64,
}

/// Which part one instance has.
#[derive(Debug, Clone, Copy)]
struct Parts {
    /// While it retries.
    retrying: Part,
    /// While a caller waits for it.
    direct: Part,
    /// Otherwise, also while it does nothing.
    otherwise: Part,
}

#[derive(Debug)]
struct State {
    /// How many seconds of the whole rate this instance has had until `at`.
    seconds: f64,
    at: Timestamp,
    running: Vec<Work>,
    /// When it last ended a retry.
    retried_until: Option<Timestamp>,
}

/// Some work is running until this is dropped.
#[derive(Debug)]
pub(crate) struct Running<'s> {
    share: &'s Share,
    work: Work,
}

impl Part {
    const WHOLE: Self = Self { of_rate: 1.0, of_bucket: 1.0 };

    fn divided_by(self, instances: u32) -> Self {
        let by = f64::from(instances);
        Self { of_rate: self.of_rate / by, of_bucket: self.of_bucket / by }
    }
}

impl Parts {
    /// All instances have the same part at all times if none is for retries.
    fn new(instances: NonZeroU32, retrying: u32) -> Self {
        let even = Part::WHOLE.divided_by(instances.get());
        if retrying == 0 {
            return Self { retrying: even, direct: even, otherwise: even };
        }
        let new = FOR_NEW_WORK;
        let retries = Part { of_rate: 1.0 - new.of_rate, of_bucket: 1.0 - new.of_bucket };
        let of_new_work = instances.get().saturating_sub(retrying).max(1);
        Self { retrying: retries.divided_by(retrying), direct: even, otherwise: new.divided_by(of_new_work) }
    }

    fn of(self, work: Work) -> Part {
        match work {
            Work::Retries => self.retrying,
            Work::Direct => self.direct,
            Work::New => self.otherwise,
        }
    }
}

impl Share {
    /// The share of one of this many instances, of which at most `retrying` retry at once; zero if there is no queue for
    /// retries.
    pub(crate) fn new(instances: NonZeroU32, retrying: u32, clock: Clock) -> Self {
        let state = State { seconds: 0.0, at: clock.now(), running: Vec::new(), retried_until: None };
        Self { clock, instances, parts: Parts::new(instances, retrying), state: Mutex::new(state) }
    }

    pub(super) fn instances(&self) -> NonZeroU32 {
        self.instances
    }

    /// Some work begins.
    pub(crate) fn run(&self, work: Work) -> Running<'_> {
        let mut state = self.state_now();
        if work == Work::Retries && !state.running.contains(&work) {
            let since_the_last = state.retried_until.map(|until| state.at - until);
            let since_the_last = since_the_last.filter(|time| *time <= BETWEEN_BATCHES).unwrap_or_default();
            state.seconds +=
                since_the_last.as_secs_f64() * (self.parts.retrying.of_rate - self.parts.otherwise.of_rate);
        }
        state.running.push(work);
        Running { share: self, work }
    }

    /// How many seconds of the whole rate this instance has had.
    pub(super) fn seconds(&self) -> f64 {
        self.state_now().seconds
    }

    /// Which part this instance has at present.
    pub(super) fn part(&self) -> Part {
        self.part_of(&self.state_now())
    }

    fn part_of(&self, state: &State) -> Part {
        let larger = |one: Part, other: Part| if other.of_rate > one.of_rate { other } else { one };
        state.running.iter().map(|work| self.parts.of(*work)).fold(self.parts.otherwise, larger)
    }

    fn state_now(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        state.seconds += (now - state.at).as_secs_f64() * self.part_of(&state).of_rate;
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
        if self.work == Work::Retries {
            state.retried_until = Some(state.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::paused_clock;

    fn share(instances: u32, retrying: u32) -> Share {
        Share::new(NonZeroU32::new(instances).unwrap(), retrying, paused_clock())
    }

    /// Lets time pass, and returns how many seconds of the whole rate the share has had meanwhile.
    async fn had_in(share: &Share, seconds: u64) -> f64 {
        let before = share.seconds();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        ((share.seconds() - before) * 1000.0).round() / 1000.0
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_depends_on_what_runs() {
        for (instances, retrying, otherwise, retries, direct) in [
            (1, 0, (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)),
            (4, 0, (0.25, 0.25), (0.25, 0.25), (0.25, 0.25)),
            (4, 2, (0.025, 0.125), (0.475, 0.375), (0.25, 0.25)),
            (20, 4, (0.05 / 16.0, 0.25 / 16.0), (0.2375, 0.1875), (0.05, 0.05)),
            (2, 2, (0.05, 0.25), (0.475, 0.375), (0.5, 0.5)),
        ] {
            let share = share(instances, retrying);
            let part_while = |work| {
                let _running = share.run(work);
                share.part()
            };
            for (part, (of_rate, of_bucket)) in [
                (share.part(), otherwise),
                (part_while(Work::New), otherwise),
                (part_while(Work::Retries), retries),
                (part_while(Work::Direct), direct),
                (share.part(), otherwise),
            ] {
                let is_as_expected = (part.of_rate - of_rate).abs() + (part.of_bucket - of_bucket).abs() < 1e-9;
                assert!(is_as_expected, "{instances} and {retrying}: {part:?}, not {of_rate} and {of_bucket}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_time_in_which_retries_run_counts_for_them() {
        let share = share(4, 2);
        assert_eq!(had_in(&share, 10).await, 0.25);
        let retries = share.run(Work::Retries);
        assert_eq!(had_in(&share, 10).await, 4.75);
        let new = share.run(Work::New);
        assert_eq!(had_in(&share, 10).await, 4.75, "what runs beside it takes nothing away");
        drop(retries);
        assert_eq!(had_in(&share, 10).await, 0.25);
        drop(new);
        assert_eq!(had_in(&share, 10).await, 0.25);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_between_two_batches_counts_too_if_it_is_short() {
        for (milliseconds, seconds) in [(0, 0.0), (1000, 0.475), (1500, 0.712), (1501, 0.038), (10_000, 0.25)] {
            let share = share(4, 2);
            drop(share.run(Work::Retries));
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            let _new = share.run(Work::New);
            let _retries = share.run(Work::Retries);
            let had = (share.seconds() * 1000.0).round() / 1000.0;
            assert_eq!(had, seconds, "{milliseconds} ms");
        }
    }

    /// However the batches are spread over the instances, if the event source collects messages for a second.
    #[tokio::test(start_paused = true)]
    async fn all_instances_together_keep_the_rate() {
        let shares: Vec<Share> = (0..5).map(|_| share(5, 2)).collect();
        for turn in 0..50 {
            let retries = [shares[turn % 5].run(Work::Retries), shares[(turn * 2 + 1) % 5].run(Work::Retries)];
            let new = [shares[(turn + 2) % 5].run(Work::New), shares[(turn * 3) % 5].run(Work::New)];
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop((retries, new));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let all: f64 = shares.iter().map(Share::seconds).sum();
        assert!((200.0..=300.0).contains(&all), "{all} of 300 s");
    }
}
