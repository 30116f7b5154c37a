//! Warnings with their places in a mapping file.

use std::collections::HashMap;
use std::ops::Range;

use purge_router_core::Mappings;

use crate::file::decode::DecodedTeam;
use crate::lint::{Warning, warnings};
use crate::path::ConfigPath;
use crate::read::toml_document::TomlDocument;

/// A warning with its place in a mapping file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedWarning {
    /// The warning.
    pub warning: Warning,
    /// The zone or the mapping that it is about, or a field of it.
    pub place: ConfigPath,
    /// Bytes of the file's text.
    pub span: Range<usize>,
}

/// All warnings of a file, in the order of their places in it.
pub(super) fn located_warnings(
    document: &TomlDocument<'_>,
    teams: &[DecodedTeam],
    mappings: &Mappings,
) -> Vec<LocatedWarning> {
    let places: HashMap<String, ConfigPath> = teams
        .iter()
        .flat_map(|team| {
            let list = team.checker.place.key("mappings");
            (0..team.mappings.len()).map(move |index| list.index(index))
        })
        .map(|place| (place.to_string(), place))
        .collect();
    let mut located: Vec<LocatedWarning> = warnings(mappings)
        .into_iter()
        .map(|warning| {
            let of_team = ConfigPath::root().key("teams").key(warning.team.as_str());
            let whole = match (&warning.zone, warning.mappings.first().and_then(|name| places.get(name))) {
                (Some(zone), _) => of_team.key("zones").key(zone.as_str()),
                (None, Some(mapping)) => mapping.clone(),
                (None, None) => of_team,
            };
            let place = warning.field.map_or_else(|| whole.clone(), |field| whole.key(field));
            // A field without effect is wrong by its name, and not by its value.
            let span = document.span(&place, warning.code == "unused-field");
            LocatedWarning { warning, place, span }
        })
        .collect();
    located.sort_by_key(|located| located.span.start);
    located
}
