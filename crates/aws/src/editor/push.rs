//! Writing a difference: in one transaction, or in ordered ones, each on the condition that nobody else wrote.

use std::time::SystemTime;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};
use purge_router_core::{Diff, Fields, RowKey, Write, checksum_of, written};
use serde_json::Value;

use super::history::{document_rows, revision_row};
use super::transaction::{Condition, Deed, Item};
use super::{COPY_OF_GRANT, Editor, HEAD, Head, Partition, Stamp, VERSION, read_head};
use crate::table::{Attributes, TableError, attributes, key_attributes, pause};

/// The most rows that one transaction takes, and the most bytes with room to spare: DynamoDB takes 4 MB.
const ROWS_PER_TRANSACTION: usize = 100;
const BYTES_PER_TRANSACTION: usize = 3_000_000;

/// How often a transaction is tried that met another one, or was throttled.
const TRIES: u32 = 8;

/// What is told of a push beside what it changes.
#[derive(Debug, Clone)]
pub struct Note {
    /// Who pushes.
    pub by: String,
    /// What it changes, in short.
    pub summary: String,
    /// Why.
    pub message: Option<String>,
}

/// A difference that is ready to be written.
#[derive(Debug)]
pub struct Push {
    partition: String,
    revision: u64,
    id: String,
    steps: Vec<Vec<Item>>,
}

/// Why a difference was not written, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// Another push came first.
    #[error(
        "it was pushed meanwhile: revision {revision} by {by} at {at} ({summary}); see what that changed, and push again"
    )]
    #[expect(missing_docs, reason = "the message says what they are")]
    Lost { revision: u64, by: String, at: String, summary: String },
    /// Another push has begun and not ended.
    #[error(
        "a push by {by}, begun at {at}, is under way or broke off ({summary}); wait for it, let {by} push again, or add \
         --take-over"
    )]
    #[expect(missing_docs, reason = "the message says what they are")]
    Underway { by: String, at: String, summary: String },
    /// Somebody wrote a row, as in the AWS console.
    #[error("the row {0} was edited meanwhile; see what changed and push again")]
    Edited(RowKey),
    /// DynamoDB failed or refused.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Some transactions were written and the next was not.
    #[error("{error}; {done} of {of} transactions are written, and a second push completes them")]
    #[expect(missing_docs, reason = "the message says what they are")]
    BrokeOff { error: Box<PushError>, done: usize, of: usize },
}

impl Push {
    /// How many transactions it takes.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// The revision that it makes.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

impl Editor {
    /// Prepares to write a difference of a partition as it was read.
    ///
    /// Whoever else has a push under way there stops it, unless that one was to write the same, or this one may `take_over`.
    ///
    /// # Errors
    /// Another push is under way, or rows can't be written.
    pub fn prepare(&self, partition: &Partition, diff: &Diff, note: Note, take_over: bool) -> Result<Push, PushError> {
        let (name, id) = (&partition.name, format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)));
        let revision = partition.revision + 1;
        let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let at = DateTime::from_secs(seconds.cast_signed()).fmt(DateTimeFormat::DateTime);
        let at = at.map_err(|error| TableError::Refused(format!("the clock: {error}")))?;
        let Note { by, summary, message } = note;

