//! The transactions of a push: one, or several ordered ones, each on the condition that nobody else wrote.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use purge_router_config::{Checksum, Diff, Fields, RowKey, VERSION, Write, apply_writes};
use serde_json::Value;

use super::document::pack;
use super::revisions::{Revision, revision_row};
use super::row_write::{Action, Condition, RowWrite};
use super::snapshot::{Head, PartitionSnapshot, PushRecord};
use crate::table::{Attributes, TableError, attributes, key_attributes};

/// How many rows DynamoDB allows in one transaction, and how many bytes a push puts into one: DynamoDB allows 4 MB.
const ROWS_PER_TRANSACTION: usize = 100;
const BYTES_PER_TRANSACTION: usize = 3_000_000;

/// Cuts a push into transactions.
pub(super) struct Transactions<'p> {
    pub(super) snapshot: &'p PartitionSnapshot,
    pub(super) diff: &'p Diff,
    pub(super) revision: u64,
    pub(super) record: &'p PushRecord,
}

/// Rows that must be in the same transaction. `write` is the change of the partition's rows that they make; documents
/// and copies of grants make none.
struct Group<'w> {
    rows: Vec<RowWrite>,
    write: Option<&'w Write>,
}

impl Transactions<'_> {
    /// One transaction if DynamoDB takes it as one, and otherwise several ordered ones.
    pub(super) fn to_write(&self) -> Result<Vec<Vec<RowWrite>>, TableError> {
        // Packing the document takes time, so it is not done for a single transaction that would have too many rows.
        if self.diff.len() >= ROWS_PER_TRANSACTION {
            return self.several();
        }
        let single = self.single()?;
        let bytes: usize = single.iter().map(RowWrite::bytes).sum();
        match single.len() <= ROWS_PER_TRANSACTION && bytes <= BYTES_PER_TRANSACTION {
            true => Ok(vec![single]),
            false => self.several(),
        }
    }

    fn single(&self) -> Result<Vec<RowWrite>, TableError> {
        let writes = self.diff.writes();
        let mut rows = self.end(self.head_as_read())?;
        rows.extend(self.unchanged_grant());
        rows.extend(self.documents(&writes)?);
        for write in &writes {
            rows.extend(self.rows_of(write)?);
        }
        rows.extend(self.stale_copies(&writes)?);
        Ok(rows)
    }

    /// The first transaction records in `HEAD` that the push is in progress, and the last one that it is finished. Each
    /// transaction changes `HEAD`: it counts up the step, so that pushes that read an earlier `HEAD` fail, and it sets
    /// the checksum of the rows after it, so that edits of them are noticed.
    fn several(&self) -> Result<Vec<Vec<RowWrite>>, TableError> {
        let writes = self.diff.safe_order(&self.snapshot.rows);
        let is_mine = || Condition::PendingIs(self.record.id.clone());
        let mut checksum = Checksum::of(&self.snapshot.rows);
        let begin = self.progress(0, checksum, self.head_as_read())?;
        let bytes_of_head = begin.bytes();
        let mut transactions = vec![vec![begin]];
        transactions[0].extend(self.unchanged_grant());
        let (mut current, mut bytes): (Vec<RowWrite>, usize) = (Vec::new(), bytes_of_head);
        for Group { rows, write } in self.groups(&writes)? {
            let more: usize = rows.iter().map(RowWrite::bytes).sum();
            let is_full = current.len() + rows.len() >= ROWS_PER_TRANSACTION || bytes + more > BYTES_PER_TRANSACTION;
            // A zone may be written twice, and a transaction takes each row once.
            let is_repeated = current.iter().any(|earlier| rows.iter().any(|row| row.key == earlier.key));
            if is_full || is_repeated {
                current.insert(0, self.progress(transactions.len(), checksum, is_mine())?);
                transactions.push(std::mem::take(&mut current));
                bytes = bytes_of_head;
            }
            current.extend(rows);
            bytes += more;
            checksum = write.map_or(checksum, |write| checksum.after(write));
        }
        current.insert(0, self.progress(transactions.len(), checksum, is_mine())?);
        transactions.push(current);
        transactions.push(self.end(is_mine())?);
        Ok(transactions)
    }

    fn groups<'w>(&self, writes: &'w [Write]) -> Result<Vec<Group<'w>>, TableError> {
        let alone = |row: RowWrite| Group { rows: vec![row], write: None };
        let mut groups: Vec<Group<'w>> = self.documents(writes)?.into_iter().map(alone).collect();
        for write in writes {
            groups.push(Group { rows: self.rows_of(write)?, write: Some(write) });
        }
        groups.extend(self.stale_copies(writes)?.into_iter().map(alone));
        Ok(groups)
    }

    /// The head while the push is in progress: the transaction's index is in it, so that it differs from the one
    /// before.
    fn progress(&self, index: usize, checksum: Checksum, condition: Condition) -> Result<RowWrite, TableError> {
        let head = Head {
            revision: self.revision - 1,
            last: self.snapshot.head.as_ref().and_then(|head| head.last.clone()),
            pending: Some(self.record.clone()),
            rows_of_pending: Some(checksum),
        };
        let mut row = self.head_row(&head)?;
        row.insert("step".to_owned(), AttributeValue::N(index.to_string()));
        Ok(RowWrite::put(self.head_key(), row, condition))
    }

    /// The head and the revision once all is written.
    fn end(&self, condition: Condition) -> Result<Vec<RowWrite>, TableError> {
        let head =
            Head { revision: self.revision, last: Some(self.record.clone()), pending: None, rows_of_pending: None };
        let revision = Revision { revision: self.revision, record: self.record.clone() };
        let revision = RowWrite::put_row(revision_row(&self.snapshot.partition, &revision)?);
        Ok(vec![
            RowWrite::put(self.head_key(), self.head_row(&head)?, condition),
            RowWrite { condition: Condition::Absent, ..revision },
        ])
    }

    fn head_key(&self) -> RowKey {
        RowKey::Head(self.snapshot.partition.clone())
    }

    fn head_row(&self, head: &Head) -> Result<Attributes, TableError> {
        let mut item: Attributes =
            serde_dynamo::to_item(head).map_err(|error| TableError::Refused(error.to_string()))?;
        item.extend(key_attributes(&self.head_key()));
        Ok(item)
    }

    fn head_as_read(&self) -> Condition {
        self.snapshot.attributes.get(&self.head_key()).map_or(Condition::Absent, |item| Condition::Is(item.clone()))
    }

    fn documents(&self, writes: &[Write]) -> Result<Vec<RowWrite>, TableError> {
        let after = apply_writes(self.snapshot.rows.clone(), writes);
        Ok(pack(&self.snapshot.partition, self.revision, &after)?.into_iter().map(RowWrite::put_row).collect())
    }

    /// The row of a write; for a grant also its copy for the team.
    fn rows_of(&self, write: &Write) -> Result<Vec<RowWrite>, TableError> {
        let Write { key, before, after } = write;
        let condition = match (before, self.snapshot.attributes.get(key)) {
            (None, _) => Condition::Absent,
            (Some(_), Some(item)) if self.snapshot.rows.get(key) == before.as_ref() => Condition::Is(item.clone()),
            // An earlier transaction wrote it.
            (Some(before), _) => Condition::Is(written_row(key, before)?),
        };
        let item = |key: RowKey, condition| -> Result<RowWrite, TableError> {
            let action = match after {
                Some(fields) => Action::Put(written_row(&key, fields)?),
                None => Action::Delete,
            };
            Ok(RowWrite { key, action, condition })
        };
        let mut items = vec![item(key.clone(), condition)?];
        if let RowKey::Grant(team) = key {
            items.push(item(RowKey::GrantCopy(team.clone()), Condition::None)?);
        }
        Ok(items)
    }

    /// A check that a team's grant, under which its rows were checked, is still what it was.
    fn unchanged_grant(&self) -> Option<RowWrite> {
        let mut as_read = self.snapshot.attributes.iter();
        let (key, row) = as_read.find(|(key, _)| matches!(key, RowKey::GrantCopy(_)))?;
        Some(RowWrite { key: key.clone(), action: Action::Check, condition: Condition::Is(row.clone()) })
    }

    /// The copies of grants that are stale, and that these writes do not renew.
    fn stale_copies(&self, writes: &[Write]) -> Result<Vec<RowWrite>, TableError> {
        let renewed: HashSet<&RowKey> = writes.iter().map(|write| &write.key).collect();
        let mut items = Vec::new();
        for team in &self.snapshot.teams_with_stale_copy {
            let grant = RowKey::Grant(team.clone());
            if let Some(fields) = self.snapshot.rows.get(&grant).filter(|_| !renewed.contains(&grant)) {
                items.push(RowWrite::put_row(written_row(&RowKey::GrantCopy(team.clone()), fields)?));
            }
        }
        Ok(items)
    }
}

/// A row as it is written.
fn written_row(key: &RowKey, fields: &Fields) -> Result<Attributes, TableError> {
    let mut fields = fields.clone();
    fields.insert("version".to_owned(), Value::from(VERSION));
    let mut item = attributes(&fields)?;
    item.extend(key_attributes(key));
    Ok(item)
}
