//! Where the mappings are: a file or a table. All commands that read mappings have one rule.

use std::fmt;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use purge_router_core::names::TeamName;

use crate::args::parse::parser;
use crate::exit::Misuse;
use crate::input::shown;

pub(super) const FILE_VARIABLE: &str = "MAPPINGS_FILE";
const TABLE_VARIABLE: &str = "MAPPINGS_TABLE";

/// The file that is read if nothing else is named.
pub(crate) const DEFAULT_FILE: &str = "mappings.toml";

#[derive(ClapArgs)]
pub(crate) struct MappingsArg {
    #[command(flatten)]
    pub(crate) file: FileArg,
    /// Read this DynamoDB table instead of a file [env: MAPPINGS_TABLE]
    #[arg(long, value_name = "NAME", conflicts_with = "mappings")]
    table: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct FileArg {
    /// Mapping file, or - for standard input [env: MAPPINGS_FILE] [default: mappings.toml]
    #[arg(long, value_name = "FILE")]
    mappings: Option<PathBuf>,
}

/// The mapping file of a command that is about nothing else.
#[derive(ClapArgs)]
pub(crate) struct OnlyFileArg {
    /// Mapping file, the same as --mappings; - for standard input
    #[arg(value_name = "FILE", id = "only-file", conflicts_with = "mappings")]
    pub(crate) file: Option<PathBuf>,
}

/// Mappings of all teams, or of some.
#[derive(ClapArgs)]
pub(crate) struct TeamMappingsArg {
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Only this team's mappings. Credentials of the team suffice to read its part of a table. Can be repeated
    #[arg(long = "team", value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) teams: Vec<TeamName>,
}

/// Where mappings are read from, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MappingsSource {
    File(PathBuf, Origin),
    Table(String, Origin),
}

/// What names a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Option,
    /// The settings of the function.
    Function,
    Variable(&'static str),
    Default,
}

impl MappingsArg {
    /// The source: `--mappings` or `--table`, or else `MAPPINGS_FILE` or `MAPPINGS_TABLE`, or else `mappings.toml`.
    ///
    /// # Errors
    /// Both variables are set, and no option.
    pub(crate) fn source(&self) -> Result<MappingsSource, Misuse> {
        self.source_or(&OnlyFileArg { file: None })
    }

    /// The same, or the file that is named without an option.
    pub(crate) fn source_or(&self, only: &OnlyFileArg) -> Result<MappingsSource, Misuse> {
        if let (Some(table), Some(file)) = (&self.table, &only.file) {
            return Err(Misuse(format!("the file {} and --table {table} are both named: name one", file.display())));
        }
        let file = only.file.clone().map(|file| MappingsSource::File(file, Origin::Option));
        choose(file.or(self.named()), variable(FILE_VARIABLE), variable(TABLE_VARIABLE))
    }

    /// The same, but the table of a function comes before variables and the default.
    pub(super) fn source_or_table_of_function(&self, table: Option<&str>) -> Result<MappingsSource, Misuse> {
        let of_function = table.map(|table| MappingsSource::Table(table.to_owned(), Origin::Function));
        choose(self.named().or(of_function), variable(FILE_VARIABLE), variable(TABLE_VARIABLE))
    }

    fn named(&self) -> Option<MappingsSource> {
        let table = self.table.clone().map(|table| MappingsSource::Table(table, Origin::Option));
        table.or(self.file.mappings.clone().map(|file| MappingsSource::File(file, Origin::Option)))
    }
}

impl FileArg {
    /// The path on the command line, or else in the environment, or else the default. Clap's own `env` would make a
    /// variable that is always set conflict with `--table`.
    pub(crate) fn path_or(&self, only: &OnlyFileArg) -> PathBuf {
        let path = only.file.clone().or(self.mappings.clone()).or_else(|| variable(FILE_VARIABLE).map(PathBuf::from));
        path.unwrap_or_else(|| DEFAULT_FILE.into())
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).filter(|text| !text.is_empty()).map(|text| text.to_string_lossy().into_owned())
}

fn choose(
    named: Option<MappingsSource>,
    file: Option<String>,
    table: Option<String>,
) -> Result<MappingsSource, Misuse> {
    match (named, file, table) {
        (Some(named), ..) => Ok(named),
        (None, Some(file), Some(table)) => Err(Misuse(format!(
            "{FILE_VARIABLE} and {TABLE_VARIABLE} are both set: choose one with --mappings {file} or --table {table}"
        ))),
        (None, Some(file), None) => Ok(MappingsSource::File(file.into(), Origin::Variable(FILE_VARIABLE))),
        (None, None, Some(table)) => Ok(MappingsSource::Table(table, Origin::Variable(TABLE_VARIABLE))),
        (None, None, None) => Ok(MappingsSource::File(DEFAULT_FILE.into(), Origin::Default)),
    }
}

/// What the source is, such as `table purge-router (MAPPINGS_TABLE)`.
impl fmt::Display for MappingsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match self {
            Self::File(path, origin) => {
                f.write_str(&shown(path))?;
                origin
            }
            Self::Table(table, origin) => {
                write!(f, "table {table}")?;
                origin
            }
        };
        match origin {
            Origin::Variable(name) => write!(f, " ({name})"),
            Origin::Function => f.write_str(" (of the function)"),
            Origin::Option | Origin::Default => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_before_variables_and_these_before_the_default() {
        let text = |text: &str| Some(text.to_owned());
        let option = Some(MappingsSource::Table("prod".to_owned(), Origin::Option));
        for (named, file, table, expected) in [
            (None, None, None, Some("mappings.toml")),
            (None, text("web.toml"), None, Some("web.toml (MAPPINGS_FILE)")),
            (None, None, text("prod"), Some("table prod (MAPPINGS_TABLE)")),
            (option, text("web.toml"), text("test"), Some("table prod")),
            (None, text("web.toml"), text("prod"), None),
        ] {
            let chosen = choose(named, file, table).map(|source| source.to_string());
            assert_eq!(chosen.ok().as_deref(), expected);
        }
    }
}
