//! How much of each bucket a team has mapped so far.

use std::collections::{HashMap, HashSet};

use foldhash::quality::RandomState;
use purge_router_core::bounds;
use purge_router_core::names::{BucketName, Source};
use purge_router_core::{Code, Invalid};

use crate::spec::MappingSpec;
use crate::validate::mapping::MAX_ZONES;

/// What the mappings of one team take of its quota, by bucket.
#[derive(Default)]
pub(crate) struct TeamQuota(HashMap<BucketName, Usage, RandomState>);

#[derive(Default)]
struct Usage {
    mappings: usize,
    /// The lists of globs, each once: mappings with equal lists share what is made of it.
    globs: HashSet<Vec<String>, RandomState>,
    glob_bytes: usize,
    zones: HashSet<String, RandomState>,
}

impl TeamQuota {
    /// Charges a mapping of this source before its globs are read, unless it is too much.
    pub(crate) fn charge(&mut self, spec: &MappingSpec, source: Option<&Source>) -> Result<(), Invalid> {
        let Some(Source { bucket, .. }) = source else { return Ok(()) };
        let usage = self.0.entry(bucket.clone()).or_default();
        let exclude = spec.exclude.as_ref().filter(|exclude| spec.include.as_ref() != Some(exclude));
        let is_new = |list: &&Vec<String>| !usage.globs.contains(*list);
        let new_globs: Vec<&Vec<String>> = spec.include.iter().chain(exclude).filter(is_new).collect();
        let glob_bytes = usage.glob_bytes + new_globs.iter().copied().flatten().map(String::len).sum::<usize>();
        // More of them are a problem of their own.
        let zones = spec.zones.iter().flatten().take(MAX_ZONES);
        let new_zones: HashSet<&String> = zones.filter(|zone| !usage.zones.contains(*zone)).collect();
        let message = if usage.mappings + 1 > bounds::MAPPINGS {
            format!("a team may have {} mappings of the bucket {bucket}, and this is one more", bounds::MAPPINGS)
        } else if glob_bytes > bounds::PATTERNS {
            let max_bytes = bounds::PATTERNS;
            format!(
                "with this mapping, the team's different globs of the bucket {bucket} have more than {max_bytes} bytes"
            )
        } else if usage.zones.len() + new_zones.len() > bounds::ZONES {
            format!("with this mapping, the team names more than {} zones for the bucket {bucket}", bounds::ZONES)
        } else {
            let new_zones: Vec<String> = new_zones.into_iter().cloned().collect();
            usage.mappings += 1;
            usage.globs.extend(new_globs.into_iter().cloned());
            usage.glob_bytes = glob_bytes;
            usage.zones.extend(new_zones);
            return Ok(());
        };
        let help = "delete some, or give them to another team";
        Err(Invalid::new(Code::TooManyMappings, message, help))
    }
}
