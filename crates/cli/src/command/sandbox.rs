//! `sandbox`: the stand-in for Cloudflare as a server, until it is interrupted.

use anyhow::Context;
use purge_router_sandbox::SandboxToken;

use crate::args::SandboxArgs;
use crate::sender::{sandbox_of, sandbox_secret};
use crate::{End, Misuse, mappings, print};

/// A token for all zones, so that one `CLOUDFLARE_API_TOKEN` is enough.
const SECRET_FOR_ALL: &str = "sandbox";

pub(crate) async fn run(args: &SandboxArgs) -> anyhow::Result<End> {
    let Some(mappings) = mappings::load(&args.mappings).await? else { return Ok(End::Problems) };
    for address in [args.api, args.edge] {
        if !address.ip().is_loopback() {
            return Err(
                Misuse(format!("{address} is not on loopback: whoever reaches the sandbox may change it")).into()
            );
        }
    }
    let mut sandbox =
        sandbox_of(&mappings).api_address(args.api).edge_address(args.edge).rate_limits(!args.no_rate_limits).token(
            SandboxToken {
                secret: SECRET_FOR_ALL.to_owned(),
                id: "f".repeat(32),
                zones: mappings.zones().map(|zone| zone.zone_id.to_string()).collect(),
                ..SandboxToken::default()
            },
        );
    for (host, url) in &args.origins {
        sandbox = sandbox.origin(host.as_deref(), url);
    }
    let listening = format!("can't start the sandbox with --api {} and --edge {}", args.api, args.edge);
    let sandbox = sandbox.start().await.context(listening)?;

    print::out(&format!("api   {}", print::bold(sandbox.api_url())));
    print::out(&format!("edge  {}", print::bold(sandbox.edge_url())));
    print::out(&format!("\nexport CLOUDFLARE_BASE_URL={} CLOUDFLARE_API_TOKEN={SECRET_FOR_ALL}\n", sandbox.api_url()));
    for zone in mappings.zones() {
        print::out(&format!("{}  {}  token {}", zone.domain, print::dim(&zone.zone_id), sandbox_secret(zone)));
    }
    if args.origins.is_empty() {
        print::note("the edge has no origin server; name one with --origin");
    }
    interrupted().await?;
    sandbox.stop().await;
    Ok(End::Done)
}

/// Waits for Ctrl-C or, as service managers send it, SIGTERM.
async fn interrupted() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
