//! What kind of trouble an AWS service had, from its answer.

use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use purge_router_cloudflare::{causes, redact};

/// The kinds that call for different help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The caller may not do it.
    Denied,
    /// The service was asked too often.
    Throttled,
    /// The service did not answer, or has trouble of its own.
    Unavailable,
    /// Without a region or credentials, or with those that are not taken, it can't be asked.
    Settings,
    /// Anything else.
    Refused,
}

/// Codes of what is wrong with the function's own credentials or clock: it hits all calls alike, and passes when Lambda
/// renews them.
const OWN_CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "UnrecognizedClientException",
];

/// Codes of services that were asked too often, beside all that speak of throttling.
const TOO_OFTEN: &[&str] = &["ProvisionedThroughputExceededException", "RequestLimitExceeded", "TooManyUpdates"];

impl Trouble {
    /// The kind, the service's code, and what it said, without tokens.
    pub(crate) fn of<E>(error: &SdkError<E>) -> (Self, String, String)
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let SdkError::ServiceError(answer) = error else {
            // Not the SDK's own long form: it shows the answer, and with it perhaps a token.
            let said = redact(&causes(error)).into_owned();
            // The SDK lists on many lines where it has looked for them.
            let said = match &said {
                said if said.contains("no credentials found") => "there are no credentials".to_owned(),
                said if said.contains("missing signing region") => "no region is set".to_owned(),
                said => said.clone(),
            };
            let is_ours = ["region", "credentials"].iter().any(|word| said.contains(word));
            return (if is_ours { Self::Settings } else { Self::Unavailable }, String::new(), said);
        };
        let status = answer.raw().status().as_u16();
        let (code, message) = (error.code().unwrap_or("no code"), error.message().unwrap_or("no reason given"));
        let said = redact(&format!("{code}: {message}")).into_owned();
        let kind = match code {
            _ if status == 429 || code.contains("Throttl") || TOO_OFTEN.contains(&code) => Self::Throttled,
            _ if OWN_CREDENTIALS.contains(&code) => Self::Settings,
            _ if status >= 500 => Self::Unavailable,
            _ if code.contains("AccessDenied") => Self::Denied,
            _ => Self::Refused,
        };
        (kind, code.to_owned(), said)
    }
}
