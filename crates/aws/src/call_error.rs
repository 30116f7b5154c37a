//! Why a call of an AWS service failed, for callers that report it.

use aws_config::Region;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};

use crate::aws_error::{AwsError, AwsErrorKind};

/// SNS's code for a denied call.
const DENIED_BY_SNS: &str = "AuthorizationError";

/// Why a call failed, on one line and without tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// The service's code; empty if the service did not answer.
    pub code: String,
    /// Code and message.
    pub message: String,
    /// Whether the caller lacks a permission.
    pub is_denied: bool,
}

impl CallError {
    /// The error of a client that was configured with this region.
    pub fn of<E>(error: &SdkError<E>, region: Option<&Region>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let AwsError { kind, code, message } = AwsError::of(error, region);
        let is_denied = kind == AwsErrorKind::Denied || code == DENIED_BY_SNS;
        Self { code, message, is_denied }
    }
}
