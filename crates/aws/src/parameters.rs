//! Token parameters in SSM, as the command reads and writes them: one by one, with nothing kept.

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::types::ParameterType;
use purge_router_cloudflare::{ApiToken, NotAToken};
use std::time::SystemTime;

use crate::read_error::ReadError;
use crate::trouble::Trouble;

/// What lies in a parameter.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The token, if it can be one.
    pub token: Result<ApiToken, NotAToken>,
    /// Its type: `SecureString`, if nobody made a mistake.
    pub kind: String,
    /// Its ARN, which no other parameter has.
    pub arn: String,
    /// How often it was written.
    pub version: i64,
    /// When it was written last.
    pub at: Option<SystemTime>,
}

impl Stored {
    /// Whether it is encrypted.
    pub fn is_secure(&self) -> bool {
        self.kind == ParameterType::SecureString.as_str()
    }

    /// The token, if it lies there as it should.
    ///
    /// # Errors
    /// It lies open, or can't be a token.
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
    /// There is one already, and it was not to be overwritten.
    #[error("there is a token already")]
    Exists,
    /// The user or role may not write there, or not with this key.
    #[error("it may not be written: {0}")]
    Denied(String),
    /// SSM refuses it for another reason.
    #[error("SSM refuses it: {0}")]
    Refused(String),
    /// SSM did not answer: it may have been written all the same.
    #[error("SSM does not answer: {0}")]
    Unavailable(String),
}

/// Parameters of tokens. Each call asks SSM.
#[derive(Debug, Clone)]
pub struct Parameters {
    client: Client,
}

impl Parameters {
    /// The parameters that these settings lead to.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// What lies in a parameter now.
    ///
    /// # Errors
    /// There is none, it may not be read, or SSM has trouble.
    pub async fn read(&self, name: &str) -> Result<Stored, ReadError> {
        let answer = self.client.get_parameter().name(name).with_decryption(true).send().await;
        let answer = answer.map_err(|error| match error.as_service_error() {
            Some(GetParameterError::ParameterNotFound(_)) => ReadError::Absent,
            _ => ReadError::from_trouble(Trouble::of(&error)),
        })?;
        let parameter = answer.parameter.ok_or(ReadError::Absent)?;
        let kind = parameter.r#type.as_ref().map_or("parameter of no type", ParameterType::as_str).to_owned();
        let at = parameter.last_modified_date.and_then(|at| SystemTime::try_from(at).ok());
        let token = ApiToken::parse(parameter.value.as_deref().unwrap_or_default());
        Ok(Stored { token, kind, arn: parameter.arn.unwrap_or_default(), version: parameter.version, at })
    }

    /// Stores a token as a SecureString, encrypted with this KMS key or else with the account's own; its version.
    ///
    /// # Errors
    /// It is there already and may not be overwritten, it may not be written, or SSM has trouble.
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
            match Trouble::of(&error) {
                (Trouble::Denied, _, said) => WriteError::Denied(said),
                (Trouble::Refused, _, said) => WriteError::Refused(said),
                (_, _, said) => WriteError::Unavailable(said),
            }
        })?;
        Ok(answer.version)
    }
}
