//! A seed → its scenario.

use super::mapping_file::mapping_file;
use super::model::Scenario;
use super::teams::Teams;
use super::uploads::{malformed, uploads};
use crate::random::{Seed, chance, seconds};

/// How many instances there are at most: two for each lane.
const INSTANCES: usize = 4;

/// The scenario of a seed: one to three hours of uploads.
pub fn scenario(seed: Seed) -> Scenario {
    let mut rng = seed.stream("hours", 0);
    let length = seconds(&mut rng, 3600..=3 * 3600);
    let edge_stores_raced_fetches = chance(&mut rng, 0.5);
    let Teams { teams, zones, objects, urls } = Teams::new(seed, length);
    let mut scenario = Scenario {
        seed,
        instances: INSTANCES,
        mapping_file: mapping_file(&teams, &zones),
        teams,
        zones,
        objects,
        urls,
        uploads: Vec::new(),
        malformed: Vec::new(),
        edge_stores_raced_fetches,
    };
    scenario.uploads = uploads(&scenario, length);
    scenario.malformed = malformed(&scenario, length);
    scenario
}
