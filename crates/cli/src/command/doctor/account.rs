//! The region, and who the caller is.

use aws_config::SdkConfig;
use purge_router_aws::caller;

use super::finding::Finding;

pub(super) async fn examine(config: &SdkConfig) -> Vec<Finding> {
    let Some(region) = config.region() else {
        let found = "none is set: set that of the deployment, or a profile that has one (AWS_PROFILE)";
        return vec![Finding::bad("region", found, "export AWS_REGION=eu-west-1")];
    };
    let region = Finding::good("region", region.to_string());
    let identity = match caller(config).await {
        Ok(arn) => Finding::good("identity", arn),
        Err(reason) => {
            Finding::bad("identity", format!("STS does not say who you are: {reason}"), "aws sts get-caller-identity")
        }
    };
    vec![region, identity]
}
