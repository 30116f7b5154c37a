//! How long a message of the retry queue is hidden until its next receive.

use std::time::Duration;

/// The longest time until the next receive, whatever has failed.
const LONGEST: Duration = Duration::from_secs(300);

/// Exponential backoff by age: a message is hidden for a part of the time that it has been in the queue, so that waits
/// grow with what was waited already. Receives do not count: a message that waited for its rate limit has many, and its
/// first server error says nothing about its zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Backoff {
    /// The longest part of its age.
    of_age: f64,
    first: Duration,
}

impl Backoff {
    /// For what failed. Each wait is as long as all before it.
    pub(super) const FAILURE: Self = Self { of_age: 1.0, first: Duration::from_secs(10) };

    /// For what its rate limit did not let pass. Of a burst, enough messages have to be visible at each moment to use
    /// all that the limits allow, until the last one is purged.
    pub(super) const RATE_LIMIT: Self = Self { of_age: 0.02, first: Duration::from_secs(1) };

    /// For how long a message of this age is hidden, in whole seconds: equal jitter, so that the messages of one outage
    /// do not come back all at once. `random` is from 0 to 1.
    pub(super) fn after(self, age: Duration, random: f64) -> Duration {
        let longest = age.mul_f64(self.of_age).clamp(self.first, LONGEST);
        let seconds = longest.mul_f64(0.5 + random / 2.0).as_secs_f64().round();
        Duration::from_secs_f64(seconds.max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_hidden_for_a_part_of_its_age() {
        for (backoff, age, least, most) in [
            (Backoff::FAILURE, 0, 5, 10),
            (Backoff::FAILURE, 10, 5, 10),
            (Backoff::FAILURE, 20, 10, 20),
            (Backoff::FAILURE, 100, 50, 100),
            (Backoff::FAILURE, 300, 150, 300),
            (Backoff::FAILURE, 86_400, 150, 300),
            (Backoff::RATE_LIMIT, 0, 1, 1),
            (Backoff::RATE_LIMIT, 50, 1, 1),
            (Backoff::RATE_LIMIT, 100, 1, 2),
            (Backoff::RATE_LIMIT, 1000, 10, 20),
            (Backoff::RATE_LIMIT, 86_400, 150, 300),
        ] {
            let hidden = |random| backoff.after(Duration::from_secs(age), random).as_secs();
            assert_eq!((hidden(0.0), hidden(1.0)), (least, most), "{backoff:?} after {age} s");
        }
    }

    /// The template's `maxReceiveCount` and retention of the retry queue are chosen by these figures.
    #[test]
    fn a_thousand_receives_last_for_hours() {
        for (backoff, least, most) in [(Backoff::FAILURE, 41, 82), (Backoff::RATE_LIMIT, 20, 58)] {
            let hours = |random| {
                let age = (1..1000).fold(Duration::ZERO, |age, _| age + backoff.after(age, random));
                age.as_secs() / 3600
            };
            assert_eq!((hours(0.0), hours(1.0)), (least, most), "{backoff:?}");
        }
    }
}
