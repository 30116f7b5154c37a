//! How much of each bucket a team has mapped so far.

use std::collections::{HashMap, HashSet};

use purge_router_core::bounds;
use purge_router_core::names::{BucketName, Source};
use purge_router_core::{Code, Invalid};

use crate::spec::MappingSpec;
use crate::validate::mapping::MAX_ZONES;

/// What the mappings of one team take of its quota, by bucket.
#[derive(Default)]
pub(crate) struct TeamQuota(HashMap<BucketName, Usage>);

#[derive(Default)]
struct Usage {
    mappings: usize,
    /// The lists of globs, each once: mappings with equal lists share what is made of it.
    globs: HashSet<Vec<String>>,
    glob_bytes: usize,
    zones: HashSet<String>,
}

impl TeamQuota {
    /// Charges a mapping before its globs are read, unless it is too much.
    pub(crate) fn charge(&mut self, spec: &MappingSpec) -> Result<(), Invalid> {
        let Some(Ok(Source { bucket, .. })) = spec.source.as_deref().map(Source::parse) else { return Ok(()) };
        let usage = self.0.entry(bucket.clone()).or_default();
        let lists: HashSet<&Vec<String>> = [&spec.include, &spec.exclude].into_iter().flatten().collect();
        let new_globs: Vec<&Vec<String>> = lists.into_iter().filter(|list| !usage.globs.contains(*list)).collect();
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
