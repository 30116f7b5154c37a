//! Signed calls of AWS services of which only one or two operations are needed: with the SDK's own signer, credentials,
//! region and endpoint (decision 54).

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use purge_router_aws::{AwsErrorKind, CallError};
use reqwest::{Method, StatusCode};
use serde_json::Value;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(20);

/// How often a call is tried, and the wait before the second attempt, which doubles, with full jitter.
const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// What RFC 3986 leaves bare.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A service, by the first part of its host name, which is also the name in its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    CloudWatch,
    Lambda,
    Logs,
    S3,
    Sns,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::CloudWatch => "monitoring",
            Self::Lambda => "lambda",
            Self::Logs => "logs",
            Self::S3 => "s3",
            Self::Sns => "sns",
        }
    }

    /// S3 signs paths as they are, and wants the checksum of the body as a header.
    fn signing_settings(self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self == Self::S3 {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }
}

/// A call: a path with its query, both encoded, headers and a body.
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Call {
    pub(crate) fn get(service: Service, path: String) -> Self {
        Self { service, method: Method::GET, path, headers: Vec::new(), body: String::new() }
    }

    /// A call in the protocol AWS JSON.
    pub(crate) fn json(service: Service, version: &str, target: &str, body: &Value) -> Self {
        let content_type = ("content-type", format!("application/x-amz-json-{version}"));
        let headers = vec![content_type, ("x-amz-target", target.to_owned())];
        Self { service, method: Method::POST, path: "/".to_owned(), headers, body: body.to_string() }
    }

    /// A call in the protocol AWS Query.
    pub(crate) fn query(service: Service, parameters: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        Self { service, method: Method::POST, path: "/".to_owned(), headers, body: pairs.join("&") }
    }
}

/// A value for a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Sends a call, and returns the body of a successful answer. What is transient is tried again.
pub(crate) async fn send(config: &SdkConfig, call: &Call) -> Result<String, CallError> {
    let client = purge_router_http::client_builder().connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT).build();
    let client = client.map_err(|error| CallError::without_answer(&error))?;
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match attempt(config, &client, call).await {
            Err(error) if is_transient(&error) => {
                tokio::time::sleep(wait.mul_f64(fastrand::f64())).await;
                wait *= 2;
            }
            answer => return answer,
        }
    }
    attempt(config, &client, call).await
}

fn is_transient(error: &CallError) -> bool {
    matches!(error.kind, AwsErrorKind::Throttled | AwsErrorKind::Unavailable)
}

async fn attempt(config: &SdkConfig, client: &reqwest::Client, call: &Call) -> Result<String, CallError> {
    let request = signed(config, client, call).await?;
    let unreachable = |error: reqwest::Error| CallError::without_answer(&error.without_url());
    let response = client.execute(request).await.map_err(unreachable)?;
    let status = response.status();
    let text = response.text().await.map_err(unreachable)?;
    match status.is_success() {
        true => Ok(text),
        false => Err(failure(status, &text)),
    }
}

/// The request with its signature.
async fn signed(config: &SdkConfig, client: &reqwest::Client, call: &Call) -> Result<reqwest::Request, CallError> {
    let region = CallError::check_region(config.region())?.as_ref();
    let url = format!("{}{}", base_url(config.endpoint_url(), call.service.name(), region), call.path);
    let provider = config
        .credentials_provider()
        .ok_or_else(|| CallError::without_answer(&CredentialsError::not_loaded_no_source()))?;
    let credentials = provider.provide_credentials().await;
    let identity = credentials.map_err(|error| CallError::without_answer(&error))?.into();
    let parameters = SigningParams::builder().identity(&identity).region(region).name(call.service.name());
    let parameters = parameters.time(SystemTime::now()).settings(call.service.signing_settings());
    let parameters = parameters.build().map_err(|error| unsendable(&error))?.into();
    let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let body = SignableBody::Bytes(call.body.as_bytes());
    let signable = SignableRequest::new(call.method.as_str(), url.as_str(), headers, body);
    let signable = signable.map_err(|error| unsendable(&error))?;
    let (instructions, _) = sign(signable, &parameters).map_err(|error| unsendable(&error))?.into_parts();
    let mut request = client.request(call.method.clone(), &url).body(call.body.clone());
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    for (name, value) in instructions.headers() {
        request = request.header(name, value);
    }
    request.build().map_err(|error| unsendable(&error))
}

