//! Each zone's token: stored, and able to purge the zone.

use std::sync::Arc;

use aws_config::SdkConfig;
use futures_util::{StreamExt, stream};
use purge_router_aws::{Parameters, ReadError};
use purge_router_cloudflare::{Client, Meaning};
use purge_router_core::Zone;

use super::finding::Finding;
use crate::command::tokens::{cannot_purge, try_purge};
use crate::environment::cloudflare_client;

/// How many zones are tried at once: SSM allows 40 reads per second.
const CONCURRENCY: usize = 8;

pub(super) async fn examine(config: &SdkConfig, zones: &[Arc<Zone>]) -> anyhow::Result<Vec<Finding>> {
    let (parameters, client) = (Parameters::new(config), cloudflare_client()?);
    let findings = stream::iter(zones).map(|zone| of_zone(&parameters, &client, zone));
    Ok(findings.buffered(CONCURRENCY).collect().await)
}

async fn of_zone(parameters: &Parameters, client: &Client, zone: &Zone) -> Finding {
    let (team, domain) = (&zone.team, &zone.domain);
    let what = format!("token of {domain} (team {team})");
    let put = format!("purge-router tokens put --zone {domain} --team {team}");
    let stored = match parameters.read(zone.token.as_str()).await {
        Ok(stored) => stored,
        Err(ReadError::Absent) => return Finding::bad(what, format!("SSM has no parameter {}", zone.token), put),
        Err(error @ (ReadError::NotSecure(_) | ReadError::NotAToken(_) | ReadError::UnusableKey(_))) => {
            return Finding::bad(what, format!("{}: {error}", zone.token), put);
        }
        Err(error) => return Finding::unknown(what, format!("{}: {error}", zone.token)),
    };
    let token = match stored.into_token() {
        Ok(token) => token,
        Err(error) => return Finding::bad(what, format!("{}: {error}", zone.token), format!("{put} --overwrite")),
    };
    match try_purge(client, &token, zone).await {
        Ok(()) => Finding::good(what, "it can purge the zone"),
        Err(refusal) if refusal.meaning == Meaning::TokenRefused => {
            Finding::bad(what, cannot_purge(zone, &refusal), format!("{put} --overwrite"))
        }
        Err(refusal) => Finding::unknown(what, format!("a purge was not answered with yes or no: {refusal}"))
            .with_fix(format!("purge-router tokens verify --zone {domain} --team {team}")),
    }
}
