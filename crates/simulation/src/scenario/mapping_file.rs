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
    let accounts: Vec<String> = zones[team.zones.clone()].iter().map(|zone| account_id(zone.account)).collect();
    let owned = match team.objects_of {
        Some(zone) => format!("s3://{}/z{zone}/", Scenario::bucket(zones[zone].team)),
        None => format!("s3://{}/", Scenario::bucket(id)),
    };
    let _ = write!(text, "[teams.team{id}]\nowns = [\"{owned}\"]\naccounts = {accounts:?}\n");
    for zone_id in team.zones.clone() {
        add_zone(text, id, zone_id, &zones[zone_id]);
    }
    for zone_id in team.zones.clone() {
        let (zone, source) = (&zones[zone_id], team.objects_of.unwrap_or(zone_id));
        let bucket = Scenario::bucket(zones[source].team);
        add_mapping(text, id, zone, &format!("s3://{bucket}/z{source}/"), source);
        if let Some(hostname) = &zone.extras.wrong_hostname {
            let _ = writeln!(text, "hostnames = [\"{}\"]", zone.domain);
            add_mapping(text, id, zone, &format!("s3://{bucket}/z{source}/wrong/"), source);
            let _ = writeln!(text, "hostnames = [\"{hostname}\"]");
        }
    }
}

fn add_zone(text: &mut String, team: usize, id: usize, zone: &Zone) {
    let (domain, plan, id_at_cloudflare) = (&zone.domain, zone.plan.as_str(), Scenario::zone_id(id));
    let hostnames = zone.hostnames();
    let _ = write!(
        text,
        "[teams.team{team}.zones.\"{domain}\"]\nzone_id = \"{id_at_cloudflare}\"\nhostnames = {hostnames:?}\n\
         plan = \"{plan}\"\n"
    );
    if let Some(hostname) = &zone.extras.wrong_hostname {
        let _ = writeln!(text, "custom_hostnames = [\"{hostname}\"]");
    }
    text.push_str(zone.extras.settings);
    if zone.account_is_known {
        let _ = writeln!(text, "account_id = \"{}\"", account_id(zone.account));
    }
}

/// A mapping of the objects below `source`, a folder of the zone whose number the keys begin with.
fn add_mapping(text: &mut String, team: usize, zone: &Zone, source: &str, number: usize) {
    let _ = write!(
        text,
        "[[teams.team{team}.mappings]]\nsource = \"{source}\"\nzones = [\"{}\"]\nstrip_prefix = \"z{number}/\"\n\
         exclude = [\"*.part\"]\npurge = \"{}\"\n",
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
    text.push_str(zone.extras.mapping);
}

/// The query string of one of an object's URLs. The first one has none.
pub(super) fn query_string(variant: usize) -> String {
    if variant == 0 { String::new() } else { format!("w={variant}") }
}

fn account_id(account: usize) -> String {
    format!("{:032x}", 0xacc0_0000 + account)
}
