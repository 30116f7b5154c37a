//! The caller's identity, from STS.

use std::time::Duration;

use aws_config::SdkConfig;
use purge_router_cloudflare::causes;

use crate::table_error::TableError;

/// How long an error waits for the caller's name.
const CALLER_TIMEOUT: Duration = Duration::from_secs(5);

/// The ARN of the credentials in use. No permission is needed for it.
///
/// # Errors
/// Why STS did not return it, on one line.
pub async fn caller(config: &SdkConfig) -> Result<String, String> {
    let answer = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    answer.map_err(|error| causes(&error))?.arn.ok_or_else(|| "STS returned no ARN".to_owned())
}

/// Adds region, profile and caller to an error of a table. Asks STS who the caller is only if the table answered: then STS
/// answers, too, and the caller may be the wrong one.
pub async fn with_caller(config: &SdkConfig, error: TableError) -> TableError {
    let add = async |message: String, asks: bool| format!("{message} ({})", aws_identity(config, asks).await);
    match error {
        TableError::Denied(message) => TableError::Denied(add(message, true).await),
        TableError::Refused(message) => TableError::Refused(add(message, true).await),
        TableError::NoTable { table, region, message } => {
            TableError::NoTable { table, region, message: add(message, true).await }
        }
        TableError::Throttled(message) => TableError::Throttled(add(message, false).await),
        TableError::Unavailable(message) => TableError::Unavailable(add(message, false).await),
        TableError::Settings(message) => TableError::Settings(add(message, false).await),
    }
}

/// With which region, profile and credentials AWS is called, such as `you are user/web of account 123456789012, region
/// eu-west-1, profile default`. Without `asks`, and if STS does not answer, it is left out who the caller is.
pub async fn aws_identity(config: &SdkConfig, asks: bool) -> String {
    let asked = async { tokio::time::timeout(CALLER_TIMEOUT, caller(config)).await.ok()?.ok() };
    let caller = if asks { asked.await } else { None };
    let caller = caller.map(|arn| format!("you are {}, ", resource_and_account(&arn))).unwrap_or_default();
    let region = config.region().map_or_else(|| "no region".to_owned(), |region| format!("region {region}"));
    format!("{caller}{region}, {}", credentials_source(|name| std::env::var(name).ok()))
}

/// Where the SDK looks for credentials first: the environment, then a profile.
fn credentials_source(variable: impl Fn(&str) -> Option<String>) -> String {
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
            credentials_source(move |name| Some(if name == "AWS_PROFILE" { profile } else { key }.to_owned()))
        };
        assert_eq!(source("key", "web"), "credentials of AWS_ACCESS_KEY_ID");
        assert_eq!(source("", "web"), "profile web");
        assert_eq!(source("", ""), "profile default");
    }
}
