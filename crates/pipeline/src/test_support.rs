//! What several unit tests need: zones, batches, a clock that can be frozen, and what the pipeline talks to.

mod api;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use purge_router_core::{Item, Mode, Origin, Plan, PurgeRequest, Zone, batches, decode, plan};
use purge_router_test_support::events::{s3, sqs};

pub(crate) use self::api::{Answer, Api, Request};
pub(crate) use self::store::{NoStore, Store};
use crate::clock::Clock;

/// One zone for each team and its lines of TOML. Every team has the grant of the same account. A team that is repeated
/// has several zones.
pub(crate) fn zones(teams: &[(&str, &str)]) -> Vec<Arc<Zone>> {
    let account = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let mut text = "version = 1\n".to_owned();
    for (index, (team, lines)) in teams.iter().enumerate() {
        if !text.contains(&format!("[teams.{team}]")) {
            text += &format!("[teams.{team}]\nowns = []\naccounts = [\"{account}\"]\n");
        }
        text += &format!(
            "[teams.{team}.zones.\"{team}{index}.com\"]\nhostnames = [\"{team}{index}.com\"]\n\
             zone_id = \"{index:032x}\"\n{lines}\n"
        );
    }
    purge_router_config::from_toml(&text).unwrap().zones().cloned().collect()
}

/// A plan of the team `red` with one batch of this many URLs, `https://www.red.com/0` and so on. Each has an origin of
/// its own, `m-0` and so on.
pub(crate) fn plan_of(urls: usize) -> Plan {
    plan_with(&["www.red.com"], urls)
}

/// A plan of the team `red` with this many tags of its zone `red0.com`, ten in each batch. All have the origin `m-0`.
pub(crate) fn plan_of_message(tags: usize) -> Plan {
    let (zones, origin) = (zones(&[("red", "")]), Origin::Message("m-0".into()));
    let in_batch = |first: usize| {
        let items = (first..tags.min(first + 10)).map(|tag| Item::Tag(format!("tag-{tag}")));
        let request =
            |item| PurgeRequest { zone: &zones[0], mode: Mode::Purge, item, origin: &origin, changed_at: None };
        batches(items.map(request))
    };
    Plan { batches: (0..tags).step_by(10).flat_map(in_batch).collect(), ..Plan::default() }
}

/// A plan with one batch of this many URLs of each hostname.
pub(crate) fn plan_with(hostnames: &[&str], keys: usize) -> Plan {
    let text = format!(
        "version = 1\n[teams.red]\nowns = [\"s3://red-files/\"]\n[teams.red.zones.\"red.com\"]\n\
         zone_id = \"{:032x}\"\nhostnames = {hostnames:?}\nplan = \"enterprise\"\n\
         [[teams.red.mappings]]\nsource = \"s3://red-files/\"\nzones = [\"red.com\"]\n",
        7
    );
    let event = sqs((0..keys).map(|key| (format!("m-{key}"), s3("red-files", [key.to_string()]))));
    let mappings = purge_router_config::from_toml(&text).unwrap();
    plan(&mappings, decode(event.to_string().as_bytes()).unwrap())
}

/// A plan with one batch of one URL for each of this many zones of the team `red`. Zone `n` has the id `n` in
/// hexadecimal.
pub(crate) fn plan_of_zones(count: usize) -> Plan {
    plan_in(&zones(&vec![("red", ""); count]), 1)
}

/// A plan with this many batches of one tag each, in the zone of [`plan_of`].
pub(crate) fn plan_of_tags(batches_of_one: usize) -> Plan {
    let zone = Arc::clone(&plan_of(1).batches[0].zone);
    let one = |index: usize| {
        let item = Item::Tag(format!("tag-{index}"));
        batches([PurgeRequest { zone: &zone, mode: Mode::Purge, item, origin: &Origin::Invocation, changed_at: None }])
    };
    Plan { batches: (0..batches_of_one).flat_map(one).collect(), ..Plan::default() }
}

/// A plan with this many URLs in each of these zones.
pub(crate) fn plan_in(zones: &[Arc<Zone>], urls: usize) -> Plan {
    let requests = zones.iter().flat_map(|zone| {
        (0..urls).map(move |path| PurgeRequest {
            zone,
            mode: Mode::Purge,
            item: Item::Url(format!("https://{}/{path}", zone.domain)),
            origin: &Origin::Invocation,
            changed_at: None,
        })
    });
    Plan { batches: batches(requests), ..Plan::default() }
}

/// A clock that follows Tokio's alone, so that a slow machine does not look like a process that was frozen.
pub(crate) fn paused_clock() -> Clock {
    frozen_clock().0
}

/// A clock that follows Tokio's, and a function that freezes the process for this long.
pub(crate) fn frozen_clock() -> (Clock, impl Fn(Duration)) {
    let frozen = Arc::new(AtomicU64::new(0));
    let (of_clock, tokio_clock) = (Arc::clone(&frozen), Clock::with_wall_time(|| SystemTime::UNIX_EPOCH));
    let start = tokio_clock.now();
    let wall_time = move || {
        let frozen = Duration::from_millis(of_clock.load(Ordering::Relaxed));
        SystemTime::UNIX_EPOCH + (tokio_clock.now() - start) + frozen
    };
    let freeze = move |time: Duration| {
        frozen.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    };
    (Clock::with_wall_time(wall_time), freeze)
}
