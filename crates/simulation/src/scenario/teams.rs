//! The teams of a seed, with their zones and objects.

use std::time::Duration;

use fastrand::Rng;
use purge_router_core::limits::CloudflarePlan;

use super::mapping_file::query_string;
use super::model::{Object, Team, TeamId, Url, Zone, ZoneExtras, ZoneId};
use super::tokens::TokenLife;
use super::trouble::{ENDS_BEFORE, Sickness, Trouble, TroublePeriod};
use crate::clock::SimTime;
use crate::random::{Seed, chance, seconds};

const TEAMS: usize = 50;

/// How many of the teams are in trouble.
const SICK: std::ops::RangeInclusive<usize> = 6..=11;

const OBJECTS_PER_ZONE: usize = 24;

/// How long a replaced token is accepted: longer than instances cache it.
const TOKEN_OVERLAP: Duration = Duration::from_secs(400);

/// The first accounts belong to several teams, which all have the grant.
const SHARED_ACCOUNTS: usize = 3;

/// Some zones are large: a burst in one is more than the limit of a second.
const LARGE: f64 = 0.05;
const OBJECTS_PER_LARGE_ZONE: usize = 96;
const VARIANTS_IN_LARGE_ZONE: usize = 16;

/// How many of the zones skip unchanged content.
const SKIPPING: f64 = 0.5;

/// All teams with all that is theirs.
pub(super) struct Teams {
    seed: Seed,
    pub(super) teams: Vec<Team>,
    pub(super) zones: Vec<Zone>,
    pub(super) objects: Vec<Object>,
    pub(super) urls: Vec<Url>,
}

impl Teams {
    pub(super) fn new(seed: Seed, length: Duration) -> Self {
        let mut all = Self { seed, teams: Vec::new(), zones: Vec::new(), objects: Vec::new(), urls: Vec::new() };
        for (id, sickness) in sicknesses(seed).into_iter().enumerate() {
            let mut rng = seed.stream("team", id);
            let first = all.zones.len();
            for _ in 0..rng.usize(1..=2) {
                all.add_zone(&mut rng, id, sickness, length);
            }
            all.teams.push(Team { sickness, zones: first..all.zones.len(), objects_of: None });
        }
        all
    }

    fn add_zone(&mut self, rng: &mut Rng, team: TeamId, sickness: Option<Sickness>, length: Duration) {
        let (index, start) = (self.zones.len(), self.objects.len());
        let mut zone = zone(rng, index, team, sickness);
        let is_large = zone.purge == "urls" && chance(rng, LARGE);
        let objects = if is_large { OBJECTS_PER_LARGE_ZONE } else { OBJECTS_PER_ZONE };
        zone.variants = if is_large { VARIANTS_IN_LARGE_ZONE } else { 1 };
        for object in 0..objects {
            self.add_object(index, object, zone.variants, sickness);
        }
        zone.objects = start..self.objects.len();
        zone.skips_unchanged = chance(&mut self.seed.stream("skips", index), SKIPPING);
        add_troubles(rng, &mut zone, sickness, length);
        self.zones.push(zone);
    }

    fn add_object(&mut self, zone: ZoneId, index: usize, variants: usize, sickness: Option<Sickness>) {
        let (folder, name) = (index % 4, index / 4);
        let is_refused = sickness == Some(Sickness::Zones(Trouble::RefusesItems)) && index % 8 == 5;
        // A space, which S3 writes as `+` in a notification and a browser as `%20`.
        let path =
            if index % 7 == 3 { format!("dir{folder}/a b{name}.css") } else { format!("dir{folder}/{name}.css") };
        let (object, first) = (self.objects.len(), self.urls.len());
        for query in (0..variants).map(query_string) {
            let mark = if query.is_empty() { "" } else { "?" };
            let text = format!("https://{}/{}{mark}{query}", domain(zone), path.replace(' ', "%20"));
            self.urls.push(Url { object, text, is_refused });
        }
        self.objects.push(Object {
            zone,
            key: format!("z{zone}/{path}"),
            urls: first..self.urls.len(),
            folder: format!("{}/dir{folder}/", domain(zone)),
        });
    }
}

/// What is wrong with each team; nothing with most of them.
fn sicknesses(seed: Seed) -> Vec<Option<Sickness>> {
    let mut rng = seed.stream("sicknesses", 0);
    let mut kinds = Sickness::ALL;
    rng.shuffle(&mut kinds);
    let sick = rng.usize(SICK);
    let mut sicknesses: Vec<_> = (0..TEAMS).map(|team| kinds.get(team).copied().filter(|_| team < sick)).collect();
    rng.shuffle(&mut sicknesses);
    sicknesses
}

fn domain(zone: usize) -> String {
    format!("zone{zone}.example")
}

fn zone(rng: &mut Rng, index: usize, team: usize, sickness: Option<Sickness>) -> Zone {
    let plan = *rng.choice(&CloudflarePlan::ALL).unwrap_or(&CloudflarePlan::Free);
    let purge = match rng.u32(0..10) {
        // With five requests a minute for all zones of an account, the free plan can't purge like that.
        0 if plan != CloudflarePlan::Free => "prefixes",
        1 if plan != CloudflarePlan::Free => "tags",
        2 if plan != CloudflarePlan::Free => "hosts",
        _ => "urls",
    };
    let purge = if matches!(sickness, None | Some(Sickness::Zones(Trouble::Slow))) { purge } else { "urls" };
    let shares = sickness.is_none() && chance(rng, 0.3);
    let account = if shares { rng.usize(0..SHARED_ACCOUNTS) } else { SHARED_ACCOUNTS + index };
    // Only one zone is in an account that the file doesn't name, so that an instance can know its limit.
    let account_is_known = shares || chance(rng, 0.6);
    Zone {
        team,
        domain: domain(index),
        account,
        account_is_known,
        plan,
        purge,
        objects: 0..0,
        variants: 1,
        skips_unchanged: false,
        trouble_periods: Vec::new(),
        tokens: TokenLife::default(),
        extras: ZoneExtras::default(),
    }
}

/// A token is replaced properly in some zones, and a sick team has a period of trouble.
fn add_troubles(rng: &mut Rng, zone: &mut Zone, sickness: Option<Sickness>, length: Duration) {
    let latest = (length - ENDS_BEFORE).as_secs();
    let Some(Sickness::Zones(trouble)) = sickness else {
        if chance(rng, 0.2) {
            let stored = SimTime::after(seconds(rng, 0..=latest));
            zone.tokens.rotate(stored, stored + TOKEN_OVERLAP);
        }
        return;
    };
    let from = seconds(rng, 0..=latest / 2);
    let until = from + seconds(rng, 120..=latest / 2);
    let period = TroublePeriod { from: SimTime::after(from), until: SimTime::after(until), trouble };
    match trouble {
        Trouble::TokenRevoked => zone.tokens.rotate(period.until, period.from),
        Trouble::RefusesItems => return,
        _ => {}
    }
    zone.trouble_periods.push(period);
}
