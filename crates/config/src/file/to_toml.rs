//! Rows as a mapping file: whatever they say, valid or not, so that it can be fixed in the file.

use serde_json::Value;

use purge_router_core::names::TeamName;

use crate::file::pulled::{PULLED, Pulled};
use crate::rows::fields::{Fields, Rows, VERSION, in_file_order, join_source};
use crate::rows::row_key::RowKey;

/// One team in a mapping file.
#[derive(Debug)]
pub struct FileOfTeam<'r> {
    /// The team's name, which the file has as `[teams.<name>]`.
    pub team: &'r TeamName,
    /// From what its mappings were pulled, if the file may be pushed again.
    pub pulled: Option<Pulled>,
    /// What it is granted, if that is known.
    pub grant: Option<&'r Fields>,
    /// Its zones, mappings and tests, without the version.
    pub rows: &'r Rows,
}

/// Why rows can't be written as a mapping file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotInToml {
    /// The row holds what TOML has no form for.
    #[error("the row {0} holds what a mapping file can't say, such as a null or bytes; fix it, or delete it")]
    Row(RowKey),
    /// All rows together can't be written.
    #[error("can't write the mapping file: {0}")]
    File(String),
}

/// The mapping file that says what these rows say, and from what its grants were pulled.
///
/// # Errors
/// A row that holds what TOML can't say.
pub fn to_toml<'r>(
    pulled: Option<&Pulled>,
    teams: impl IntoIterator<Item = FileOfTeam<'r>>,
) -> Result<String, NotInToml> {
    let mut all = Fields::new();
    for file in teams {
        all.insert(file.team.to_string(), team_table(&file)?.into());
    }
    let mut root = Fields::new();
    root.insert("version".to_owned(), VERSION.into());
    root.extend(pulled.map(|pulled| (PULLED.to_owned(), pulled.to_string().into())));
    root.insert("teams".to_owned(), all.into());
    toml::to_string(&root).map_err(|error| NotInToml::File(error.to_string()))
}

fn team_table(file: &FileOfTeam<'_>) -> Result<Fields, NotInToml> {
    let mut table = Fields::new();
    table.extend(file.pulled.as_ref().map(|pulled| (PULLED.to_owned(), pulled.to_string().into())));
    if let Some(grant) = file.grant {
        check(grant, || RowKey::Grant(file.team.clone()))?;
        table.extend(in_file_order(grant.clone()));
    }
    let (mut zones, mut mappings, mut tests) = (Fields::new(), Vec::new(), Vec::new());
    for (key, fields) in file.rows {
        check(fields, || key.clone())?;
        match key {
            RowKey::Zone { domain, .. } => drop(zones.insert(domain.clone(), in_file_order(fields.clone()).into())),
            RowKey::Mapping { .. } => {
                let mut fields = fields.clone();
                join_source(&mut fields);
                mappings.push(Value::Object(in_file_order(fields)));
            }
            RowKey::Test { .. } => tests.push(Value::Object(in_file_order(fields.clone()))),
            _ => {}
        }
    }
    if !zones.is_empty() {
        table.insert("zones".to_owned(), zones.into());
    }
    for (name, tables) in [("mappings", mappings), ("tests", tests)] {
        if !tables.is_empty() {
            table.insert(name.to_owned(), tables.into());
        }
    }
    Ok(table)
}

fn check(fields: &Fields, key: impl Fn() -> RowKey) -> Result<(), NotInToml> {
    toml::to_string(fields).map(drop).map_err(|_| NotInToml::Row(key()))
}
