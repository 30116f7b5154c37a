//! A deployment that a command is about: its function, and where its mappings are.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use aws_config::SdkConfig;
use purge_router_aws::{DynamoMappings, Lookup, with_caller};
use purge_router_config::from_toml;
use purge_router_core::Mappings;
use purge_router_core::names::BucketName;
use purge_router_deployment::Function;
use purge_router_pipeline::Clock;

use crate::args::DeploymentArgs;
use crate::mappings::{misuse, only_for_operators, read};
use crate::problems::draw;

/// How long a table may take to answer. It is also the TTL of the answer.
const TABLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Where mappings are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MappingsSource {
    Table(String),
    File(PathBuf),
}

impl MappingsSource {
    /// What the arguments name, or else the function's table, or else what the environment names.
    pub(crate) fn of(args: &DeploymentArgs, function: Option<&Function>) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        if let Some(table) = &args.table {
            return Self::Table(table.clone());
        }
        if let Some(file) = &args.mappings {
            return Self::File(file.clone());
        }
        let table = function.and_then(|function| function.setting("MAPPINGS_TABLE")).map(str::to_owned);
        match table.or_else(|| variable("MAPPINGS_TABLE")) {
            Some(table) => Self::Table(table),
            None => Self::File(variable("MAPPINGS_FILE").map_or_else(|| "mappings.toml".into(), PathBuf::from)),
        }
    }

    /// The mappings of these buckets, as the function reads them.
    pub(crate) async fn of_buckets(
        &self,
        config: &SdkConfig,
        buckets: BTreeSet<BucketName>,
    ) -> anyhow::Result<Mappings> {
        let table = match self {
            Self::Table(table) => table,
            Self::File(path) => {
                let text = read(path)?;
                return from_toml(&text).or_else(|problems| {
                    draw(path, &text, &problems);
                    bail!("the mapping file {} has problems", path.display())
                });
            }
        };
        let clock = Clock::system();
        let store = DynamoMappings::new(config, table.clone(), TABLE_TIMEOUT, clock.clone()).map_err(misuse)?;
        let Lookup { mappings, unreadable, .. } = store.lookup(buckets, clock.now() + TABLE_TIMEOUT).await;
        match unreadable.into_values().next() {
            Some(error) => Err(only_for_operators(with_caller(config, error).await)),
            None => Ok(mappings),
        }
    }
}

impl std::fmt::Display for MappingsSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Table(table) => write!(f, "table {table}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}
