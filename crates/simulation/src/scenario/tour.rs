//! A scenario of what random seeds seldom reach: each of its teams leads the function somewhere else.

use std::ops::Range;
use std::time::Duration;

use purge_router_core::limits::CloudflarePlan;

use super::generate::mappings;
use super::mapping_file::{mapping_file, query_string};
use super::model::{
    Deployment, ItemRefusal, Object, ObjectId, Scenario, Team, TeamId, Upload, Url, Zone, ZoneExtras, ZoneId,
};
use super::tokens::TokenLife;
use super::tour_messages::{MANY_OBJECTS, direct_events, messages};
use super::trouble::{Sickness, Trouble, TroublePeriod};
use crate::clock::SimTime;
use crate::random::Seed;

/// When all objects of the tour change, in seconds: before, during and after its troubles. The second and the third one
/// are so close that a refused hostname is still remembered.
const BURSTS: [u64; 4] = [10, 70, 130, 400];

/// When trouble begins and ends, in seconds.
const TROUBLE: (u64, u64) = (60, 350);

/// How many zones the team has whose tokens are all revoked: more than are probed at once, and in a minute.
const REVOKED_ZONES: usize = 80;

/// The tour with this deployment of the function.
///
/// # Panics
/// The simulation itself is wrong: it writes a mapping file that can't be read.
pub fn tour(deployment: Deployment) -> Scenario {
    let mut tour = Tour::default();
    tour.add_refusals();
    tour.add_tokens();
    tour.add_methods();
    tour.add_limits();
    tour.add_two_teams_with_one_bucket();
    tour.add_unchanged();
    tour.add_many_refusals();
    tour.add_many_batches();
    tour.upload();
    let Tour { teams, zones, objects, urls, mut uploads, unchanged, one_limit, many_batches } = tour;
    uploads.sort_by_key(|upload| (upload.at, upload.object));
    Scenario {
        seed: Seed(1),
        instances: 4,
        lane_concurrency: 2,
        mappings: mappings(&mapping_file(&teams, &zones)),
        table: None,
        messages: messages(&zones, unchanged, one_limit),
        direct_events: direct_events(&zones, &many_batches),
        teams,
        zones,
        objects,
        urls,
        uploads,
        malformed: vec![SimTime::from_millis(5000)],
        deployment,
        edge_stores_raced_fetches: false,
        replaced_at: None,
    }
}

#[derive(Default)]
struct Tour {
    teams: Vec<Team>,
    zones: Vec<Zone>,
    objects: Vec<Object>,
    urls: Vec<Url>,
    uploads: Vec<Upload>,
    /// A zone that skips unchanged content.
    unchanged: ZoneId,
    /// Zones that share a slow limit.
    one_limit: Range<ZoneId>,
    /// Zones with many URLs.
    many_batches: Vec<ZoneId>,
}

/// A zone as most are.
const PLAIN: Plain = Plain {
    purge: "urls",
    plan: CloudflarePlan::Enterprise,
    trouble: None,
    objects: 12,
    variants: 1,
    is_refused: |_| false,
};

/// What zones of the tour differ in.
struct Plain {
    purge: &'static str,
    plan: CloudflarePlan,
    trouble: Option<Trouble>,
    objects: usize,
    variants: usize,
    /// Which of the objects are refused, by their number in the zone.
    is_refused: fn(usize) -> bool,
}

impl Tour {
    fn add_team(&mut self, trouble: Option<Trouble>, zones: Vec<(Plain, ZoneExtras)>) -> TeamId {
        let (team, first) = (self.teams.len(), self.zones.len());
        for (plain, extras) in zones {
            self.add_zone(team, &plain, extras);
        }
        let zones = first..self.zones.len();
        self.teams.push(Team { sickness: trouble.map(Sickness::Zones), zones, objects_of: None });
        team
    }

    fn add_zone(&mut self, team: TeamId, plain: &Plain, extras: ZoneExtras) {
        let (id, first) = (self.zones.len(), self.objects.len());
        let time = |seconds| SimTime::after(Duration::from_secs(seconds));
        let (from, until) = (time(TROUBLE.0), time(TROUBLE.1));
        let mut tokens = TokenLife::default();
        if plain.trouble == Some(Trouble::TokenRevoked) {
            tokens.rotate(until, from);
        }
        let trouble_periods = plain.trouble.map(|trouble| TroublePeriod { from, until, trouble });
        let wrong_hostname = extras.wrong_hostname.clone();
        self.zones.push(Zone {
            team,
            domain: format!("zone{id}.example"),
            account: id,
            account_is_known: !id.is_multiple_of(3),
            plan: plain.plan,
            purge: plain.purge,
            objects: first..first,
            variants: plain.variants,
            skips_unchanged: false,
            trouble_periods: trouble_periods.into_iter().collect(),
            tokens,
            extras,
        });
        for name in 0..plain.objects {
            self.add_object(id, &format!("dir{}/{name}.css", name % 4), None, (plain.is_refused)(name));
        }
        for name in 0..if wrong_hostname.is_some() { 24 } else { 0 } {
            self.add_object(id, &format!("wrong/{name}.css"), wrong_hostname.as_deref(), false);
        }
        self.zones[id].objects = first..self.objects.len();
    }

