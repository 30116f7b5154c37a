//! A zone: its hostnames are within its domain, and its token is in its team's folder.

use indexmap::IndexSet;

use purge_router_core::Zone;
use purge_router_core::limits::{CloudflarePlan, LimitClass};
use purge_router_core::names::{CloudflareId, EnvironmentId, Hostname, TeamName, TokenFolder};
use purge_router_core::{Code, Invalid};

use crate::decoded::FieldChecker;
use crate::spec::ZoneSpec;
use crate::validate::sample_rate::sample_rate;
use crate::validate::words::word;

/// What a team's grant says about its zones.
pub(crate) struct ZoneGrant<'g> {
    pub(crate) team: &'g TeamName,
    pub(crate) tokens: &'g TokenFolder,
    pub(crate) accounts: &'g [CloudflareId],
}

pub(crate) const MAX_URLS_PER_REQUEST: usize = CloudflarePlan::Enterprise.items_per_request(LimitClass::Urls);

pub(crate) const PLANS: &[(&str, CloudflarePlan)] = &[
    ("free", CloudflarePlan::Free),
    ("pro", CloudflarePlan::Pro),
    ("business", CloudflarePlan::Business),
    ("enterprise", CloudflarePlan::Enterprise),
];

/// The zone, if what mappings need of it is valid; other fields that are not have their defaults.
pub(crate) fn zone(grant: &ZoneGrant<'_>, domain: &str, spec: &ZoneSpec, checker: &mut FieldChecker) -> Option<Zone> {
    let domain = Hostname::parse(domain).map_err(|invalid| checker.note_whole(invalid)).ok();
    let help = "copy it from the zone's overview page in Cloudflare";
    let zone_id = checker.required("zone_id", spec.zone_id.as_deref(), help, CloudflareId::parse);
    let account_id = checker.optional("account_id", spec.account_id.as_deref(), CloudflareId::parse);
    let plan = checker.optional("plan", spec.plan.as_deref(), word(Code::UnknownPlan, "a plan", PLANS));
    let hostnames = hostnames(domain.as_ref(), spec, checker);
    let mut token = checker.optional("token", spec.token.as_deref(), |name| grant.tokens.parameter(name));
    if spec.token.is_none() && !checker.is_wrong("token") {
        token = domain.as_ref().and_then(|domain| grant.tokens.parameter(domain.as_str()).ok());
    }
    // Under a plan that is not known, only what no plan allows is wrong.
    let widest = if checker.is_wrong("plan") { CloudflarePlan::Enterprise } else { plan.unwrap_or_default() };
    let most_urls = widest.items_per_request(LimitClass::Urls);
    let urls_per_request = checker.number("urls_per_request", spec.urls_per_request, 1..=most_urls);
    let environments = checker.list("environments", spec.environments.as_deref(), EnvironmentId::parse);
    let verify = sample_rate(spec.verify.as_ref(), checker).unwrap_or_default();
    Some(Zone {
        team: grant.team.clone(),
        domain: domain?,
        zone_id: zone_id?,
        account_is_granted: account_id.as_ref().is_some_and(|id| grant.accounts.contains(id)),
        account_id,
        plan: plan.unwrap_or_default(),
        hostnames: hostnames?.into_iter().collect(),
        token: token?,
        urls_per_request,
        environments: environments.unwrap_or_default().into_iter().collect::<IndexSet<_>>().into_iter().collect(),
        cache_reserve: spec.cache_reserve.unwrap_or_default(),
        workers_caching: spec.workers_caching.unwrap_or_default(),
        verify,
    })
}

/// None at all is a problem: a zone that silently purges nothing would serve stale files.
fn hostnames(domain: Option<&Hostname>, spec: &ZoneSpec, checker: &mut FieldChecker) -> Option<Vec<Hostname>> {
    let custom = checker.list("custom_hostnames", spec.custom_hostnames.as_deref(), Hostname::parse);
    let custom = custom.unwrap_or_default();
    let custom_is_complete = !checker.is_wrong("custom_hostnames");
    let within_zone = |text: &str| {
        let name = Hostname::parse(text)?;
        match domain {
            Some(domain) if custom_is_complete && !name.is_within(domain) && !custom.contains(&name) => {
                let help = format!(
                    "write a name that ends in `.{domain}`, or list it in `custom_hostnames` (Cloudflare for SaaS)"
                );
                let message = format!("`{name}` is not in the zone `{domain}`");
                Err(Invalid::new(Code::ForeignHostname, message, help))
            }
            _ => Ok(name),
        }
    };
    let help = "list the hostnames that serve the objects: `hostnames = [\"www.website.com\"]`";
    checker.required_list("hostnames", spec.hostnames.as_deref(), help, within_zone)
}
