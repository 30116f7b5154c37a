//! Why a call of an AWS service failed, for callers that report it.

use std::error::Error;
use std::fmt;

use aws_config::Region;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};

use crate::aws_error::{AwsError, AwsErrorKind};

/// Why a call failed, on one line, without tokens, and with a way out if it is the same for all calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The service's code; empty if the service did not answer.
    pub code: String,
    /// Code and message.
    pub message: String,
    /// What kind of fix it calls for.
    pub kind: AwsErrorKind,
}

impl CallError {
    /// The error of a client that was configured with this region.
    pub fn of<E>(error: &SdkError<E>, region: Option<&Region>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        AwsError::of(error, region).into()
    }

    /// The region, if a service can be called in it.
    ///
    /// # Errors
    /// None is set, or it is not the name of one.
    pub fn check_region(region: Option<&Region>) -> Result<&Region, Self> {
        AwsError::check_region(region).map_err(Self::from)
    }

    /// What is wrong with the credentials, or why the service did not answer.
    pub fn without_answer(error: &(dyn Error + 'static)) -> Self {
        AwsError::without_answer(error).into()
    }

    /// An error that the service returned with this HTTP status.
    pub fn of_answer(code: Option<&str>, message: Option<&str>, status: u16) -> Self {
        AwsError::of_answer(code, message, status).into()
    }

    /// Whether the caller lacks a permission.
    pub fn is_denied(&self) -> bool {
        self.kind == AwsErrorKind::Denied
    }
}

impl From<AwsError> for CallError {
    fn from(AwsError { kind, code, message }: AwsError) -> Self {
        Self { code, message, kind }
    }
}

impl Error for CallError {}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = &self.message;
        match self.kind {
            AwsErrorKind::Denied => write!(f, "access denied: {message}"),
            AwsErrorKind::Throttled => write!(f, "AWS throttled the request: {message}; try again in a minute"),
            AwsErrorKind::Unavailable => {
                write!(f, "AWS does not answer: {message}; check the region and the network, then try again")
            }
            AwsErrorKind::Settings => {
                let help = "set the AWS region and credentials, or renew them, as for the AWS CLI";
                write!(f, "can't call AWS: {message}; {help}")
            }
            AwsErrorKind::Refused => f.write_str(message),
        }
    }
}