        let head_before = match partition.as_read.get(HEAD) {
            Some(item) => Condition::Is(item.clone()),
            None => Condition::Absent,
        };
        let pending = partition.head.as_ref().and_then(|head| head.pending.as_ref());
        let at_once = diff.writes();
        let after = written(partition.rows.clone(), &at_once);
        let (document, diff_of) = (checksum_of(&after), diff.checksum());
        let mut stamp = Stamp { push: id.clone(), by, at, summary, message, document, diff: diff_of };
        match pending {
            // What was begun is told as it was begun, and not as what is left of it.
            Some(begun) if begun.document == stamp.document => {
                stamp.summary = begun.summary.clone();
                stamp.diff = begun.diff.clone();
                stamp.message = stamp.message.or_else(|| begun.message.clone());
            }
            Some(Stamp { by, at, summary, .. }) if !take_over => {
                return Err(PushError::Underway { by: by.clone(), at: at.clone(), summary: summary.clone() });
            }
            _ => {}
        }
        let end = |condition| -> Result<Vec<Item>, TableError> {
            let head = Head { revision, last: Some(stamp.clone()), pending: None };
            Ok(vec![
                Item::put(RowKey::new(name, HEAD), head_row(name, &head)?, condition),
                Item::put_row(revision_row(name, revision, &stamp)?),
            ])
        };
        let rows = |writes: &[Write]| -> Result<Vec<Item>, TableError> {
            let items: Result<Vec<Vec<Item>>, _> = writes.iter().map(|write| partition.items(write)).collect();
            Ok(items?.into_iter().flatten().chain(partition.copies(writes)?).collect())
        };
        let documents = |after| -> Result<Vec<Item>, TableError> {
            Ok(document_rows(name, revision, after)?.into_iter().map(Item::put_row).collect())
        };
        let push = |steps| Push { partition: name.clone(), revision, id: id.clone(), steps };

        let mut all = end(head_before.clone())?;
        all.extend(rows(&at_once)?);
        all.extend(documents(&after)?);
        if all.len() <= ROWS_PER_TRANSACTION && all.iter().map(Item::bytes).sum::<usize>() <= BYTES_PER_TRANSACTION {
            return Ok(push(vec![all]));
        }

        let in_order = diff.in_order(&partition.rows);
        let after = written(partition.rows.clone(), &in_order);
        let begun = Head {
            revision: revision - 1,
            last: partition.head.as_ref().and_then(|head| head.last.clone()),
            pending: Some(stamp.clone()),
        };
        let mut steps = vec![vec![Item::put(RowKey::new(name, HEAD), head_row(name, &begun)?, head_before)]];
        let end = end(Condition::PendingIs(id.clone()))?;
        // Each step is told in the head, so that whoever read the partition before it does not write.
        let guard = |nth: usize| -> Result<Item, TableError> {
            let mut head = head_row(name, &begun)?;
            head.insert("step".to_owned(), AttributeValue::N(nth.to_string()));
            Ok(Item::put(RowKey::new(name, HEAD), head, Condition::PendingIs(id.clone())))
        };
        let mut step = vec![guard(1)?];
        for item in documents(&after)?.into_iter().chain(rows(&in_order)?) {
            let bytes: usize = step.iter().map(Item::bytes).sum();
            if step.len() == ROWS_PER_TRANSACTION || bytes + item.bytes() > BYTES_PER_TRANSACTION {
                let next = guard(steps.len() + 1)?;
                steps.push(std::mem::replace(&mut step, vec![next]));
            }
            step.push(item);
        }
        steps.push(step);
        steps.push(end);
        Ok(push(steps))
    }

    /// Writes what was prepared, and tells after each transaction how many are written.
    ///
    /// # Errors
    /// Somebody else wrote meanwhile, or DynamoDB failed.
    pub async fn push(&self, push: &Push, told: impl Fn(usize)) -> Result<(), PushError> {
        for (done, step) in push.steps.iter().enumerate() {
            if let Err(error) = self.write(push, step).await {
                // What was not answered may be written all the same.
                let is_last = done + 1 == push.steps.len();
                if is_last && matches!(error, PushError::Table(_)) && self.is_written(push).await {
                    return Ok(());
                }
                return Err(match done {
                    0 => error,
                    done => PushError::BrokeOff { error: Box::new(error), done, of: push.steps.len() },
                });
            }
            told(done + 1);
        }
        Ok(())
    }

    async fn is_written(&self, push: &Push) -> bool {
        let head = self.head(&push.partition).await;
        head.is_ok_and(|head| head.and_then(|head| head.last).is_some_and(|last| last.push == push.id))
    }

    async fn write(&self, push: &Push, step: &[Item]) -> Result<(), PushError> {
        let items: Result<Vec<_>, _> = step.iter().map(|item| item.clone().of_table(&self.table.name)).collect();
        let items = items?;
        let mut tries = 0;
        loop {
            let write = self.table.client.transact_write_items().set_transact_items(Some(items.clone()));
            let Err(error) = write.send().await else { return Ok(()) };
            let reasons = cancelled(&error);
            if let Some(nth) = reasons.iter().position(|reason| reason.code() == Some("ConditionalCheckFailed")) {
                return Err(self.lost(push, &step[nth], reasons[nth].item.clone()));
            }
            tries += 1;
            if tries == TRIES || !may_pass(reasons) {
                return Err(self.table.failed(&error).into());
            }
            pause(tries).await;
        }
    }

    /// Who came first.
    fn lost(&self, push: &Push, item: &Item, found: Option<Attributes>) -> PushError {
        let head = found.filter(|_| item.key.sort == HEAD).and_then(|found| read_head(&push.partition, found).ok());
        match head {
            Some(Head { pending: Some(Stamp { push: other, by, at, summary, .. }), .. }) if other != push.id => {
                PushError::Underway { by, at, summary }
            }
            Some(Head { revision, last: Some(Stamp { by, at, summary, .. }), .. }) => {
                PushError::Lost { revision, by, at, summary }
            }
            _ => PushError::Edited(item.key.clone()),
        }
    }
}

