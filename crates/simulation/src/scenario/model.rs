//! Teams, zones, objects and uploads of one seed.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use purge_router_core::Mappings;
use purge_router_core::limits::CloudflarePlan;

use super::table::MappingTable;
use super::tokens::TokenLife;
use super::trouble::{Sickness, Trouble, TroublePeriod};
use crate::clock::SimTime;
use crate::random::Seed;

/// An index into [`Scenario::teams`].
pub type TeamId = usize;
/// An index into [`Scenario::zones`].
pub type ZoneId = usize;
/// An index into [`Scenario::objects`].
pub type ObjectId = usize;
/// An index into [`Scenario::urls`].
pub type UrlId = usize;
/// An index into [`Scenario::uploads`].
pub type ChangeId = usize;

/// Everything that a seed makes happen from outside.
#[derive(Debug)]
pub struct Scenario {
    /// The seed.
    pub seed: Seed,
    /// How many instances share the limits.
    pub instances: usize,
    /// How many invocations of each lane run at once.
    pub lane_concurrency: usize,
    /// All teams.
    pub teams: Vec<Team>,
    /// All zones, by team.
    pub zones: Vec<Zone>,
    /// All objects, by zone.
    pub objects: Vec<Object>,
    /// All URLs, by object.
    pub urls: Vec<Url>,
    /// All changes of objects, the earliest first.
    pub uploads: Vec<Upload>,
    /// When messages arrive that are no events, the earliest first.
    pub malformed: Vec<SimTime>,
    /// Other messages that are about no single upload, and when they arrive.
    pub(crate) messages: Vec<(SimTime, Arc<str>)>,
    /// Events that are passed to the function without a queue, and when.
    pub(crate) direct_events: Vec<(SimTime, Arc<str>)>,
    /// What the function is deployed with.
    pub deployment: Deployment,
    /// Whether a fetch that was under way during a purge stores what it fetched.
    pub edge_stores_raced_fetches: bool,
    /// When all instances are replaced.
    pub replaced_at: Option<SimTime>,
    /// The mappings of all teams.
    pub mappings: Arc<Mappings>,
    /// Where the function reads them, if it has them not in its package.
    pub(crate) table: Option<MappingTable>,
}

/// What the function is deployed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deployment {
    /// Whether there is a retry queue.
    pub has_retry_queue: bool,
    /// Whether there is a table of last purges.
    pub has_last_purges: bool,
    /// The function's timeout.
    pub timeout: Duration,
}

impl Default for Deployment {
    fn default() -> Self {
        Self { has_retry_queue: true, has_last_purges: true, timeout: Duration::from_secs(30) }
    }
}

/// A team.
#[derive(Debug)]
pub struct Team {
    /// What is wrong with it.
    pub sickness: Option<Sickness>,
    /// Its zones.
    pub zones: Range<ZoneId>,
    /// The zone of another team whose objects its mappings are for, if they are not for its own bucket.
    pub(crate) objects_of: Option<ZoneId>,
}

/// A zone with one hostname.
#[derive(Debug)]
pub struct Zone {
    /// Its team.
    pub team: TeamId,
    /// Its domain and only hostname.
    pub domain: String,
    /// Zones of one account and plan share a limit.
    pub account: usize,
    /// Whether the mapping file names the account.
    pub account_is_known: bool,
    /// Its plan.
    pub plan: CloudflarePlan,
    /// The word for `purge` in the mapping file.
    pub purge: &'static str,
    /// Its objects.
    pub objects: Range<ObjectId>,
    /// How many query strings each object has.
    pub variants: usize,
    /// Whether its mapping skips content that was purged last.
    pub skips_unchanged: bool,
    /// What goes wrong.
    pub trouble_periods: Vec<TroublePeriod>,
    pub(crate) tokens: TokenLife,
    pub(crate) extras: ZoneExtras,
}

