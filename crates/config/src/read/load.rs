//! How much a team has mapped of each bucket, so far.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use purge_router_core::bounds;
use purge_router_core::names::BucketName;
use purge_router_core::{Code, Invalid};

use super::mapping::MOST_ZONES;

/// The mappings of one team that were read.
#[derive(Default)]
pub(super) struct Loads(HashMap<BucketName, Load>);

#[derive(Default)]
struct Load {
    mappings: usize,
    patterns: usize,
    zones: HashSet<String>,
}

impl Loads {
    /// Adds a mapping that is not read yet, or says why it is too much.
    pub(super) fn add(&mut self, bucket: &BucketName, mapping: &Map<String, Value>) -> Result<(), Invalid> {
        let lists = ["include", "exclude"].iter().filter_map(|key| mapping.get(*key)?.as_array());
        let patterns: usize = lists.flatten().filter_map(|pattern| Some(pattern.as_str()?.len())).sum();
        let load = self.0.entry(bucket.clone()).or_default();
        let help = "leave some out, or give them to another team";
        if load.mappings + 1 > bounds::MAPPINGS {
            let message =
                format!("a team may have {} mappings of the bucket {bucket}, and this is one more", bounds::MAPPINGS);
            return Err(Invalid::new(Code::TooManyMappings, message, help));
        }
        if load.patterns + patterns > bounds::PATTERNS {
            let message = format!(
                "with this mapping, the team's globs of the bucket {bucket} have more than {} bytes",
                bounds::PATTERNS
            );
            return Err(Invalid::new(Code::TooManyMappings, message, help));
        }
        // More of them are a fault of their own.
        let zones = mapping.get("zones").and_then(Value::as_array).into_iter().flatten().take(MOST_ZONES);
        let new: HashSet<&str> = zones.filter_map(Value::as_str).filter(|zone| !load.zones.contains(*zone)).collect();
        if load.zones.len() + new.len() > bounds::ZONES {
            let message =
                format!("with this mapping, the team names more than {} zones for the bucket {bucket}", bounds::ZONES);
            return Err(Invalid::new(Code::TooManyMappings, message, help));
        }
        load.mappings += 1;
        load.patterns += patterns;
        load.zones.extend(new.into_iter().map(str::to_owned));
        Ok(())
    }
}
