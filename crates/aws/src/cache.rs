//! A bounded cache whose entries know the age of what they hold, and which read is under way.

mod entries;
mod entry;

pub(crate) use entries::{SharedEntries, SharedEntry};
pub(crate) use entry::{Cached, Entry, ReadEnd};
