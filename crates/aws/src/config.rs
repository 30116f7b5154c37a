//! The AWS configuration. Region, credentials and endpoint come from the environment, as for every AWS tool.

use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

use crate::http_client::http_client;

/// The variables of the region, the one that counts first.
const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The function's configuration, with timeouts that leave an invocation time for a retry.
pub async fn load() -> SdkConfig {
    with(Duration::from_secs(2), Duration::from_secs(5), RetryConfig::standard()).await
}

/// The command's configuration. The largest transactions take long, and a throttled table recovers.
pub async fn load_patient() -> SdkConfig {
    with(Duration::from_secs(20), Duration::from_secs(60), RetryConfig::standard().with_max_attempts(5)).await
}

async fn with(attempt: Duration, operation: Duration, retries: RetryConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(operation).build();
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client())
        .timeout_config(timeouts)
        .retry_config(retries);
    match region_without_empty_variables(|name| std::env::var(name).ok()) {
        Some(region) => loader.region(region).load().await,
        None => loader.load().await,
    }
}

/// The region, if a variable for it is empty. Then the SDK would take the empty text for a region; other tools of AWS take it
/// for unset.
fn region_without_empty_variables(variable: impl Fn(&str) -> Option<String>) -> Option<RegionProviderChain> {
    let variables: Vec<String> = REGION_VARIABLES.iter().filter_map(|name| variable(name)).collect();
    if !variables.iter().any(String::is_empty) {
        return None;
    }
    let region = variables.into_iter().find(|region| !region.is_empty()).map(Region::new);
    Some(RegionProviderChain::first_try(region).or_else(ProfileFileRegionProvider::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_empty_variable_is_no_region() {
        let chain = |region: Option<&'static str>, default_region: Option<&'static str>| {
            region_without_empty_variables(move |name| {
                let value = if name == "AWS_REGION" { region } else { default_region };
                value.map(str::to_owned)
            })
        };
        for (region, default_region, expected) in [
            (None, None, None),
            (Some("eu-west-1"), None, None),
            (Some(""), Some("eu-west-1"), Some("eu-west-1")),
            (Some("eu-west-2"), Some(""), Some("eu-west-2")),
        ] {
            let found = match chain(region, default_region) {
                Some(chain) => chain.region().await,
                None => None,
            };
            assert_eq!(found.as_ref().map(AsRef::as_ref), expected, "{region:?} {default_region:?}");
        }
        assert!(chain(Some(""), None).is_some(), "the profile may name one");
    }
}
