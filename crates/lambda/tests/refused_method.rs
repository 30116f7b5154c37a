//! A method that the zone's plan lacks costs one request per event, and fails the whole event.

#![allow(clippy::unwrap_used, reason = "clippy does not recognize the helpers of tests as tests")]

use std::time::Duration;

use purge_router_aws::SqsRetryQueue;
use purge_router_cloudflare::{ApiToken, Client, Credential};
use purge_router_core::Zone;
use purge_router_lambda::{Function, InvocationError, MappingSource};
use purge_router_pipeline::{Clock, Executor, Freshness, Settings, TokenError, TokenStore};
use purge_router_sandbox::{Fault, FaultKind, PurgeMethod, Sandbox, zone_secret};

const MAPPINGS: &str = include_str!("../../../tests/scenarios/method-tags-of-a-free-plan/mappings.toml");
const EVENT: &str = include_str!("../../../tests/scenarios/method-tags-of-a-free-plan/event.json");

struct SandboxTokens;

impl TokenStore for SandboxTokens {
    async fn token(&self, zone: &Zone, _: Freshness) -> Result<Credential, TokenError> {
        Ok(ApiToken::parse(&zone_secret(zone)).unwrap().into())
    }
}

#[tokio::test]
async fn thirty_tags_that_the_plan_refuses_are_one_request() {
    for code in [1107, 1112] {
        let mappings = purge_router_config::from_toml(MAPPINGS).unwrap();
        let sandbox = Sandbox::builder().mappings(&mappings).start().await.unwrap();
        sandbox.add_fault(Fault::new(FaultKind::RejectMethod { method: PurgeMethod::Tags, code }));
        let client = Client::new(&sandbox.api_url()).unwrap();
        let executor = Executor::new(client, SandboxTokens, Settings::default(), Clock::system());
        let function = Function::<_, _, SqsRetryQueue>::new(MappingSource::File(mappings), executor, None);
        let deadline = function.clock().now() + Duration::from_secs(20);

        let error = function.handle(EVENT.as_bytes(), deadline).await.unwrap_err();
        assert!(matches!(error, InvocationError::NotPurged(_)), "{error:?}");
        assert!(error.to_string().contains(&code.to_string()), "{error}");
        let [request] = &sandbox.requests()[..] else { panic!("{:?}", sandbox.requests()) };
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["tags"].as_array().unwrap().len(), 30);
    }
}
