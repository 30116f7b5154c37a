//! Loading mappings from a file or a table.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use aws_config::SdkConfig;
use purge_router_aws::{DynamoMappings, Editor, Lookup, TableError, load_patient_config, with_caller};
use purge_router_config::{Row, RowKey, Skipped};
use purge_router_core::Mappings;
use purge_router_core::names::{BucketName, TeamName};
use purge_router_pipeline::Clock;

use crate::args::{DEFAULT_FILE, MappingsArg, MappingsSource};
use crate::exit::Misuse;
use crate::input::{bytes_of, is_stdin, shown};
use crate::problems::{draw, line_of};
use crate::zone_choice::check_teams;
use crate::{print, shutdown};

/// How long a table may take to answer for the buckets of an event. It is also the TTL of the answer, which must be
/// longer than the command needs it.
const TABLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Loads the mappings of these teams, or of all, from a file or a table. Problems are printed to standard error; `None`: the
/// file has problems. Of a table, a caller that may not read all of it gets those of the teams that it names.
pub(crate) async fn load(args: &MappingsArg, teams: &[TeamName]) -> anyhow::Result<Option<Mappings>> {
    match named_source(args)? {
        MappingsSource::File(path, _) => load_file_of(&path, teams).await,
        MappingsSource::Table(table, _) => {
            let config = load_patient_config().await;
            load_table(&config, &table, teams).await.map(Some)
        }
    }
}

/// Loads the mappings of these teams, or of all, from a table, and warns about skipped rows. A caller that may not read all of
/// it gets those of the teams that it names.
pub(crate) async fn load_table(config: &SdkConfig, table: &str, teams: &[TeamName]) -> anyhow::Result<Mappings> {
    let (mappings, mut skipped) = load_table_of(config, table, teams).await?;
    skipped.retain(|skipped| is_of_teams(&skipped.key, teams));
    warn(&skipped);
    only_of_teams(mappings, teams)
}

/// Loads the mappings of these buckets, as the function does; of these teams, or of all.
pub(crate) async fn load_of_buckets(
    args: &MappingsArg,
    teams: &[TeamName],
    buckets: BTreeSet<BucketName>,
) -> anyhow::Result<Option<Mappings>> {
    match named_source(args)? {
        MappingsSource::File(path, _) => load_file_of(&path, teams).await,
        MappingsSource::Table(table, _) => {
            let config = load_patient_config().await;
            load_table_of_buckets(&config, &table, teams, buckets).await.map(Some)
        }
    }
}

/// The same from a table.
pub(crate) async fn load_table_of_buckets(
    config: &SdkConfig,
    table: &str,
    teams: &[TeamName],
    buckets: BTreeSet<BucketName>,
) -> anyhow::Result<Mappings> {
    let clock = Clock::system();
    let store = DynamoMappings::new(config, table.to_owned(), TABLE_TIMEOUT, clock.clone()).map_err(misuse)?;
    let Lookup { mappings, unreadable, skipped, .. } = store.lookup(buckets, clock.now() + TABLE_TIMEOUT).await;
    let names: Vec<String> = unreadable.keys().map(ToString::to_string).collect();
    let error = unreadable.into_values().next();
    if let Some(TableError::Denied(_)) = error
        && !teams.is_empty()
    {
        return load_table(config, table, teams).await;
    }
    if let Some(error) = error {
        let noun = if names.len() == 1 { "bucket" } else { "buckets" };
        let error = only_for_operators(with_caller(config, error).await);
        return Err(error.context(format!("can't read the mappings of {noun} {}", names.join(", "))));
    }
    warn(skipped.iter().flat_map(|rows| rows.iter()).filter(|skipped| is_of_teams(&skipped.key, teams)));
    // A team without a mapping of these buckets is not among those that were read.
    Ok(kept_of_teams(mappings, teams))
}

/// The buckets of all mappings that the caller may read, for a suggestion: none if they can't be read.
pub(crate) async fn other_buckets(args: &MappingsArg, teams: &[TeamName]) -> BTreeSet<BucketName> {
    let Ok(MappingsSource::Table(table, _)) = args.source() else { return BTreeSet::new() };
    let loaded = load_table_of(&load_patient_config().await, &table, teams).await;
    let all = loaded.map(|(mappings, _)| mappings.all().iter().map(|it| it.source.bucket.clone()).collect());
    all.unwrap_or_default()
}

/// The source of the mappings, which is named on standard error: what a command says holds for nothing else.
pub(crate) fn named_source(args: &MappingsArg) -> anyhow::Result<MappingsSource> {
    Ok(named(args.source()?))
}

/// This source, after it was named on standard error.
pub(crate) fn named(source: MappingsSource) -> MappingsSource {
    print::note(&format!("mappings: {}", print::escaped(&source.to_string())));
    source
}

/// The option that names this source in another command, such as ` --table prod`.
pub(crate) fn option_of(source: &MappingsSource) -> String {
    match source {
        MappingsSource::File(path, _) => option_of_file(path),
        MappingsSource::Table(table, _) => format!(" --table {}", print::quoted(table)),
    }
}

/// The same of a file. Standard input can't be read again.
pub(crate) fn option_of_file(path: &Path) -> String {
    if is_stdin(path) {
        return " --mappings FILE".to_owned();
    }
    format!(" --mappings {}", print::quoted(&path.to_string_lossy()))
}

