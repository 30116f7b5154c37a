//! A sandbox made from mappings.

use purge_router_core::Mappings;
use purge_router_sandbox::{Sandbox, SandboxToken, SandboxZone, zone_secret};

use crate::fixture::{client, json};

const MAPPINGS: &str = r#"
version = 1

[teams.web]
owns = ["s3://assets/"]
accounts = ["acacacacacacacacacacacacacacacac"]

[teams.web.zones."website.com"]
zone_id = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
account_id = "acacacacacacacacacacacacacacacac"
hostnames = ["www.website.com", "cdn.website.com"]
plan = "pro"
urls_per_request = 30

[teams.web.zones."website.dev"]
zone_id = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
hostnames = ["docs.website.dev"]

[[teams.web.mappings]]
source = "s3://assets/"
zones = ["website.com"]
vary_headers = [{ "CF-Device-Type" = "mobile" }, { Origin = "https://a.example", "CF-Device-Type" = "desktop" }]
"#;

#[test]
fn a_zone_has_what_its_mappings_say() {
    let mappings = purge_router_config::from_toml(MAPPINGS).unwrap();
    let [com, dev] = &SandboxZone::from_mappings(&mappings)[..] else { panic!("two zones") };
    assert_eq!((com.domain.as_str(), com.plan.as_str(), com.urls_per_request), ("website.com", "pro", Some(30)));
    assert_eq!(com.account_id.as_deref(), Some("acacacacacacacacacacacacacacacac"));
    assert_eq!(com.hostnames, ["www.website.com", "cdn.website.com"]);
    assert_eq!(com.vary_headers, ["cf-device-type", "origin"]);
    assert_eq!((dev.domain.as_str(), dev.plan.as_str(), dev.vary_headers.len()), ("website.dev", "free", 0));
}

#[tokio::test]
async fn a_token_purges_its_own_zone_and_one_for_all_purges_each() {
    let mappings = purge_router_config::from_toml(MAPPINGS).unwrap();
    let all = SandboxToken::for_all_zones("all", &mappings);
    let sandbox = Sandbox::builder().mappings(&mappings).token(all).start().await.unwrap();
    let zones: Vec<_> = mappings.zones().collect();
    for (secret, zone, status) in [
        (zone_secret(zones[0]), zones[0], 200),
        (zone_secret(zones[1]), zones[1], 200),
        (zone_secret(zones[0]), zones[1], 403),
        ("all".to_owned(), zones[0], 200),
        ("all".to_owned(), zones[1], 200),
    ] {
        let url = format!("{}/zones/{}/purge_cache", sandbox.api_url(), zone.zone_id);
        let purge = client().post(url).bearer_auth(&secret).body(r#"{"purge_everything": true}"#);
        let answer = purge.send().await.unwrap();
        assert_eq!(answer.status(), status, "{secret} {}", zone.domain);
        assert_eq!(json(answer).await["success"], status == 200);
    }
}

#[tokio::test]
async fn zones_that_share_a_parameter_share_its_token() {
    let text = MAPPINGS.replace("hostnames = [", "token = \"both\"\nhostnames = [");
    let mappings = purge_router_config::from_toml(&text).unwrap();
    let sandbox = Sandbox::builder().mappings(&mappings).start().await.unwrap();
    for token in mappings.zones() {
        for zone in mappings.zones() {
            let url = format!("{}/zones/{}/purge_cache", sandbox.api_url(), zone.zone_id);
            let purge = client().post(url).bearer_auth(zone_secret(token)).body(r#"{"purge_everything": true}"#);
            assert_eq!(purge.send().await.unwrap().status(), 200, "{} with the token of {}", zone.domain, token.domain);
        }
    }
}

/// Only a table can hold this: a file with both teams is refused.
#[tokio::test]
async fn two_teams_may_declare_the_same_zone_id() {
    let team = |name: &str| {
        let text = format!(
            "version = 1\n[teams.{name}]\nowns = []\n[teams.{name}.zones.\"{name}.com\"]\n\
             zone_id = \"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\"\nhostnames = [\"www.{name}.com\"]\n"
        );
        purge_router_config::from_toml(&text).unwrap()
    };
    let (blue, red) = (team("blue"), team("red"));
    let (mappings, _) = Mappings::joined([&blue, &red]);
    let zones = SandboxZone::from_mappings(&mappings);
    let seen: Vec<_> = zones.iter().map(|zone| (zone.domain.as_str(), zone.hostnames.join(" "))).collect();
    assert_eq!(seen, [("blue.com", "www.blue.com www.red.com".to_owned())]);
    Sandbox::builder().mappings(&mappings).start().await.unwrap();
}
