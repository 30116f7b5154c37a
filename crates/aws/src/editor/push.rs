//! Writing a difference: it is prepared from a snapshot, written transaction by transaction, and refused if somebody
//! else wrote.

use std::ops::ControlFlow;
use std::time::SystemTime;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use aws_sdk_dynamodb::types::CancellationReason;
use purge_router_config::{Checksum, Diff, Partition, Pulled, RowKey, apply_writes};

use super::row_write::RowWrite;
use super::snapshot::{Head, PartitionSnapshot, PushRecord, read_head};
use super::table_editor::Editor;
use super::transactions::Transactions;
use crate::table::{Attributes, TableError, pause};

/// How often a transaction is tried that conflicts with another one, or is throttled.
const TRIES: u32 = 8;

/// What the history will say about a push, besides its time and its changes.
#[derive(Debug, Clone)]
pub struct PushDescription {
    /// The user who pushes: an ARN if AWS knows it.
    pub by: String,
    /// The number of changes, such as `2 added, 1 changed`.
    pub summary: String,
    /// The reason for the push, if its user gave one.
    pub message: Option<String>,
    /// The checksum of all differences that are approved together; `None` if there is no difference.
    pub approval: Option<Checksum>,
    /// The `pulled` line of the file that is pushed.
    pub pulled: Option<Pulled>,
}

/// A difference that is ready to be written.
#[derive(Debug)]
pub struct Push {
    partition: Partition,
    revision: u64,
    id: String,
    transactions: Vec<Vec<RowWrite>>,
}

/// Why a difference was not written, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// Another push came first.
    #[error(
        "another push came first: revision {revision} by {by} at {at} ({summary}); see what it changed, and push again"
    )]
    #[expect(missing_docs, reason = "the message says what they are")]
    Lost { revision: u64, by: String, at: String, summary: String },
    /// Another push was started and is not finished.
    #[error(
        "a push by {by}, started at {at}, is in progress or was interrupted ({summary}); wait for it, ask {by} to push \
         again, or add --take-over"
    )]
    #[expect(missing_docs, reason = "the message says what they are")]
    InProgress { by: String, at: String, summary: String },
    /// A row is not as the snapshot has it: somebody edited it, for example in the AWS console.
    #[error("the row {0} was edited in the meantime; see what changed, and push again")]
    Edited(RowKey),
    /// DynamoDB failed or refused.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The caller stopped it between two transactions.
    #[error("stopped between two transactions")]
    Stopped,
    /// Some transactions were written, and the next was not.
    #[error("{error}; {done} of {of} transactions are written{}", .error.completion_help())]
    #[expect(missing_docs, reason = "the message says what they are")]
    Interrupted { error: Box<PushError>, done: usize, of: usize },
}

impl PushError {
    /// What to do about a push that was partly written. The other errors say that themselves.
    fn completion_help(&self) -> &'static str {
        match self {
            Self::Table(_) => ": push again to complete them",
            _ => "",
        }
    }
}

impl Push {
    /// The number of transactions that write it.
    pub fn transactions(&self) -> usize {
        self.transactions.len()
    }

    /// The revision that the partition will have.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

impl Editor {
    /// Prepares to write a difference of a partition as it was read.
    ///
    /// Another push that is in progress stops it, unless that one was to write the same, or this one may `take_over`.
    ///
    /// # Errors
    /// Another push is in progress, or rows can't be written.
    pub fn prepare(
        &self,
        snapshot: &PartitionSnapshot,
        diff: &Diff,
        description: PushDescription,
        take_over: bool,
    ) -> Result<Push, PushError> {
        let new = new_record(snapshot, diff, description)?;
        let record = match snapshot.pending() {
            Some(pending) if pending.rows_after == new.rows_after => completing_record(snapshot, pending, new),
            Some(PushRecord { by, at, summary, .. }) if !take_over => {
                return Err(PushError::InProgress { by: by.clone(), at: at.clone(), summary: summary.clone() });
            }
            _ => new,
        };
        let revision = snapshot.revision + 1;
        let transactions = Transactions { snapshot, diff, revision, record: &record }.to_write()?;
        Ok(Push { partition: snapshot.partition.clone(), revision, id: record.id, transactions })
    }

    /// Writes what was prepared, and reports after each transaction how many are written.
    ///
    /// # Errors
    /// Somebody else wrote in the meantime, or DynamoDB failed.
    pub async fn push(&self, push: &Push, on_progress: impl Fn(usize)) -> Result<(), PushError> {
        let always = |done| {
            on_progress(done);
            ControlFlow::Continue(())
        };
        self.push_while(push, always).await
    }

