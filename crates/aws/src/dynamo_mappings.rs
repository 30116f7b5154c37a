//! Mappings as rows of a DynamoDB table, found by bucket and cached for the TTL.

mod bucket_mappings;
mod log;
mod removal;
mod resolve;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use purge_router_config::{Row, Skipped};
use purge_router_core::Mappings;
use purge_router_core::names::BucketName;
use purge_router_pipeline::{Clock, Timestamp};
use tokio::sync::watch;
use tokio_stream::StreamExt as _;
use tracing::Instrument;

use crate::cache::{Cached, ReadEnd, SharedEntries, SharedEntry};
use crate::dynamo_mappings::bucket_mappings::BucketMappings;
use crate::dynamo_mappings::removal::BucketState;
use crate::dynamo_mappings::resolve::resolve;
use crate::table::Table;
use crate::table_error::{NotATable, TableError};

/// How many buckets are queried at once.
const CONCURRENT_QUERIES: usize = 32;

/// How long buckets whose queries have ended wait for others, so that one call reads the grants and zones of all.
const COALESCE_WINDOW: Duration = Duration::from_millis(100);

/// How long a lookup waits for a read before it uses stale mappings.
const STALE_AFTER_WAIT: Duration = Duration::from_secs(1);

/// If nothing is cached, a lookup waits for the remaining time divided by this.
const FIRST_READ_DIVISOR: u32 = 4;

/// How long DynamoDB is not called again after a failure.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// The share of the TTL after which mappings are refreshed in the background.
const REFRESH_AT: f32 = 0.75;

/// How many reads one lookup waits for: one that was under way already, and one that started later.
const READS_PER_LOOKUP: usize = 2;

/// How many buckets the cache is sized for, and how many bytes it holds at most, as [`BucketState::weight`] estimates
/// them. A bucket without mappings takes about a kibibyte.
const CACHED_BUCKETS: usize = 10_000;
const CACHED_BYTES: u64 = 128 * 1024 * 1024;
const EMPTY_BUCKET_BYTES: u64 = 1024;

/// Reads the mappings of buckets and caches them for the TTL. A bucket without mappings is cached, too.
///
/// In the last quarter of the TTL, mappings are refreshed in the background (stale-while-revalidate). If DynamoDB
/// fails, or does not answer within a second, stale mappings are used (stale-if-error). Each bucket is read by one read
/// at a time (single-flight). Clones share the cache.
#[derive(Debug, Clone)]
pub struct DynamoMappings {
    table: Table,
    ttl: Duration,
    clock: Clock,
    entries: Arc<SharedEntries<BucketName, Arc<BucketState>, TableError>>,
}

/// What is cached of one bucket.
type BucketEntry = SharedEntry<Arc<BucketState>, TableError>;

/// What is known about the mappings of some buckets.
#[derive(Debug, Default)]
pub struct Lookup {
    /// The mappings of all buckets that could be read, now or before.
    pub mappings: Mappings,
    /// The buckets whose mappings are unknown: they can't be read, and none are cached.
    pub unreadable: BTreeMap<BucketName, TableError>,
    /// The buckets whose mappings are stale, because DynamoDB failed or did not answer in time.
    pub stale: BTreeSet<BucketName>,
    /// The buckets whose mappings were read for the first time, so that one that is just being replaced may be missing.
    /// A lookup a second later confirms them.
    pub unconfirmed: BTreeSet<BucketName>,
    /// Rows that are skipped, bucket by bucket.
    pub skipped: Vec<Arc<[Skipped]>>,
}

/// A read that is under way. It ends when this is dropped.
struct PendingRead {
    entry: BucketEntry,
    _end: watch::Sender<()>,
}

impl DynamoMappings {
    /// A store that caches the mappings of this table for the TTL. Deadlines are times of the clock.
    ///
    /// # Errors
    /// The name can't be the name of a DynamoDB table.
    pub fn new(config: &SdkConfig, table: String, ttl: Duration, clock: Clock) -> Result<Self, NotATable> {
        let entries = Arc::new(SharedEntries::new(CACHED_BUCKETS, CACHED_BYTES, EMPTY_BUCKET_BYTES));
        Ok(Self { table: Table::new(config, table)?, ttl, clock, entries })
    }

