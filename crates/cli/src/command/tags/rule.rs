//! `tags rule`: the Cache Response Rules of each zone, as the body of a request. Nothing is sent: a token that may only purge
//! could not.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use purge_router_core::names::{Hostname, TeamName};
use purge_router_core::{Mapping, Mappings, NoTagRule, Purge, TagRule, Zone, tag_rules};
use serde_json::{Value, json};

use crate::args::TagRuleArgs;
use crate::exit::{End, Misuse};
use crate::zone_choice::{check_teams, unknown_zone};
use crate::{mappings, print};

/// Where rules of a zone are that run after the origin server's response. A PUT replaces all rules of the zone there.
const PHASE: &str = "http_response_cache_settings";

/// The rules of a zone.
struct ZoneRules<'m> {
    zone: &'m Arc<Zone>,
    rules: Vec<TagRule>,
}

pub(super) async fn run(args: &TagRuleArgs) -> anyhow::Result<End> {
    let Some(mappings) = mappings::load(&args.zones.mappings, &args.zones.teams).await? else {
        return Ok(End::Problems);
    };
    let chosen = chosen(&mappings, args)?;
    let mut zones: BTreeMap<(&TeamName, &Hostname), ZoneRules<'_>> = BTreeMap::new();
    let mut is_complete = true;
    for (mapping, zone) in chosen {
        match tag_rules(mapping, zone) {
            Ok(rules) => {
                let of_zone = ZoneRules { zone, rules: Vec::new() };
                zones.entry((&zone.team, &zone.domain)).or_insert(of_zone).rules.extend(rules);
            }
            Err(problem) => {
                is_complete = false;
                report(&format!("mapping {} in zone {}", mapping.name, zone.domain), problem);
            }
        }
    }
    let fits = |of_zone: &ZoneRules<'_>| of_zone.rules.len() <= of_zone.zone.plan.cache_response_rules();
    for of_zone in zones.values().filter(|of_zone| !fits(of_zone)) {
        is_complete = false;
        let subject = format!("the mappings of zone {} together", of_zone.zone.domain);
        report(&subject, NoTagRule::TooManyRules);
    }
    let zones: Vec<&ZoneRules<'_>> = zones.values().filter(|of_zone| fits(of_zone)).collect();
    match args.json {
        true => print::json(&zones.iter().map(|of_zone| of_zone.json()).collect::<Value>())?,
        false => zones.iter().try_for_each(|of_zone| of_zone.print())?,
    }
    Ok(End::done_if(is_complete))
}

/// The mappings that purge tags, each with its zones, as far as the caller chose them.
fn chosen<'m>(mappings: &'m Mappings, args: &TagRuleArgs) -> Result<Vec<(&'m Mapping, &'m Arc<Zone>)>, Misuse> {
    check_teams(mappings, &args.zones.teams)?;
    let is_of_team = |team: &TeamName| args.zones.teams.is_empty() || args.zones.teams.contains(team);
    let all = || mappings.all().iter().filter(|mapping| is_of_team(&mapping.team));
    let known = || mappings.zones().filter(|zone| is_of_team(&zone.team));
    if let Some(unknown) = args.zones.zones.iter().find(|domain| !known().any(|zone| zone.domain == **domain)) {
        return Err(unknown_zone(unknown, known().map(Arc::as_ref)));
    }
    if let Some(unknown) = args.names.iter().find(|name| !all().any(|mapping| mapping.name == **name)) {
        return Err(Misuse(format!("unknown mapping {unknown}; `explain` prints the names of mappings")));
    }
    let is_named = |mapping: &Mapping| args.names.contains(&mapping.name);
    let is_zone = |zone: &Zone| args.zones.zones.is_empty() || args.zones.zones.contains(&zone.domain);
    // What is named is reported even if it purges no tags.
    let purges_tags = |mapping: &Mapping| match args.names.is_empty() {
        true => matches!(mapping.purge, Purge::Tags(_)),
        false => is_named(mapping),
    };
    let chosen = all().filter(|mapping| purges_tags(mapping));
    let in_zones = chosen.flat_map(|mapping| mapping.zones.iter().map(move |zone| (&**mapping, zone)));
    let chosen: Vec<_> = in_zones.filter(|(_, zone)| is_zone(zone)).collect();
    match chosen.is_empty() {
        true => Err(Misuse("no mapping purges tags there; write `purge = \"tags\"` and `tags` in one".to_owned())),
        false => Ok(chosen),
    }
}

fn report(subject: &str, problem: NoTagRule) {
    print::error(&format!("{subject}: {problem} [{}]; {}", problem.code(), problem.help()));
}

impl ZoneRules<'_> {
    fn path(&self) -> String {
        format!("/zones/{}/rulesets/phases/{PHASE}/entrypoint", self.zone.zone_id)
    }

    fn body(&self) -> Value {
        let rules = self.rules.iter().map(|TagRule { description, filter, tags }| {
            json!({
                "description": description,
                "expression": filter,
                "action": "set_cache_tags",
                "action_parameters": { "operation": "add", "expression": tags },
            })
        });
        json!({ "rules": rules.collect::<Vec<_>>() })
    }

    fn json(&self) -> Value {
        let Zone { team, domain, zone_id, .. } = &**self.zone;
        json!({ "team": team, "zone": domain, "zone_id": zone_id, "method": "PUT", "path": self.path(), "body": self.body() })
    }

    /// The explanation to standard error, and expressions and body to standard output.
    fn print(&self) -> anyhow::Result<()> {
        let Zone { team, domain, .. } = &**self.zone;
        let count = print::count(self.rules.len(), "rule");
        print::note(&format!(
            "zone {domain} of team {team}: {count} in the phase {PHASE} add the tags that its mappings purge. Create them in the \
             dashboard under Caching > Cache Rules > Cache Response Rules, with the expressions, or by the API with a token that \
             may edit the zone's cache rules: PUT {} with the body. A PUT replaces all rules of the phase: if the zone has \
             others, add these to them. What is cached already has no tags until it is fetched again",
            self.path()
        ));
        let mut text = String::new();
        for TagRule { description, filter, tags } in &self.rules {
            let _ = writeln!(
                text,
                "# {}\nwhen  {}\ntags  {}\n",
                print::escaped(description),
                print::escaped(filter),
                print::escaped(tags)
            );
        }
        print::out(text.trim_end());
        print::json(&self.body())
    }
}
