//! One cache entry: the newest value, the failure since, and the read under way.
//!
//! The age of a value counts from the start of its read: the read shows what was written before that, no matter when
//! its answer arrives. Lambda may freeze a process in the middle of a read, and thaw it much later.

use std::time::Duration;

use purge_router_pipeline::Timestamp;
use tokio::sync::watch;

/// How old a read under way may be before it is abandoned: as old as the TTL, within these bounds. The SDK gives up
/// earlier than the upper bound, unless the process was frozen. The lower one lets a slow service answer when the TTL
/// is zero.
const ABANDON_AFTER: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

/// One cache entry.
#[derive(Debug)]
pub(crate) struct Entry<V, E> {
    cached: Option<Cached<V>>,
    failure: Option<Failure<E>>,
    under_way: Option<UnderWay>,
}

/// A value, and when its read started.
#[derive(Debug)]
pub(crate) struct Cached<V> {
    pub(crate) started_at: Timestamp,
    pub(crate) value: V,
}

#[derive(Debug)]
struct Failure<E> {
    started_at: Timestamp,
    ended_at: Timestamp,
    error: E,
}

#[derive(Debug)]
struct UnderWay {
    started_at: Timestamp,
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

    /// The failure to return to a caller whose request began at `requested_at`, without another read: the failed read
    /// started after that, or it ended before that and is not older than the pause. A read that was frozen says nothing
    /// about the service now.
    pub(crate) fn failure_for(
        &self,
        requested_at: Timestamp,
        now: Timestamp,
        pause: impl Fn(&E) -> Duration,
    ) -> Option<&E> {
        let Failure { started_at, ended_at, error } = self.failure.as_ref()?;
        let is_recent =
            *ended_at <= requested_at && now - *ended_at < pause(error) && *ended_at - *started_at < ABANDON_AFTER.1;
        (*started_at >= requested_at || is_recent).then_some(error)
    }

    /// The read that callers may wait for, unless it is so old that it must have been frozen.
    pub(crate) fn read_under_way(&self, now: Timestamp, ttl: Duration) -> Option<ReadEnd> {
        let under_way = self.under_way.as_ref()?;
        let is_abandoned = now - under_way.started_at >= ttl.clamp(ABANDON_AFTER.0, ABANDON_AFTER.1);
        (!is_abandoned && !under_way.end.is_reached()).then(|| under_way.end.clone())
    }

    /// Registers a read that starts now, in place of an abandoned one. The read ends when the sender is dropped.
    pub(crate) fn begin_read(&mut self, now: Timestamp) -> (watch::Sender<()>, ReadEnd) {
        let (sender, receiver) = watch::channel(());
        let end = ReadEnd(receiver);
        self.under_way = Some(UnderWay { started_at: now, end: end.clone() });
        (sender, end)
    }

    /// Stores the value of a read, which may depend on the one before. Does nothing if a read that started later
    /// brought a value already.
    pub(crate) fn store(&mut self, started_at: Timestamp, value: impl FnOnce(Option<V>) -> V) {
        if self.cached.as_ref().is_some_and(|newest| newest.started_at > started_at) {
            return;
        }
        let before = self.cached.take().map(|cached| cached.value);
        self.cached = Some(Cached { started_at, value: value(before) });
        self.failure.take_if(|failure| failure.started_at <= started_at);
    }

    /// Stores the failure of a read. Does nothing, and returns false, if a read that started later has ended already.
    pub(crate) fn store_failure(&mut self, started_at: Timestamp, now: Timestamp, error: E) -> bool {
        let of_value = self.cached.as_ref().map(|cached| cached.started_at);
        let of_failure = self.failure.as_ref().map(|failure| failure.started_at);
        let is_newest = of_value.max(of_failure).is_none_or(|newest| newest <= started_at);
        if is_newest {
            self.failure = Some(Failure { started_at, ended_at: now, error });
        }
        is_newest
    }

    /// Drops the value of a read that started then or earlier, which is no longer true. A read that started later may
    /// have replaced it.
    pub(crate) fn drop_value(&mut self, started_at: Timestamp) {
        self.cached.take_if(|cached| cached.started_at <= started_at);
    }
}

impl<V, E> Default for Entry<V, E> {
    fn default() -> Self {
        Self { cached: None, failure: None, under_way: None }
    }
}

impl<V> Cached<V> {
    /// Whether a caller whose request began at `requested_at` may use it: it is younger than the TTL, or its read
    /// started after that.
    pub(crate) fn is_fresh(&self, requested_at: Timestamp, now: Timestamp, ttl: Duration) -> bool {
        now - self.started_at < ttl || self.started_at >= requested_at
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

    /// When a read started and ended, when a request began, and the time now → whether the read's failure is returned.
    #[test]
    fn a_failure_answers_callers_of_the_same_time_only() {
        let start = Clock::system().now();
        for (started_at, ended_at, requested_at, now, expected) in [
            (1.0, 1.5, 1.0, 1.5, true),
            (1.0, 1.5, 1.6, 2.4, true),
            (1.0, 1.5, 1.6, 2.5, false),
            // It was under way already: it may have been frozen.
            (1.0, 1.5, 1.2, 1.5, false),
            // It was frozen.
            (1.0, 3601.0, 3601.1, 3601.2, false),
        ] {
            let mut entry = Entry::<(), ()>::default();
            entry.store_failure(at(start, started_at), at(start, ended_at), ());
            let answer = entry.failure_for(at(start, requested_at), at(start, now), |()| PAUSE);
            assert_eq!(answer.is_some(), expected, "{started_at} {ended_at} {requested_at} {now}");
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
    fn a_value_that_a_later_read_stored_is_not_dropped() {
        let start = Clock::system().now();
        let mut entry = Entry::<&str, ()>::default();
        entry.store(at(start, 2.0), |_| "new");
        entry.drop_value(at(start, 1.0));
        assert_eq!(entry.cached().map(|cached| cached.value), Some("new"));
        entry.drop_value(at(start, 2.0));
        assert!(entry.cached().is_none());
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
