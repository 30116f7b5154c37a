//! One warning.

use std::fmt;

use serde::Serialize;

use purge_router_core::names::{Hostname, TeamName};
use purge_router_core::{Mapping, Zone};

/// What a team should know of a zone or of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Its kind, in kebab-case, for programs.
    pub code: &'static str,
    /// The team of the zone or of the mappings.
    pub team: TeamName,
    /// The domain of the zone that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Hostname>,
    /// The names of the mappings that it is about.
    pub mappings: Vec<String>,
    /// The field of the zone or of the first mapping that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// What is the case.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Warning {
    pub(super) fn of_zone(zone: &Zone, code: &'static str, message: String, help: &str) -> Self {
        let (team, zone) = (zone.team.clone(), Some(zone.domain.clone()));
        Self { code, team, zone, mappings: Vec::new(), field: None, message, help: help.to_owned() }
    }

    pub(super) fn of_mapping(mapping: &Mapping, code: &'static str, message: String, help: impl Into<String>) -> Self {
        let (team, mappings) = (mapping.team.clone(), vec![mapping.name.clone()]);
        Self { code, team, zone: None, mappings, field: None, message, help: help.into() }
    }

    pub(super) fn in_field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// What is the case, for a reader who sees its place: of a zone, with the mappings that it is about.
    pub fn title(&self) -> String {
        match (&self.zone, self.named_mappings()) {
            (Some(_), Some(mappings)) => format!("{} ({mappings})", self.message),
            _ => self.message.clone(),
        }
    }

    /// The first mapping, and how many more there are.
    fn named_mappings(&self) -> Option<String> {
        let first = self.mappings.first()?;
        Some(match self.mappings.len() - 1 {
            0 => first.clone(),
            more => format!("{first} and {more} more"),
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, team, zone, message, help, .. } = self;
        let mappings = self.named_mappings();
        match (zone, mappings) {
            (Some(zone), None) => write!(f, "zone {zone} of team {team}")?,
            (Some(zone), Some(mappings)) => write!(f, "zone {zone} of team {team} ({mappings})")?,
            (None, mappings) => f.write_str(&mappings.unwrap_or_default())?,
        }
        write!(f, ": {message} [{code}]; {help}")
    }
}
