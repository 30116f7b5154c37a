//! One cache entry: the newest value, the failure since, and the read under way.
//!
//! The age of a value counts from the begin of its read: the read shows what was written before that, no matter when its
//! answer arrives. Lambda may freeze a process in the middle of a read, and thaw it much later.

use std::time::Duration;

use purge_router_pipeline::Timestamp;
use tokio::sync::watch;

/// How old a read under way may be before it is abandoned: as old as the TTL, within these bounds. The SDK gives up earlier
/// than the upper bound, unless the process was frozen. The lower one lets a slow service answer when the TTL is zero.
const ABANDON_AFTER: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

/// One cache entry.
#[derive(Debug)]
pub(crate) struct Entry<V, E> {
    cached: Option<Cached<V>>,
    failure: Option<Failure<E>>,
    under_way: Option<UnderWay>,
}

/// A value, and when its read began.
#[derive(Debug)]
pub(crate) struct Cached<V> {
    pub(crate) began: Timestamp,
    pub(crate) value: V,
}

#[derive(Debug)]
struct Failure<E> {
    began: Timestamp,
    ended: Timestamp,
    error: E,
}

#[derive(Debug)]
struct UnderWay {
    began: Timestamp,
    end: ReadEnd,
}

/// The end of a read.
#[derive(Debug, Clone)]
pub(crate) struct ReadEnd(watch::Receiver<()>);

impl<V, E> Entry<V, E> {
    /// The newest value, of any age.
    pub(crate) fn cached(&self) -> Option<&Cached<V>> {
        self.cached.as_ref()
    }

    /// The last failure, if no later read succeeded.
    pub(crate) fn failure(&self) -> Option<&E> {
        self.failure.as_ref().map(|failure| &failure.error)
    }

    /// The failure that answers a caller who asked then, without another read: its read began after that, or it ended
    /// before that and is not older than the pause. A read that was frozen says nothing about the service now.
    pub(crate) fn failure_for(&self, asked: Timestamp, now: Timestamp, pause: impl Fn(&E) -> Duration) -> Option<&E> {
        let Failure { began, ended, error } = self.failure.as_ref()?;
        let is_recent = *ended <= asked && now - *ended < pause(error) && *ended - *began < ABANDON_AFTER.1;
        (*began >= asked || is_recent).then_some(error)
    }

    /// The read that callers may wait for, unless it is so old that it must have been frozen.
    pub(crate) fn read_under_way(&self, now: Timestamp, ttl: Duration) -> Option<ReadEnd> {
        let under_way = self.under_way.as_ref()?;
        let is_abandoned = now - under_way.began >= ttl.clamp(ABANDON_AFTER.0, ABANDON_AFTER.1);
        (!is_abandoned && !under_way.end.is_reached()).then(|| under_way.end.clone())
    }

    /// Registers a read that begins now, in place of an abandoned one. The read ends when the sender is dropped.
    pub(crate) fn begin_read(&mut self, now: Timestamp) -> (watch::Sender<()>, ReadEnd) {
        let (sender, receiver) = watch::channel(());
        let end = ReadEnd(receiver);
        self.under_way = Some(UnderWay { began: now, end: end.clone() });
        (sender, end)
    }

    /// Stores the value of a read, which may depend on the one before. Does nothing if a read that began later brought a
    /// value already.
    pub(crate) fn store(&mut self, began: Timestamp, value: impl FnOnce(Option<V>) -> V) {
        if self.cached.as_ref().is_some_and(|newest| newest.began > began) {
            return;
        }
        let before = self.cached.take().map(|cached| cached.value);
        self.cached = Some(Cached { began, value: value(before) });
        self.failure.take_if(|failure| failure.began <= began);
    }

