//! `sandbox`: serves the stand-in for Cloudflare until it is interrupted.

use std::collections::BTreeMap;

use anyhow::Context;
use purge_router_core::names::Hostname;
use purge_router_core::{Mappings, Zone};
use purge_router_sandbox::{Builder, Sandbox, SandboxToken, zone_secret};

use crate::args::SandboxArgs;
use crate::exit::{End, Misuse};
use crate::{mappings, print, shutdown};

/// The secret of a token for all zones, so that one `CLOUDFLARE_API_TOKEN` is enough.
const ALL_ZONES_SECRET: &str = "sandbox";

pub(super) async fn run(args: &SandboxArgs) -> anyhow::Result<End> {
    let Some(mappings) = mappings::load(&args.mappings, &[]).await? else { return Ok(End::Problems) };
    check(args)?;
    let addresses = format!("can't start the sandbox with --api {} and --edge {}", args.api, args.edge);
    let sandbox = builder(args, &mappings).start().await.context(addresses)?;
    print_addresses(&sandbox, &mappings);
    for (hostname, zones) in shared_hostnames(&mappings) {
        let described: Vec<String> = zones.iter().map(|zone| format!("{} ({})", zone.domain, zone.zone_id)).collect();
        print::warning(&format!(
            "several zones list the hostname {hostname}; the edge caches it for the first of them only: {}",
            described.join(", ")
        ));
    }
    if args.origins.is_empty() {
        print::note("the edge has no origin server; set one with --origin");
    }
    shutdown::reporting(shutdown::requested()).await;
    let purges = sandbox.requests().iter().filter(|request| is_purge(&request.path)).count();
    print::note(&format!("stopped; {} received", print::count(purges, "purge")));
    shutdown::clean_up("stopping the sandbox", sandbox.stop()).await;
    Ok(End::Done)
}

fn check(args: &SandboxArgs) -> Result<(), Misuse> {
    for address in [args.api, args.edge] {
        if !address.ip().is_loopback() {
            let reason = "every client that reaches the sandbox can use and change it";
            return Err(Misuse(format!("{address} is not on loopback: {reason}")));
        }
    }
    for (index, (host, _)) in args.origins.iter().enumerate() {
        if args.origins[..index].iter().any(|(other, _)| other == host) {
            let subject = host.as_deref().unwrap_or("all hostnames");
            return Err(Misuse(format!("--origin is given twice for {subject}; keep one")));
        }
    }
    Ok(())
}

fn builder(args: &SandboxArgs, mappings: &Mappings) -> Builder {
    let for_all_zones = SandboxToken::for_all_zones(ALL_ZONES_SECRET, mappings);
    let sandbox = Sandbox::builder().mappings(mappings).token(for_all_zones);
    let sandbox = sandbox.api_address(args.api).edge_address(args.edge).rate_limits(!args.no_rate_limits);
    let sandbox = sandbox.purge_race(args.purge_race);
    args.origins.iter().fold(sandbox, |sandbox, (host, url)| sandbox.origin(host.as_deref(), url))
}

fn print_addresses(sandbox: &Sandbox, mappings: &Mappings) {
    let (api, edge) = (sandbox.api_url(), sandbox.edge_url());
    print::out(&format!("api   {}", print::bold(&api)));
    print::out(&format!("edge  {}", print::bold(edge)));
    print::out(&format!("\nexport CLOUDFLARE_BASE_URL={api} CLOUDFLARE_API_TOKEN={ALL_ZONES_SECRET}\n"));
    for zone in mappings.zones() {
        print::out(&format!("{}  {}  token {}", zone.domain, print::dim(&zone.zone_id), zone_secret(zone)));
    }
}

/// The hostnames that more than one zone lists.
fn shared_hostnames(mappings: &Mappings) -> BTreeMap<&Hostname, Vec<&Zone>> {
    let mut zones: BTreeMap<&Hostname, Vec<&Zone>> = BTreeMap::new();
    for zone in mappings.zones() {
        for hostname in &zone.hostnames {
            zones.entry(hostname).or_default().push(zone);
        }
    }
    zones.retain(|_, zones| zones.iter().any(|zone| zone.zone_id != zones[0].zone_id));
    zones
}

fn is_purge(path: &str) -> bool {
    path.ends_with("/purge_cache") || path.ends_with("/invalidate_cache")
}
