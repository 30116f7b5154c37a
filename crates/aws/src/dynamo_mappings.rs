//! Mappings as rows of a DynamoDB table, found by bucket and kept for a while.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use futures_util::{StreamExt, stream};
use purge_router_cloudflare::redact;
use purge_router_core::names::BucketName;
use purge_router_core::{Event, Mappings, Plan, Problem, Rejected, Row, RowKey, Skipped, needs_of, plan};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::moment::Moment;
use crate::table::{NotATable, Table, TableError};

/// How many buckets are read side by side.
const QUERIES: usize = 32;

/// How long old mappings wait for new ones before they serve.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a failure is told again before DynamoDB is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many buckets are kept; one that comes beyond that begins anew.
const MOST_BUCKETS: usize = 10_000;

/// Reads the mappings of buckets, and keeps them for a while, as well as that a bucket has none.
///
/// In the last quarter of their time to live they are read again behind the answer. While DynamoDB can't be asked, old
/// mappings serve on. Clones share what is kept.
#[derive(Debug, Clone)]
pub struct DynamoMappings {
    table: Table,
    time_to_live: Duration,
    shelf: Arc<Mutex<HashMap<BucketName, Slot>>>,
}

/// What is known of one bucket.
#[derive(Debug, Default)]
struct Slot {
    /// When the last read that succeeded began, and what it brought.
    read: Option<(Moment, Arc<Found>)>,
    /// When reading failed since.
    failed: Option<(Moment, TableError)>,
    /// Whether it is being read behind an answer.
    is_refreshed: bool,
}

/// What is mapped of one bucket.
#[derive(Debug, Default)]
struct Found {
    mappings: Mappings,
    skipped: Vec<Skipped>,
}

