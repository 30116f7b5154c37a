//! The command's way into the pipeline: Cloudflare with a token from the environment or from SSM, or a sandbox in this
//! process.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Context;
use purge_router_aws::{Parameters, ReadError, Stored, load_patient_config};
use purge_router_cloudflare::{ApiToken, Client, Credential, DEFAULT_BASE_URL};
use purge_router_core::{Mappings, Plan, Zone};
use purge_router_pipeline::{Clock, Executor, Freshness, Report, Settings, TokenError, TokenStore};
use purge_router_sandbox::{Sandbox, SandboxToken, SandboxZone};
use tokio::sync::OnceCell;

use crate::args::SendingArgs;
use crate::{Misuse, print};

pub(crate) const TOKEN_VARIABLE: &str = "CLOUDFLARE_API_TOKEN";
/// The way out where AWS can't be asked.
pub(crate) const SETTINGS: &str = "set the region and the credentials, or renew them, as for the AWS CLI";

pub(crate) const BASE_URL_VARIABLE: &str = "CLOUDFLARE_BASE_URL";

/// Sends plans.
pub(crate) struct Sender {
    executor: Executor<Tokens>,
    deadline: Duration,
    _sandbox: Option<Sandbox>,
}

impl Sender {
    pub(crate) async fn new(args: &SendingArgs, mappings: &Mappings) -> anyhow::Result<Self> {
        let (base_url, tokens, sandbox) = match args.sandbox {
            true => {
                let sandbox = sandbox_of(mappings).start().await.context("can't start the sandbox")?;
                print::note(&format!("sandbox: nothing leaves this machine ({})", sandbox.api_url()));
                (sandbox.api_url(), Tokens::Sandbox(sandbox_tokens(mappings)), Some(sandbox))
            }
            false => {
                let base_url = variable(BASE_URL_VARIABLE)?.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
                (base_url, Tokens::from_outside()?, None)
            }
        };
        let client = Client::new(&base_url).map_err(|error| Misuse(error.to_string()))?;
        let executor = Executor::new(client, tokens, Settings::default(), Clock::system());
        Ok(Self { executor, deadline: Duration::from_secs(args.deadline), _sandbox: sandbox })
    }

    /// Sends all batches of a plan.
    pub(crate) async fn send<'p>(&self, plan: &'p Plan) -> Report<'p> {
        self.executor.run(plan, self.executor.clock().now() + self.deadline).await
    }
}

/// A sandbox with all zones of the mappings, and a token of its own for each.
pub(crate) fn sandbox_of(mappings: &Mappings) -> purge_router_sandbox::Builder {
    let mut sandbox = Sandbox::builder();
    // A hostname may be written twice, even in two zones; the edge serves it for the first.
    let mut served = HashSet::new();
    for zone in mappings.zones() {
        let of_zone =
            mappings.all().iter().filter(|mapping| mapping.zones.iter().any(|other| other.zone_id == zone.zone_id));
        let mut vary_headers: Vec<String> = of_zone
            .flat_map(|mapping| &mapping.urls.vary_headers)
            .flat_map(|set| set.keys().map(|name| name.to_ascii_lowercase()))
            .collect();
        vary_headers.sort();
        vary_headers.dedup();
        sandbox = sandbox.zone(SandboxZone {
            zone_id: zone.zone_id.to_string(),
            domain: zone.domain.to_string(),
            plan: zone.plan,
            account_id: zone.account_id.as_ref().map(ToString::to_string),
            hostnames: zone.hostnames.iter().filter(|name| served.insert(*name)).map(ToString::to_string).collect(),
            vary_headers,
            urls_per_request: zone.urls_per_request,
        });
    }
    for (nth, zone) in mappings.zones().enumerate() {
        sandbox = sandbox.token(SandboxToken {
            secret: sandbox_secret(zone),
            id: format!("{nth:032x}"),
            zones: vec![zone.zone_id.to_string()],
            ..SandboxToken::default()
        });
    }
    sandbox
}

/// The sandbox's own token of a zone. It opens nothing but the sandbox, so it may be told.
pub(crate) fn sandbox_secret(zone: &Zone) -> String {
    format!("sandbox-{}-{}", zone.team, zone.domain)
}

fn sandbox_tokens(mappings: &Mappings) -> HashMap<String, ApiToken> {
    let token = |zone: &Zone| Some((zone.token.to_string(), ApiToken::parse(&sandbox_secret(zone)).ok()?));
    mappings.zones().filter_map(|zone| token(zone)).collect()
}

/// A variable of the environment; an empty one is as good as none.
pub(crate) fn variable(name: &str) -> anyhow::Result<Option<String>> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Misuse(format!("{name} is not UTF-8")).into()),
    }
}

/// Where the command has its tokens from.
enum Tokens {
    Environment(ApiToken),
    /// Each zone's from its own parameter; AWS's settings are looked up once they are needed.
    Ssm(OnceCell<Parameters>),
    Sandbox(HashMap<String, ApiToken>),
}

impl Tokens {
    fn from_outside() -> anyhow::Result<Self> {
        Ok(own_token()?.map_or_else(|| Self::Ssm(OnceCell::new()), Self::Environment))
    }
}

async fn ssm() -> Parameters {
    Parameters::new(&load_patient_config().await)
}

/// The token in the environment.
pub(crate) fn own_token() -> anyhow::Result<Option<ApiToken>> {
    let parse = |text: String| ApiToken::parse(&text).map_err(|error| Misuse(format!("{TOKEN_VARIABLE}: {error}")));
    Ok(variable(TOKEN_VARIABLE)?.map(parse).transpose()?)
}

impl TokenStore for Tokens {
    async fn token(&self, zone: &Zone, _: Freshness) -> Result<Credential, TokenError> {
        let parameter = zone.token.as_str();
        let token = match self {
            Self::Environment(token) => Ok(token.clone()),
            // A team may read parameters one by one. The pipeline reads each once in an event.
            Self::Ssm(cell) => cell.get_or_init(ssm).await.read(parameter).await.and_then(Stored::into_token),
            Self::Sandbox(tokens) => tokens.get(parameter).cloned().ok_or(ReadError::Absent),
        };
        token.map(Credential::Token).map_err(|error| {
            let (team, zone) = (zone.team.to_string(), zone.domain.to_string());
            let reason = format!("{TOKEN_VARIABLE} is not set, and {parameter}: {error}");
            let help = match &error {
                // Nobody renews what is not there.
                ReadError::Settings(_) => SETTINGS,
                error => match error.help() {
                    Some(help) => help,
                    None => return TokenError::Unavailable { team, zone, reason },
                },
            };
            let help = format!("set {TOKEN_VARIABLE} to a token that may purge {zone}, or {help}, or try --sandbox");
            TokenError::Missing { team, zone, reason, help }
        })
    }
}
