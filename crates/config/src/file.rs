//! A mapping file as typed, from which teams are pushed to the table one by one; and rows of the table as such a file.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use purge_router_core::Mappings;
use purge_router_core::names::TeamName;
use purge_router_core::{Code, Invalid};

use crate::document::Document;
use crate::problem::Problem;
use crate::rows::{Fields, RowKey, Rows, VERSION, in_file_order, join_source, split_source};

/// What the operator writes of a team.
const GRANT: [&str; 4] = ["owns", "tokens", "accounts", "kms_key"];

/// The field that says what a file was pulled from.
pub(crate) const PULLED: &str = "pulled";

/// From which revision a file was pulled, and a name for this copy of it: so that who pushes it can be told of what
/// others pushed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The newest revision when it was pulled.
    pub revision: u64,
    copy: u32,
}

impl Pulled {
    /// A copy with a name that no other should have.
    pub fn new(revision: u64, copy: u32) -> Self {
        Self { revision, copy }
    }

    /// Reads what [`Pulled::to_string`] wrote.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let parts = text.split_once('-').filter(|(_, copy)| copy.len() == 8);
        let read = parts.and_then(|(revision, copy)| {
            Some(Self { revision: revision.parse().ok()?, copy: u32::from_str_radix(copy, 16).ok()? })
        });
        let help = "leave it as `pull` wrote it, or delete the line: a push then writes over what others pushed since";
        read.filter(|it| it.to_string() == text)
            .ok_or_else(|| Invalid::new(Code::BadPulled, format!("`{text}` is not what `pull` writes"), help))
    }
}

impl fmt::Display for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.revision, self.copy)
    }
}

/// A parsed mapping file. What it says is known to be valid only after [`MappingFile::read`].
pub struct MappingFile<'t>(Document<'t>);

impl<'t> MappingFile<'t> {
    /// Parses TOML.
    ///
    /// # Errors
    /// All errors of syntax.
    pub fn parse(text: &'t str) -> Result<Self, Vec<Problem>> {
        Document::parse(text).map(Self)
    }

    /// Reads it.
    ///
    /// # Errors
    /// All problems of the file, in the order of their places in it.
    pub fn read(&self) -> Result<Mappings, Vec<Problem>> {
        crate::read::document(&self.0)
    }

    /// The teams that it names, valid or not.
    pub fn teams(&self) -> Vec<&str> {
        let teams = self.0.root.get("teams").and_then(Value::as_object);
        teams.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
    }

    /// Leaves out all teams that are not wanted.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        if let Some(teams) = self.0.root.get_mut("teams").and_then(Value::as_object_mut) {
            teams.retain(|name, _| wanted(name));
        }
    }

    /// From what a team's part of the file was pulled, or without a team, the grants in it.
    pub fn pulled(&self, team: Option<&TeamName>) -> Option<Pulled> {
        let fields = team.map_or_else(|| self.0.root.as_object(), |team| self.team(team));
        Pulled::parse(fields?.get(PULLED)?.as_str()?).ok()
    }

    /// What the file says of a team's grant.
    pub fn grant(&self, team: &TeamName) -> Fields {
        let fields = self.team(team).into_iter().flatten();
        fields.filter(|(name, _)| GRANT.contains(&name.as_str())).map(|(name, it)| (name.clone(), it.clone())).collect()
    }

    /// Takes what a team may map from its grant in the table, whatever the file says of it.
    pub fn set_grant(&mut self, team: &TeamName, grant: &Fields) {
        let teams = self.0.root.get_mut("teams").and_then(|teams| teams.get_mut(team.as_str()));
        if let Some(fields) = teams.and_then(Value::as_object_mut) {
            fields.retain(|name, _| !GRANT.contains(&name.as_str()));
            fields.extend(grant.clone());
        }
    }

    /// A team's zones and mappings, as they would stand in the table.
    pub fn tables(&self, team: &TeamName) -> TeamTables {
        let tables = |name: &str| self.team(team).and_then(|fields| fields.get(name));
        let zones = tables("zones").and_then(Value::as_object).into_iter().flatten();
        let mappings = tables("mappings").and_then(Value::as_array).into_iter().flatten();
        TeamTables {
            zones: zones.filter_map(|(domain, zone)| Some((domain.clone(), zone.as_object()?.clone()))).collect(),
            mappings: mappings.filter_map(Value::as_object).cloned().map(with_split_source).collect(),
        }
    }

    fn team(&self, team: &TeamName) -> Option<&Fields> {
        self.0.root.get("teams")?.get(team.as_str())?.as_object()
    }
}

fn with_split_source(mut fields: Fields) -> Fields {
    split_source(&mut fields);
    fields
}

/// One team's part of a file: its zones by domain, and its mappings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TeamTables {
    /// Zones by domain.
    pub zones: BTreeMap<String, Fields>,
    /// Mappings, each with `bucket` and `prefix` for its `source`.
    pub mappings: Vec<Fields>,
}

/// What is to be written of one team into a file.
#[derive(Debug)]
pub struct FileOfTeam<'r> {
    /// The team.
    pub team: &'r TeamName,
    /// From what its mappings were pulled, where the file may be pushed again.
    pub pulled: Option<Pulled>,
    /// What it is granted, where that is known.
    pub grant: Option<&'r Fields>,
    /// Its own rows.
    pub rows: &'r Rows,
}

/// The mapping file that says what these rows say, and from what its grants were pulled.
///
/// # Errors
/// The row that holds what TOML can't say.
pub fn to_toml<'r>(pulled: Option<&Pulled>, teams: impl IntoIterator<Item = FileOfTeam<'r>>) -> Result<String, String> {
    let mut all = Fields::new();
    for FileOfTeam { team: name, pulled, grant, rows } in teams {
        if let Some((sort, _)) = rows.iter().find(|(_, fields)| toml::to_string(fields).is_err()) {
            let key = RowKey::new(RowKey::partition_of(name), sort);
            return Err(format!("the row {key} holds what a mapping file can't say, such as a null or bytes: mend it"));
        }
        let mut team = Fields::new();
        team.extend(pulled.map(|pulled| (PULLED.to_owned(), pulled.to_string().into())));
        team.extend(in_file_order(grant.cloned().unwrap_or_default()));
        let (mut zones, mut mappings) = (Fields::new(), Vec::new());
        for (sort, fields) in rows {
            if let Some(domain) = sort.strip_prefix(RowKey::ZONE) {
                zones.insert(domain.to_owned(), in_file_order(fields.clone()).into());
            } else if sort.starts_with(RowKey::MAPPING) {
                let mut fields = fields.clone();
                join_source(&mut fields);
                mappings.push(Value::Object(in_file_order(fields)));
            }
        }
        if !zones.is_empty() {
            team.insert("zones".to_owned(), zones.into());
        }
        if !mappings.is_empty() {
            team.insert("mappings".to_owned(), mappings.into());
        }
        all.insert(name.to_string(), team.into());
    }
    let mut root = Fields::new();
    root.insert("version".to_owned(), VERSION.into());
    root.extend(pulled.map(|pulled| (PULLED.to_owned(), pulled.to_string().into())));
    root.insert("teams".to_owned(), all.into());
    toml::to_string(&root).map_err(|error| error.to_string())
}