    fn add_object(&mut self, zone: ZoneId, path: &str, wrong_hostname: Option<&str>, is_refused: bool) {
        let (object, first) = (self.objects.len(), self.urls.len());
        let Zone { domain, variants, .. } = &self.zones[zone];
        for query in (0..*variants).map(query_string) {
            let mark = if query.is_empty() { "" } else { "?" };
            let mut add = |host: &str, is_refused| {
                self.urls.push(Url { object, text: format!("https://{host}/{path}{mark}{query}"), is_refused });
            };
            add(domain, is_refused);
            wrong_hostname.into_iter().for_each(|hostname| add(hostname, true));
        }
        let (folder, _) = path.split_once('/').unwrap_or_default();
        let (key, folder) = (format!("z{zone}/{path}"), format!("{domain}/{folder}/"));
        self.objects.push(Object { zone, key, urls: first..self.urls.len(), folder });
    }

    /// Batches that are halved: for a hostname, for single items, and for an unclear reason.
    fn add_refusals(&mut self) {
        let refuses = Some(Trouble::RefusesItems);
        let extras = |refusal| ZoneExtras { refusal, ..ZoneExtras::default() };
        let wrong = |name: &str| ZoneExtras { wrong_hostname: Some(name.to_owned()), ..ZoneExtras::default() };
        self.add_team(refuses, vec![(PLAIN, wrong("wrong1.example"))]);
        self.add_team(refuses, vec![(Plain { objects: 2, ..PLAIN }, wrong("wrong2.example"))]);
        let zone = |objects, is_refused: fn(usize) -> bool| Plain { objects, is_refused, ..PLAIN };
        let some: fn(usize) -> bool = |name| matches!(name, 3 | 4 | 17);
        self.add_team(refuses, vec![(zone(64, |name| name % 4 == 1), extras(ItemRefusal::Item))]);
        self.add_team(refuses, vec![(zone(30, some), extras(ItemRefusal::Item))]);
        self.add_team(refuses, vec![(zone(30, some), extras(ItemRefusal::Unclear))]);
        self.add_team(refuses, vec![(zone(12, |_| true), extras(ItemRefusal::Unclear))]);
        self.add_team(refuses, vec![(zone(12, |_| true), extras(ItemRefusal::Item))]);
        let of_hosts = Plain { purge: "hosts", ..zone(12, |_| true) };
        self.add_team(refuses, vec![(of_hosts, extras(ItemRefusal::Hostname))]);
        self.add_team(
            Some(Trouble::UnknownZone),
            vec![(Plain { trouble: Some(Trouble::UnknownZone), ..PLAIN }, extras(ItemRefusal::Hostname))],
        );
    }

    /// More items that are refused than a batch's budget is for, and objects with several URLs of a wrong hostname.
    fn add_many_refusals(&mut self) {
        let refuses = Some(Trouble::RefusesItems);
        let half = Plain { objects: 120, is_refused: |name| name % 2 == 0, ..PLAIN };
        self.add_team(refuses, vec![(half, ZoneExtras { refusal: ItemRefusal::Item, ..ZoneExtras::default() })]);
        let wrong_hostname = Some("wrong3.example".to_owned());
        let extras = ZoneExtras { wrong_hostname, ..ZoneExtras::default() };
        self.add_team(refuses, vec![(Plain { objects: 1, variants: 2, ..PLAIN }, extras)]);
    }

    /// Tokens that are refused: now and then, for many zones at once, and those of accounts.
    fn add_tokens(&mut self) {
        let zone = |trouble| Plain { trouble: Some(trouble), objects: 1, ..PLAIN };
        let flickers = Trouble::TokenFlickers;
        let zones = (0..3)
            .map(|_| (Plain { objects: 20, plan: CloudflarePlan::Free, ..zone(flickers) }, ZoneExtras::default()));
        self.add_team(Some(flickers), zones.collect());
        let revoked = Trouble::TokenRevoked;
        let zones = (0..REVOKED_ZONES).map(|_| (zone(revoked), ZoneExtras::default()));
        self.add_team(Some(revoked), zones.collect());
        let of_account = ZoneExtras { has_account_token: true, ..ZoneExtras::default() };
        let zones = (0..3).map(|_| (Plain { purge: "tags", ..PLAIN }, of_account.clone()));
        self.add_team(None, zones.collect());
        let missing = Trouble::TokenMissing;
        self.add_team(Some(missing), vec![(zone(missing), ZoneExtras::default())]);
    }

