//! What the mappings of a team have in common: equal parts are made once, and shared.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::quality::RandomState;
use purge_router_core::glob::KnownPatterns;
use purge_router_core::names::{BucketName, Prefix, Source};
use purge_router_core::{Invalid, UrlRules};

/// The parts that were made for the mappings of one team so far.
#[derive(Default)]
pub(crate) struct SharedParts {
    buckets: HashSet<BucketName, RandomState>,
    pub(crate) patterns: KnownPatterns,
    /// The rules of mappings that write none.
    pub(crate) default_urls: Arc<UrlRules>,
}

impl SharedParts {
    /// Reads `s3://bucket/prefix/`.
    pub(crate) fn source(&mut self, text: &str) -> Result<Source, Invalid> {
        let named = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        if let Some((bucket, prefix)) = named
            && let Some(bucket) = self.buckets.get(bucket)
            && let Ok(prefix) = Prefix::parse(prefix)
        {
            return Ok(Source { bucket: bucket.clone(), prefix });
        }
        let source = Source::parse(text)?;
        self.buckets.insert(source.bucket.clone());
        Ok(source)
    }
}