fn only_of_teams(mappings: Mappings, teams: &[TeamName]) -> anyhow::Result<Mappings> {
    check_teams(&mappings, teams)?;
    Ok(kept_of_teams(mappings, teams))
}

fn kept_of_teams(mappings: Mappings, teams: &[TeamName]) -> Mappings {
    match teams.is_empty() {
        true => mappings,
        false => mappings.only(|mapping| teams.contains(&mapping.team)),
    }
}

/// Loads all mappings of a table or, for a caller that may not read all of it, those of these teams.
pub(crate) async fn load_table_of(
    config: &SdkConfig,
    table: &str,
    teams: &[TeamName],
) -> anyhow::Result<(Mappings, Vec<Skipped>)> {
    Ok(purge_router_config::from_rows(&load_rows(config, table, teams).await?))
}

/// Loads the rows of all grants, zones, mappings and tests or, for a caller that may not read all of them, those of these
/// teams.
pub(crate) async fn load_rows(config: &SdkConfig, table: &str, teams: &[TeamName]) -> anyhow::Result<Vec<Row>> {
    let editor = Editor::new(config, table.to_owned()).map_err(misuse)?;
    match editor.all_rows().await {
        Ok(rows) => Ok(rows),
        // A team can write the copy of its grant that is in its partition. That is good enough for a caller with no
        // more rights than the team; a caller with more rights, whom it could mislead, reads the grants themselves.
        Err(TableError::Denied(_)) if !teams.is_empty() => rows_of_teams(config, &editor, table, teams).await,
        Err(error) => Err(only_for_operators(with_caller(config, error).await)),
    }
}

/// The rows of these teams, each with the copy of its grant.
async fn rows_of_teams(
    config: &SdkConfig,
    editor: &Editor,
    table: &str,
    teams: &[TeamName],
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for team in teams {
        let snapshot = match editor.team(team).await {
            Ok(snapshot) => snapshot,
            Err(error) => return Err(with_caller(config, error).await.into()),
        };
        let grant = snapshot.grant_copy.ok_or_else(|| no_grant(team, table))?;
        rows.push(Row { key: RowKey::Grant(team.clone()), fields: grant });
        rows.extend(snapshot.rows.into_iter().map(|(key, fields)| Row { key, fields }));
    }
    Ok(rows)
}

/// The error for a team without a grant in this table.
pub(crate) fn no_grant(team: &TeamName, table: &str) -> anyhow::Error {
    let help = "the operator writes one with `purge-router grants push`";
    anyhow::anyhow!("team {team} has no grant in the table {table}: {help}")
}

/// Whether a row belongs to one of these teams, or to none; without teams, every row does.
pub(crate) fn is_of_teams(key: &RowKey, teams: &[TeamName]) -> bool {
    teams.is_empty() || key.team().is_none_or(|team| teams.contains(&team))
}

/// Adds to a denial how a team, which may read only its own rows, gets its mappings.
pub(crate) fn only_for_operators(error: TableError) -> anyhow::Error {
    let help = "only operators can read the whole table: name your team with --team";
    match error {
        TableError::Denied(_) => anyhow::anyhow!("{error}; {help}"),
        error => error.into(),
    }
}

/// An error that is the caller's to fix.
pub(crate) fn misuse(error: impl std::fmt::Display) -> Misuse {
    Misuse(error.to_string())
}

/// Warns about the rows that the function skips, with the reasons.
pub(crate) fn warn<'s>(skipped: impl IntoIterator<Item = &'s Skipped>) {
    for problem in skipped.into_iter().flat_map(|skipped| &skipped.problems) {
        print::warning(&format!("skipped row: {}", line_of(problem)));
    }
}

/// Loads the mappings of these teams, or of all, from a file. Its problems are printed to standard error.
pub(crate) async fn load_file_of(path: &Path, teams: &[TeamName]) -> anyhow::Result<Option<Mappings>> {
    load_file(path).await?.map(|mappings| only_of_teams(mappings, teams)).transpose()
}

/// Loads all mappings of a file. Its problems are printed to standard error.
pub(crate) async fn load_file(path: &Path) -> anyhow::Result<Option<Mappings>> {
    let text = read(path).await?;
    match purge_router_config::from_toml(&text) {
        Ok(mappings) => Ok(Some(mappings)),
        Err(problems) => {
            draw(path, &text, &problems);
            Ok(None)
        }
    }
}

/// Reads the text of a mapping file, or of standard input for `-`.
pub(crate) async fn read(path: &Path) -> anyhow::Result<String> {
    let path = path.to_owned();
    let read = shutdown::blocking(move || {
        let shown = shown(&path);
        let hint = match path.as_os_str() == DEFAULT_FILE {
            true => "; name it with --mappings or MAPPINGS_FILE; `purge-router init` writes an example",
            false => "",
        };
        let bytes =
            bytes_of(&path).map_err(|error| Misuse(format!("can't read the mapping file {shown}: {error}{hint}")))?;
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            anyhow::anyhow!("the mapping file {shown} is not UTF-8 at byte {at}; save it as UTF-8")
        })
    });
    read.await
}
