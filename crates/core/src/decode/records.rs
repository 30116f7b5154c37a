//! The outermost form of most events: a list of records.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Some tools write it before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A message of several records, not yet parsed: a broken one must not affect the others.
#[derive(Deserialize)]
pub(super) struct Records<'v> {
    #[serde(borrow, rename = "Records")]
    pub(super) records: Vec<&'v RawValue>,
}

pub(super) fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}
