//! Why SSM gave no token.

use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::get_parameters::GetParametersError;
use purge_router_cloudflare::NotAToken;
use purge_router_core::Zone;
use purge_router_pipeline::TokenError;

use crate::trouble::Trouble;

/// Why a parameter gave no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no such parameter.
    #[error("SSM has no such parameter in this region")]
    Absent,
    /// The function's role, or the key that the parameter is encrypted with, does not allow it.
    #[error("it may not be read: {0}")]
    Denied(String),
    /// It would lie open in SSM.
    #[error("it is a {0}, not a SecureString")]
    NotSecure(String),
    /// What it holds can't be a token.
    #[error("{0}")]
    NotAToken(#[from] NotAToken),
    /// SSM refuses it for another reason, such as a KMS key that is disabled.
    #[error("SSM refuses it: {0}")]
    Refused(String),
    /// SSM was asked too often.
    #[error("SSM throttles: {0}")]
    Throttled(String),
    /// SSM did not answer, or has trouble of its own.
    #[error("SSM does not answer: {0}")]
    Unavailable(String),
    /// Without a region or credentials, or with those that are not taken, it can't be asked. Lambda renews its own.
    #[error("SSM can't be asked: {0}")]
    Settings(String),
}

impl ReadError {
    /// Whether another try may help without anybody mending anything.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Unavailable(_) | Self::Settings(_))
    }

    /// The same for the pipeline, as what keeps this zone from its token in this parameter.
    pub fn of_zone(&self, zone: &Zone, parameter: &str) -> TokenError {
        let (team, zone, reason) = (zone.team.to_string(), zone.domain.to_string(), format!("{parameter}: {self}"));
        match self.help() {
            None => TokenError::Unavailable { team, zone, reason },
            Some(help) => TokenError::Missing { team, zone, reason, help: help.to_owned() },
        }
    }

    /// The way out; none where another try may help.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Throttled(_) | Self::Unavailable(_) | Self::Settings(_) => return None,
            Self::Absent => "store the token there as a SecureString",
            Self::Denied(_) => {
                "let it be read, by the command with ssm:GetParameter and by the function with ssm:GetParameters, and with \
                 kms:Decrypt if its key is the team's own"
            }
            Self::NotSecure(_) => "delete it, and store the token there again as a SecureString",
            Self::NotAToken(_) => "store the token there again, and nothing else",
            Self::Refused(said) if said.contains("KeyId") || said.contains("KMS") => {
                "see that its KMS key is there and enabled"
            }
            Self::Refused(_) => "see that the parameter's name is right",
        })
    }
}

impl From<SdkError<GetParametersError>> for ReadError {
    fn from(error: SdkError<GetParametersError>) -> Self {
        Self::from_trouble(Trouble::of(&error))
    }
}

impl ReadError {
    pub(crate) fn from_trouble((trouble, _, said): (Trouble, String, String)) -> Self {
        match trouble {
            Trouble::Denied => Self::Denied(said),
            Trouble::Throttled => Self::Throttled(said),
            Trouble::Unavailable => Self::Unavailable(said),
            Trouble::Settings => Self::Settings(said),
            Trouble::Refused => Self::Refused(said),
        }
    }
}
