//! The mapping file of all teams.

use std::fmt::Write;

use super::model::{Scenario, Team, Zone};

/// The mapping file of these teams and zones.
pub(super) fn mapping_file(teams: &[Team], zones: &[Zone]) -> String {
    let mut text = "version = 1\n".to_owned();
    for (id, team) in teams.iter().enumerate() {
        add_team(&mut text, id, team, zones);
    }
    text
}

fn add_team(text: &mut String, id: usize, team: &Team, zones: &[Zone]) {
    let bucket = Scenario::bucket(id);
    let accounts: Vec<String> = zones[team.zones.clone()].iter().map(|zone| account_id(zone.account)).collect();
    let _ = write!(text, "[teams.team{id}]\nowns = [\"s3://{bucket}/\"]\naccounts = {accounts:?}\n");
    for zone_id in team.zones.clone() {
        let zone = &zones[zone_id];
        let (domain, plan, id_at_cloudflare) = (&zone.domain, zone.plan.as_str(), Scenario::zone_id(zone_id));
        let _ = write!(
            text,
            "[teams.team{id}.zones.\"{domain}\"]\nzone_id = \"{id_at_cloudflare}\"\nhostnames = [\"{domain}\"]\n\
             plan = \"{plan}\"\n"
        );
        if zone.account_is_known {
            let _ = writeln!(text, "account_id = \"{}\"", account_id(zone.account));
        }
    }
    for zone_id in team.zones.clone() {
        let zone = &zones[zone_id];
        let _ = write!(
            text,
            "[[teams.team{id}.mappings]]\nsource = \"s3://{bucket}/z{zone_id}/\"\nzones = [\"{}\"]\n\
             strip_prefix = \"z{zone_id}/\"\nexclude = [\"*.part\"]\npurge = \"{}\"\n",
            zone.domain, zone.purge
        );
        if zone.variants > 1 {
            let query_strings: Vec<String> = (0..zone.variants).map(query_string).collect();
            let _ = writeln!(text, "query_strings = {query_strings:?}");
        }
        if zone.skips_unchanged {
            text.push_str("skip_unchanged = true\n");
        }
        if zone.purge == "tags" {
            text.push_str("tags = [\"{dir}\"]\n");
        }
    }
}

/// The query string of one of an object's URLs. The first one has none.
pub(super) fn query_string(variant: usize) -> String {
    if variant == 0 { String::new() } else { format!("w={variant}") }
}

fn account_id(account: usize) -> String {
    format!("{:032x}", 0xacc0_0000 + account)
}
