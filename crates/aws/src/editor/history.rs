//! Revisions: who pushed what and when, and the document as it was after each push.

use std::io::{Read, Write};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use purge_router_config::{RowKey, Rows};
use serde::{Deserialize, Serialize};

use super::{DOCUMENT, Editor, REVISION, Stamp};
use crate::table::{Attributes, TableError, key_attributes, text};

/// How many bytes of a document one row holds; DynamoDB takes 400 KB.
const BYTES_PER_ROW: usize = 350_000;

/// The largest document that is read, in bytes: some hundred thousand mappings.
const LARGEST: u64 = 1 << 26;

/// One push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number, from 1 on.
    pub revision: u64,
    /// Who, what and when.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// The last pushes of a partition.
#[derive(Debug, Default)]
pub struct History {
    /// The newest first.
    pub revisions: Vec<Revision>,
    /// What is wrong with rows that can't be read.
    pub unreadable: Vec<String>,
}

impl Editor {
    /// The last pushes of a partition, the newest first, and which of them can't be read.
    ///
    /// # Errors
    /// What [`TableError`] says.
    pub async fn history(&self, partition: &str, most: usize) -> Result<History, TableError> {
        let mut history = History::default();
        for item in self.revisions(partition, most).await? {
            let sort = sort_of(&item);
            match serde_dynamo::from_item(item) {
                Ok(revision) => history.revisions.push(revision),
                Err(error) => {
                    let key = RowKey::new(partition, sort);
                    history.unreadable.push(format!("the row {key} can't be read: {error}; mend it, or delete it"));
                }
            }
        }
        Ok(history)
    }

    /// The number of the newest revision, by the key of its row, whatever that says; 0 before the first.
    pub(super) async fn newest_revision(&self, partition: &str) -> Result<u64, TableError> {
        let newest = self.revisions(partition, 1).await?;
        let Some(sort) = newest.first().map(sort_of) else { return Ok(0) };
        sort.strip_prefix(REVISION).and_then(|number| number.parse().ok()).ok_or_else(|| {
            let key = RowKey::new(partition, &*sort);
            TableError::Refused(format!("the row {key} is no revision: its key has no number; delete it"))
        })
    }

    async fn revisions(&self, partition: &str, most: usize) -> Result<Vec<Attributes>, TableError> {
        let query = self.table.client.query().table_name(&self.table.name).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last");
        let query = query.expression_attribute_values(":pk", text(partition));
        let query = query.expression_attribute_values(":first", text(format!("{REVISION}0")));
        let query = query.expression_attribute_values(":last", text(format!("{REVISION}:")));
        let query = query.scan_index_forward(false).limit(i32::try_from(most).unwrap_or(i32::MAX));
        let mut items = query.into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < most {
            let Some(item) = items.next().await else { break };
            found.push(item.map_err(|error| self.table.failed(&error))?);
        }
        Ok(found)
    }

    /// The rows of a partition as they were after a push; none if there was no such push.
    ///
    /// # Errors
    /// What [`TableError`] says.
    pub async fn document(&self, partition: &str, revision: u64) -> Result<Option<Rows>, TableError> {
        let (from, to) = (sort_of_part(revision, 0), sort_of_part(revision, MOST_PARTS));
        let parts = self.table.between(partition, &from, &to).await?;
        if parts.is_empty() {
            return Ok(None);
        }
        let mut packed = Vec::new();
        for part in parts {
            match part.get("data") {
                Some(AttributeValue::B(data)) => packed.extend_from_slice(data.as_ref()),
                _ => return Err(unreadable(partition, revision, &"a part has no data")),
            }
        }
        let mut json = Vec::new();
        let unpacked = GzDecoder::new(&*packed).take(LARGEST).read_to_end(&mut json);
        unpacked.map_err(|error| unreadable(partition, revision, &error))?;
        serde_json::from_slice(&json).map(Some).map_err(|error| unreadable(partition, revision, &error))
    }
}

fn sort_of(item: &Attributes) -> String {
    item.get("sk").and_then(|sort| sort.as_s().ok()).cloned().unwrap_or_default()
}

fn unreadable(partition: &str, revision: u64, error: &dyn std::fmt::Display) -> TableError {
    TableError::Refused(format!("the document of revision {revision} of {partition} can't be read: {error}"))
}

const MOST_PARTS: usize = 9_999;

fn sort_of_part(revision: u64, part: usize) -> String {
    format!("{DOCUMENT}{revision:010}#{part:04}")
}

/// The rows that hold a document: compressed JSON, in parts.
pub(super) fn document_rows(partition: &str, revision: u64, rows: &Rows) -> Result<Vec<Attributes>, TableError> {
    let refused = |error: &dyn std::fmt::Display| TableError::Refused(format!("can't pack the document: {error}"));
    let json = serde_json::to_vec(rows).map_err(|error| refused(&error))?;
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(&json).map_err(|error| refused(&error))?;
    let packed = packer.finish().map_err(|error| refused(&error))?;
    let parts: Vec<&[u8]> = packed.chunks(BYTES_PER_ROW).collect();
    let row = |(nth, data): (usize, &[u8])| {
        let mut item = key_attributes(&RowKey::new(partition, sort_of_part(revision, nth)));
        item.insert("data".to_owned(), AttributeValue::B(Blob::new(data)));
        item
    };
    Ok(parts.into_iter().enumerate().map(row).collect())
}

/// The row that tells of a push.
pub(super) fn revision_row(partition: &str, revision: u64, stamp: &Stamp) -> Result<Attributes, TableError> {
    let row = Revision { revision, stamp: stamp.clone() };
    let mut item: Attributes = serde_dynamo::to_item(row).map_err(|error| TableError::Refused(error.to_string()))?;
    item.extend(key_attributes(&RowKey::new(partition, format!("{REVISION}{revision:010}"))));
    Ok(item)
}
