//! The caller's identity, from STS.

use aws_config::SdkConfig;
use purge_router_cloudflare::causes;

use crate::table_error::TableError;

/// The ARN of the credentials in use. No permission is needed for it.
///
/// # Errors
/// Why STS did not return it, on one line.
pub async fn caller(config: &SdkConfig) -> Result<String, String> {
    let answer = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    answer.map_err(|error| causes(&error))?.arn.ok_or_else(|| "STS returned no ARN".to_owned())
}

/// Adds who the caller is to an error of denied access, such as `(you are user/web)`. Asks STS only for such an error.
pub async fn with_caller(config: &SdkConfig, error: TableError) -> TableError {
    let TableError::Denied(message) = error else { return error };
    match caller(config).await {
        Ok(arn) => TableError::Denied(format!("{message} (you are {})", resource_of(&arn))),
        Err(_) => TableError::Denied(message),
    }
}

/// The part of an ARN that names a user or role, such as `user/web`.
fn resource_of(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_shortened_to_user_or_role() {
        for (arn, expected) in [
            ("arn:aws:iam::123456789012:user/web", "user/web"),
            ("arn:aws:sts::123456789012:assumed-role/editors/ana", "assumed-role/editors/ana"),
            ("arn:aws-us-gov:iam::123456789012:root", "root"),
            ("no ARN", "no ARN"),
        ] {
            assert_eq!(resource_of(arn), expected);
        }
    }
}
