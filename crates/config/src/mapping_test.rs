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

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expected {
    /// None of the team's mappings accepts the change.
    Unmatched,
    /// At least one of both lists is not empty.
    Items { purges: Vec<NamedItem>, not_purges: Vec<NamedItem> },
}
