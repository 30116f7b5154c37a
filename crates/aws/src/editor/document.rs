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

/// The largest document, in bytes before it is compressed: some hundred thousand mappings.
const MAX_DOCUMENT: usize = 1 << 26;

/// The rows that hold a document.
pub(super) fn pack(partition: &Partition, revision: u64, rows: &Rows) -> Result<Vec<Attributes>, TableError> {
    let unpacked = to_json(rows);
    let packed = unpacked.and_then(|json| compressed(&json)).map_err(|reason| {
        TableError::Refused(format!("can't pack the document of revision {revision} of {partition}: {reason}"))
    })?;
    let row = |(part, data): (usize, &[u8])| {
        let mut item = key_attributes(&RowKey::Document { partition: partition.clone(), revision, part });
        item.insert("data".to_owned(), AttributeValue::B(Blob::new(data)));
        item
    };
    Ok(packed.chunks(BYTES_PER_ROW).enumerate().map(row).collect())
}

fn to_json(rows: &Rows) -> std::io::Result<Vec<u8>> {
    let by_sort: BTreeMap<String, &Fields> = rows.iter().map(|(key, fields)| (key.sort(), fields)).collect();
    let json = serde_json::to_vec(&by_sort)?;
    check_size(json.len(), MAX_DOCUMENT)?;
    Ok(json)
}

fn compressed(json: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(json)?;
    packer.finish()
}

/// Reads no more than is needed to know that there are more than `max_bytes` bytes.
fn decompressed(packed: &[u8], max_bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut json = Vec::new();
    GzDecoder::new(packed).take(max_bytes as u64 + 1).read_to_end(&mut json)?;
    check_size(json.len(), max_bytes)?;
    Ok(json)
}

fn check_size(bytes: usize, max_bytes: usize) -> std::io::Result<()> {
    match bytes > max_bytes {
        true => {
            Err(std::io::Error::other(format!("it is too large: the rows have more than {max_bytes} bytes as JSON")))
        }
        false => Ok(()),
    }
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
    let json = decompressed(&packed, MAX_DOCUMENT).map_err(|error| unreadable(&error))?;
    let by_sort: BTreeMap<String, Fields> = serde_json::from_slice(&json).map_err(|error| unreadable(&error))?;
    let pk = partition.to_string();
    Ok(by_sort.into_iter().map(|(sort, fields)| (RowKey::parse(&pk, &sort), fields)).collect())
}

#[cfg(test)]
mod tests {
    use purge_router_core::names::TeamName;

    use super::*;

    #[test]
    fn a_document_that_could_not_be_read_again_is_not_written() {
        let team = TeamName::parse("web").unwrap();
        let fields = [("note".to_owned(), "x".repeat(MAX_DOCUMENT).into())].into_iter().collect();
        let rows = Rows::from([(RowKey::Mapping { team: team.clone(), id: "a".to_owned() }, fields)]);
        let error = pack(&Partition::Team(team), 7, &rows).unwrap_err().to_string();
        let reason = "can't pack the document of revision 7 of TEAM#web: it is too large: ";
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn a_document_that_is_too_large_is_not_cut() {
        let packed = compressed(b"0123456789").unwrap();
        assert_eq!(decompressed(&packed, 10).unwrap(), b"0123456789");
        let error = decompressed(&packed, 9).unwrap_err().to_string();
        assert_eq!(error, "it is too large: the rows have more than 9 bytes as JSON");
    }
}
