//! Which of the purged URLs are verified: a sample that depends on nothing but the URL and where the change came from.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use time::UtcDateTime;

use crate::model::bounds;
use crate::model::change::{Change, Origin};
use crate::model::names::TeamName;
use crate::model::sample::Sample;
use crate::model::zone::Zone;
use crate::plan::hit::Hit;
use crate::purge::item::Item;

/// The samples of an event: of each team the URLs with the lowest numbers.
#[derive(Default)]
pub(super) struct Sampler<'p>(BTreeMap<&'p TeamName, BTreeMap<u64, SampledUrl<'p>>>);

struct SampledUrl<'p> {
    change_index: usize,
    change: &'p Change,
    item: Item,
}

impl<'p> Sampler<'p> {
    /// Adds a URL of a hit, if its mapping and its number select it. What has a second purge is verified after that one.
    pub(super) fn add(&mut self, hit: &Hit<'p>, zone: &Zone, item: &Item) {
        let (change, mapping) = (hit.change, hit.mapping.mapping);
        let is_purged_again = mapping.again_after > 0 && change.second_purge_of.is_none();
        let (rate, Item::Url(url)) = (mapping.sample_rate(zone), item) else { return };
        if is_purged_again || rate.is_zero() {
            return;
        }
        let number = number_of(change, url);
        if rate.includes(number) {
            let of_team = self.0.entry(&mapping.team).or_default();
            of_team.insert(number, SampledUrl { change_index: hit.change_index, change, item: item.clone() });
            if of_team.len() > bounds::SAMPLED_URLS {
                of_team.pop_last();
            }
        }
    }

    /// The samples, by team and change.
    pub(super) fn into_samples(self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for (team, of_team) in self.0 {
            let mut by_change: BTreeMap<usize, (&Change, Vec<String>)> = BTreeMap::new();
            for SampledUrl { change_index, change, item } in of_team.into_values() {
                let (_, urls) = by_change.entry(change_index).or_insert((change, Vec::new()));
                urls.push(item.to_string());
            }
            let of_change =
                |(change, urls): (&Change, _)| Sample { change: Arc::new(change.clone()), team: team.clone(), urls };
            samples.extend(by_change.into_values().map(of_change));
        }
        samples
    }
}

/// A number that is spread evenly, and the same for the same URL of the same event: by the id of its message, or by the
/// time of the change if it has none.
fn number_of(change: &Change, url: &str) -> u64 {
    let mut hash = Sha256::new();
    match &change.origin {
        Origin::Message(id) => hash.update(id.as_bytes()),
        Origin::Invocation => {
            let time = change.time.map(UtcDateTime::unix_timestamp_nanos).unwrap_or_default();
            hash.update(time.to_be_bytes());
        }
    }
    hash.update(b"\n");
    hash.update(url.as_bytes());
    let bytes = hash.finalize();
    bytes.iter().take(size_of::<u64>()).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
