//! The editor of one table. Its methods are in the modules next to this one: they read partitions and their history, and
//! write pushes.

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
