//! The caller's identity, from STS.

use std::time::Duration;

use aws_config::SdkConfig;

use crate::aws_error::AwsErrorKind;
use crate::call_error::CallError;
use crate::table_error::TableError;

/// How long an error waits for the caller's name.
const CALLER_TIMEOUT: Duration = Duration::from_secs(5);

/// The ARN of the credentials in use. No permission is needed for it.
///
/// # Errors
/// See [`CallError`].
pub async fn caller(config: &SdkConfig) -> Result<String, CallError> {
    let client = aws_sdk_sts::Client::new(config);
    let answer = client.get_caller_identity().send().await;
    let answer = answer.map_err(|error| CallError::of(&error, client.config().region()))?;
    answer.arn.ok_or_else(|| CallError::of_answer(None, Some("STS returned no ARN"), 200))
}

/// An error of a call of AWS, to whose message can be added who called.
pub trait AwsCallError {
    /// Whether AWS answered. Then STS answers, too, and the caller may be the wrong one.
    fn is_answer(&self) -> bool;

    /// Adds this in parentheses to the message.
    #[must_use]
    fn with_note(self, note: &str) -> Self;
}

/// Adds region, profile and caller to an error. Asks STS who the caller is only if AWS answered.
pub async fn with_caller<E: AwsCallError>(config: &SdkConfig, error: E) -> E {
    let identity = aws_identity(config, error.is_answer()).await;
    error.with_note(&identity)
}

impl AwsCallError for CallError {
    fn is_answer(&self) -> bool {
        matches!(self.kind, AwsErrorKind::Denied | AwsErrorKind::Refused)
    }

    fn with_note(self, note: &str) -> Self {
        Self { message: format!("{} ({note})", self.message), ..self }
    }
}

impl AwsCallError for TableError {
    fn is_answer(&self) -> bool {
        matches!(self, Self::Denied(_) | Self::Refused(_) | Self::NoTable { .. })
    }

    fn with_note(self, note: &str) -> Self {
        let add = |message: String| format!("{message} ({note})");
        match self {
            Self::Denied(message) => Self::Denied(add(message)),
            Self::Refused(message) => Self::Refused(add(message)),
            Self::NoTable { table, region, message } => Self::NoTable { table, region, message: add(message) },
            Self::Throttled(message) => Self::Throttled(add(message)),
            Self::Unavailable(message) => Self::Unavailable(add(message)),
            Self::Settings(message) => Self::Settings(add(message)),
        }
    }
}

/// With which region, profile and credentials AWS is called, such as `you are user/web of account 123456789012, region
/// eu-west-1, profile default`. Without `asks`, and if STS does not answer, it is left out who the caller is.
pub async fn aws_identity(config: &SdkConfig, asks: bool) -> String {
    let asked = async { tokio::time::timeout(CALLER_TIMEOUT, caller(config)).await.ok()?.ok() };
    let caller = if asks { asked.await } else { None };
    let caller = caller.map(|arn| format!("you are {}, ", resource_and_account(&arn))).unwrap_or_default();
    let region = config.region().map_or_else(|| "no region".to_owned(), |region| format!("region {region}"));
    format!("{caller}{region}, {}", credentials_source())
}

/// Where the SDK looks for credentials first, such as `profile default`.
pub fn credentials_source() -> String {
    source_among(|name| std::env::var(name).ok())
}

/// The environment, then a profile.
fn source_among(variable: impl Fn(&str) -> Option<String>) -> String {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    match (set("AWS_ACCESS_KEY_ID"), set("AWS_PROFILE")) {
        (Some(_), _) => "credentials of AWS_ACCESS_KEY_ID".to_owned(),
        (None, Some(profile)) => format!("profile {profile}"),
        (None, None) => "profile default".to_owned(),
    }
}

/// `user/web of account 123456789012`.
fn resource_and_account(arn: &str) -> String {
    match arn.split(':').nth(4).filter(|account| !account.is_empty()) {
        Some(account) => format!("{} of account {account}", resource_of(arn)),
        None => resource_of(arn).to_owned(),
    }
}

/// The part of an ARN that names a user or role, such as `user/web`.
fn resource_of(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_shortened_to_user_or_role() {
        for (arn, expected) in [
            ("arn:aws:iam::123456789012:user/web", "user/web"),
            ("arn:aws:sts::123456789012:assumed-role/editors/ana", "assumed-role/editors/ana"),
            ("arn:aws-us-gov:iam::123456789012:root", "root"),
            ("no ARN", "no ARN"),
        ] {
            assert_eq!(resource_of(arn), expected);
        }
        let arn = "arn:aws:iam::123456789012:user/web";
        assert_eq!(resource_and_account(arn), "user/web of account 123456789012");
    }

    #[test]
    fn the_environment_comes_before_a_profile() {
        let source = |key: &'static str, profile: &'static str| {
            source_among(move |name| Some(if name == "AWS_PROFILE" { profile } else { key }.to_owned()))
        };
        assert_eq!(source("key", "web"), "credentials of AWS_ACCESS_KEY_ID");
        assert_eq!(source("", "web"), "profile web");
        assert_eq!(source("", ""), "profile default");
    }
}
