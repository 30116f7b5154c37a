//! The function's store of mappings, with a client of the AWS SDK whose requests end in the model.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use purge_router_aws::DynamoMappings;
use purge_router_pipeline::Clock;
use serde_json::Value;

use super::service::{DynamoDb, Response, TABLE};

/// How long an instance caches mappings: the function's default.
const TTL: Duration = Duration::from_secs(30);

/// The timeouts of the function.
const ATTEMPT: Duration = Duration::from_secs(2);
const OPERATION: Duration = Duration::from_secs(5);

/// The mappings of one instance.
pub(crate) fn mappings(database: &Arc<DynamoDb>, clock: &Clock) -> Option<DynamoMappings> {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build();
    let credentials = Credentials::new("simulated", "simulated", None, None, "simulation");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("eu-west-1"))
        .endpoint_url("http://dynamodb.simulated")
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .http_client(Connection(Arc::clone(database)))
        .build();
    DynamoMappings::new(&config, TABLE.to_owned(), TTL, clock.clone()).ok()
}

/// In place of a socket.
#[derive(Clone)]
struct Connection(Arc<DynamoDb>);

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl HttpClient for Connection {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let database = Arc::clone(&self.0);
        let operation = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
        let operation = operation.unwrap_or_default().to_owned();
        let body: Value = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        HttpConnectorFuture::new(async move {
            let Response { status, body } = database.answer(&operation, &body).await;
            Ok(HttpResponse::new(status, SdkBody::from(body.to_string())))
        })
    }
}
