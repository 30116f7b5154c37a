//! The editor of one table. What it can do is beside it: read partitions, read their history, and write a push.

use aws_config::SdkConfig;

use crate::table::{NotATable, Table};

/// Reads and writes partitions of the table.
#[derive(Debug, Clone)]
pub struct Editor {
    pub(super) table: Table,
}

impl Editor {
    /// Makes a client from the configuration; nothing is sent yet.
    ///
    /// # Errors
    /// The name can't be the name of a DynamoDB table.
    pub fn new(config: &SdkConfig, table: String) -> Result<Self, NotATable> {
        Ok(Self { table: Table::new(config, table)? })
    }
}
