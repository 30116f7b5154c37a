//! What all ways to route have in common.

use crate::routing::corpus::Lookup;

/// Something that finds the mappings that accept a change.
pub(crate) trait Rival {
    /// Adds the indices of the mappings, in any order.
    fn find(&self, lookup: &Lookup, found: &mut Vec<u32>);

    /// The same of the changes of an event.
    fn find_all(&self, lookups: &[Lookup], found: &mut Vec<u32>) {
        lookups.iter().for_each(|lookup| self.find(lookup, found));
    }
}
