//! The zones that a `tokens` command is about, and the services that it calls.

use std::collections::BTreeSet;
use std::sync::Arc;

use purge_router_aws::{Parameters, WriteError, load_patient_config};
use purge_router_cloudflare::{ApiToken, Client};
use purge_router_config::{RowKey, Skipped};
use purge_router_core::names::{Hostname, KmsKey, TeamName};
use purge_router_core::{Mappings, Zone};

use crate::args::{MappingsArg, MappingsSource, ZoneArgs, ZonesArgs};
use crate::command::tokens::slot::{Target, TokenSlot};
use crate::environment::cloudflare_client;
use crate::exit::Misuse;
use crate::input::is_stdin;
use crate::mappings::{is_of_teams, load_file, load_table_of, named_source, warn};
use crate::zone_choice::{ambiguous, check_teams, unknown_zone};

/// How many parameters are inspected at once: SSM allows 40 reads per second.
pub(super) const CONCURRENCY: usize = 8;

/// The zones that a command is about, and the services that it calls.
pub(super) struct TokensContext {
    pub(super) targets: Vec<Target>,
    /// The other zones of the same teams.
    pub(super) other_targets: Vec<Target>,
    /// How many rows with grants or zones of these teams are skipped, so that their content is unknown.
    pub(super) skipped_rows: usize,
    /// The zones of all teams that the caller may read.
    pub(super) all_zones: Vec<Arc<Zone>>,
    pub(super) parameters: Parameters,
    pub(super) client: Client,
}

impl TokensContext {
    /// Loads the zones that the arguments name; `None`: the mapping file has problems, which were printed.
    pub(super) async fn new(args: &ZonesArgs) -> anyhow::Result<Option<Self>> {
        Self::of(&args.mappings, &args.teams, &args.zones).await
    }

    /// Loads the zone that the arguments name, like [`Self::new`].
    pub(super) async fn of_one(args: &ZoneArgs) -> anyhow::Result<Option<Self>> {
        Self::of(&args.mappings, args.team.as_slice(), args.zone.as_slice()).await
    }

    async fn of(source: &MappingsArg, teams: &[TeamName], zones: &[Hostname]) -> anyhow::Result<Option<Self>> {
        let config = load_patient_config().await;
        let (mappings, mut skipped) = match named_source(source)? {
            MappingsSource::Table(table, _) => load_table_of(&config, &table, teams).await?,
            MappingsSource::File(path, _) if is_stdin(&path) => {
                return Err(Misuse("tokens are read from standard input: name the mapping file".to_owned()).into());
            }
            MappingsSource::File(path, _) => match load_file(&path).await? {
                Some(mappings) => (mappings, Vec::new()),
                None => return Ok(None),
            },
        };
        skipped.retain(|skipped| is_of_teams(&skipped.key, teams));
        warn(&skipped);
        let (targets, other_targets) = select(&mappings, &skipped, teams, zones)?;
        let teams: BTreeSet<TeamName> = targets.iter().map(|target| target.zone.team.clone()).collect();
        let other_targets = other_targets.into_iter().filter(|other| teams.contains(&other.zone.team)).collect();
        let skipped_rows = skipped.iter().filter(|skipped| may_hold_zone(&skipped.key, &teams)).count();
        Ok(Some(Self {
            targets,
            other_targets,
            skipped_rows,
            all_zones: mappings.zones().cloned().collect(),
            parameters: Parameters::new(&config),
            client: cloudflare_client()?,
        }))
    }

    /// The parameters of the targets, each with all zones whose token it holds, whichever of them was named.
    pub(super) fn slots(&self) -> Vec<TokenSlot> {
        let mut slots = TokenSlot::group(&self.targets);
        for slot in &mut slots {
            let others = self.other_targets.iter().filter(|other| other.parameter() == slot.parameter());
            let others: Vec<Target> = others.cloned().collect();
            slot.targets.extend(others);
            slot.targets.sort_by(|one, other| one.zone.domain.cmp(&other.zone.domain));
        }
        slots
    }

    /// The slot of the arguments; an error if they select several.
    pub(super) fn only_slot(&self) -> Result<TokenSlot, Misuse> {
        let mut slots = self.slots();
        if slots.len() == 1 {
            return Ok(slots.remove(0));
        }
        let zones: Vec<&Zone> = self.targets.iter().map(|target| &*target.zone).collect();
        Err(ambiguous("several zones match, and this command takes one", &zones))
    }

    /// Refuses a domain that several teams have, unless the caller named teams.
    pub(super) fn check_one_team_per_domain(&self, args: &ZonesArgs) -> Result<(), Misuse> {
        for domain in &args.zones {
            let zones = self.targets.iter().map(|target| &*target.zone).filter(|zone| zone.domain == *domain);
            let zones: Vec<&Zone> = zones.collect();
            if zones.len() > 1 && args.teams.is_empty() {
                return Err(ambiguous(format!("several teams have the zone {domain}"), &zones));
            }
        }
        Ok(())
    }

    /// Overwrites what a parameter holds, and returns the parameter's new version.
    pub(super) async fn overwrite(&self, slot: &TokenSlot, token: &ApiToken) -> Result<i64, WriteError> {
        self.parameters.write(slot.parameter(), token, slot.kms_key().map(KmsKey::as_str), true).await
    }
}

/// The zones that the arguments name, and the other zones of the teams.
fn select(
    mappings: &Mappings,
    skipped: &[Skipped],
    teams: &[TeamName],
    zones: &[Hostname],
) -> Result<(Vec<Target>, Vec<Target>), Misuse> {
    // A team whose grant can't be read exists, though the mappings don't have it.
    let is_skipped = |team: &TeamName| skipped.iter().any(|skipped| is_row_of(&skipped.key, team));
    let readable: Vec<TeamName> = teams.iter().filter(|team| !is_skipped(team)).cloned().collect();
    check_teams(mappings, &readable)?;
    let chosen = mappings.teams().filter(|team| teams.is_empty() || teams.contains(&team.name));
    let all = chosen.flat_map(|team| {
        team.zones.values().map(|zone| Target { zone: Arc::clone(zone), kms_key: team.kms_key.clone() })
    });
    let (targets, others): (Vec<Target>, Vec<Target>) =
        all.partition(|target| zones.is_empty() || zones.contains(&target.zone.domain));
    if let Some(unknown) = zones.iter().find(|domain| targets.iter().all(|target| target.zone.domain != **domain)) {
        return Err(unknown_zone(unknown, targets.iter().chain(&others).map(|target| &*target.zone)));
    }
    match targets.is_empty() {
        true => Err(Misuse("the mappings have no zones; `purge-router check` shows what they have".to_owned())),
        false => Ok((targets, others)),
    }
}

/// Whether a row is a team's, or the operators' grant to it.
fn is_row_of(row: &RowKey, team: &TeamName) -> bool {
    row.team().is_some_and(|of| of == *team)
}

/// Whether a row of these teams may declare a zone, or where its token is.
fn may_hold_zone(row: &RowKey, teams: &BTreeSet<TeamName>) -> bool {
    !matches!(row, RowKey::Mapping { .. }) && teams.iter().any(|team| is_row_of(row, team))
}
