//! Arguments that say which deployment a command is about, and where its mappings are.

use clap::Args as ClapArgs;
use purge_router_core::names::TeamName;

use crate::args::mappings::{FILE_VARIABLE, MappingsArg, MappingsSource, Origin};
use crate::args::parse::parser;
use crate::exit::Misuse;

#[derive(ClapArgs)]
pub(crate) struct DeploymentArgs {
    /// Deployed function, by its name (FunctionName among the stack's outputs): its settings name the queues, and the table
    /// if no option names one [env: PURGE_ROUTER_FUNCTION]
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    #[command(flatten)]
    mappings: MappingsArg,
    /// Only what concerns this team. Can be repeated
    #[arg(long = "team", value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) teams: Vec<TeamName>,
}

/// What is known of the function of a deployment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KnownFunction<'f> {
    /// None is named.
    Unnamed,
    /// Its settings can't be read.
    Unreadable,
    /// Its setting `MAPPINGS_TABLE`. Without a table, the function reads a file in its package.
    Read { table: Option<&'f str> },
}

impl DeploymentArgs {
    /// The function on the command line, or else in the environment.
    pub(crate) fn function(&self) -> Option<String> {
        self.function.clone().or_else(|| std::env::var("PURGE_ROUTER_FUNCTION").ok()).filter(|name| !name.is_empty())
    }

    /// Where the mappings are: what an option names, or else the function's table, or else what a variable names, or else, if
    /// no function is named, the default. `None`: only the function's settings or its package would say it, and a local file
    /// may be another one.
    ///
    /// # Errors
    /// Several sources are named in the same way.
    pub(crate) fn source(&self, function: KnownFunction<'_>) -> Result<Option<MappingsSource>, Misuse> {
        let table = if let KnownFunction::Read { table } = function { table } else { None };
        let source = self.mappings.source_or_table_of_function(table)?;
        Ok(Some(source).filter(|source| !is_guess(source, function)))
    }
}

/// Whether a file would be read that may not be the function's.
fn is_guess(source: &MappingsSource, function: KnownFunction<'_>) -> bool {
    let may_be_another = match function {
        KnownFunction::Unnamed => [].as_slice(),
        KnownFunction::Read { .. } => &[Origin::Default],
        KnownFunction::Unreadable => &[Origin::Default, Origin::Variable(FILE_VARIABLE)],
    };
    matches!(source, MappingsSource::File(_, origin) if may_be_another.contains(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_file_is_not_taken_for_that_of_a_function() {
        let file = |origin| MappingsSource::File("mappings.toml".into(), origin);
        let table = |origin| MappingsSource::Table("prod".to_owned(), origin);
        let (read, variable) = (KnownFunction::Read { table: None }, Origin::Variable(FILE_VARIABLE));
        for (source, function, expected) in [
            (file(Origin::Default), KnownFunction::Unnamed, false),
            (file(Origin::Default), KnownFunction::Unreadable, true),
            (file(Origin::Default), read, true),
            (file(variable), KnownFunction::Unnamed, false),
            (file(variable), KnownFunction::Unreadable, true),
            (file(variable), read, false),
            (file(Origin::Option), KnownFunction::Unreadable, false),
            (table(variable), KnownFunction::Unreadable, false),
        ] {
            assert_eq!(is_guess(&source, function), expected, "{source} {function:?}");
        }
    }
}