fn cancelled(error: &SdkError<TransactWriteItemsError>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
        _ => &[],
    }
}

/// Whether a transaction was given up for what passes: it met another one, or was throttled.
fn may_pass(reasons: &[CancellationReason]) -> bool {
    let passes = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    reasons.iter().any(|reason| reason.code().is_some_and(|code| passes.contains(&code)))
}

fn head_row(partition: &str, head: &Head) -> Result<Attributes, TableError> {
    let mut item: Attributes = serde_dynamo::to_item(head).map_err(|error| TableError::Refused(error.to_string()))?;
    item.extend(key_attributes(&RowKey::new(partition, HEAD)));
    Ok(item)
}

impl Partition {
    /// A row to be written; a grant with its copy for the team.
    fn items(&self, write: &Write) -> Result<Vec<Item>, TableError> {
        let Write { sort, before, after } = write;
        let key = RowKey::new(&self.name, sort);
        let condition = match (before, self.as_read.get(sort)) {
            (None, _) => Condition::Absent,
            (Some(_), Some(item)) if self.rows.get(sort) == before.as_ref() => Condition::Is(item.clone()),
            // A step before wrote it.
            (Some(before), _) => Condition::Is(row(&key, before)?),
        };
        let item = |key: RowKey, condition| -> Result<Item, TableError> {
            let deed = after.as_ref().map_or(Ok(Deed::Delete), |fields| row(&key, fields).map(Deed::Put))?;
            Ok(Item { key, deed, condition })
        };
        let mut items = vec![item(key, condition)?];
        if self.name == RowKey::GRANTS {
            items.push(item(copy_of_grant(sort), Condition::None)?);
        }
        Ok(items)
    }

    /// The copies of grants that are stale, and that these writes do not renew.
    fn copies(&self, writes: &[Write]) -> Result<Vec<Item>, TableError> {
        let left = self.stale_copies.iter().filter(|name| !writes.iter().any(|write| write.sort == **name));
        left.filter_map(|name| self.rows.get(name).map(|grant| (copy_of_grant(name), grant)))
            .map(|(key, grant)| Ok(Item::put_row(row(&key, grant)?)))
            .collect()
    }
}

fn copy_of_grant(team: &str) -> RowKey {
    RowKey::new(format!("{}{team}", RowKey::TEAM), COPY_OF_GRANT)
}

/// A row as it is written.
fn row(key: &RowKey, fields: &Fields) -> Result<Attributes, TableError> {
    let mut fields = fields.clone();
    fields.insert("version".to_owned(), Value::from(VERSION));
    let mut item = attributes(&fields)?;
    item.extend(key_attributes(key));
    Ok(item)
}
