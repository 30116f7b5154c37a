//! `tokens`: whether each zone's token is good, storing one, and replacing it without a gap.

mod look;
mod put;
mod report;
mod rotate;

use std::sync::Arc;

use anyhow::bail;
use purge_router_aws::{Editor, Parameters, load_patient_config};
use purge_router_cloudflare::{ApiToken, Client, Credential, DEFAULT_BASE_URL};
use purge_router_core::names::KmsKey;
use purge_router_core::{Mappings, Row, RowKey, Zone};

use crate::args::{TokensCommand, ZonesArgs};
use crate::mappings::{load, misuse};
use crate::sender::{BASE_URL_VARIABLE, own_token, variable};
use crate::{End, Misuse};

pub(crate) async fn run(command: &TokensCommand) -> anyhow::Result<End> {
    match command {
        TokensCommand::Verify(args) => report::verify(args).await,
        TokensCommand::Status(args) => report::status(args).await,
        TokensCommand::Put(args) => put::run(args).await,
        TokensCommand::Rotate(args) => rotate::run(args).await,
    }
}

/// A zone, and how its token is encrypted.
#[derive(Clone)]
struct Target {
    zone: Arc<Zone>,
    kms_key: Option<KmsKey>,
}

impl Target {
    fn parameter(&self) -> &str {
        self.zone.token.as_str()
    }

    /// For people.
    fn name(&self) -> String {
        format!("{} of team {}", self.zone.domain, self.zone.team)
    }
}

/// The zones that a command is about, and what it asks.
struct World {
    targets: Vec<Target>,
    /// The other zones of the same teams.
    others: Vec<Target>,
    parameters: Parameters,
    client: Client,
}

impl World {
    /// What these arguments lead to; `None` says that the mapping file has problems.
    async fn new(args: &ZonesArgs) -> anyhow::Result<Option<Self>> {
        let config = load_patient_config().await;
        let mappings = match &args.mappings.table {
            // A team may read its own rows only.
            Some(table) if !args.teams.is_empty() => {
                let editor = Editor::new(&config, table.clone()).map_err(misuse)?;
                let mut rows = Vec::new();
                for team in &args.teams {
                    let partition = editor.team(team).await?;
                    let Some(grant) = partition.grant else { bail!("team {team} has no grant in the table {table}") };
                    rows.push(Row { key: RowKey::grant(team), fields: grant });
                    let of_team = partition.rows.into_iter();
                    rows.extend(of_team.map(|(sort, fields)| Row { key: RowKey::new(&partition.name, sort), fields }));
                }
                Mappings::from_rows(&rows).0
            }
            _ => match load(&args.mappings).await? {
                Some(mappings) => mappings,
                None => return Ok(None),
            },
        };
        let of_teams = |team: &&purge_router_core::Team| args.teams.is_empty() || args.teams.contains(&team.name);
        let all = mappings.teams().filter(of_teams).flat_map(|team| {
            team.zones.values().map(|zone| Target { zone: Arc::clone(zone), kms_key: team.kms_key.clone() })
        });
        let (targets, others): (Vec<Target>, Vec<Target>) =
            all.partition(|target| args.zones.is_empty() || args.zones.contains(&target.zone.domain));
        let known = || {
            let all = targets.iter().chain(&others).map(|target| target.zone.domain.to_string());
            all.collect::<Vec<_>>().join(", ")
        };
        if let Some(unknown) =
            args.zones.iter().find(|domain| !targets.iter().any(|target| target.zone.domain == **domain))
        {
            return Err(Misuse(format!("there is no zone `{unknown}`; there are {}", known())).into());
        }
        if targets.is_empty() {
            return Err(
                Misuse("there are no zones; `purge-router check` shows what the mappings hold".to_owned()).into()
            );
        }
        let base_url = variable(BASE_URL_VARIABLE)?.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        let client = Client::new(&base_url).map_err(misuse)?;
        Ok(Some(Self { targets, others, parameters: Parameters::new(&config), client }))
    }
}

/// The caller's own token, which manages others: from the environment.
fn manager() -> anyhow::Result<Option<Credential>> {
    Ok(own_token()?.map(Credential::Token))
}

/// Asks for a token on the terminal, without showing it, or reads it from standard input.
fn asked(what: &str) -> anyhow::Result<ApiToken> {
    use std::io::{IsTerminal, Read};
    let text = match std::io::stdin().is_terminal() {
        true => rpassword::prompt_password(format!("{what}: "))?,
        false => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
    };
    Ok(ApiToken::parse(&text).map_err(|error| Misuse(format!("{what}: {error}")))?)
}
