//! The AWS SDK's requests, sent by the same HTTP client as Cloudflare's.
//!
//! The SDK's own client would be a second pool with a second setup of TLS, and with HTTP/2, which no service that we call needs.

use std::fmt::Debug;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client for the configuration of the AWS SDK. Clones share its connections.
pub fn http_client() -> SharedHttpClient {
    SharedHttpClient::new(Client(purge_router_http::client_builder().connect_timeout(CONNECT_TIMEOUT).build()))
}

/// The client, or why there is none, which each request then fails with.
#[derive(Debug)]
struct Client(reqwest::Result<reqwest::Client>);

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let client = self.0.as_ref().map(reqwest::Client::clone).map_err(ToString::to_string);
        SharedHttpConnector::new(Connector { client, timeout: settings.read_timeout() })
    }
}

#[derive(Debug)]
struct Connector {
    client: Result<reqwest::Client, String>,
    /// For a whole request. Those of credentials have one; for all others the SDK keeps the time of an attempt itself.
    timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, timeout) = (self.client.clone(), self.timeout);
        HttpConnectorFuture::new(async move {
            let client = client.map_err(|error| ConnectorError::other(error.into(), None))?;
            let mut request = as_reqwest(request)?;
            *request.timeout_mut() = timeout;
            let response = client.execute(request).await.map_err(connector_error)?;
            as_smithy(response)
        })
    }
}

fn as_reqwest(request: HttpRequest) -> Result<reqwest::Request, ConnectorError> {
    let request = request.try_into_http1x().map_err(user_error)?;
    if request.body().bytes().is_none() {
        return Err(user_error("a streamed body is not implemented"));
    }
    let request = request.map(|body| body.bytes().unwrap_or_default().to_vec());
    reqwest::Request::try_from(request).map_err(user_error)
}

/// The body is read by the SDK. It logs the text of a body that it gets as bytes, and an answer of SSM has tokens.
fn as_smithy(response: reqwest::Response) -> Result<HttpResponse, ConnectorError> {
    let response = http::Response::<reqwest::Body>::from(response);
    HttpResponse::try_from(response.map(SdkBody::from_body_1_x)).map_err(user_error)
}

/// Why there is no answer. The SDK tries again after timeouts and failures of the connection.
fn connector_error(error: reqwest::Error) -> ConnectorError {
    let (is_timeout, is_builder) = (error.is_timeout(), error.is_builder());
    let error = error.without_url().into();
    match (is_timeout, is_builder) {
        (true, _) => ConnectorError::timeout(error),
        (false, true) => ConnectorError::user(error),
        (false, false) => ConnectorError::io(error),
    }
}

fn user_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectorError {
    ConnectorError::user(error.into())
}

#[cfg(test)]
mod tests {
    use aws_config::retry::RetryConfig;
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const ANSWER: &str = r#"{"Parameters":[{"Name":"/t","Value":"secret"}]}"#;

    /// Requests that break or time out are sent again: here the first is not answered, and the answer of the second is cut off.
    #[tokio::test]
    async fn requests_without_an_answer_are_sent_again() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let head = format!("HTTP/1.1 200 OK\r\nx-amzn-requestid: 7d0a\r\ncontent-length: {}\r\n\r\n", ANSWER.len());
            let mut requests = Vec::new();
            for answer in [String::new(), format!("{head}{{"), format!("{head}{ANSWER}")] {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = connection.read(&mut request).await.unwrap();
                request.truncate(length);
                requests.push(String::from_utf8(request).unwrap());
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
            requests
        });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("key", "secret", None, None, "test")))
            .http_client(http_client())
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .endpoint_url(endpoint)
            .build();
        let answer = aws_sdk_ssm::Client::new(&config).get_parameters().names("/t").send().await.unwrap();
        assert_eq!(answer.parameters()[0].value(), Some("secret"));
        for request in server.await.unwrap() {
            assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
            assert!(request.contains("x-amz-target: AmazonSSM.GetParameters\r\n"), "{request}");
            assert!(request.ends_with(r#"{"Names":["/t"]}"#), "{request}");
        }
    }
}
