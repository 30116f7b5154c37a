//! Who uploads what and when: episodes of some minutes, bursts in one folder, objects that change again and again.

use std::time::Duration;

use fastrand::Rng;

use super::model::{Scenario, TeamId, Upload, ZoneId};
use super::trouble::{ENDS_BEFORE, Sickness};
use crate::clock::SimTime;
use crate::random::{chance, millis, seconds};

/// How many changes of a noisy team there are in a second.
const NOISE_PER_SECOND: u64 = 50;

/// All changes, the earliest first.
pub(super) fn uploads(scenario: &Scenario, length: Duration) -> Vec<Upload> {
    let mut episodes_rng = scenario.seed.stream("episodes", 0);
    let latest = (length - ENDS_BEFORE).as_secs();
    let episodes: Vec<Episode> = (0..episodes_rng.usize(3..=5))
        .map(|_| Episode {
            start: seconds(&mut episodes_rng, 0..=latest),
            length: seconds(&mut episodes_rng, 30..=300),
        })
        .collect();
    let mut uploads = Vec::new();
    for team in 0..scenario.teams.len() {
        let mut rng = scenario.seed.stream("uploads", team);
        for episode in &episodes {
            add_episode(&mut uploads, &mut rng, scenario, team, episode);
        }
    }
    uploads.sort_by_key(|upload| (upload.at, upload.object));
    write_contents(&mut uploads, scenario);
    uploads
}

/// What each upload writes: something new, or if its mapping may skip that, often what is there, or what was there before.
fn write_contents(uploads: &mut [Upload], scenario: &Scenario) {
    let mut rng = scenario.seed.stream("contents", 0);
    let mut written: Vec<Vec<usize>> = vec![Vec::new(); scenario.objects.len()];
    for (index, upload) in uploads.iter_mut().enumerate() {
        let before = &mut written[upload.object];
        let may_repeat = scenario.zones[scenario.objects[upload.object].zone].skips_unchanged && !upload.is_removal;
        let repeated = match rng.u32(0..10) {
            0..5 => before.last(),
            5..8 => rng.choice(before.iter()),
            _ => None,
        };
        let repeated = repeated.copied().filter(|_| may_repeat);
        (upload.content, upload.may_be_skipped) = (repeated.unwrap_or(index + 1), repeated.is_some());
        if !upload.is_removal {
            before.push(upload.content);
        }
    }
}

/// When messages arrive that are no events.
pub(super) fn malformed(scenario: &Scenario, length: Duration) -> Vec<SimTime> {
    let teams = scenario.teams.iter().filter(|team| team.sickness == Some(Sickness::Malformed)).count();
    let mut rng = scenario.seed.stream("malformed", 0);
    let mut times: Vec<_> = (0..teams * 10).map(|_| SimTime::after(seconds(&mut rng, 0..=length.as_secs()))).collect();
    times.sort_unstable();
    times
}

/// A time in which many teams upload.
struct Episode {
    start: Duration,
    length: Duration,
}

fn add_episode(uploads: &mut Vec<Upload>, rng: &mut Rng, scenario: &Scenario, team: TeamId, episode: &Episode) {
    let is_sick = !scenario.is_healthy(team);
    if !chance(rng, if is_sick { 0.8 } else { 0.4 }) {
        return;
    }
    let zones = scenario.teams[team].zones.clone();
    for _ in 0..rng.u32(1..=if is_sick { 16 } else { 5 }) {
        let at = episode.start + episode.length.mul_f64(rng.f64());
        let zone = rng.usize(zones.clone());
        uploads.push(upload(rng, scenario, zone, at));
    }
    let is_large = scenario.zones[zones.start].variants > 1;
    if chance(rng, if is_large { 0.4 } else { 0.03 }) {
        add_burst(uploads, rng, scenario, zones.start, episode.start);
    }
    if scenario.teams[team].sickness == Some(Sickness::Noisy) && chance(rng, 0.3) {
        let length = rng.u64(3..=10);
        for _ in 0..length * NOISE_PER_SECOND {
            let at = episode.start + millis(rng, 0..=length * 1000);
            let zone = rng.usize(zones.clone());
            uploads.push(upload(rng, scenario, zone, at));
        }
    }
}

/// All objects of a zone change within a second.
fn add_burst(uploads: &mut Vec<Upload>, rng: &mut Rng, scenario: &Scenario, zone: ZoneId, start: Duration) {
    for object in scenario.zones[zone].objects.clone() {
        let at = start + millis(rng, 0..=1000);
        uploads.push(Upload { object, ..upload(rng, scenario, zone, at) });
    }
}

fn upload(rng: &mut Rng, scenario: &Scenario, zone: ZoneId, at: Duration) -> Upload {
    let objects = scenario.zones[zone].objects.clone();
    // Some objects are hot.
    let object = if chance(rng, 0.5) { objects.start + rng.usize(0..3) } else { rng.usize(objects) };
    // Most notifications take less than a second.
    let notified_after = if chance(rng, 0.02) { seconds(rng, 1..=20) } else { millis(rng, 100..=900) };
    Upload {
        at: SimTime::after(at),
        notified_after,
        object,
        is_removal: chance(rng, 0.1),
        content: 0,
        may_be_skipped: false,
    }
}
