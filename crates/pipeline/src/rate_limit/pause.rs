//! A pause that Cloudflare asked for.
//!
//! If requests are refused again right after a pause, and none was accepted in between, the next pause is longer,
//! whatever the refused request asks for: each request of a zone counts only its own failures, and a large zone has
//! many.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// A pause right after another one lasts twice as long as that one, within these bounds.
const SHORTEST_REPEATED: Duration = Duration::from_secs(1);
const LONGEST_REPEATED: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Period>>);

#[derive(Debug, Clone, Copy)]
struct Period {
    from: Timestamp,
    until: Timestamp,
}

impl Pause {
    /// Pauses from now until this time. A shorter pause does not end a longer one.
    pub(super) fn extend(&self, now: Timestamp, until: Timestamp) {
        let mut pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = match *pause {
            Some(last) if now < last.until => Some(Period { until: last.until.max(until), ..last }),
            Some(last) => Some(Period { from: now, until: until.max(now + repeated(last, now)) }),
            None => Some(Period { from: now, until }),
        };
    }

    /// A request was accepted. After the end of a pause, that shows that the pause was long enough.
    pub(super) fn accepted(&self, now: Timestamp) {
        let mut pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = pause.filter(|last| now < last.until);
    }

    /// The end of the last pause, which may have passed.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|period| period.until)
    }
}

/// How long a pause after this one lasts at least. A pause that ended longer ago than it lasted does not count.
fn repeated(last: Period, now: Timestamp) -> Duration {
    let length = (last.until - last.from).max(SHORTEST_REPEATED / 2);
    if now - last.until > length {
        return Duration::ZERO;
    }
    (length * 2).clamp(SHORTEST_REPEATED, LONGEST_REPEATED)
}