    /// The mappings of these buckets. Returns at the deadline with what is known by then.
    pub async fn lookup(&self, buckets: BTreeSet<BucketName>, deadline: Timestamp) -> Lookup {
        let requested_at = self.clock.now();
        let entries: BTreeMap<BucketName, BucketEntry> =
            buckets.into_iter().map(|bucket| (bucket.clone(), self.entries.entry(&bucket))).collect();
        // Changes of other buckets must not wait long for a bucket that is slow: its own changes are redelivered.
        let is_any_cached = entries.values().any(|entry| entry.lock().cached().is_some());
        let max_wait = if is_any_cached { STALE_AFTER_WAIT } else { (deadline - requested_at) / FIRST_READ_DIVISOR };
        for _ in 0..READS_PER_LOOKUP {
            let pending = self.start_reads(&entries, requested_at);
            let until = deadline.min(self.clock.now() + max_wait);
            let all_ended = join_all(pending.into_iter().map(ReadEnd::reached));
            if self.clock.timeout_at(until, all_ended).await.is_err() {
                break;
            }
        }
        self.collect(&entries, requested_at)
    }

    /// Starts the reads that are due, and returns the ends of those that the lookup must wait for.
    fn start_reads(&self, entries: &BTreeMap<BucketName, BucketEntry>, requested_at: Timestamp) -> Vec<ReadEnd> {
        let now = self.clock.now();
        let (mut reads, mut pending) = (BTreeMap::new(), Vec::new());
        for (bucket, shared) in entries {
            let mut entry = shared.lock();
            let is_fresh = entry.cached().is_some_and(|cached| {
                cached.is_fresh(requested_at, now, self.ttl) && !cached.value.needs_confirmation(now)
            });
            let is_due =
                !is_fresh || entry.cached().is_some_and(|cached| self.needs_refresh(cached, requested_at, now));
            if !is_due || entry.failure_for(requested_at, now, |_| FAILURE_PAUSE).is_some() {
                continue;
            }
            let end = entry.read_under_way(now, self.ttl).unwrap_or_else(|| {
                let (sender, end) = entry.begin_read(now);
                reads.insert(bucket.clone(), PendingRead { entry: shared.clone(), _end: sender });
                end
            });
            if !is_fresh {
                pending.push(end);
            }
        }
        if !reads.is_empty() {
            // In its own task, so that a result that is too late for this event is there for the next.
            tokio::spawn(self.clone().read(now, reads).in_current_span());
        }
        pending
    }

    /// Whether mappings that are still fresh should be read again in the background.
    fn needs_refresh(&self, cached: &Cached<Arc<BucketState>>, requested_at: Timestamp, now: Timestamp) -> bool {
        let is_old_enough = now - cached.started_at >= self.ttl.mul_f32(REFRESH_AT) || cached.value.needs_recheck(now);
        is_old_enough && cached.started_at < requested_at
    }

