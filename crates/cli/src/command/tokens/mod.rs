//! `tokens`: whether each zone's token is good, storing one, and replacing it without a gap.

mod clear;
mod look;
mod made_for;
mod put;
mod report;
mod roll;
mod rotate;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::bail;
use futures_util::{StreamExt, stream};
use purge_router_aws::{Editor, Parameters, TableError, load_patient_config};
use purge_router_cloudflare::{ApiToken, Client, Credential};
use purge_router_config::{Row, RowKey, Skipped};
use purge_router_core::names::{KmsKey, TeamName};
use purge_router_core::{Mappings, Zone};

use self::look::Look;
use crate::args::{TokensCommand, ZonesArgs};
use crate::environment::{api_token, cloudflare_client};
use crate::mappings::{load, misuse, only_for_operators, warn};
use crate::{End, Misuse};

/// How many parameters are looked at side by side: SSM answers 40 reads a second.
const SIDE_BY_SIDE: usize = 8;

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
}

/// A parameter, and the zones whose token lies in it: one, most often.
#[derive(Clone)]
struct Place {
    targets: Vec<Target>,
}

impl Place {
    fn of(target: &Target) -> Self {
        Self { targets: vec![target.clone()] }
    }

    fn parameter(&self) -> &str {
        self.targets[0].parameter()
    }

    /// The first of its zones.
    fn zone(&self) -> &Zone {
        &self.targets[0].zone
    }

    fn kms_key(&self) -> Option<&KmsKey> {
        self.targets[0].kms_key.as_ref()
    }

    /// For people.
    fn name(&self) -> String {
        let domains: Vec<&str> = self.targets.iter().map(|target| target.zone.domain.as_str()).collect();
        format!("{} of team {}", domains.join(" and "), self.zone().team)
    }
}

/// The zones that a command is about, and what it asks.
struct World {
    targets: Vec<Target>,
    /// The other zones of the same teams.
    others: Vec<Target>,
    /// How many rows with zones of these teams are left out, so that what they say is not known.
    skipped: usize,
    /// The zones of all teams, as far as the caller may see them.
    zones: Vec<Arc<Zone>>,
    parameters: Parameters,
    client: Client,
}

impl World {
    /// What these arguments lead to; `None` says that the mapping file has problems.
    async fn new(args: &ZonesArgs) -> anyhow::Result<Option<Self>> {
        let config = load_patient_config().await;
        let (mappings, mut skipped) = match &args.mappings.table {
            None => match load(&args.mappings).await? {
                Some(mappings) => (mappings, Vec::new()),
                None => return Ok(None),
            },
            Some(table) => {
                let editor = Editor::new(&config, table.clone()).map_err(misuse)?;
                match editor.all_rows().await {
                    Ok(rows) => purge_router_config::from_rows(&rows),
                    // The copy of a grant that lies beside a team's rows is the team's to write: good enough for those who
                    // may do no more than the team, and for nobody whose rights it could lead astray.
                    Err(TableError::Denied(_)) if !args.teams.is_empty() => {
                        of_teams(&editor, table, &args.teams).await?
                    }
                    Err(error) => return Err(only_for_operators(error)),
                }
            }
        };
        let is_of_others = |key: &RowKey| {
            let team = key.team().or_else(|| TeamName::parse(&key.sort).ok());
            !args.teams.is_empty() && team.is_some_and(|team| !args.teams.contains(&team))
        };
        skipped.retain(|skipped| !is_of_others(&skipped.key));
        warn(&skipped);
        let is_asked_for = |team: &&purge_router_core::Team| args.teams.is_empty() || args.teams.contains(&team.name);
        let all = mappings.teams().filter(is_asked_for).flat_map(|team| {
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
        let team_of = |target: &Target| target.zone.team.clone();
        let teams: BTreeSet<TeamName> = targets.iter().map(team_of).collect();
        let others = others.into_iter().filter(|other| teams.contains(&other.zone.team)).collect();
        let is_unknown = |row: &RowKey| {
            let is_of_them =
                |team: &TeamName| row.partition == RowKey::partition_of(team) || *row == RowKey::grant(team);
            !row.sort.starts_with(RowKey::MAPPING) && teams.iter().any(is_of_them)
        };
        let skipped = skipped.iter().filter(|skipped| is_unknown(&skipped.key)).count();
        let client = cloudflare_client()?;
        let zones = mappings.zones().cloned().collect();
        Ok(Some(Self { targets, others, skipped, zones, parameters: Parameters::new(&config), client }))
    }

    /// The parameters of the zones that this is about, each with all zones whose token lies there.
    fn places(&self) -> Vec<Place> {
        let mut places = grouped(&self.targets);
        for place in &mut places {
            let others = self.others.iter().filter(|other| other.parameter() == place.parameter());
            let others: Vec<Target> = others.cloned().collect();
            place.targets.extend(others);
            // Whichever of them was named, it is the same place.
            place.targets.sort_by(|one, other| one.zone.domain.cmp(&other.zone.domain));
        }
        places
    }

    /// What lies in each parameter of the teams, and what is known of it.
    async fn look_at_all(&self) -> Vec<Look> {
        let all: Vec<Target> = self.targets.iter().chain(&self.others).cloned().collect();
        let looks = grouped(&all).into_iter().map(|place| async move { self.sure_look(&place).await });
        stream::iter(looks).buffered(SIDE_BY_SIDE).collect().await
    }
}

/// The rows of these teams, each with the copy of its grant.
async fn of_teams(editor: &Editor, table: &str, teams: &[TeamName]) -> anyhow::Result<(Mappings, Vec<Skipped>)> {
    let mut rows = Vec::new();
    for team in teams {
        let partition = editor.team(team).await?;
        let Some(grant) = partition.grant else { bail!("team {team} has no grant in the table {table}") };
        rows.push(Row { key: RowKey::grant(team), fields: grant });
        let of_team = partition.rows.into_iter();
        rows.extend(of_team.map(|(sort, fields)| Row { key: RowKey::new(&partition.name, sort), fields }));
    }
    Ok(purge_router_config::from_rows(&rows))
}

fn grouped(targets: &[Target]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for target in targets {
        match places.iter_mut().find(|place| place.parameter() == target.parameter()) {
            Some(place) => place.targets.push(target.clone()),
            None => places.push(Place::of(target)),
        }
    }
    places
}

/// The caller's own token, which manages others: from the environment.
fn manager() -> anyhow::Result<Option<Credential>> {
    Ok(api_token()?.map(Credential::Token))
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
    Ok(ApiToken::parse(&text).map_err(|error| Misuse(error.to_string()))?)
}