    /// All that a mapping can ask for, and environments.
    fn add_methods(&mut self) {
        let (mut zones, plain) = (Vec::new(), |purge| Plain { purge, ..PLAIN });
        for (purge, mapping) in [
            ("urls", "mode = \"invalidate\"\n"),
            ("urls", "vary_headers = [{ \"CF-Device-Type\" = \"mobile\" }]\n"),
            ("everything", ""),
            ("prefixes", "mode = \"invalidate\"\n"),
        ] {
            zones.push((plain(purge), ZoneExtras { mapping, ..ZoneExtras::default() }));
        }
        let settings = "environments = [\"5d41402abc4b2a76b9719d911017c592\"]\n";
        zones.push((plain("urls"), ZoneExtras { settings, ..ZoneExtras::default() }));
        self.add_team(None, zones);
    }

    /// Zones that are limited or do not answer, and more tags and hosts than a slow limit allows at once.
    fn add_limits(&mut self) {
        for trouble in [
            Trouble::RateLimited { retry_after: None },
            Trouble::RateLimited { retry_after: Some(2) },
            Trouble::AllCallsBlocked,
            Trouble::Hangs,
            Trouble::ServerErrors,
            Trouble::Slow,
        ] {
            let zone = || (Plain { trouble: Some(trouble), ..PLAIN }, ZoneExtras::default());
            self.add_team(Some(trouble), vec![zone(), zone()]);
        }
        let slow = |_| (Plain { purge: "tags", plan: CloudflarePlan::Pro, ..PLAIN }, ZoneExtras::default());
        let team = self.add_team(None, (0..12).map(slow).collect());
        let zones = self.teams[team].zones.clone();
        self.one_limit = zones.clone();
        let first = zones.start;
        self.zones[zones].iter_mut().for_each(|zone| (zone.account, zone.account_is_known) = (first, true));
    }

    /// Zones in trouble with so many URLs that an event has many batches of each.
    fn add_many_batches(&mut self) {
        for trouble in [Trouble::TokenRevoked, Trouble::TokenFlickers, Trouble::LimitFlickers] {
            let plan = CloudflarePlan::Pro;
            let zone = Plain { trouble: Some(trouble), objects: MANY_OBJECTS, variants: 80, plan, ..PLAIN };
            self.many_batches.push(self.zones.len());
            self.add_team(Some(trouble), vec![(zone, ZoneExtras::default())]);
        }
    }

    /// Changes of one bucket that two teams purge, each of which has trouble of its own.
    fn add_two_teams_with_one_bucket(&mut self) {
        let mut first = None;
        for trouble in [Trouble::RateLimited { retry_after: Some(30) }, Trouble::ServerErrors] {
            let objects = if first.is_none() { 12 } else { 0 };
            let zone = Plain { trouble: Some(trouble), objects, ..PLAIN };
            let team = self.add_team(Some(trouble), vec![(zone, ZoneExtras::default())]);
            self.teams[team].objects_of = first;
            first = Some(self.teams[team].zones.start);
        }
    }

    /// A healthy zone and one in trouble that skip unchanged content.
    fn add_unchanged(&mut self) {
        for trouble in [None, Some(Trouble::ServerErrors)] {
            let team = self.add_team(trouble, vec![(Plain { trouble, ..PLAIN }, ZoneExtras::default())]);
            self.unchanged = self.teams[team].zones.start;
            self.zones[self.unchanged].skips_unchanged = true;
        }
    }

    /// All objects change in each burst. Where unchanged content is skipped, every other burst changes nothing.
    fn upload(&mut self) {
        for (number, seconds) in BURSTS.into_iter().enumerate() {
            for object in 0..self.objects.len() {
                self.upload_one(object, number, Duration::from_secs(seconds));
            }
        }
    }

    fn upload_one(&mut self, object: ObjectId, burst: usize, start: Duration) {
        let zone = &self.zones[self.objects[object].zone];
        let may_be_skipped = zone.skips_unchanged && burst % 2 == 1;
        let content = if zone.skips_unchanged { 1000 * object + burst / 2 } else { 1000 * object + burst };
        self.uploads.push(Upload {
            // Not all at once, so that batches differ.
            at: SimTime::after(start + Duration::from_millis(object as u64 * 7 % 400)),
            notified_after: Duration::from_millis(100 + object as u64 * 13 % 200),
            object,
            is_removal: zone.skips_unchanged && burst == 2 && object.is_multiple_of(3),
            content,
            may_be_skipped,
        });
    }
}
