//! The stores on AWS: tokens in SSM, mappings in DynamoDB.
//!
//! [`SsmTokens`] reads SecureString parameters. It asks SSM only for what a batch waits for, keeps what it read for a
//! while, and reads past that when Cloudflare refused a token.
//!
//! [`DynamoMappings`] reads the mappings of the buckets in an event: one Query for each, and one BatchGetItem for the grants
//! and zones of all. [`Editor`] reads and writes whole partitions of the same table.

mod caller;
mod config;
mod dynamo_mappings;
mod editor;
mod function_tokens;
mod gather;
mod parameters;
mod read_error;
mod ssm_tokens;
mod table;
mod trouble;

pub use caller::caller;
pub use config::{load as load_config, load_patient as load_patient_config};
pub use dynamo_mappings::{DynamoMappings, Lookup};
pub use editor::{Editor, Head, History, Note, PartitionSnapshot, Push, PushError, Revision, Stamp};
pub use function_tokens::FunctionTokens;
pub use parameters::{Parameters, Stored, WriteError};
pub use read_error::ReadError;
pub use ssm_tokens::SsmTokens;
pub use table::{NotATable, TableError};