type RowsOf = BTreeMap<BucketName, Vec<Row>>;

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
    pub async fn plan(&self, mut event: Event, deadline: Instant) -> Plan {
        let buckets = event.changes.iter().map(|change| change.bucket.clone()).collect();
        let Lookup { mappings, unknown, .. } = self.of(buckets, deadline).await;
        let changes = std::mem::take(&mut event.changes);
        for change in changes {
            match unknown.get(&change.bucket) {
                None => event.changes.push(change),
                Some(error) => {
                    let reason = format!("{}: the mappings of its bucket can't be read: {error}", change.object());
                    event.rejected.push(Rejected { origin: change.origin, reason });
                }
            }
        }
        plan(&mappings, event)
    }

    /// The mappings of these buckets, by the deadline.
    pub async fn of(&self, buckets: BTreeSet<BucketName>, deadline: Instant) -> Lookup {
        let asked = Moment::now();
        let (now, behind) = self.due(&buckets);
        if !behind.is_empty() {
            let store = self.clone();
            tokio::spawn(async move { store.read(behind).await }.in_current_span());
        }
        if !now.is_empty() {
            let (store, due) = (self.clone(), now.clone());
            // Those that are known must not wait for one that is new: its changes come again.
            let has_old = due.iter().any(|bucket| store.shelf().get(bucket).is_some_and(|slot| slot.read.is_some()));
            let until = if has_old { deadline.min(Instant::now() + PATIENCE) } else { deadline };
            // On its own, so that what comes too late for this event is there for the next.
            let read = tokio::spawn(async move { store.read(due).await }.in_current_span());
            let _ = timeout_at(until, read).await;
        }
        self.known(&buckets, asked)
    }

    /// Which buckets must be read before they can be answered for, and which are answered for but read again.
    fn due(&self, buckets: &BTreeSet<BucketName>) -> (BTreeSet<BucketName>, BTreeSet<BucketName>) {
        let (mut now, mut behind) = (BTreeSet::new(), BTreeSet::new());
        let mut shelf = self.shelf();
        if shelf.len() + buckets.len() > MOST_BUCKETS {
            shelf.retain(|bucket, _| buckets.contains(bucket));
        }
        for bucket in buckets {
            let slot = shelf.entry(bucket.clone()).or_default();
            let age = slot.read.as_ref().map(|(began, _)| began.elapsed());
            if slot.failed.as_ref().is_some_and(|(at, _)| at.elapsed() < PAUSE) {
                continue;
            }
            if age.is_none_or(|age| age >= self.time_to_live) {
                now.insert(bucket.clone());
            } else if age.is_some_and(|age| age >= self.time_to_live.mul_f32(0.75)) && !slot.is_refreshed {
                slot.is_refreshed = true;
                behind.insert(bucket.clone());
            }
        }
        (now, behind)
    }

    /// What is known of these buckets, old or new.
    fn known(&self, buckets: &BTreeSet<BucketName>, asked: Moment) -> Lookup {
        let (mut parts, mut unknown) = (Vec::new(), BTreeMap::new());
        let shelf = self.shelf();
        for bucket in buckets {
            let slot = shelf.get(bucket);
            let error = slot.and_then(|slot| slot.failed.as_ref()).map(|(_, error)| error.clone());
            let error = error.unwrap_or_else(|| TableError::Unavailable("there was no answer in time".to_owned()));
            let Some((began, found)) = slot.and_then(|slot| slot.read.as_ref()) else {
                unknown.insert(bucket.clone(), error);
                continue;
            };
            if began.is_before(&asked) && began.elapsed() >= self.time_to_live {
                let (bucket, seconds) = (bucket.as_str(), began.elapsed().as_secs());
                tracing::warn!(bucket, seconds, %error, "old mappings serve while DynamoDB can't be read");
            }
            parts.push(Arc::clone(found));
        }
        Lookup {
            mappings: Mappings::joined(parts.iter().map(|found| &found.mappings)),
            unknown,
            skipped: parts.iter().flat_map(|found| found.skipped.clone()).collect(),
        }
    }

    /// Reads these buckets, and notes what that brought.
    async fn read(&self, buckets: BTreeSet<BucketName>) {
        let began = Moment::now();
        let queries = buckets.into_iter().map(|bucket| async {
            let rows = self.table.of_bucket(&bucket).await;
            (bucket, rows)
        });
        let found: Vec<_> = stream::iter(queries).buffer_unordered(QUERIES).collect().await;
        let mut rows_of = BTreeMap::new();
        for (bucket, rows) in found {
            match rows {
                Ok(rows) => drop(rows_of.insert(bucket, rows)),
                Err(error) => self.note(bucket, began, Err(error)),
            }
        }
        match self.parsed(&mut rows_of).await {
            Ok(read) => read.into_iter().for_each(|(bucket, found)| self.note(bucket, began, Ok(found))),
            // Without grants and zones only that a bucket has no mapping is certain.
            Err(error) => rows_of.into_iter().for_each(|(bucket, rows)| {
                let read = if rows.is_empty() { Ok(Found::default()) } else { Err(error.clone()) };
                self.note(bucket, began, read);
            }),
        }
    }

    /// The mappings in rows of buckets. Rows that make no sense are read once more, from the table itself: the index may
    /// show them as they were a moment ago.
    async fn parsed(&self, rows_of: &mut RowsOf) -> Result<BTreeMap<BucketName, Found>, TableError> {
        let mut all = self.parsed_once(rows_of).await?;
        let doubtful: BTreeSet<RowKey> = skipped_in(&all).map(|skipped| skipped.key.clone()).collect();
        if !doubtful.is_empty() {
            let again = doubtful.iter().filter(|key| key.partition != RowKey::GRANTS).cloned();
            let again = self.table.rows(again).await?;
            let again: HashMap<RowKey, Row> = again.into_iter().map(|row| (row.key.clone(), row)).collect();
            for (bucket, rows) in rows_of.iter_mut() {
                rows.retain_mut(|row| {
                    if doubtful.contains(&row.key) {
                        // The index may show it in two buckets for a moment.
                        let Some(now) = again.get(&row.key) else { return false };
                        *row = now.clone();
                    }
                    row.fields.get("bucket").and_then(|it| it.as_str()) == Some(bucket.as_str())
                });
            }
            all = self.parsed_once(rows_of).await?;
        }
        let skipped: BTreeMap<&RowKey, &Skipped> = skipped_in(&all).map(|skipped| (&skipped.key, skipped)).collect();
        for (key, Skipped { problems, .. }) in &skipped {
            let row = key.to_string();
            let reason = |problem: &Problem| match problem.to_string().strip_prefix(&row) {
                Some(reason) => reason.trim_start_matches(": ").to_owned(),
                None => problem.to_string(),
            };
            let reasons: Vec<String> = problems.iter().map(reason).collect();
            tracing::warn!(%row, reason = &*redact(&reasons.join(" | ")), "skipped");
        }
        if !all.is_empty() {
            let mappings: usize = all.values().map(|found| found.mappings.all().len()).sum();
            tracing::info!(buckets = all.len(), mappings, skipped = skipped.len(), "mappings");
        }
        Ok(all)
    }

    async fn parsed_once(&self, rows_of: &RowsOf) -> Result<BTreeMap<BucketName, Found>, TableError> {
        let needs = needs_of(rows_of.values().flatten());
        let needed = if needs.is_empty() { Vec::new() } else { self.table.rows(needs).await? };
        let needed: HashMap<RowKey, Row> = needed.into_iter().map(|row| (row.key.clone(), row)).collect();
        let found = rows_of.iter().map(|(bucket, rows)| {
            let needed = needs_of(rows).into_iter().filter_map(|key| needed.get(&key));
            let (mappings, skipped) = Mappings::from_rows(rows.iter().chain(needed));
            (bucket.clone(), Found { mappings, skipped })
        });
        Ok(found.collect())
    }

    fn note(&self, bucket: BucketName, began: Moment, read: Result<Found, TableError>) {
        let mut shelf = self.shelf();
        let slot = shelf.entry(bucket).or_default();
        slot.is_refreshed = false;
        match read {
            // A read that began earlier may end later.
            Ok(_) if slot.read.as_ref().is_some_and(|(newest, _)| began.is_before(newest)) => {}
            Ok(found) => *slot = Slot { read: Some((began, Arc::new(found))), ..Slot::default() },
            Err(error) => slot.failed = Some((Moment::now(), error)),
        }
    }

    fn shelf(&self) -> MutexGuard<'_, HashMap<BucketName, Slot>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn skipped_in(all: &BTreeMap<BucketName, Found>) -> impl Iterator<Item = &Skipped> {
    all.values().flat_map(|found| &found.skipped)
}
