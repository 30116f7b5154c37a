//! Who calls: the identity that AWS knows.

use aws_config::SdkConfig;
use purge_router_cloudflare::causes;

/// The ARN of the credentials in use, which everybody may ask for.
///
/// # Errors
/// Why AWS does not say it, in one line.
pub async fn caller(config: &SdkConfig) -> Result<String, String> {
    let answer = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    answer.map_err(|error| causes(&error))?.arn.ok_or_else(|| "STS gave no ARN".to_owned())
}
