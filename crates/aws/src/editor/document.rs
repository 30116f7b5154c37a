//! Documents: the rows of a partition as they were after a push, as compressed JSON in parts.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use purge_router_config::{Fields, Partition, RowKey, Rows};

use crate::table::{Attributes, TableError, key_attributes};

/// How many bytes of a document one row holds; DynamoDB takes 400 KB.
const BYTES_PER_ROW: usize = 350_000;

/// The largest document that is read, in bytes: some hundred thousand mappings.
const MAX_DOCUMENT: u64 = 1 << 26;

/// The rows that hold a document.
pub(super) fn pack(partition: &Partition, revision: u64, rows: &Rows) -> Result<Vec<Attributes>, TableError> {
    let packed = compressed(rows)
        .map_err(|error| TableError::Refused(format!("can't pack the document of revision {revision}: {error}")))?;
    let row = |(part, data): (usize, &[u8])| {
        let mut item = key_attributes(&RowKey::Document { partition: partition.clone(), revision, part });
        item.insert("data".to_owned(), AttributeValue::B(Blob::new(data)));
        item
    };
    Ok(packed.chunks(BYTES_PER_ROW).enumerate().map(row).collect())
}

fn compressed(rows: &Rows) -> std::io::Result<Vec<u8>> {
    let by_sort: BTreeMap<String, &Fields> = rows.iter().map(|(key, fields)| (key.sort(), fields)).collect();
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(&serde_json::to_vec(&by_sort)?)?;
    packer.finish()
}

/// The rows in the parts of a document.
pub(super) fn unpack(partition: &Partition, revision: u64, parts: &[Attributes]) -> Result<Rows, TableError> {
    let unreadable = |reason: &dyn std::fmt::Display| {
        TableError::Refused(format!("the document of revision {revision} of {partition} can't be read: {reason}"))
    };
    let mut packed = Vec::new();
    for part in parts {
        match part.get("data") {
            Some(AttributeValue::B(data)) => packed.extend_from_slice(data.as_ref()),
            _ => return Err(unreadable(&"a part has no data")),
        }
    }
    let mut json = Vec::new();
    let unpacked = GzDecoder::new(&*packed).take(MAX_DOCUMENT).read_to_end(&mut json);
    unpacked.map_err(|error| unreadable(&error))?;
    let by_sort: BTreeMap<String, Fields> = serde_json::from_slice(&json).map_err(|error| unreadable(&error))?;
    let pk = partition.to_string();
    Ok(by_sort.into_iter().map(|(sort, fields)| (RowKey::parse(&pk, &sort), fields)).collect())
}
