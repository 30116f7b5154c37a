//! The region, and who the caller is.

use aws_config::SdkConfig;
use purge_router_aws::{CallError, caller, credentials_source, with_caller};

use super::finding::Finding;

/// What was found, and if AWS can't be called, why.
pub(super) async fn examine(config: &SdkConfig) -> (Vec<Finding>, Option<&'static str>) {
    let region = match CallError::check_region(config.region()) {
        Ok(region) => Finding::good("region", region.to_string()),
        Err(error) => {
            let found =
                format!("{}; set that of the deployment, or a profile that has one (AWS_PROFILE)", error.message);
            return (vec![Finding::bad("region", found, "export AWS_REGION=eu-west-1")], Some("no region is set"));
        }
    };
    match caller(config).await {
        Ok(arn) => (vec![region, Finding::good("identity", format!("{arn} ({})", credentials_source()))], None),
        Err(error) => {
            let found = format!("STS does not say who you are: {}", with_caller(config, error).await);
            let identity = Finding::bad("identity", found, "aws sts get-caller-identity");
            (vec![region, identity], Some("AWS does not say who you are"))
        }
    }
}