    /// Like [`Editor::push`], until `on_progress` breaks off: then the next push of the same completes it.
    ///
    /// # Errors
    /// As for [`Editor::push`], and [`PushError::Stopped`].
    pub async fn push_while(
        &self,
        push: &Push,
        on_progress: impl Fn(usize) -> ControlFlow<()>,
    ) -> Result<(), PushError> {
        let of = push.transactions();
        for (done, transaction) in push.transactions.iter().enumerate() {
            if let Err(error) = self.write(push, transaction).await {
                // A transaction whose answer was lost may be written all the same.
                let is_last = done + 1 == of;
                if is_last && matches!(error, PushError::Table(_)) && self.is_written(push).await {
                    return Ok(());
                }
                return Err(match done {
                    0 => error,
                    done => PushError::Interrupted { error: Box::new(error), done, of },
                });
            }
            if on_progress(done + 1).is_break() && done + 1 < of {
                return Err(PushError::Stopped);
            }
        }
        Ok(())
    }

    async fn is_written(&self, push: &Push) -> bool {
        let head = self.head(&push.partition).await;
        head.is_ok_and(|head| head.and_then(|head| head.last).is_some_and(|last| last.id == push.id))
    }

    async fn write(&self, push: &Push, transaction: &[RowWrite]) -> Result<(), PushError> {
        let items: Result<Vec<_>, _> =
            transaction.iter().map(|item| item.clone().into_request(&self.table.name)).collect();
        let items = items?;
        let mut tries = 0;
        loop {
            let write = self.table.client.transact_write_items().set_transact_items(Some(items.clone()));
            let Err(error) = write.send().await else { return Ok(()) };
            let reasons = cancellation_reasons(&error);
            let is_failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
            let failed = transaction.iter().zip(reasons).find(|(_, reason)| is_failed(reason));
            if let Some((item, reason)) = failed {
                return Err(lost(push, &item.key, reason.item.clone()));
            }
            tries += 1;
            if tries == TRIES || !is_transient(reasons) {
                return Err(self.table.failed(&error).into());
            }
            pause(tries).await;
        }
    }
}

fn new_record(
    snapshot: &PartitionSnapshot,
    diff: &Diff,
    description: PushDescription,
) -> Result<PushRecord, TableError> {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let at = DateTime::from_secs(seconds.cast_signed()).fmt(DateTimeFormat::DateTime);
    let at = at.map_err(|error| TableError::Refused(format!("the clock: {error}")))?;
    let after = apply_writes(snapshot.rows.clone(), &diff.writes());
    let PushDescription { by, summary, message, approval, pulled } = description;
    Ok(PushRecord {
        id: format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)),
        by,
        at,
        summary,
        message,
        rows_after: Some(Checksum::of(&after)),
        // An approval is for partitions with a difference, and not for those with edits of the table alone.
        diff: (!diff.is_empty()).then(|| diff.checksum()),
        approval,
        pulled: pulled.map(|pulled| pulled.to_string()),
    })
}

/// The record of a push that completes a pending one. It describes all changes of both, and not only the rest. If rows
/// were edited since, the approval of the pending push is not for them.
fn completing_record(snapshot: &PartitionSnapshot, pending: &PushRecord, new: PushRecord) -> PushRecord {
    let (diff, approval) = match snapshot.is_edited() {
        true => (new.diff, new.approval),
        false => (pending.diff, pending.approval),
    };
    PushRecord {
        summary: pending.summary.clone(),
        message: new.message.or_else(|| pending.message.clone()),
        pulled: new.pulled.or_else(|| pending.pulled.clone()),
        diff,
        approval,
        ..new
    }
}

/// Who came first, from the row that did not meet its condition.
fn lost(push: &Push, key: &RowKey, found: Option<Attributes>) -> PushError {
    let head_key = RowKey::Head(push.partition.clone());
    if matches!(key, RowKey::Revision { .. }) {
        return TableError::Refused(format!(
            "the row {key} exists already, though the row {head_key} says that it comes next: delete {head_key}, and the \
             next push writes it from the newest revision"
        ))
        .into();
    }
    let head = found.filter(|_| *key == head_key).and_then(|found| read_head(&push.partition, found).ok());
    match head {
        Some(Head { pending: Some(PushRecord { id, by, at, summary, .. }), .. }) if id != push.id => {
            PushError::InProgress { by, at, summary }
        }
        Some(Head { revision, last: Some(PushRecord { by, at, summary, .. }), .. }) => {
            PushError::Lost { revision, by, at, summary }
        }
        _ => PushError::Edited(key.clone()),
    }
}

fn cancellation_reasons(error: &SdkError<TransactWriteItemsError>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => canceled.cancellation_reasons(),
        _ => &[],
    }
}

/// Whether a transaction was canceled because it conflicts with another one, or was throttled.
fn is_transient(reasons: &[CancellationReason]) -> bool {
    let transient = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    reasons.iter().any(|reason| reason.code().is_some_and(|code| transient.contains(&code)))
}