/// What only few zones have.
#[derive(Debug, Clone, Default)]
pub(crate) struct ZoneExtras {
    /// A hostname that the mapping file names, and that is not of the zone: Cloudflare refuses its URLs.
    pub(crate) wrong_hostname: Option<String>,
    /// More lines of the zone in the mapping file.
    pub(crate) settings: &'static str,
    /// More lines of its mapping.
    pub(crate) mapping: &'static str,
    /// How Cloudflare refuses a URL.
    pub(crate) refusal: ItemRefusal,
    /// Whether its token is one of an account, not of a user.
    pub(crate) has_account_token: bool,
}

/// How Cloudflare refuses a URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ItemRefusal {
    /// As one of another zone.
    #[default]
    Hostname,
    /// As one item that is wrong.
    Item,
    /// With a code that is not documented.
    Unclear,
}

/// An object.
#[derive(Debug)]
pub struct Object {
    /// Its zone.
    pub zone: ZoneId,
    /// Its key in the team's bucket.
    pub key: String,
    /// Where its zone serves it.
    pub urls: Range<UrlId>,
    /// The folder of the URL, from its hostname, with a final `/`.
    pub folder: String,
}

/// A URL of an object.
#[derive(Debug)]
pub struct Url {
    /// The object.
    pub object: ObjectId,
    /// The URL.
    pub text: String,
    /// Whether Cloudflare refuses it.
    pub is_refused: bool,
}

/// One change of one object.
#[derive(Debug)]
pub struct Upload {
    /// When it changes.
    pub at: SimTime,
    /// How long S3 takes to send the message.
    pub notified_after: Duration,
    /// The object.
    pub object: ObjectId,
    /// Whether it is removed.
    pub is_removal: bool,
    /// The content that is written: uploads of one object with the same number write the same. A removal has one, too.
    pub content: usize,
    /// Whether an earlier upload of the object has the same content, and its mapping may skip it.
    pub may_be_skipped: bool,
}

impl Zone {
    /// The hostnames that the mapping file names.
    pub(crate) fn hostnames(&self) -> Vec<&str> {
        std::iter::once(&*self.domain).chain(self.extras.wrong_hostname.as_deref()).collect()
    }
}

impl Scenario {
    /// The team of a change.
    pub fn team_of(&self, change: ChangeId) -> TeamId {
        self.zones[self.objects[self.uploads[change].object].zone].team
    }

    /// Whether the mapping of a change skips content that was purged last.
    pub fn skips_unchanged(&self, change: ChangeId) -> bool {
        self.zones[self.objects[self.uploads[change].object].zone].skips_unchanged
    }

    /// The URLs of the object that changed.
    pub fn urls_of(&self, change: ChangeId) -> Range<UrlId> {
        self.objects[self.uploads[change].object].urls.clone()
    }

    /// Whether nothing is wrong with a team.
    pub fn is_healthy(&self, team: TeamId) -> bool {
        self.teams[team].sickness.is_none()
    }

    /// Whether Cloudflare refuses a change for what it is, so that no retry can purge it.
    pub fn is_refused_for_good(&self, change: ChangeId) -> bool {
        self.teams[self.team_of(change)].sickness.is_some_and(Sickness::may_be_dead_letters)
    }

    /// What is wrong with a zone at a time.
    pub fn trouble(&self, zone: ZoneId, time: SimTime) -> Option<Trouble> {
        self.zones[zone].trouble_periods.iter().find(|period| period.is_at(time)).map(|period| period.trouble)
    }

    /// Whether the function reads the mappings from a table.
    pub fn has_table(&self) -> bool {
        self.table.is_some()
    }

    /// The bucket of a team.
    pub fn bucket(team: TeamId) -> String {
        format!("team{team}-files")
    }

    /// The id of a zone at Cloudflare, in hexadecimal.
    pub fn zone_id(zone: ZoneId) -> String {
        format!("{:032x}", zone + 1)
    }

    /// The zone of such an id.
    pub fn zone_of_id(id: &str) -> Option<ZoneId> {
        usize::from_str_radix(id, 16).ok()?.checked_sub(1)
    }
}
