//! Checksums of rows: short names for what they say, whatever the order of their fields.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::edit::write::Write;
use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;

/// A checksum of 128 bits. Its text is 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksum(u128);

/// A text that no [`Checksum`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a checksum: expected 32 hexadecimal digits")]
pub struct NotAChecksum;

impl Checksum {
    /// The checksum of what rows say. The keys of mappings and tests do not count.
    ///
    /// It is the sum of a hash of each row, so that [`Checksum::after`] needs only the row that is written.
    pub fn of(rows: &Rows) -> Self {
        rows.iter().fold(Self::default(), |sum, (key, fields)| Self(sum.0.wrapping_add(hash_of_row(key, fields))))
    }

    /// The checksum of several strings, which differs if any of them does: the first half of their SHA-256.
    pub fn of_texts(texts: &[&str]) -> Self {
        Self(u128::from_be_bytes(hash_of(texts)))
    }

    /// The checksum of rows after one of them is written, from the checksum of the rows before.
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

impl FromStr for Checksum {
    type Err = NotAChecksum;

    fn from_str(text: &str) -> Result<Self, NotAChecksum> {
        let checksum = u128::from_str_radix(text, 16).map(Self).map_err(|_| NotAChecksum)?;
        Some(checksum).filter(|checksum| checksum.to_string() == text).ok_or(NotAChecksum)
    }
}

fn hash_of_row(key: &RowKey, fields: &Fields) -> u128 {
    let name = match key {
        RowKey::Mapping { .. } => String::new(),
        RowKey::Test { .. } => "TEST".to_owned(),
        key => key.sort(),
    };
    u128::from_be_bytes(hash_of(&[&name, &canonical(fields)]))
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
