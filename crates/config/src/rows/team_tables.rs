//! A team's zones, mappings and tests before each has a row.

use std::collections::BTreeMap;

use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;

/// One team's zones, mappings and tests as fields of rows, which have no keys yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TeamTables {
    /// Zones by domain.
    pub zones: BTreeMap<String, Fields>,
    /// Mappings, each with `bucket` and `prefix` for its `source`.
    pub mappings: Vec<Fields>,
    /// Tests.
    pub tests: Vec<Fields>,
}

impl From<Rows> for TeamTables {
    fn from(rows: Rows) -> Self {
        let mut tables = Self::default();
        for (key, fields) in rows {
            match key {
                RowKey::Zone { domain, .. } => drop(tables.zones.insert(domain, fields)),
                RowKey::Mapping { .. } => tables.mappings.push(fields),
                RowKey::Test { .. } => tables.tests.push(fields),
                _ => {}
            }
        }
        tables
    }
}
