//! A zone's table → [`Zone`].

use purge_router_core::Zone;
use purge_router_core::bounds;
use purge_router_core::limits::{CloudflarePlan, LimitClass};
use purge_router_core::names::{CloudflareId, Hostname, TeamName, TokenFolder};
use purge_router_core::{Code, Invalid};

use crate::document::{Problems, Table, word};

pub(super) fn zone(
    team: &TeamName,
    (folder, accounts): (&TokenFolder, &[CloudflareId]),
    domain: &str,
    table: &mut Table<'_>,
    problems: &mut Problems,
) -> Option<Zone> {
    let domain = Hostname::parse(domain).map_err(|fault| problems.add(table.place.clone(), fault)).ok();
    let zone_id =
        table.required("zone_id", "copy it from the zone's overview page in Cloudflare", CloudflareId::parse, problems);
    let account_id = table.optional("account_id", CloudflareId::parse, problems);
    let account_is_granted = account_id.as_ref().is_some_and(|id| accounts.contains(id));
    let before = problems.count();
    let plan = table.optional("plan", word(Code::UnknownPlan, PLANS), problems).unwrap_or_default();
    let plan_is_known = problems.count() == before;
    let are_few = ["hostnames", "custom_hostnames"].map(|key| table.is_bounded(key, bounds::VALUES, problems));
    if are_few.contains(&false) {
        table.give_up();
        return None;
    }
    let custom = table.list("custom_hostnames", Hostname::parse, problems).unwrap_or_default();
    let inside = |text: &str| {
        let name = Hostname::parse(text)?;
        match &domain {
            Some(domain) if !name.is_within(domain) && !custom.contains(&name) => Err(Invalid::new(
                Code::ForeignHostname,
                format!("`{name}` is not in the zone `{domain}`"),
                format!(
                    "write a name that ends in `.{domain}`, or list it in `custom_hostnames` (Cloudflare for SaaS)"
                ),
            )),
            _ => Ok(name),
        }
    };
    // None at all is a problem: a zone that silently purges nothing would serve stale files.
    let help = "list the hostnames that serve the objects: `hostnames = [\"www.website.com\"]`";
    let hostnames = table.required_list("hostnames", help, inside, problems);
    let name = |text: &str| folder.parameter(text);
    let token_is_written = table.has("token");
    let mut token = table.optional("token", name, problems);
    if !token_is_written {
        token = domain.as_ref().and_then(|domain| folder.parameter(domain.as_str()).ok());
    }
    let most_urls = if plan_is_known { plan } else { CloudflarePlan::Enterprise }.items_per_request(LimitClass::Urls);
    let urls_per_request = table.number("urls_per_request", 1..=most_urls as u64, problems);
    Some(Zone {
        team: team.clone(),
        domain: domain?,
        zone_id: zone_id?,
        account_id,
        account_is_granted,
        plan,
        hostnames: hostnames?.into_iter().collect(),
        token: token?,
        urls_per_request,
    })
}

const PLANS: &[(&str, CloudflarePlan)] = &[
    ("free", CloudflarePlan::Free),
    ("pro", CloudflarePlan::Pro),
    ("business", CloudflarePlan::Business),
    ("enterprise", CloudflarePlan::Enterprise),
];
