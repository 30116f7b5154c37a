//! How long a message of the retry queue is hidden until its next receive.

use std::time::Duration;

/// The longest time until the next receive, whatever has failed.
const LONGEST: Duration = Duration::from_secs(300);

/// How much longer each wait is at least than the one before. SQS allows 1,000 receives, which have to last for hours.
const GROWTH: f64 = 1.05;

/// How the time for which a message is hidden grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hiding {
    /// For what failed: each wait is as long as all before it together. Receives hardly count, because a message that was
    /// queued at a rate limit has many, and its first server error says nothing about its zone.
    Failed,
    /// For what waits behind other requests at a rate limit. Of a burst, enough messages have to be visible at each moment
    /// to use all that the limit allows, until the last one is purged. So waits grow slowly.
    Queued,
}

impl Hiding {
    /// For how long a message is hidden that has been in the queue for this long, in whole seconds: equal jitter, so that
    /// the messages of one outage do not come back all at once. `random` is from 0 to 1. What is queued has `waited` for its turn
    /// since its receive, and that counts: else instances would wait for messages while a limit is not used up.
    pub(super) fn after(self, age: Duration, receives: u32, waited: Duration, random: f64) -> Duration {
        let least = Duration::from_secs_f64(GROWTH.powi(receives.min(200).cast_signed()));
        let (longest, waited) = match self {
            Self::Failed => (least.max(age).max(Duration::from_secs(10)), Duration::ZERO),
            Self::Queued => (least, waited),
        };
        let seconds = longest.min(LONGEST).mul_f64(0.5 + random / 2.0).as_secs_f64().round().max(1.0);
        Duration::from_secs_f64((seconds - waited.as_secs_f64()).round().max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_queued_has_waited_for_its_turn() {
        for (hiding, waited, receives, least, most) in [
            (Hiding::Queued, 0.4, 1, 1, 1),
            (Hiding::Queued, 4.0, 1, 0, 0),
            (Hiding::Queued, 4.0, 60, 5, 15),
            (Hiding::Failed, 4.0, 1, 5, 10),
        ] {
            let hidden =
                |random| hiding.after(Duration::ZERO, receives, Duration::from_secs_f64(waited), random).as_secs_f64();
            let expected = (f64::from(least), f64::from(most));
            assert_eq!((hidden(0.0), hidden(1.0)), expected, "{hiding:?} after {waited} s and {receives} receives");
        }
    }

    #[test]
    fn what_failed_is_hidden_for_its_age_and_what_is_queued_by_its_receives() {
        for (hiding, age, receives, least, most) in [
            (Hiding::Failed, 0, 1, 5, 10),
            (Hiding::Failed, 10, 20, 5, 10),
            (Hiding::Failed, 20, 1, 10, 20),
            (Hiding::Failed, 100, 20, 50, 100),
            (Hiding::Failed, 300, 5, 150, 300),
            (Hiding::Failed, 86_400, 1000, 150, 300),
            (Hiding::Failed, 0, u32::MAX, 150, 300),
            (Hiding::Queued, 0, 1, 1, 1),
            (Hiding::Queued, 86_400, 10, 1, 2),
            (Hiding::Queued, 100, 30, 2, 4),
            (Hiding::Queued, 1000, 60, 9, 19),
            (Hiding::Queued, 0, 120, 150, 300),
        ] {
            let hidden = |random| hiding.after(Duration::from_secs(age), receives, Duration::ZERO, random).as_secs();
            assert_eq!((hidden(0.0), hidden(1.0)), (least, most), "{hiding:?} after {age} s and {receives} receives");
        }
    }

    /// The template's `maxReceiveCount` and retention of the retry queue are chosen by these figures.
    #[test]
    fn receives_last_for_hours() {
        for (hiding, clock_is_right, in_event, receives, least, most) in [
            (Hiding::Failed, true, 0.0, 1000, 41, 82),
            (Hiding::Failed, false, 0.0, 1000, 37, 75),
            (Hiding::Failed, true, 0.0, 500, 20, 41),
            (Hiding::Queued, true, 0.0, 1000, 37, 75),
            (Hiding::Queued, true, 4.4, 1000, 37, 75),
            (Hiding::Queued, true, 0.0, 500, 16, 33),
        ] {
            let hours = |random| {
                let mut waited = Duration::ZERO;
                for receive in 1..receives {
                    let age = if clock_is_right { waited } else { Duration::ZERO };
                    let in_event = Duration::from_secs_f64(in_event);
                    waited += in_event + hiding.after(age, receive, in_event, random);
                }
                waited.as_secs() / 3600
            };
            assert_eq!((hours(0.0), hours(1.0)), (least, most), "{hiding:?}, {clock_is_right}, {in_event}, {receives}");
        }
    }
}