    /// Stores the failure of a read. Does nothing, and returns false, if a read that began later has ended already.
    pub(crate) fn store_failure(&mut self, began: Timestamp, now: Timestamp, error: E) -> bool {
        let of_value = self.cached.as_ref().map(|cached| cached.began);
        let of_failure = self.failure.as_ref().map(|failure| failure.began);
        let is_newest = of_value.max(of_failure).is_none_or(|newest| newest <= began);
        if is_newest {
            self.failure = Some(Failure { began, ended: now, error });
        }
        is_newest
    }

    /// Drops the value, which is no longer true.
    pub(crate) fn drop_value(&mut self) {
        self.cached = None;
    }
}

impl<V, E> Default for Entry<V, E> {
    fn default() -> Self {
        Self { cached: None, failure: None, under_way: None }
    }
}

impl<V> Cached<V> {
    /// Whether a caller who asked then may use it: it is younger than the TTL, or was read since.
    pub(crate) fn is_fresh(&self, asked: Timestamp, now: Timestamp, ttl: Duration) -> bool {
        now - self.began < ttl || self.began >= asked
    }
}

impl ReadEnd {
    fn is_reached(&self) -> bool {
        self.0.has_changed().is_err()
    }

    /// Waits until the read has ended.
    pub(crate) async fn reached(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use purge_router_pipeline::Clock;

    use super::*;

    const TTL: Duration = Duration::from_secs(30);
    const PAUSE: Duration = Duration::from_secs(1);

    /// A time, in seconds from a common start.
    fn at(start: Timestamp, seconds: f64) -> Timestamp {
        start + Duration::from_secs_f64(seconds)
    }

    /// When a read began and ended, when a caller asked, and when it looks → whether the read's failure answers it.
    #[test]
    fn a_failure_answers_callers_of_the_same_time_only() {
        let start = Clock::system().now();
        for (began, ended, asked, now, expected) in [
            (1.0, 1.5, 1.0, 1.5, true),
            (1.0, 1.5, 1.6, 2.4, true),
            (1.0, 1.5, 1.6, 2.5, false),
            // It was under way already: it may have been frozen.
            (1.0, 1.5, 1.2, 1.5, false),
            // It was frozen.
            (1.0, 3601.0, 3601.1, 3601.2, false),
        ] {
            let mut entry = Entry::<(), ()>::default();
            entry.store_failure(at(start, began), at(start, ended), ());
            let answer = entry.failure_for(at(start, asked), at(start, now), |()| PAUSE);
            assert_eq!(answer.is_some(), expected, "{began} {ended} {asked} {now}");
        }
    }

    #[test]
    fn results_of_older_reads_replace_nothing() {
        let start = Clock::system().now();
        let mut entry = Entry::<&str, &str>::default();
        entry.store(at(start, 2.0), |_| "new");
        entry.store(at(start, 1.0), |_| "old");
        assert!(!entry.store_failure(at(start, 1.0), at(start, 3.0), "old"));
        assert_eq!((entry.cached().unwrap().value, entry.failure()), ("new", None));
        assert!(entry.store_failure(at(start, 4.0), at(start, 5.0), "new"));
        entry.store(at(start, 3.0), |_| "newer, but older than the failure");
        assert_eq!(entry.failure(), Some(&"new"));
        entry.store(at(start, 4.0), |_| "newest");
        assert_eq!(entry.failure(), None);
    }

    #[test]
    fn a_read_is_abandoned_after_the_ttl_within_bounds() {
        let start = Clock::system().now();
        for (ttl, seconds) in [(Duration::ZERO, 2.0), (Duration::from_secs(5), 5.0), (TTL, 10.0)] {
            let mut entry = Entry::<(), ()>::default();
            let (sender, _) = entry.begin_read(start);
            assert!(entry.read_under_way(at(start, seconds - 0.1), ttl).is_some(), "{ttl:?}");
            assert!(entry.read_under_way(at(start, seconds), ttl).is_none(), "{ttl:?}");
            drop(sender);
            assert!(entry.read_under_way(start, ttl).is_none(), "it has ended");
        }
    }
}
