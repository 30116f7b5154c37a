//! Mappings as rows of a DynamoDB table, found by bucket and kept for a while.

mod found;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use purge_router_config::{Row, Skipped};
use purge_router_core::names::BucketName;
use purge_router_core::{Event, Mappings, Plan, plan, reject_unreadable};
use purge_router_pipeline::Moment;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_stream::StreamExt as _;
use tracing::Instrument;

use found::{Found, found_in};

use crate::table::{NotATable, Table, TableError};

/// How many buckets are read side by side.
const QUERIES: usize = 32;

/// How long buckets that are read already wait for others, so that their grants and zones are read in one call.
const COMPANY: Duration = Duration::from_millis(100);

/// How long old mappings wait for new ones before they serve.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a failure is told again before DynamoDB is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the index may show that a mapping went, and not yet that another came in its place.
const SETTLING: Duration = Duration::from_secs(1);

/// How many buckets are kept; one that comes beyond that begins anew.
const MOST_BUCKETS: usize = 10_000;

/// Reads the mappings of buckets, and keeps them for a while, as well as that a bucket has none.
///
/// In the last quarter of their time to live they are read again behind the answer. While DynamoDB can't be asked, old
/// mappings serve on. What a read does not find any more serves until another read, a second later, does not find it
/// either. Clones share what is kept.
#[derive(Debug, Clone)]
pub struct DynamoMappings {
    table: Table,
    time_to_live: Duration,
    shelf: Arc<Mutex<HashMap<BucketName, Slot>>>,
}

/// What is known of one bucket.
#[derive(Debug, Default)]
struct Slot {
    /// What the last read that succeeded brought.
    read: Option<Reading>,
    /// When reading failed since.
    failed: Option<(Moment, TableError)>,
    /// Closed when the last read that began has ended.
    under_way: Option<watch::Receiver<()>>,
}

#[derive(Debug)]
struct Reading {
    began: Moment,
    found: Arc<Found>,
    /// What this read, or one shortly before, did not find any more, and when that one ended.
    leaving: Vec<(Moment, Mappings)>,
}

/// What is mapped of some buckets.
#[derive(Debug, Default)]
pub struct Lookup {
    /// All mappings of the buckets that could be read, now or before.
    pub mappings: Mappings,
    /// The buckets whose mappings are not known.
    pub unknown: BTreeMap<BucketName, TableError>,
    /// Rows that are left out, each once for every bucket that it matters to.
    pub skipped: Vec<Skipped>,
}

impl DynamoMappings {
    /// A store that keeps the mappings in this table for so long.
    ///
    /// # Errors
    /// DynamoDB knows no tables of such names.
    pub fn new(config: &SdkConfig, table: String, time_to_live: Duration) -> Result<Self, NotATable> {
        Ok(Self { table: Table::new(config, table)?, time_to_live, shelf: Arc::default() })
    }

    /// Plans an event. Changes in buckets whose mappings can't be read are rejected, so that they come again.
    pub async fn plan(&self, event: Event, deadline: Instant) -> Plan {
        let buckets = event.changes.iter().map(|change| change.bucket.clone()).collect();
        let Lookup { mappings, unknown, .. } = self.of(buckets, deadline).await;
        let unreadable = unknown.into_iter().map(|(bucket, error)| (bucket, error.to_string())).collect();
        plan(&mappings, reject_unreadable(event, &unreadable))
    }

    /// The mappings of these buckets, by the deadline.
    pub async fn of(&self, buckets: BTreeSet<BucketName>, deadline: Instant) -> Lookup {
        let Due { to_read, to_wait_for, has_old } = self.due(&buckets);
        if !to_read.is_empty() {
            let store = self.clone();
            // On its own, so that what comes too late for this event is there for the next.
            tokio::spawn(async move { store.read(to_read).await }.in_current_span());
        }
        if !to_wait_for.is_empty() {
            // Those that are known must not wait for one that is new: its changes come again.
            let until = if has_old { deadline.min(Instant::now() + PATIENCE) } else { deadline };
            let _ = timeout_at(until, join_all(to_wait_for.into_iter().map(ended))).await;
        }
        self.known(&buckets)
    }

    /// Which buckets are to be read, and which reads the answer waits for.
    fn due(&self, buckets: &BTreeSet<BucketName>) -> Due {
        let mut due = Due::default();
        let mut shelf = self.shelf();
        if shelf.len() + buckets.len() > MOST_BUCKETS {
            shelf.retain(|bucket, _| buckets.contains(bucket));
        }
        for bucket in buckets {
            let slot = shelf.entry(bucket.clone()).or_default();
            due.has_old |= slot.read.is_some();
            if slot.failed.as_ref().is_some_and(|(at, _)| at.elapsed() < PAUSE) {
                continue;
            }
            let age = slot.read.as_ref().map(|reading| reading.began.elapsed());
            let is_old = age.is_none_or(|age| age >= self.time_to_live);
            let is_ripe = is_old || age.is_some_and(|age| age >= self.time_to_live.mul_f32(0.75));
            if !is_ripe && !slot.read.as_ref().is_some_and(Reading::has_settled) {
                continue;
            }
            if !slot.is_under_way() {
                let (end, under_way) = watch::channel(());
                slot.under_way = Some(under_way);
                due.to_read.insert(bucket.clone(), end);
            }
            if is_old {
                due.to_wait_for.extend(slot.under_way.clone());
            }
        }
        due
    }

