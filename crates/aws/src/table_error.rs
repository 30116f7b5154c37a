//! Why the table can't be read or written.

use aws_config::Region;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::aws_error::{AwsError, AwsErrorKind};

/// The index of mappings by bucket.
pub(crate) const INDEX: &str = "by-bucket";

/// Why the table can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The table does not exist, or it has no index by bucket.
    #[error("DynamoDB has no table `{table}` with an index `{INDEX}` in the region {region}: {message}")]
    #[expect(missing_docs, reason = "the message says what they are")]
    NoTable { table: String, region: String, message: String },
    /// The caller lacks a permission. [`with_caller`](crate::with_caller) adds who that is.
    #[error("access denied: {0}")]
    Denied(String),
    /// There were too many calls.
    #[error("DynamoDB throttled the request: {0}")]
    Throttled(String),
    /// DynamoDB did not answer, or had an internal error.
    #[error("DynamoDB does not answer: {0}")]
    Unavailable(String),
    /// The region or the credentials are missing or not accepted.
    #[error("can't call DynamoDB: {0}; set the AWS region and credentials, or renew them, as for the AWS CLI")]
    Settings(String),
    /// DynamoDB refused the request for another reason.
    #[error("DynamoDB refused the request: {0}")]
    Refused(String),
}

/// A name that no DynamoDB table can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a table name: use 3 to 255 letters, digits, `_`, `-` or `.`")]
pub struct NotATable(pub(crate) String);

impl TableError {
    /// The error of a client that was configured with this region.
    pub(crate) fn of<E>(error: &SdkError<E>, table: &str, region: Option<&Region>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let AwsError { kind, code, message } = AwsError::of(error, region);
        match kind {
            _ if code == "ResourceNotFoundException" => {
                let region = region.map(ToString::to_string).unwrap_or_default();
                Self::NoTable { table: table.to_owned(), region, message }
            }
            AwsErrorKind::Denied => Self::Denied(message),
            AwsErrorKind::Throttled => Self::Throttled(message),
            AwsErrorKind::Unavailable => Self::Unavailable(message),
            AwsErrorKind::Settings => Self::Settings(message),
            AwsErrorKind::Refused => Self::Refused(message),
        }
    }
}
