//! What kind of error an AWS service returned.

use std::error::Error;

use aws_config::Region;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use purge_router_cloudflare::{causes, redact};

/// An error of an AWS service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) kind: AwsErrorKind,
    /// The service's code; empty if the service did not answer.
    pub(crate) code: String,
    /// Code and message, without tokens.
    pub(crate) message: String,
}

/// The kinds of errors that call for different fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// The caller lacks a permission.
    Denied,
    /// There were too many calls.
    Throttled,
    /// The service did not answer, or had an internal error.
    Unavailable,
    /// The region or the credentials are missing or not accepted.
    Settings,
    /// Anything else.
    Refused,
}

/// Codes of errors in the caller's own credentials or clock. They fail all calls alike. Lambda renews its credentials.
const OWN_CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// SNS's code for a denied call.
const DENIED_BY_SNS: &str = "AuthorizationError";

/// Codes of throttled calls that don't say so.
const THROTTLED: &[&str] = &["ProvisionedThroughputExceededException", "RequestLimitExceeded", "TooManyUpdates"];

impl AwsError {
    /// Classifies an error of a client that was configured with this region.
    pub(crate) fn of<E>(error: &SdkError<E>, region: Option<&Region>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        // The SDK fails in several ways if there is no region: it can't find the endpoint, or it can't sign the request.
        if let Err(error) = Self::check_region(region) {
            return error;
        }
        match error {
            SdkError::ServiceError(answer) => {
                Self::of_answer(error.code(), error.message(), answer.raw().status().as_u16())
            }
            _ => Self::without_answer(error),
        }
    }

    /// The region, if it can be one.
    pub(crate) fn check_region(region: Option<&Region>) -> Result<&Region, Self> {
        match region {
            None => Err(Self::settings("no region is set")),
            Some(region) if !is_host_label(region.as_ref()) => {
                Err(Self::settings(&format!("`{region}` is not a region: write a name such as eu-west-1")))
            }
            Some(region) => Ok(region),
        }
    }

    /// What is wrong with the credentials, or why the service did not answer.
    pub(crate) fn without_answer(error: &(dyn Error + 'static)) -> Self {
        if has_no_credentials(error) {
            return Self::settings("no AWS credentials found");
        }
        let is_of_credentials = credentials_errors(error).next().is_some();
        let kind = if is_of_credentials { AwsErrorKind::Settings } else { AwsErrorKind::Unavailable };
        // Not the SDK's own long form: it shows the answer, and perhaps a token with it.
        Self { kind, code: String::new(), message: on_one_line(&causes(error)) }
    }

    /// An error that the service returned with this HTTP status.
    pub(crate) fn of_answer(code: Option<&str>, message: Option<&str>, status: u16) -> Self {
        let (code, message) = (code.unwrap_or("no code"), message.unwrap_or("no reason given"));
        let kind = match code {
            _ if status == 429 || code.contains("Throttl") || THROTTLED.contains(&code) => AwsErrorKind::Throttled,
            _ if OWN_CREDENTIALS.contains(&code) => AwsErrorKind::Settings,
            _ if status >= 500 => AwsErrorKind::Unavailable,
            _ if code.contains("AccessDenied") || code == DENIED_BY_SNS => AwsErrorKind::Denied,
            _ => AwsErrorKind::Refused,
        };
        Self { kind, code: code.to_owned(), message: on_one_line(&format!("{code}: {message}")) }
    }

    fn settings(message: &str) -> Self {
        Self { kind: AwsErrorKind::Settings, code: String::new(), message: message.to_owned() }
    }
}

/// A message without tokens and line breaks.
fn on_one_line(message: &str) -> String {
    redact(message).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a region can be a part of an endpoint's hostname. The SDK's own error for it is about its interceptors.
fn is_host_label(region: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !region.is_empty() && region.chars().all(is_allowed) && !region.starts_with('-') && !region.ends_with('-')
}

fn has_no_credentials(error: &(dyn Error + 'static)) -> bool {
    credentials_errors(error).any(|error| matches!(error, CredentialsError::CredentialsNotLoaded(_)))
}

/// The errors of credential providers among the causes of an error.
fn credentials_errors<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e CredentialsError> {
    std::iter::successors(Some(error), |&error| error.source()).filter_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

    use super::*;

    fn credentials() -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Credentials::new("key", "secret", None, None, "test"))
    }

    /// A provider that fails, as the default chain does.
    #[derive(Debug)]
    struct Failing(fn() -> CredentialsError);

    impl ProvideCredentials for Failing {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err((self.0)()))
        }
    }

    async fn error_of(
        region: Option<&'static str>,
        endpoint: Option<&str>,
        credentials: SharedCredentialsProvider,
    ) -> AwsError {
        let mut config = SdkConfig::builder().behavior_version(BehaviorVersion::v2026_01_12());
        config.set_region(region.map(Region::new)).set_credentials_provider(Some(credentials));
        config.set_endpoint_url(endpoint.map(str::to_owned));
        config.set_http_client(Some(crate::http_client::http_client()));
        let client = aws_sdk_ssm::Client::new(&config.build());
        let error = client.get_parameters().names("/t").send().await.unwrap_err();
        AwsError::of(&error, client.config().region())
    }

    /// With AWS's own endpoints, the SDK finds no endpoint; with an emulator's, it can't sign. It says so in other
    /// words.
    #[tokio::test]
    async fn a_missing_region_is_found_whatever_the_sdk_says() {
        for endpoint in [None, Some("http://127.0.0.1:1")] {
            let error = error_of(None, endpoint, credentials()).await;
            assert_eq!(error, AwsError::settings("no region is set"), "{endpoint:?}");
        }
        for region in ["", "eu west", "eu-west-1 "] {
            let expected = AwsError::settings(&format!("`{region}` is not a region: write a name such as eu-west-1"));
            assert_eq!(error_of(Some(region), None, credentials()).await, expected);
        }
        let error = error_of(Some("eu-west-1"), Some("http://127.0.0.1:1"), credentials()).await;
        assert_eq!(error.kind, AwsErrorKind::Unavailable, "{error:?}");
    }

    #[test]
    fn a_message_is_one_line() {
        let error = CredentialsError::provider_error("line 3:\n\texpected `=`\n");
        let found = AwsError::without_answer(&error);
        assert!(found.message.ends_with("line 3: expected `=`"), "{found:?}");
    }

    #[tokio::test]
    async fn missing_and_failing_credentials_are_distinguished_from_an_unreachable_service() {
        let none = Failing(|| CredentialsError::not_loaded("none of the words that one might search for"));
        let failing = Failing(|| CredentialsError::provider_error("STS returned 503"));
        let nested = Failing(|| CredentialsError::provider_error(CredentialsError::not_loaded_no_source()));
        for (provider, expected) in
            [(none, Some("no AWS credentials found")), (nested, Some("no AWS credentials found")), (failing, None)]
        {
            let error = error_of(Some("eu-west-1"), None, SharedCredentialsProvider::new(provider)).await;
            assert_eq!(error.kind, AwsErrorKind::Settings, "{error:?}");
            match expected {
                Some(expected) => assert_eq!(error.message, expected),
                None => assert!(error.message.contains("STS returned 503"), "{error:?}"),
            }
        }
    }
}