    /// What is known of these buckets, old or new.
    fn known(&self, buckets: &BTreeSet<BucketName>) -> Lookup {
        let mut lookup = Lookup::default();
        let shelf = self.shelf();
        let mut parts = Vec::new();
        for bucket in buckets {
            let slot = shelf.get(bucket);
            let failed = slot.and_then(|slot| slot.failed.as_ref()).map(|(_, error)| error.clone());
            let is_late = failed.is_some() || slot.is_some_and(Slot::is_under_way);
            let error = failed.unwrap_or_else(|| TableError::Unavailable("there was no answer in time".to_owned()));
            let Some(reading) = slot.and_then(|slot| slot.read.as_ref()) else {
                lookup.unknown.insert(bucket.clone(), error);
                continue;
            };
            if is_late && reading.began.elapsed() >= self.time_to_live {
                let (bucket, seconds) = (bucket.as_str(), reading.began.elapsed().as_secs());
                tracing::warn!(bucket, seconds, %error, "old mappings serve while DynamoDB can't be read");
            }
            parts.push(&reading.found.mappings);
            parts.extend(reading.leaving.iter().map(|(_, mappings)| mappings));
            lookup.skipped.extend(reading.found.skipped.iter().cloned());
        }
        lookup.mappings = Mappings::joined(parts);
        lookup
    }

    /// Reads these buckets, and notes what that brought as soon as it is there.
    async fn read(&self, mut ends: HashMap<BucketName, watch::Sender<()>>) {
        let began = Moment::now();
        let buckets: Vec<BucketName> = ends.keys().cloned().collect();
        let count = buckets.len();
        let queries = buckets.into_iter().map(|bucket| async {
            let rows = self.table.of_bucket(&bucket).await;
            (bucket, rows)
        });
        let answers = stream::iter(queries).buffer_unordered(QUERIES).chunks_timeout(count, COMPANY);
        let noted = answers.for_each_concurrent(None, |answers| {
            let ended: Vec<_> = answers.iter().filter_map(|(bucket, _)| ends.remove(bucket)).collect();
            async move {
                self.note_all(began, answers).await;
                drop(ended);
            }
        });
        noted.await;
    }

    async fn note_all(&self, began: Moment, answers: Vec<(BucketName, Result<Vec<Row>, TableError>)>) {
        let mut rows_of = BTreeMap::new();
        for (bucket, rows) in answers {
            match rows {
                Ok(rows) => drop(rows_of.insert(bucket, rows)),
                Err(error) => self.note(bucket, began, Err(error)),
            }
        }
        match found_in(&self.table, &mut rows_of).await {
            Ok(read) => read.into_iter().for_each(|(bucket, found)| self.note(bucket, began, Ok(found))),
            // Without grants and zones only that a bucket has no mapping is certain.
            Err(error) => rows_of.into_iter().for_each(|(bucket, rows)| {
                let read = if rows.is_empty() { Ok(Found::default()) } else { Err(error.clone()) };
                self.note(bucket, began, read);
            }),
        }
    }

    fn note(&self, bucket: BucketName, began: Moment, read: Result<Found, TableError>) {
        let mut shelf = self.shelf();
        let slot = shelf.entry(bucket).or_default();
        match read {
            // One that began earlier may end later, where its bucket was forgotten in between.
            Ok(_) if slot.read.as_ref().is_some_and(|newest| began.is_before(&newest.began)) => {}
            Ok(found) => {
                let leaving = slot.read.take().map(|old| old.leaving(&found, began)).unwrap_or_default();
                slot.read = Some(Reading { began, found: Arc::new(found), leaving });
                slot.failed = None;
            }
            Err(error) => slot.failed = Some((Moment::now(), error)),
        }
    }

    fn shelf(&self) -> MutexGuard<'_, HashMap<BucketName, Slot>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Due {
    /// The buckets to read, each with what is dropped when that has ended.
    to_read: HashMap<BucketName, watch::Sender<()>>,
    to_wait_for: Vec<watch::Receiver<()>>,
    /// Whether something is known of one of the buckets, whose changes must not wait for long.
    has_old: bool,
}

impl Slot {
    fn is_under_way(&self) -> bool {
        self.under_way.as_ref().is_some_and(|it| it.has_changed().is_ok())
    }
}

impl Reading {
    /// Whether it is time to see if what was not found any more is gone.
    fn has_settled(&self) -> bool {
        self.leaving.iter().any(|(since, _)| since.elapsed() >= SETTLING)
    }

    /// What serves on beside what a newer read has found.
    fn leaving(self, found: &Found, began: Moment) -> Vec<(Moment, Mappings)> {
        let names = found.names();
        let mut leaving = self.leaving;
        leaving.retain(|(since, _)| began.since(since) < SETTLING);
        for (_, mappings) in &mut leaving {
            *mappings = mappings.only(|mapping| !names.contains(&*mapping.name));
        }
        leaving.push((Moment::now(), self.found.mappings.only(|mapping| !names.contains(&*mapping.name))));
        leaving.retain(|(_, mappings)| !mappings.all().is_empty());
        leaving
    }
}

async fn ended(mut under_way: watch::Receiver<()>) {
    while under_way.changed().await.is_ok() {}
}
