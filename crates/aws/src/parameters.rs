//! Token parameters in SSM, as the command reads and writes them: one by one, without a cache.

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::types::ParameterType;
use purge_router_cloudflare::{ApiToken, NotAToken};
use std::time::SystemTime;

use crate::aws_error::{AwsError, AwsErrorKind};
use crate::read_error::ReadError;

/// A parameter's value and version.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its value, if that can be a token.
    pub token: Result<ApiToken, NotAToken>,
    /// Its type: `SecureString`, unless someone made a mistake.
    pub kind: String,
    /// Its ARN, which is unique.
    pub arn: String,
    /// Its version: how often it was written.
    pub version: i64,
    /// When it was written last.
    pub at: Option<SystemTime>,
}

impl Stored {
    /// Whether it is encrypted.
    pub fn is_secure(&self) -> bool {
        self.kind == ParameterType::SecureString.as_str()
    }

    /// The token, if it is stored as a SecureString.
    ///
    /// # Errors
    /// It is stored in plain text, or can't be a token.
    pub fn into_token(self) -> Result<ApiToken, ReadError> {
        match self.is_secure() {
            true => Ok(self.token?),
            false => Err(ReadError::NotSecure(self.kind)),
        }
    }
}

/// Why a token could not be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// There is one already, and the caller did not ask to overwrite it.
    #[error("there is a token already")]
    Exists,
    /// The caller may not write this parameter, or not with this KMS key.
    #[error("access denied: {0}")]
    Denied(String),
    /// SSM refused the request for another reason.
    #[error("SSM refused the request: {0}")]
    Refused(String),
    /// SSM did not answer. The token may have been written.
    #[error("SSM does not answer: {0}")]
    Unavailable(String),
}

/// The token parameters in SSM.
#[derive(Debug, Clone)]
pub struct Parameters {
    client: Client,
}

impl Parameters {
    /// The parameters of this account and region.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Reads a parameter.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(&self, name: &str) -> Result<Stored, ReadError> {
        let answer = self.client.get_parameter().name(name).with_decryption(true).send().await;
        let answer = answer.map_err(|error| match error.as_service_error() {
            Some(GetParameterError::ParameterNotFound(_)) => ReadError::Absent,
            _ => ReadError::of(&error, self.client.config().region()),
        })?;
        let parameter = answer.parameter.ok_or(ReadError::Absent)?;
        let kind = parameter.r#type.as_ref().map_or("parameter of no type", ParameterType::as_str).to_owned();
        let at = parameter.last_modified_date.and_then(|at| SystemTime::try_from(at).ok());
        let token = ApiToken::parse(parameter.value.as_deref().unwrap_or_default());
        Ok(Stored { token, kind, arn: parameter.arn.unwrap_or_default(), version: parameter.version, at })
    }

    /// Stores a token as a SecureString, encrypted with this KMS key or else with the account's own. Returns its
    /// version.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn write(
        &self,
        name: &str,
        token: &ApiToken,
        kms_key: Option<&str>,
        overwrite: bool,
    ) -> Result<i64, WriteError> {
        let put = self.client.put_parameter().name(name).value(token.expose()).r#type(ParameterType::SecureString);
        let put = put.overwrite(overwrite).set_key_id(kms_key.map(str::to_owned));
        let answer = put.send().await.map_err(|error| {
            if error.as_service_error().is_some_and(|error| error.is_parameter_already_exists()) {
                return WriteError::Exists;
            }
            let AwsError { kind, message, .. } = AwsError::of(&error, self.client.config().region());
            match kind {
                AwsErrorKind::Denied => WriteError::Denied(message),
                AwsErrorKind::Refused => WriteError::Refused(message),
                _ => WriteError::Unavailable(message),
            }
        })?;
        Ok(answer.version)
    }
}
