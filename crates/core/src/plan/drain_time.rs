//! How long URLs take at the rate limits of the accounts whose zones they are purged in.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::limits::{CloudflarePlan, LimitClass};
use crate::model::mapping::Mapping;
use crate::model::names::CloudflareId;
use crate::plan::cost::{ItemsPerPath, Lengths};

/// What one spelled path of a mapping takes. All instances together may use a limit, so it is taken whole, and a plan
/// is the same wherever it is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DrainTime {
    seconds_per_path: f64,
}

impl DrainTime {
    /// That of the account that takes longest: accounts are purged at the same time.
    pub(super) fn of(mapping: &Mapping) -> Self {
        let mut accounts: BTreeMap<(&CloudflareId, CloudflarePlan), f64> = BTreeMap::new();
        for zone in &mapping.zones {
            let hostnames = Lengths::of(mapping.hostnames_of(zone).map(|name| name.as_str().len()));
            let rate = zone.plan.rate(LimitClass::Urls);
            let per_second = f64::from(rate.refill) / f64::from(rate.period_seconds);
            let owner = zone.account_id.as_ref().unwrap_or(&zone.zone_id);
            *accounts.entry((owner, zone.plan)).or_default() +=
                (ItemsPerPath::urls(mapping, hostnames).count * (1 + zone.environments.len())) as f64 / per_second;
        }
        Self { seconds_per_path: accounts.into_values().fold(0.0, f64::max) }
    }

    /// The time for this many paths.
    pub(super) fn paths(self, paths: usize) -> Duration {
        Duration::try_from_secs_f64(self.seconds_per_path * paths as f64).unwrap_or(Duration::MAX)
    }
}
