//! A deployment that a command is about: its function, and where its mappings are.

use anyhow::anyhow;
use aws_config::SdkConfig;
use purge_router_aws::{CallError, with_caller};
use purge_router_deployment::Function;

use crate::args::{DeploymentArgs, KnownFunction, MappingsSource};
use crate::exit::Misuse;

/// The code of Lambda's error for a function that does not exist.
pub(crate) const NO_FUNCTION: &str = "ResourceNotFoundException";

/// Reads the settings of a function. To a denial is added which rights would help.
pub(crate) async fn read_function(config: &SdkConfig, name: &str, rights: &str) -> anyhow::Result<Function> {
    match Function::read(config, name).await {
        Ok(function) => Ok(function),
        Err(error) => {
            let help = if error.code == NO_FUNCTION { "; check the name and the region" } else { "" };
            let what = format!("can't read the settings of the function {name}");
            Err(anyhow!("{:#}{help}", call_failed(config, &what, error, rights).await))
        }
    }
}

/// Where the mappings of a function are.
pub(crate) fn source_of(args: &DeploymentArgs, function: &Function) -> Result<MappingsSource, Misuse> {
    let source = args.source(KnownFunction::Read { table: function.setting("MAPPINGS_TABLE") })?;
    let name = &function.name;
    source.ok_or_else(|| {
        Misuse(format!("the function {name} has no table, but a file in its package: name that file with --mappings"))
    })
}

/// The error of a call, with region, profile and caller. To a denial is added which rights would help.
pub(crate) async fn call_failed(config: &SdkConfig, what: &str, error: CallError, rights: &str) -> anyhow::Error {
    let help = if error.is_denied() { format!("; {rights}") } else { String::new() };
    let error = with_caller(config, error).await;
    anyhow!("{what}: {error}{help}")
}
