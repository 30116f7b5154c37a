//! Signed calls of AWS services of which only one or two operations are needed: with the SDK's own signer, credentials,
//! region and endpoint (decision 54).

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use purge_router_aws::CallError;
use purge_router_cloudflare::{causes, redact};
use reqwest::{Method, StatusCode, redirect};
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
    let client = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT);
    let client = client.redirect(redirect::Policy::none()).build().map_err(|error| unavailable(causes(&error)))?;
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match attempt(config, &client, call).await {
            Err(Failure { is_transient: true, .. }) => {
                tokio::time::sleep(wait.mul_f64(fastrand::f64())).await;
                wait *= 2;
            }
            answer => return answer.map_err(|failure| failure.error),
        }
    }
    attempt(config, &client, call).await.map_err(|failure| failure.error)
}

struct Failure {
    error: CallError,
    is_transient: bool,
}

async fn attempt(config: &SdkConfig, client: &reqwest::Client, call: &Call) -> Result<String, Failure> {
    let permanent = |message: String| Failure { error: unavailable(message), is_transient: false };
    let request = signed(config, client, call).await.map_err(permanent)?;
    let unreachable =
        |error: reqwest::Error| Failure { error: unavailable(causes(&error.without_url())), is_transient: true };
    let response = client.execute(request).await.map_err(unreachable)?;
    let status = response.status();
    let text = response.text().await.map_err(unreachable)?;
    match status.is_success() {
        true => Ok(text),
        false => Err(failure(status, &text)),
    }
}

fn unavailable(message: String) -> CallError {
    CallError { code: String::new(), message: redact(&message).into_owned(), is_denied: false }
}

/// The request with its signature.
async fn signed(config: &SdkConfig, client: &reqwest::Client, call: &Call) -> Result<reqwest::Request, String> {
    let region = config.region().ok_or("no region is set")?.as_ref();
    let url = format!("{}{}", base_url(config.endpoint_url(), call.service.name(), region), call.path);
    let provider = config.credentials_provider().ok_or("no AWS credentials found")?;
    let credentials = provider.provide_credentials().await.map_err(|error| causes(&error))?;
    let identity = credentials.into();
    let parameters = SigningParams::builder().identity(&identity).region(region).name(call.service.name());
    let parameters = parameters.time(SystemTime::now()).settings(call.service.signing_settings());
    let parameters = parameters.build().map_err(|error| causes(&error))?.into();
    let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let body = SignableBody::Bytes(call.body.as_bytes());
    let signable = SignableRequest::new(call.method.as_str(), url.as_str(), headers, body);
    let signable = signable.map_err(|error| causes(&error))?;
    let (instructions, _) = sign(signable, &parameters).map_err(|error| causes(&error))?.into_parts();
    let mut request = client.request(call.method.clone(), &url).body(call.body.clone());
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    for (name, value) in instructions.headers() {
        request = request.header(name, value);
    }
    request.build().map_err(|error| causes(&error))
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
fn failure(status: StatusCode, text: &str) -> Failure {
    let (code, message) = json_error(text).or_else(|| xml_error(text)).unwrap_or_default();
    let code = if code.is_empty() { format!("HTTP {}", status.as_u16()) } else { code };
    let is_denied = code.contains("AccessDenied") || code == "AuthorizationError";
    let is_throttled = status == StatusCode::TOO_MANY_REQUESTS || code.contains("Throttl");
    let message = if message.is_empty() { code.clone() } else { format!("{code}: {message}") };
    let error = CallError { code, message: redact(&message).into_owned(), is_denied };
    Failure { error, is_transient: is_throttled || status.is_server_error() }
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
pub(crate) fn unexpected(error: &dyn std::error::Error) -> CallError {
    unavailable(format!("unexpected answer: {}", causes(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_json_and_xml_have_a_code_and_say_whether_they_are_denials_or_transient() {
        let xml = "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>";
        for (status, text, code, message, is_denied, is_transient) in [
            (
                400,
                r#"{"__type":"com.x#AccessDeniedException","message":"no"}"#,
                "AccessDeniedException",
                "no",
                true,
                false,
            ),
            (
                404,
                r#"{"Type":"User","Code":"ResourceNotFoundException","Message":"gone"}"#,
                "ResourceNotFoundException",
                "gone",
                false,
                false,
            ),
            (400, r#"{"__type":"ThrottlingException"}"#, "ThrottlingException", "", false, true),
            (403, xml, "AuthorizationError", "no", true, false),
            (404, "<Error><Code>NoSuchBucket</Code></Error>", "NoSuchBucket", "", false, false),
            (502, "<html>", "HTTP 502", "", false, true),
        ] {
            let Failure { error, is_transient: found } = failure(StatusCode::from_u16(status).unwrap(), text);
            let expected = if message.is_empty() { code.to_owned() } else { format!("{code}: {message}") };
            assert_eq!(
                (error.code.as_str(), error.message, error.is_denied, found),
                (code, expected, is_denied, is_transient)
            );
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
