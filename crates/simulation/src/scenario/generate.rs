//! A seed → its scenario.

use std::sync::Arc;

use purge_router_core::Mappings;

use super::generate_table::mapping_table;
use super::mapping_file::mapping_file;
use super::model::{Deployment, Scenario};
use super::teams::Teams;
use super::uploads::{malformed, uploads};
use crate::random::{Seed, chance, seconds};

/// How many instances there are at most: two for each lane.
const INSTANCES: usize = 2 * LANE_CONCURRENCY;
const LANE_CONCURRENCY: usize = 2;

/// The scenario of a seed: one to three hours of uploads.
///
/// # Panics
/// The simulation itself is wrong: it writes a mapping file that can't be read.
pub fn scenario(seed: Seed) -> Scenario {
    let mut rng = seed.stream("hours", 0);
    let length = seconds(&mut rng, 3600..=3 * 3600);
    let edge_stores_raced_fetches = chance(&mut rng, 0.5);
    let Teams { teams, zones, objects, urls, .. } = Teams::new(seed, length);
    let file = mapping_file(&teams, &zones);
    let mut scenario = Scenario {
        seed,
        instances: INSTANCES,
        lane_concurrency: LANE_CONCURRENCY,
        mappings: mappings(&file),
        table: None,
        teams,
        zones,
        objects,
        urls,
        uploads: Vec::new(),
        malformed: Vec::new(),
        messages: Vec::new(),
        direct_events: Vec::new(),
        deployment: Deployment::default(),
        edge_stores_raced_fetches,
        replaced_at: None,
    };
    scenario.uploads = uploads(&scenario, length);
    scenario.table = mapping_table(&scenario, &file, length);
    scenario.malformed = malformed(&scenario, length);
    scenario
}

#[expect(clippy::panic, reason = "the simulation itself is wrong")]
pub(super) fn mappings(file: &str) -> Arc<Mappings> {
    match purge_router_config::from_toml(file) {
        Ok(mappings) => Arc::new(mappings),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            panic!("{}", problems.join("\n"))
        }
    }
}
