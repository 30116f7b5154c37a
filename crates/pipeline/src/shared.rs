//! What the batches of all events share.

use crate::cache_sizes::CacheSizes;
use crate::clock::Clock;
use crate::rate_limit::{RateLimits, Share};
use crate::refused_hostnames::RefusedHostnames;
use crate::settings::Settings;
use crate::token_health::TokenCircuits;
use crate::zone_circuits::ZoneCircuits;

/// What outlives an event: connections, tokens, and what was learned about limits, tokens and hostnames.
#[derive(Debug)]
pub(crate) struct Shared<T, A> {
    pub(crate) api: A,
    pub(crate) tokens: T,
    pub(crate) clock: Clock,
    pub(crate) limits: RateLimits,
    pub(crate) token_circuits: TokenCircuits,
    pub(crate) zone_circuits: ZoneCircuits,
    pub(crate) hostnames: RefusedHostnames,
    pub(crate) settings: Settings,
}

impl<T, A> Shared<T, A> {
    pub(crate) fn new(api: A, tokens: T, settings: Settings, clock: Clock) -> Self {
        let share = Share::new(settings.instances, settings.retrying_instances, clock.clone());
        let limits = RateLimits::new(share, clock.clone());
        let token_circuits = TokenCircuits::new(settings.open_circuit_for, clock.clone());
        let hostnames = RefusedHostnames::new(clock.clone());
        let zone_circuits = ZoneCircuits::new();
        Self { api, tokens, clock, limits, token_circuits, zone_circuits, hostnames, settings }
    }

    pub(crate) fn cache_sizes(&self) -> CacheSizes {
        let Self { limits, token_circuits, zone_circuits, hostnames, .. } = self;
        CacheSizes {
            teams_with_limits: limits.teams(),
            teams_with_tokens: token_circuits.teams(),
            teams_with_zones: zone_circuits.teams(),
            teams_with_hostnames: hostnames.teams(),
            teams_at_bucket: limits.teams_at_bucket(),
            granted_buckets: limits.granted_buckets(),
            buckets: limits.buckets_of_team(),
            callers: limits.callers_of_team(),
            token_circuits: token_circuits.circuits_of_team(),
            refused_tokens: token_circuits.refused_of_team(),
            zone_circuits: zone_circuits.circuits_of_team(),
            hostnames: hostnames.hostnames_of_team(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use purge_router_cloudflare::{Meaning, Refusal};
    use purge_router_core::limits::LimitClass;
    use purge_router_core::names::CloudflareId;
    use purge_router_core::{BatchItem, Item, Origin, Zone};

    use super::*;
    use crate::circuit::CircuitPass;
    use crate::store::Freshness;
    use crate::test_support::{NoStore, paused_clock, zones};
    use crate::token_health::{TokenTry, ZoneToken};

    const TEAMS: usize = 16;

    /// How many zones a team uses: twice as many as the largest bound.
    const ZONES: usize = 2048;

    /// The memory of the process that is in use, in bytes.
    fn resident() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// A hostname of the greatest length.
    fn hostname(index: usize) -> String {
        format!("{index:0>63}.{0}.{0}.{1}.com", "h".repeat(63), "h".repeat(56))
    }

    /// Puts into all maps as much as one zone can have there.
    fn fill(shared: &Shared<(), ()>, zone: &Zone, hostname: usize) {
        ZoneToken::new(&NoStore, &shared.token_circuits, zone);
        shared.limits.pause(zone, Some(LimitClass::Urls), shared.clock.now() + Duration::from_secs(300));
        let hostname = self::hostname(hostname);
        for object in 0..4 {
            let item = Item::Url(format!("https://{hostname}/{object}"));
            let item = BatchItem { item, origins: [Origin::Invocation].into(), changed_at: None };
            shared.hostnames.of(zone).refused_alone(&hostname, &item, &"e".repeat(300));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_team_with_any_number_of_zones_makes_nobody_forget_what_is_known_about_another_team() {
        let both = zones(&[("red", ""), ("blue", "")]);
        let [red, blue] = [&both[0], &both[1]];
        let shared = Shared::new((), (), Settings::default(), paused_clock());
        let now = shared.clock.now();
        fill(&shared, blue, 0);
        shared.zone_circuits.of(blue).open(now, &CircuitPass::WITHOUT_PROBE);
        let message = "no".to_owned();
        let refusal = Refusal { meaning: Meaning::TokenRefused, message, status: Some(403), ray: None };
        let token = ZoneToken::new(&NoStore, &shared.token_circuits, blue);
        token.record(Freshness::Fresh, TokenTry::Second, &Err(refusal));

        for index in 0..2 * ZONES {
            let zone_id = CloudflareId::parse(&format!("{:032x}", 10 + index)).unwrap();
            let zone = Zone { zone_id, ..Zone::clone(red) };
            fill(&shared, &zone, index);
            shared.zone_circuits.of(&zone);
        }
        assert!(shared.zone_circuits.of(blue).has_failed());
        assert!(ZoneToken::new(&NoStore, &shared.token_circuits, blue).enter().await.is_err());
        assert!(shared.hostnames.of(blue).refusal(&hostname(0)).is_some());
        let limited = shared.limits.acquire(blue, LimitClass::Urls, 1, now + Duration::from_secs(1)).await;
        assert!(limited.is_err(), "its pause");
    }

    #[test]
    fn all_maps_of_a_team_need_less_than_four_mebibytes() {
        // The memory of a process says something only if no other test runs in it.
        let test = ["--exact", "shared::tests::bytes_of_all_maps", "--ignored", "--nocapture"];
        let output = std::process::Command::new(std::env::current_exe().unwrap()).args(test).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("bytes for each team"), "{text}");
    }

    /// Decision 23 has the number.
    #[test]
    #[ignore = "measures the memory of its process: all_maps_of_a_team_need_less_than_four_mebibytes runs it alone"]
    fn bytes_of_all_maps() {
        let token = format!("token = \"{}\"", "t".repeat(255));
        let names: Vec<String> = (0..TEAMS).map(|team| format!("team{team}")).collect();
        let teams: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), token.as_str())).collect();
        let zones = zones(&teams);
        let shared = Shared::new((), (), Settings::default(), paused_clock());
        let before = resident();
        for index in 0..ZONES {
            for (team, zone) in zones.iter().enumerate() {
                let zone_id = CloudflareId::parse(&format!("{:032x}", index * TEAMS + team)).unwrap();
                fill(&shared, &Zone { zone_id, account_id: None, ..Zone::clone(zone) }, index);
            }
        }
        let per_team = (resident() - before) / TEAMS;
        println!("{per_team} bytes for each team");
        assert!(per_team < 4 * 1024 * 1024, "{per_team}");
    }
}
