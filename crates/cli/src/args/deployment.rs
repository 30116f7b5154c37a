//! Arguments that say which deployment a command is about, and where its mappings are.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use purge_router_core::names::TeamName;

use crate::args::parse::parser;

#[derive(ClapArgs)]
pub(crate) struct DeploymentArgs {
    /// Deployed function, by its name (FunctionName among the stack's outputs): its settings name the queues and the table
    /// [env: PURGE_ROUTER_FUNCTION]
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// DynamoDB table [default: the function's, or else MAPPINGS_TABLE]
    #[arg(long, value_name = "NAME", conflicts_with = "mappings")]
    pub(crate) table: Option<String>,
    /// Mapping file, if there is no table [env: MAPPINGS_FILE] [default: mappings.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) mappings: Option<PathBuf>,
    /// Only what concerns this team. Can be repeated
    #[arg(long = "team", value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) teams: Vec<TeamName>,
}

impl DeploymentArgs {
    /// The function on the command line, or else in the environment.
    pub(crate) fn function(&self) -> Option<String> {
        self.function.clone().or_else(|| std::env::var("PURGE_ROUTER_FUNCTION").ok()).filter(|name| !name.is_empty())
    }
}
