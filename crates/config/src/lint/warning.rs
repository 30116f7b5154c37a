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
    /// What is the case.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Warning {
    pub(super) fn of_zone(zone: &Zone, code: &'static str, message: String, help: &str) -> Self {
        let (team, zone) = (zone.team.clone(), Some(zone.domain.clone()));
        Self { code, team, zone, mappings: Vec::new(), message, help: help.to_owned() }
    }

    pub(super) fn of_mapping(mapping: &Mapping, code: &'static str, message: String, help: impl Into<String>) -> Self {
        let (team, mappings) = (mapping.team.clone(), vec![mapping.name.clone()]);
        Self { code, team, zone: None, mappings, message, help: help.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, team, zone, mappings, message, help } = self;
        let first = mappings.first().map_or("", String::as_str);
        let more = match mappings.len().saturating_sub(1) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        match zone {
            Some(zone) if first.is_empty() => write!(f, "zone {zone} of team {team}")?,
            Some(zone) => write!(f, "zone {zone} of team {team} ({first}{more})")?,
            None => write!(f, "{first}{more}")?,
        }
        write!(f, ": {message} [{code}]; {help}")
    }
}
