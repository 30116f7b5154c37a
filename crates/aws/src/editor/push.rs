//! Writing a difference: in one transaction, or in ordered ones, each on the condition that nobody else wrote.

use std::time::SystemTime;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};
use purge_router_config::{Checksum, Diff, Fields, RowKey, Rows, Write, written};
use serde_json::Value;

use super::history::{document_rows, revision_row};
use super::transaction::{Condition, Deed, Item};
use super::{COPY_OF_GRANT, Editor, HEAD, Head, Partition, REVISION, Stamp, VERSION, read_head};
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
    /// The checksum of all that was agreed to, in this partition and in others.
    pub approval: String,
    /// The file that it is pushed from, if that was pulled.
    pub pulled: Option<String>,
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
        let Note { by, summary, message, approval, pulled } = note;

        let pending = partition.head.as_ref().and_then(|head| head.pending.as_ref());
        let document = Checksum::of(&written(partition.rows.clone(), &diff.writes())).to_string();
        let diff_of = diff.checksum();
        let mut stamp = Stamp { push: id.clone(), by, at, summary, message, document, diff: diff_of, approval, pulled };
        match pending {
            // What was begun is told as it was begun, and not as what is left of it.
            Some(begun) if begun.document == stamp.document => {
                stamp.summary = begun.summary.clone();
                stamp.message = stamp.message.or_else(|| begun.message.clone());
                stamp.pulled = stamp.pulled.or_else(|| begun.pulled.clone());
                if !partition.is_edited() {
                    (stamp.diff, stamp.approval) = (begun.diff.clone(), begun.approval.clone());
                }
            }
            Some(Stamp { by, at, summary, .. }) if !take_over => {
                return Err(PushError::Underway { by: by.clone(), at: at.clone(), summary: summary.clone() });
            }
            _ => {}
        }
        let at_once = partition.at_once(diff, revision, &stamp)?;
        let bytes: usize = at_once.iter().map(Item::bytes).sum();
        let steps = match at_once.len() <= ROWS_PER_TRANSACTION && bytes <= BYTES_PER_TRANSACTION {
            true => vec![at_once],
            false => partition.in_steps(diff, revision, &stamp)?,
        };
        Ok(Push { partition: name.clone(), revision, id, steps })
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
        if item.key.sort.starts_with(REVISION) {
            let (there, head) = (&item.key, RowKey::new(&push.partition, HEAD));
            return TableError::Refused(format!(
                "the row {there} is there already, and the row {head} says that it comes next: delete {head}, and the next \
                 push writes it by the newest revision"
            ))
            .into();
        }
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
    /// A difference in one transaction.
    fn at_once(&self, diff: &Diff, revision: u64, stamp: &Stamp) -> Result<Vec<Item>, TableError> {
        let writes = diff.writes();
        let mut items = self.end(revision, stamp, self.head_as_read())?;
        items.extend(self.unchanged_grant());
        items.extend(self.documents(revision, &written(self.rows.clone(), &writes))?);
        for write in &writes {
            items.extend(self.items(write)?);
        }
        items.extend(self.copies(&writes)?);
        Ok(items)
    }

    /// A difference in several transactions, of which the first tells that they have begun.
    fn in_steps(&self, diff: &Diff, revision: u64, stamp: &Stamp) -> Result<Vec<Vec<Item>>, TableError> {
        let writes = diff.in_order(&self.rows);
        // Each step is told in the head, so that whoever read the partition before it does not write, and with what the
        // rows are from then on, so that an edit of them is seen.
        let head = |step: usize, rows: Checksum, condition: Condition| -> Result<Item, TableError> {
            let last = self.head.as_ref().and_then(|head| head.last.clone());
            let (pending, rows) = (Some(stamp.clone()), Some(rows.to_string()));
            let mut row = head_row(&self.name, &Head { revision: revision - 1, last, pending, rows })?;
            row.insert("step".to_owned(), AttributeValue::N(step.to_string()));
            Ok(Item::put(RowKey::new(&self.name, HEAD), row, condition))
        };
        let is_mine = || Condition::PendingIs(stamp.push.clone());
        let mut rows = Checksum::of(&self.rows);
        let begin = head(0, rows, self.head_as_read())?;
        let bytes_of_head = begin.bytes();
        let mut steps = vec![vec![begin]];
        steps[0].extend(self.unchanged_grant());

        // What is written together, with what that makes of the rows.
        let documents = self.documents(revision, &written(self.rows.clone(), &writes))?;
        let copies = self.copies(&writes)?;
        let mut parts: Vec<(Vec<Item>, Option<&Write>)> =
            documents.into_iter().map(|item| (vec![item], None)).collect();
        for write in &writes {
            parts.push((self.items(write)?, Some(write)));
        }
        parts.extend(copies.into_iter().map(|item| (vec![item], None)));
        let (mut step, mut bytes) = (Vec::new(), bytes_of_head);
        for (items, write) in parts {
            let more: usize = items.iter().map(Item::bytes).sum();
            let is_full = step.len() + items.len() >= ROWS_PER_TRANSACTION || bytes + more > BYTES_PER_TRANSACTION;
            // A zone may be written twice, and a transaction takes each row once.
            if is_full || step.iter().any(|earlier: &Item| items.iter().any(|item| item.key == earlier.key)) {
                step.insert(0, head(steps.len(), rows, is_mine())?);
                steps.push(std::mem::take(&mut step));
                bytes = bytes_of_head;
            }
            step.extend(items);
            bytes += more;
            rows = write.map_or(rows, |write| rows.after(write));
        }
        step.insert(0, head(steps.len(), rows, is_mine())?);
        steps.push(step);
        steps.push(self.end(revision, stamp, is_mine())?);
        Ok(steps)
    }

    fn head_as_read(&self) -> Condition {
        self.as_read.get(HEAD).map_or(Condition::Absent, |item| Condition::Is(item.clone()))
    }

    /// The head and the revision once all is written.
    fn end(&self, revision: u64, stamp: &Stamp, condition: Condition) -> Result<Vec<Item>, TableError> {
        let head = Head { revision, last: Some(stamp.clone()), pending: None, rows: None };
        Ok(vec![
            Item::put(RowKey::new(&self.name, HEAD), head_row(&self.name, &head)?, condition),
            Item { condition: Condition::Absent, ..Item::put_row(revision_row(&self.name, revision, stamp)?) },
        ])
    }

    fn documents(&self, revision: u64, after: &Rows) -> Result<Vec<Item>, TableError> {
        Ok(document_rows(&self.name, revision, after)?.into_iter().map(Item::put_row).collect())
    }

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

    /// That a team's grant, under which its rows were checked, is still what it was.
    fn unchanged_grant(&self) -> Option<Item> {
        let as_read = self.as_read.get(COPY_OF_GRANT).filter(|_| self.name != RowKey::GRANTS)?;
        let key = RowKey::new(&self.name, COPY_OF_GRANT);
        Some(Item { key, deed: Deed::Check, condition: Condition::Is(as_read.clone()) })
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
