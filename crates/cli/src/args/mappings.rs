//! Where the mappings are: a file or a table.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(ClapArgs)]
pub(crate) struct MappingsArg {
    #[command(flatten)]
    pub(crate) file: FileArg,
    /// Read this DynamoDB table instead of a file
    #[arg(long, value_name = "NAME", conflicts_with = "mappings")]
    pub(crate) table: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct FileArg {
    /// Mapping file [env: MAPPINGS_FILE] [default: mappings.toml]
    #[arg(long, value_name = "FILE")]
    mappings: Option<PathBuf>,
}

impl FileArg {
    /// The path on the command line, or else in the environment, or else the default. Clap's own `env` would make a
    /// variable that is always set conflict with `--table`.
    pub(crate) fn path(&self) -> PathBuf {
        let variable = || std::env::var_os("MAPPINGS_FILE").filter(|text| !text.is_empty()).map(PathBuf::from);
        self.mappings.clone().or_else(variable).unwrap_or_else(|| "mappings.toml".into())
    }
}
