//! Checksums of rows: short names for what they say, whatever the order of their fields.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::edit::write::Write;
use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;

/// The checksum of what rows say. Which mapping has which key does not matter.
///
/// It is the sum of a hash of each row, so that it is known after each of many writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksum(u128);

impl Checksum {
    /// The checksum of these rows.
    pub fn of(rows: &Rows) -> Self {
        rows.iter().fold(Self::default(), |sum, (key, fields)| Self(sum.0.wrapping_add(hash_of_row(key, fields))))
    }

    /// The checksum of the rows after a write.
    pub fn after(self, write: &Write) -> Self {
        let hash = |fields: &Option<Fields>| fields.as_ref().map_or(0, |fields| hash_of_row(&write.key, fields));
        Self(self.0.wrapping_sub(hash(&write.before)).wrapping_add(hash(&write.after)))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

fn hash_of_row(key: &RowKey, fields: &Fields) -> u128 {
    let name = match key {
        RowKey::Mapping { .. } => String::new(),
        key => key.sort(),
    };
    u128::from_be_bytes(hash_of(&[&name, &canonical(fields)]))
}

/// A checksum of several strings, which differs if any of them does: 32 hexadecimal digits of SHA-256.
pub fn checksum_of_texts(texts: &[&str]) -> String {
    format!("{:032x}", u128::from_be_bytes(hash_of(texts)))
}

fn hash_of(texts: &[&str]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let mut first = [0; 16];
    first.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    first
}

/// Fields as one string, whatever their order.
pub(crate) fn canonical(fields: &Fields) -> String {
    let sorted: BTreeMap<&String, Value> = fields.iter().map(|(name, value)| (name, sorted(value))).collect();
    serde_json::to_string(&sorted).unwrap_or_default()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let by_name: BTreeMap<&String, Value> = fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            by_name.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