/// The error for a request that can't be signed or sent, whatever the network does.
fn unsendable(error: &(dyn Error + 'static)) -> CallError {
    CallError { kind: AwsErrorKind::Refused, ..CallError::without_answer(error) }
}

/// The endpoint of the environment, or else AWS's own in this region.
fn base_url(endpoint: Option<&str>, service: &str, region: &str) -> String {
    match endpoint {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None if region.starts_with("cn-") => format!("https://{service}.{region}.amazonaws.com.cn"),
        None => format!("https://{service}.{region}.amazonaws.com"),
    }
}

/// Reads an error in JSON or XML.
fn failure(status: StatusCode, text: &str) -> CallError {
    let (code, message) = json_error(text).or_else(|| xml_error(text)).unwrap_or_default();
    let code = if code.is_empty() { format!("HTTP {}", status.as_u16()) } else { code };
    let message = Some(message.as_str()).filter(|message| !message.is_empty());
    CallError::of_answer(Some(&code), message, status.as_u16())
}

/// `{"__type": "prefix#Code", "message": "…"}`, with names that differ by service.
fn json_error(text: &str) -> Option<(String, String)> {
    let value: Value = serde_json::from_str(text).ok()?;
    let field = |names: [&str; 3]| names.iter().find_map(|name| value.get(name)?.as_str()).unwrap_or_default();
    let code = field(["__type", "Code", "code"]);
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    Some((code, field(["message", "Message", "errorMessage"]).to_owned()))
}

/// `<Error><Code>…</Code><Message>…</Message></Error>`, perhaps inside of another element.
fn xml_error(text: &str) -> Option<(String, String)> {
    let document = roxmltree::Document::parse(text).ok()?;
    Some((text_of(document.root(), "Code"), text_of(document.root(), "Message")))
}

/// The text of the first element of this name below a node; empty if there is none.
pub(crate) fn text_of(node: roxmltree::Node<'_, '_>, name: &str) -> String {
    let found = node.descendants().find(|it| it.tag_name().name() == name);
    found.and_then(|it| it.text()).unwrap_or_default().to_owned()
}

/// An answer in another shape than AWS documents.
pub(crate) fn unexpected(error: &(dyn Error + 'static)) -> CallError {
    let CallError { message, code, .. } = CallError::without_answer(error);
    CallError { code, message: format!("unexpected answer: {message}"), kind: AwsErrorKind::Refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_json_and_xml_have_a_code_and_say_whether_they_are_denials_or_transient() {
        use AwsErrorKind::{Denied, Refused, Throttled, Unavailable};
        let xml = "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>";
        let denied = r#"{"__type":"com.x#AccessDeniedException","message":"no"}"#;
        let absent = r#"{"Type":"User","Code":"ResourceNotFoundException","Message":"gone"}"#;
        for (status, text, code, message, kind) in [
            (400, denied, "AccessDeniedException", "no", Denied),
            (404, absent, "ResourceNotFoundException", "gone", Refused),
            (400, r#"{"__type":"ThrottlingException"}"#, "ThrottlingException", "no reason given", Throttled),
            (403, xml, "AuthorizationError", "no", Denied),
            (404, "<Error><Code>NoSuchBucket</Code></Error>", "NoSuchBucket", "no reason given", Refused),
            (502, "<html>", "HTTP 502", "no reason given", Unavailable),
        ] {
            let error = failure(StatusCode::from_u16(status).unwrap(), text);
            assert_eq!((error.code.as_str(), error.kind), (code, kind));
            assert_eq!(error.message, format!("{code}: {message}"));
        }
    }

    #[test]
    fn the_endpoint_is_that_of_the_environment_or_of_the_region() {
        assert_eq!(base_url(None, "logs", "eu-west-1"), "https://logs.eu-west-1.amazonaws.com");
        assert_eq!(base_url(None, "s3", "cn-north-1"), "https://s3.cn-north-1.amazonaws.com.cn");
        assert_eq!(base_url(Some("http://127.0.0.1:4566/"), "s3", "eu-west-1"), "http://127.0.0.1:4566");
        assert_eq!(encoded("arn:aws:sns:x/é"), "arn%3Aaws%3Asns%3Ax%2F%C3%A9");
    }
}
