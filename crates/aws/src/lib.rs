//! What is on AWS: tokens in SSM, mappings in DynamoDB, messages to retry in SQS, metrics in CloudWatch.
//!
//! [`SsmTokens`] reads SecureString parameters when a batch needs them, and caches them for the TTL. It reads past the
//! cache when Cloudflare refused a token.
//!
//! [`DynamoMappings`] reads the mappings of the buckets in an event: one Query for each, and one BatchGetItem for the
//! grants and zones of all. It caches them, too. [`Editor`] reads and writes whole partitions of the same table.
//!
//! [`DynamoLastPurges`] remembers in a table of its own what was purged last of each object.
//!
//! [`SqsRetryQueue`] takes the messages that could not be purged at once, [`SqsDelayQueue`] those of second purges.
//! [`SqsDeadLetters`] is for operators, who look at the messages that no retry could purge, and bring them back.
//!
//! [`EmbeddedMetrics`] writes metrics as lines of the log, which CloudWatch reads.

mod attributes;
mod aws_error;
mod cache;
mod call_error;
mod caller;
mod config;
mod dynamo_last_purges;
mod dynamo_mappings;
mod editor;
mod embedded_metrics;
mod function_tokens;
mod http_client;
mod parameter_batcher;
mod parameters;
mod read_error;
mod row_quota;
mod sqs;
mod sqs_dead_letters;
mod sqs_delay_queue;
mod sqs_retry_queue;
mod ssm_tokens;
mod table;
mod table_error;

pub use aws_error::AwsErrorKind;
pub use call_error::CallError;
pub use caller::{AwsCallError, aws_identity, caller, credentials_source, with_caller};
pub use config::{load as load_config, load_patient as load_patient_config};
pub use dynamo_last_purges::DynamoLastPurges;
pub use dynamo_mappings::{DynamoMappings, Lookup};
pub use editor::{Editor, Head, History, PartitionSnapshot, Push, PushDescription, PushError, PushRecord, Revision};
pub use embedded_metrics::EmbeddedMetrics;
pub use function_tokens::FunctionTokens;
pub use http_client::http_client;
pub use parameters::{Parameters, Stored, WriteError};
pub use read_error::ReadError;
pub use sqs::NotAQueueUrl;
pub use sqs_dead_letters::{DeadMessage, QueueState, SqsDeadLetters, queue_state};
pub use sqs_delay_queue::SqsDelayQueue;
pub use sqs_retry_queue::SqsRetryQueue;
pub use ssm_tokens::SsmTokens;
pub use table_error::{NotATable, TableError};
