//! The names of the buckets of an event.

use std::collections::HashSet;

use crate::model::invalid::Invalid;
use crate::model::names::BucketName;

/// Names that were read before. All changes of a bucket share one.
#[derive(Debug, Default)]
pub(super) struct Buckets(HashSet<BucketName>);

impl Buckets {
    pub(super) fn parse(&mut self, text: &str) -> Result<BucketName, Invalid> {
        if let Some(known) = self.0.get(text) {
            return Ok(known.clone());
        }
        let name = BucketName::parse(text)?;
        self.0.insert(name.clone());
        Ok(name)
    }
}
