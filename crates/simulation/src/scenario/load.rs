//! Scenarios of one kind of load in healthy zones, for the limits.

use std::time::Duration;

use purge_router_core::limits::{CALLS_PER_ADDRESS, CloudflarePlan, LimitClass};

use super::generate::mappings;
use super::mapping_file::{mapping_file, query_string};
use super::model::{Deployment, Object, Scenario, Team, Upload, Url, Zone, ZoneExtras};
use super::tokens::TokenLife;
use crate::clock::SimTime;
use crate::random::Seed;

/// When the first object changes.
const START: SimTime = SimTime::from_millis(1000);

/// All objects of all zones change, at once or one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How many invocations of each lane run at once.
    pub lane_concurrency: usize,
    /// How many zones there are.
    pub zones: usize,
    /// How many of them each team has.
    pub zones_per_team: usize,
    /// How many accounts have them.
    pub accounts: usize,
    /// Whether the mapping file names the accounts.
    pub accounts_are_known: bool,
    /// The plan of all zones.
    pub plan: CloudflarePlan,
    /// The word for `purge` in the mapping file.
    pub purge: &'static str,
    /// How many objects a zone has.
    pub objects: usize,
    /// How many URLs an object has.
    pub variants: usize,
    /// In how much time the objects change, evenly: the first ones of all zones, then the second ones, and so on.
    pub spread: Duration,
    /// When all instances are replaced, as a deployment does.
    pub replaced_after: Option<Duration>,
}

impl Load {
    /// How long the limits need at least: that of the plan, for the URLs of the largest account, and that of the address.
    pub fn bound(&self) -> Duration {
        let (rate, of_address) = (self.plan.rate(LimitClass::Urls), CALLS_PER_ADDRESS);
        let urls_of_zone = self.objects * self.variants;
        let urls = self.zones.div_ceil(self.accounts) * urls_of_zone;
        let refilled = urls.saturating_sub(rate.capacity as usize) as f64;
        let of_plan = Duration::from_secs_f64(refilled * f64::from(rate.period_seconds) / f64::from(rate.refill));
        let requests = self.zones * urls_of_zone.div_ceil(self.plan.items_per_request(LimitClass::Urls));
        let later = requests.saturating_sub(of_address.calls as usize) as f64;
        of_plan.max(of_address.period.mul_f64(later / f64::from(of_address.calls)))
    }

    /// The scenario.
    ///
    /// # Panics
    /// The simulation itself is wrong: it writes a mapping file that can't be read.
    pub fn scenario(&self, seed: Seed) -> Scenario {
        let (mut teams, mut zones, mut objects, mut urls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for id in 0..self.zones {
            if id % self.zones_per_team == 0 {
                let zones = id..self.zones.min(id + self.zones_per_team);
                teams.push(Team { sickness: None, zones, objects_of: None });
            }
            zones.push(self.zone(id));
            for name in 0..self.objects {
                let (object, first) = (objects.len(), urls.len());
                let host = &zones[id].domain;
                urls.extend((0..self.variants).map(|variant| {
                    let (query, mark) = (query_string(variant), if variant == 0 { "" } else { "?" });
                    Url { object, text: format!("https://{host}/dir/{name}.css{mark}{query}"), is_refused: false }
                }));
                let (key, folder) = (format!("z{id}/dir/{name}.css"), format!("{host}/dir/"));
                objects.push(Object { zone: id, key, urls: first..urls.len(), folder });
            }
        }
        let upload = |index: usize| Upload {
            at: START + self.spread.mul_f64(index as f64 / objects.len() as f64),
            notified_after: Duration::from_millis(100),
            object: index % self.zones * self.objects + index / self.zones,
            is_removal: false,
            content: 0,
            may_be_skipped: false,
        };
        Scenario {
            seed,
            instances: 2 * self.lane_concurrency,
            lane_concurrency: self.lane_concurrency,
            mappings: mappings(&mapping_file(&teams, &zones)),
            table: None,
            uploads: (0..objects.len()).map(upload).collect(),
            teams,
            zones,
            objects,
            urls,
            malformed: Vec::new(),
            messages: Vec::new(),
            direct_events: Vec::new(),
            deployment: Deployment::default(),
            edge_stores_raced_fetches: false,
            replaced_at: self.replaced_after.map(|after| START + after),
        }
    }

    fn zone(&self, id: usize) -> Zone {
        let objects = id * self.objects..(id + 1) * self.objects;
        Zone {
            team: id / self.zones_per_team,
            domain: format!("zone{id}.example"),
            account: id % self.accounts,
            account_is_known: self.accounts_are_known,
            plan: self.plan,
            purge: self.purge,
            objects,
            variants: self.variants,
            skips_unchanged: false,
            trouble_periods: Vec::new(),
            tokens: TokenLife::default(),
            extras: ZoneExtras::default(),
        }
    }
}
