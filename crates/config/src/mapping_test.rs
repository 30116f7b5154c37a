//! Tests of mappings: what must be purged when one object changes. They are run by core's `route` and `plan`, as the
//! function runs them, and see their own team's mappings only.

pub(crate) mod named_item;
pub(crate) mod run;

#[cfg(test)]
mod tests;

use purge_router_core::Change;
use purge_router_core::names::TeamName;

use crate::mapping_test::named_item::NamedItem;
use crate::path::ConfigPath;

/// A valid test.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingTest {
    /// Where it is written.
    pub place: ConfigPath,
    /// The team whose mappings it is for.
    pub team: TeamName,
    /// The change of its object.
    pub change: Change,
    pub(crate) expected: Expected,
}

impl MappingTest {
    /// What must hold, for messages: `unmatched`, or the items that must and must not be purged.
    pub fn expectation(&self) -> String {
        let names = |items: &[NamedItem]| items.iter().map(NamedItem::to_string).collect::<Vec<_>>().join(", ");
        match &self.expected {
            Expected::Unmatched => "unmatched".to_owned(),
            Expected::Items { purges, not_purges } if not_purges.is_empty() => format!("purges {}", names(purges)),
            Expected::Items { purges, not_purges } if purges.is_empty() => format!("not {}", names(not_purges)),
            Expected::Items { purges, not_purges } => format!("purges {}; not {}", names(purges), names(not_purges)),
        }
    }
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expected {
    /// None of the team's mappings accepts the change.
    Unmatched,
    /// At least one of both lists is not empty.
    Items { purges: Vec<NamedItem>, not_purges: Vec<NamedItem> },
}
