//! Why SSM gave no token.

use aws_config::Region;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use purge_router_cloudflare::NotAToken;
use purge_router_core::Zone;
use purge_router_pipeline::TokenError;

use crate::aws_error::{AwsError, AwsErrorKind};

/// Why a parameter gave no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The parameter does not exist in this region.
    #[error("SSM has no such parameter in this region")]
    Absent,
    /// SSM or KMS denies it to the caller. Both denials have the same code, and only their messages name the missing
    /// permission.
    #[error("access denied: {0}")]
    Denied(String),
    /// Its KMS key is disabled, is pending deletion, or does not exist.
    #[error("SSM can't use its KMS key: {0}")]
    UnusableKey(String),
    /// SSM stores it in plain text.
    #[error("it is a {0}, not a SecureString")]
    NotSecure(String),
    /// Its value can't be a token.
    #[error("{0}")]
    NotAToken(#[from] NotAToken),
    /// SSM refuses it for another reason, such as an invalid name.
    #[error("SSM refused the request: {0}")]
    Refused(String),
    /// There were too many calls.
    #[error("SSM throttled the request: {0}")]
    Throttled(String),
    /// SSM did not answer, or had an internal error.
    #[error("SSM does not answer: {0}")]
    Unavailable(String),
    /// The region or the credentials are missing or not accepted. Lambda renews its own credentials.
    #[error("can't call SSM: {0}")]
    Settings(String),
}

/// SSM's code for a KMS key that it can't use. The API reference lists it for GetParameter and GetParameters.
const UNUSABLE_KEY: &str = "InvalidKeyId";

impl ReadError {
    /// Whether a retry may help without a fix.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Unavailable(_) | Self::Settings(_))
    }

    /// The pipeline's error for a zone whose token is in this parameter.
    pub fn of_zone(&self, zone: &Zone, parameter: &str) -> TokenError {
        let (team, zone, reason) = (zone.team.to_string(), zone.domain.to_string(), format!("{parameter}: {self}"));
        match self.help() {
            None => TokenError::Unavailable { team, zone, reason },
            Some(help) => TokenError::Missing { team, zone, reason, help: help.to_owned() },
        }
    }

    /// How to fix it; none if it is transient.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Throttled(_) | Self::Unavailable(_) | Self::Settings(_) => return None,
            Self::Absent => "store the token there as a SecureString",
            Self::Denied(_) => {
                "allow ssm:GetParameter for the command and ssm:GetParameters for the function, and kms:Decrypt if its \
                 key is the team's own"
            }
            Self::UnusableKey(_) => "check that its KMS key exists and is enabled",
            Self::NotSecure(_) => "delete it, and store the token there again as a SecureString",
            Self::NotAToken(_) => "store the token there again, and nothing else",
            Self::Refused(_) => "check the parameter's name",
        })
    }
}

impl ReadError {
    /// The error of a client that was configured with this region.
    pub(crate) fn of<E>(error: &SdkError<E>, region: Option<&Region>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let AwsError { kind, code, message } = AwsError::of(error, region);
        match kind {
            AwsErrorKind::Refused if code == UNUSABLE_KEY => Self::UnusableKey(message),
            AwsErrorKind::Denied => Self::Denied(message),
            AwsErrorKind::Throttled => Self::Throttled(message),
            AwsErrorKind::Unavailable => Self::Unavailable(message),
            AwsErrorKind::Settings => Self::Settings(message),
            AwsErrorKind::Refused => Self::Refused(message),
        }
    }
}