    /// What is known of these buckets now.
    fn collect(&self, entries: &BTreeMap<BucketName, BucketEntry>, requested_at: Timestamp) -> Lookup {
        let mut lookup = Lookup::default();
        let now = self.clock.now();
        let mut states = BTreeMap::new();
        for (name, entry) in entries {
            let entry = entry.lock();
            let error = || {
                let late = || TableError::Unavailable("no answer in time".to_owned());
                entry.failure().cloned().unwrap_or_else(late)
            };
            let Some(cached) = entry.cached() else {
                lookup.unreadable.insert(name.clone(), error());
                continue;
            };
            if !cached.is_fresh(requested_at, now, self.ttl) {
                let (bucket, seconds, error) = (name.as_str(), (now - cached.started_at).as_secs(), error());
                tracing::warn!(bucket, seconds, %error, "using stale mappings: can't read DynamoDB");
                lookup.stale.insert(name.clone());
            } else if cached.value.is_unconfirmed() {
                lookup.unconfirmed.insert(name.clone());
            }
            states.insert(name, (cached.started_at, Arc::clone(&cached.value)));
        }
        lookup.skipped = states.values().map(|(_, state)| state.skipped()).collect();
        let mut parts: Vec<(Timestamp, &Mappings)> = states.values().flat_map(|(_, state)| state.mappings()).collect();
        // What was read last of a team's grant and zones counts.
        parts.sort_by_key(|(needs_read_at, _)| Reverse(*needs_read_at));
        let (mappings, stale_buckets) = Mappings::joined(parts.into_iter().map(|(_, mappings)| mappings));
        lookup.mappings = mappings;
        for bucket in stale_buckets {
            if let (Some(entry), Some((started_at, _))) = (entries.get(&bucket), states.get(&bucket)) {
                entry.lock().drop_value(*started_at);
            }
            let reason = "its mappings are older than the grant of their team".to_owned();
            lookup.unreadable.insert(bucket, TableError::Unavailable(reason));
        }
        lookup
    }

    /// Reads these buckets, and stores the results as they arrive: a bucket whose query hangs delays no other.
    async fn read(self, started_at: Timestamp, mut reads: BTreeMap<BucketName, PendingRead>) {
        let buckets: Vec<BucketName> = reads.keys().cloned().collect();
        let count = buckets.len();
        let queries = buckets.into_iter().map(|bucket| async {
            let rows = self.table.of_bucket(&bucket).await;
            (bucket, rows)
        });
        let answers = stream::iter(queries).buffer_unordered(CONCURRENT_QUERIES).chunks_timeout(count, COALESCE_WINDOW);
        let stored = answers.for_each_concurrent(None, |answers| {
            let answers = answers.into_iter().filter_map(|(bucket, rows)| {
                let read = reads.remove(&bucket)?;
                Some((bucket, (read, rows)))
            });
            self.resolve_and_store(started_at, answers.collect())
        });
        stored.await;
    }

    async fn resolve_and_store(
        &self,
        started_at: Timestamp,
        answers: BTreeMap<BucketName, (PendingRead, Result<Vec<Row>, TableError>)>,
    ) {
        let (mut reads, mut rows_by_bucket, mut before) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (bucket, (read, rows)) in answers {
            match rows {
                Ok(rows) => {
                    let state = read.entry.lock().cached().map(|cached| Arc::clone(&cached.value));
                    before.extend(state.map(|state| (bucket.clone(), state)));
                    rows_by_bucket.insert(bucket.clone(), rows);
                    reads.insert(bucket, read);
                }
                Err(error) => self.store(started_at, bucket, &read, Err(error)),
            }
        }
        for (bucket, result) in resolve(&self.table, &self.clock, &before, rows_by_bucket).await {
            if let Some(read) = reads.remove(&bucket) {
                self.store(started_at, bucket, &read, result);
            }
        }
    }

    fn store(
        &self,
        started_at: Timestamp,
        bucket: BucketName,
        PendingRead { entry, .. }: &PendingRead,
        result: Result<BucketMappings, TableError>,
    ) {
        let now = self.clock.now();
        let is_ok = result.is_ok();
        let name = bucket.to_string();
        match result {
            Ok(mappings) => {
                let replace = |before: Option<Arc<BucketState>>| {
                    Arc::new(BucketState::new(mappings, before.as_deref(), started_at, now, self.ttl))
                };
                let weight = {
                    let mut entry = entry.lock();
                    entry.store(started_at, replace);
                    entry.cached().map_or(0, |cached| cached.value.weight())
                };
                self.entries.set_weight(bucket, entry, weight);
            }
            Err(error) => {
                entry.lock().store_failure(started_at, now, error);
            }
        }
        tracing::debug!(bucket = name, is_ok, "the read of a bucket ended");
    }
}
