//! The transactions of a push: one, or several ordered ones, each on the condition that nobody else wrote.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use purge_router_config::{Checksum, Diff, Fields, RowKey, VERSION, Write, apply_writes};
use serde_json::Value;

use super::document::pack;
use super::revisions::{Revision, revision_row};
use super::snapshot::{Head, PartitionSnapshot, Stamp};
use super::transaction::{Action, Condition, Item};
use crate::table::{Attributes, TableError, attributes, key_attributes};

/// The most rows that one transaction takes, and the most bytes with room to spare: DynamoDB takes 4 MB.
const ROWS_PER_TRANSACTION: usize = 100;
const BYTES_PER_TRANSACTION: usize = 3_000_000;

/// A push that is cut into transactions.
pub(super) struct Steps<'p> {
    pub(super) snapshot: &'p PartitionSnapshot,
    pub(super) diff: &'p Diff,
    pub(super) revision: u64,
    pub(super) stamp: &'p Stamp,
}

/// What is written together, and the write by which the checksum of the rows changes.
struct Part<'w> {
    items: Vec<Item>,
    write: Option<&'w Write>,
}

impl Steps<'_> {
    /// One transaction if DynamoDB takes it as one.
    pub(super) fn transactions(&self) -> Result<Vec<Vec<Item>>, TableError> {
        // The document is large, so it is not packed for a transaction that can't be.
        if self.diff.len() >= ROWS_PER_TRANSACTION {
            return self.in_steps();
        }
        let at_once = self.at_once()?;
        let bytes: usize = at_once.iter().map(Item::bytes).sum();
        match at_once.len() <= ROWS_PER_TRANSACTION && bytes <= BYTES_PER_TRANSACTION {
            true => Ok(vec![at_once]),
            false => self.in_steps(),
        }
    }

    fn at_once(&self) -> Result<Vec<Item>, TableError> {
        let writes = self.diff.writes();
        let mut items = self.end(self.head_as_read())?;
        items.extend(self.unchanged_grant());
        items.extend(self.documents(&writes)?);
        for write in &writes {
            items.extend(self.items(write)?);
        }
        items.extend(self.copies(&writes)?);
        Ok(items)
    }

    /// Several transactions. The first notes in `HEAD` that the push is in progress, and the last that it is finished. Each
    /// counts up in `HEAD`, so that a push that read the partition before it does not write, and notes what the rows are from
    /// then on, so that an edit of them is seen.
    fn in_steps(&self) -> Result<Vec<Vec<Item>>, TableError> {
        let writes = self.diff.safe_order(&self.snapshot.rows);
        let is_mine = || Condition::PendingIs(self.stamp.push.clone());
        let mut rows = Checksum::of(&self.snapshot.rows);
        let begin = self.progress(0, rows, self.head_as_read())?;
        let bytes_of_head = begin.bytes();
        let mut steps = vec![vec![begin]];
        steps[0].extend(self.unchanged_grant());
        let (mut step, mut bytes): (Vec<Item>, usize) = (Vec::new(), bytes_of_head);
        for Part { items, write } in self.parts(&writes)? {
            let more: usize = items.iter().map(Item::bytes).sum();
            let is_full = step.len() + items.len() >= ROWS_PER_TRANSACTION || bytes + more > BYTES_PER_TRANSACTION;
            // A zone may be written twice, and a transaction takes each row once.
            let is_repeated = step.iter().any(|earlier| items.iter().any(|item| item.key == earlier.key));
            if is_full || is_repeated {
                step.insert(0, self.progress(steps.len(), rows, is_mine())?);
                steps.push(std::mem::take(&mut step));
                bytes = bytes_of_head;
            }
            step.extend(items);
            bytes += more;
            rows = write.map_or(rows, |write| rows.after(write));
        }
        step.insert(0, self.progress(steps.len(), rows, is_mine())?);
        steps.push(step);
        steps.push(self.end(is_mine())?);
        Ok(steps)
    }

    fn parts<'w>(&self, writes: &'w [Write]) -> Result<Vec<Part<'w>>, TableError> {
        let alone = |item: Item| Part { items: vec![item], write: None };
        let mut parts: Vec<Part<'w>> = self.documents(writes)?.into_iter().map(alone).collect();
        for write in writes {
            parts.push(Part { items: self.items(write)?, write: Some(write) });
        }
        parts.extend(self.copies(writes)?.into_iter().map(alone));
        Ok(parts)
    }

    /// The head while the push is in progress.
    fn progress(&self, step: usize, rows: Checksum, condition: Condition) -> Result<Item, TableError> {
        let head = Head {
            revision: self.revision - 1,
            last: self.snapshot.head.as_ref().and_then(|head| head.last.clone()),
            pending: Some(self.stamp.clone()),
            rows: Some(rows.to_string()),
        };
        let mut row = self.head_row(&head)?;
        row.insert("step".to_owned(), AttributeValue::N(step.to_string()));
        Ok(Item::put(self.head_key(), row, condition))
    }

    /// The head and the revision once all is written.
    fn end(&self, condition: Condition) -> Result<Vec<Item>, TableError> {
        let head = Head { revision: self.revision, last: Some(self.stamp.clone()), pending: None, rows: None };
        let revision = Revision { revision: self.revision, stamp: self.stamp.clone() };
        let revision = Item::put_row(revision_row(&self.snapshot.id, &revision)?);
        Ok(vec![
            Item::put(self.head_key(), self.head_row(&head)?, condition),
            Item { condition: Condition::Absent, ..revision },
        ])
    }

    fn head_key(&self) -> RowKey {
        RowKey::Head(self.snapshot.id.clone())
    }

    fn head_row(&self, head: &Head) -> Result<Attributes, TableError> {
        let mut item: Attributes =
            serde_dynamo::to_item(head).map_err(|error| TableError::Refused(error.to_string()))?;
        item.extend(key_attributes(&self.head_key()));
        Ok(item)
    }

    fn head_as_read(&self) -> Condition {
        self.snapshot.as_read.get(&self.head_key()).map_or(Condition::Absent, |item| Condition::Is(item.clone()))
    }

    fn documents(&self, writes: &[Write]) -> Result<Vec<Item>, TableError> {
        let after = apply_writes(self.snapshot.rows.clone(), writes);
        Ok(pack(&self.snapshot.id, self.revision, &after)?.into_iter().map(Item::put_row).collect())
    }

    /// A row to be written; a grant with its copy for the team.
    fn items(&self, write: &Write) -> Result<Vec<Item>, TableError> {
        let Write { key, before, after } = write;
        let condition = match (before, self.snapshot.as_read.get(key)) {
            (None, _) => Condition::Absent,
            (Some(_), Some(item)) if self.snapshot.rows.get(key) == before.as_ref() => Condition::Is(item.clone()),
            // An earlier step wrote it.
            (Some(before), _) => Condition::Is(written_row(key, before)?),
        };
        let item = |key: RowKey, condition| -> Result<Item, TableError> {
            let action = match after {
                Some(fields) => Action::Put(written_row(&key, fields)?),
                None => Action::Delete,
            };
            Ok(Item { key, action, condition })
        };
        let mut items = vec![item(key.clone(), condition)?];
        if let RowKey::Grant(team) = key {
            items.push(item(RowKey::GrantCopy(team.clone()), Condition::None)?);
        }
        Ok(items)
    }

    /// A check that a team's grant, under which its rows were checked, is still what it was.
    fn unchanged_grant(&self) -> Option<Item> {
        let mut as_read = self.snapshot.as_read.iter();
        let (key, item) = as_read.find(|(key, _)| matches!(key, RowKey::GrantCopy(_)))?;
        Some(Item { key: key.clone(), action: Action::Check, condition: Condition::Is(item.clone()) })
    }

    /// The copies of grants that are stale, and that these writes do not renew.
    fn copies(&self, writes: &[Write]) -> Result<Vec<Item>, TableError> {
        let renewed: HashSet<&RowKey> = writes.iter().map(|write| &write.key).collect();
        let mut items = Vec::new();
        for team in &self.snapshot.stale_copies {
            let grant = RowKey::Grant(team.clone());
            if let Some(fields) = self.snapshot.rows.get(&grant).filter(|_| !renewed.contains(&grant)) {
                items.push(Item::put_row(written_row(&RowKey::GrantCopy(team.clone()), fields)?));
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
