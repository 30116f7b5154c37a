//! The AWS configuration. Region, credentials and endpoint come from the environment, as for every AWS tool.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// The function's configuration, with timeouts that leave an invocation time for a retry.
pub async fn load() -> SdkConfig {
    with(Duration::from_secs(2), Duration::from_secs(5), RetryConfig::standard()).await
}

/// The command's configuration. The largest transactions take long, and a throttled table recovers.
pub async fn load_patient() -> SdkConfig {
    with(Duration::from_secs(20), Duration::from_secs(60), RetryConfig::standard().with_max_attempts(5)).await
}

async fn with(attempt: Duration, operation: Duration, retries: RetryConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts).retry_config(retries).load().await
}
