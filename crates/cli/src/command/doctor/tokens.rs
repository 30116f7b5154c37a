//! Each zone's token: stored, and able to purge the zone.

use std::sync::Arc;

use aws_config::SdkConfig;
use futures_util::{StreamExt, stream};
use purge_router_aws::{Parameters, ReadError};
use purge_router_cloudflare::{ApiToken, Client, Meaning};
use purge_router_core::Zone;

use super::finding::{Finding, listed};
use crate::command::tokens::{cannot_purge, try_purge};
use crate::environment::cloudflare_client;

/// How many zones are tried at once: SSM allows 40 reads per second.
const CONCURRENCY: usize = 8;

pub(super) async fn examine(
    config: &SdkConfig,
    zones: &[Arc<Zone>],
    names_teams: bool,
) -> anyhow::Result<Vec<Finding>> {
    let (parameters, client) = (Parameters::new(config), cloudflare_client()?);
    let judged = stream::iter(zones).map(|zone| of_zone(&parameters, &client, zone));
    let judged: Vec<Result<Finding, Obstacle>> = judged.buffered(CONCURRENCY).collect().await;
    Ok(findings(zones, judged, names_teams))
}

const DENIED: &str = "you may not read it";

/// Why a token can't be judged. The reason is rarely the zone, so one line is enough for all zones that have it.
#[derive(Debug)]
struct Obstacle {
    /// Zones with the same are in one line.
    kind: &'static str,
    /// The error of this zone.
    error: String,
}

impl Obstacle {
    fn of(error: &ReadError, parameter: &str) -> Self {
        let kind = match error {
            ReadError::Denied(_) => DENIED,
            _ => "can't be read",
        };
        Self { kind, error: format!("{parameter}: {error}") }
    }
}

/// A finding for each zone whose token was judged, and one for each reason why others were not.
fn findings(zones: &[Arc<Zone>], judged: Vec<Result<Finding, Obstacle>>, names_teams: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unjudged: Vec<(Obstacle, Vec<&Zone>)> = Vec::new();
    for (zone, judged) in zones.iter().zip(judged) {
        match judged {
            Ok(finding) => findings.push(finding),
            Err(obstacle) => match unjudged.iter_mut().find(|(first, _)| first.kind == obstacle.kind) {
                Some((_, zones)) => zones.push(zone),
                None => unjudged.push((obstacle, vec![zone])),
            },
        }
    }
    findings.extend(unjudged.iter().map(|(first, zones)| of_unjudged(first, zones, names_teams)));
    findings
}

/// Operators and people on call may not read tokens, by the template's policies, so a denial is only of interest if a team
/// gets it.
fn of_unjudged(first: &Obstacle, zones: &[&Zone], names_teams: bool) -> Finding {
    let what = match zones {
        [zone] => what(zone),
        _ => format!("tokens of {}", listed(zones.iter().map(|zone| zone.domain.as_str()))),
    };
    match (first.kind, zones) {
        (DENIED, [zone, ..]) if !names_teams => Finding::unknown(what, "you may not read tokens: a team's editors may")
            .with_fix(format!("purge-router doctor --team {}", zone.team)),
        _ => Finding::unknown(what, format!("{}: {}", first.kind, first.error)),
    }
}

fn what(zone: &Zone) -> String {
    format!("token of {} (team {})", zone.domain, zone.team)
}

async fn of_zone(parameters: &Parameters, client: &Client, zone: &Zone) -> Result<Finding, Obstacle> {
    let (team, domain) = (&zone.team, &zone.domain);
    let put = format!("purge-router tokens put --zone {domain} --team {team}");
    let bad = |found: String, fix: String| Ok(Finding::bad(what(zone), found, fix));
    let stored = match parameters.read(zone.token.as_str()).await {
        Ok(stored) => stored,
        Err(ReadError::Absent) => return bad(format!("SSM has no parameter {}", zone.token), put),
        Err(error @ (ReadError::NotSecure(_) | ReadError::NotAToken(_) | ReadError::UnusableKey(_))) => {
            return bad(format!("{}: {error}", zone.token), put);
        }
        Err(error) => return Err(Obstacle::of(&error, zone.token.as_str())),
    };
    match stored.into_token() {
        Ok(token) => of_token(client, &token, zone, put).await,
        Err(error) => bad(format!("{}: {error}", zone.token), format!("{put} --overwrite")),
    }
}

async fn of_token(client: &Client, token: &ApiToken, zone: &Zone, put: String) -> Result<Finding, Obstacle> {
    match try_purge(client, token, zone).await {
        Ok(()) => Ok(Finding::good(what(zone), "it can purge the zone")),
        Err(refusal) if refusal.meaning == Meaning::TokenRefused => {
            Ok(Finding::bad(what(zone), cannot_purge(zone, &refusal), format!("{put} --overwrite")))
        }
        Err(refusal) if refusal.meaning == Meaning::Unreachable => {
            Err(Obstacle { kind: "Cloudflare does not answer", error: refusal.to_string() })
        }
        Err(refusal) => {
            let found = format!("a purge was not answered with yes or no: {refusal}");
            let fix = format!("purge-router tokens verify --zone {} --team {}", zone.domain, zone.team);
            Ok(Finding::unknown(what(zone), found).with_fix(fix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_whose_tokens_can_not_be_judged_for_the_same_reason_are_one_line() {
        let mut text = "version = 1\n[teams.web]\nowns = [\"s3://assets/\"]\n".to_owned();
        for domain in ["a.com", "b.com", "c.com", "d.com", "e.com"] {
            let zone = format!("zone_id = \"{:032x}\"\nhostnames = [\"{domain}\"]\n", domain.as_bytes()[0]);
            text += &format!("[teams.web.zones.\"{domain}\"]\n{zone}");
        }
        let mappings = purge_router_config::from_toml(&text).unwrap();
        let zones: Vec<_> = mappings.zones().cloned().collect();
        let denied = || Err(Obstacle::of(&ReadError::Denied("no".to_owned()), "/purge-router/web/a.com"));
        let silent = || Err(Obstacle { kind: "Cloudflare does not answer", error: "timed out".to_owned() });
        let good = Ok(Finding::good(what(&zones[4]), "it can purge the zone"));
        let found = findings(&zones, vec![denied(), silent(), denied(), denied(), good], true);
        let found: Vec<_> = found.iter().map(|it| format!("{}: {}", it.what, it.found)).collect();
        assert_eq!(
            found,
            [
                "token of e.com (team web): it can purge the zone",
                "tokens of a.com, c.com, d.com: you may not read it: /purge-router/web/a.com: access denied: no",
                "token of b.com (team web): Cloudflare does not answer: timed out",
            ]
        );
        let of_operator = findings(&zones[..1], vec![denied()], false);
        assert_eq!(of_operator[0].found, "you may not read tokens: a team's editors may");
        assert_eq!(of_operator[0].fix.as_deref(), Some("purge-router doctor --team web"));
    }
}
