//! What a file, or an earlier revision, would change in the table: one edit for each partition.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_aws::{Editor, Partition, Stamp};
use purge_router_config::{
    Checksum, Diff, Fields, FileOfTeam, MappingFile, Problem, Pulled, Row, RowKey, Rows, TeamTables, rows_of, to_toml,
};
use purge_router_core::names::TeamName;

use super::{Kind, Table};
use crate::args::TableArgs;
use crate::mappings::{draw, read};
use crate::{Misuse, print};

/// How many partitions are read side by side.
const PARTITIONS: usize = 16;

/// What is to be written to one partition.
pub(super) struct Edit {
    /// Whose partition it is; none: all teams' grants.
    pub(super) team: Option<TeamName>,
    pub(super) partition: Partition,
    /// From what is there to what shall be.
    pub(super) diff: Diff,
    /// From what the last push left to what is there.
    pub(super) drift: Diff,
    /// The checksum of what shall be.
    document: Checksum,
    /// What the file does not name, and would go.
    pub(super) unnamed: Vec<TeamName>,
    /// From what the file was pulled.
    pub(super) pulled: Option<Pulled>,
}

impl Edit {
    async fn new(editor: &Editor, team: Option<TeamName>, partition: Partition, after: &Rows) -> anyhow::Result<Self> {
        if let Some(key) = partition.later_versions().next() {
            bail!("the row {key} is of a later version than this release writes; use a later release");
        }
        let mut drift = Diff::default();
        // While a push is under way, nobody knows what its rows were.
        if let Some(head) = &partition.head
            && head.pending.is_none()
            && partition.is_edited()
        {
            let revision = head.revision;
            match editor.document(&partition.name, revision).await {
                Ok(Some(left)) => drift = Diff::between(&left, &partition.rows),
                unknown => {
                    let reason = unknown.err().map_or_else(|| "it is not there".to_owned(), |error| error.to_string());
                    print::warning(&format!(
                        "rows of {} were edited since revision {revision}, and which of them is not known, because its \
                         document can't be read: {reason}",
                        partition.name
                    ));
                }
            }
        }
        let diff = Diff::between(&partition.rows, after);
        let document = Checksum::of(after);
        Ok(Self { team, partition, diff, drift, document, unnamed: Vec::new(), pulled: None })
    }

    /// For people.
    pub(super) fn name(&self) -> String {
        self.team.as_ref().map_or_else(|| "grants".to_owned(), |team| format!("team {team}"))
    }

    /// Whether there is anything to push: a difference, what was edited elsewhere, a push that broke off, or a copy of a
    /// grant that says something else.
    pub(super) fn is_needed(&self) -> bool {
        let is_pending = self.pending().is_some();
        !self.diff.is_empty() || self.partition.is_edited() || is_pending || !self.partition.stale_copies.is_empty()
    }

    pub(super) fn pending(&self) -> Option<&Stamp> {
        self.partition.head.as_ref()?.pending.as_ref()
    }

    fn last(&self) -> Option<&Stamp> {
        self.partition.head.as_ref()?.last.as_ref()
    }

    /// Who pushed since the file was pulled, from another file.
    pub(super) fn pushed_since(&self) -> Option<String> {
        let pulled = self.pulled.as_ref().filter(|pulled| self.partition.is_past(pulled))?;
        let by = self.last().map(|last| format!(" by {} at {} ({})", last.by, last.at, last.summary));
        let (then, now, by) = (pulled.revision, self.partition.revision, by.unwrap_or_default());
        Some(print::escaped(&format!("the file was pulled at revision {then}, and now there is revision {now}{by}")))
    }

    /// The revision that this goes on from, and the checksum of what there is to write; none where there is nothing.
    pub(super) fn checksum(&self) -> Option<(u64, String)> {
        (!self.diff.is_empty()).then(|| (self.partition.revision, self.diff.checksum()))
    }

    /// The same as it was when this was approved, if that was begun, or done, and nobody has written since.
    pub(super) fn checksum_of_approved(&self, approved: &str) -> Option<(u64, String)> {
        let revision = self.partition.revision;
        let begun = match self.pending() {
            Some(begun) => Some((revision, begun)).filter(|(_, it)| it.document == self.document.to_string()),
            None => self.last().filter(|_| !self.is_needed()).map(|last| (revision.saturating_sub(1), last)),
        };
        let begun = begun.filter(|(_, it)| it.approval == approved && !self.partition.is_edited());
        begun.map_or_else(|| self.checksum(), |(revision, begun)| Some((revision, begun.diff.clone())))
    }
}

/// The edits that a mapping file asks for. Its problems go to standard error; `None` says that there were some.
pub(super) async fn of_file(
    kind: Kind,
    table: &Table,
    args: &TableArgs,
    path: &Path,
) -> anyhow::Result<Option<Vec<Edit>>> {
    let text = read(path)?;
    let mut file = match MappingFile::parse(&text) {
        Ok(file) => file,
        Err(problems) => return drawn(path, &text, &problems),
    };
    if !args.teams.is_empty() {
        file.keep(|name| args.teams.iter().any(|team| team.as_str() == name));
    }
    // A bad name has a problem of its own, which the reading tells.
    let named: BTreeSet<TeamName> = file.teams().into_iter().filter_map(|name| TeamName::parse(name).ok()).collect();
    let teams: BTreeSet<TeamName> =
        if args.teams.is_empty() { named.clone() } else { args.teams.iter().cloned().collect() };
    let is_empty = file.teams().is_empty();
    let unnamed: Vec<TeamName> = teams.difference(&named).cloned().collect();
    match kind {
        Kind::Mappings => {
            let partitions = partitions(table, &teams).await?;
            for (team, partition) in &partitions {
                if unnamed.contains(team) {
                    there_is(&table.name, team, !partition.rows.is_empty())?;
                    continue;
                }
                let Some(grant) = &partition.grant else { bail!(no_grant(table, team)) };
                if !is_grant(team, grant) {
                    let help = "the operator's next `purge-router grants push` writes it anew";
                    bail!("what team {team} is granted, the row TEAM#{team}/GRANT, can't be read; {help}");
                }
                let written = file.grant(team);
                if named.contains(team) && !written.is_empty() && written != *grant {
                    let help = "what the table says of its grant holds, and only `grants push` writes that";
                    print::warning(&format!("team {team} is not granted what the file says: {help}"));
                }
                file.set_grant(team, grant);
            }
            if let (false, Err(problems)) = (is_empty && !args.teams.is_empty(), file.read()) {
                return drawn(path, &text, &problems);
            }
            let edits = partitions.into_iter().map(|(team, partition)| {
                let after = rows_of(file.tables(&team), &partition.rows);
                let unnamed = unnamed.iter().filter(|name| **name == team).cloned().collect();
                let pulled = file.pulled(Some(&team));
                async move {
                    let edit = Edit::new(&table.editor, Some(team), partition, &after).await?;
                    anyhow::Ok(Edit { unnamed, pulled, ..edit })
                }
            });
            Ok(Some(stream::iter(edits).buffered(PARTITIONS).try_collect().await?))
        }
        Kind::Grants => {
            if let (false, Err(problems)) = (is_empty && !args.teams.is_empty(), file.read()) {
                return drawn(path, &text, &problems);
            }
            if let (None, Some(team)) = (file.pulled(None), named.iter().find(|team| file.pulled(Some(team)).is_some()))
            {
                let help = "pull with `purge-router grants pull`, and push that";
                bail!("the file was pulled by team {team}, and says of its grant what the team may write: {help}");
            }
            let partition = grants(table).await?;
            for team in &unnamed {
                there_is(&table.name, team, partition.rows.contains_key(team.as_str()))?;
            }
            let stay = partition.rows.keys().filter(|name| !teams.iter().any(|team| team.as_str() == *name));
            let stay: Vec<&str> = stay.map(String::as_str).collect();
            if !stay.is_empty() {
                let names = stay.join(", ");
                print::note(&format!("the file does not name {names}: what they are granted stays"));
            }
            let mut after = partition.rows.clone();
            after.retain(|name, _| !teams.iter().any(|team| team.as_str() == name));
            after.extend(named.iter().map(|team| (team.to_string(), file.grant(team))));
            if !grants_agree(&after)? {
                return Ok(None);
            }
            let edit = Edit::new(&table.editor, None, partition, &after).await?;
            let edit = Edit { unnamed, pulled: file.pulled(None), ..edit };
            tell_of_orphans(&table.editor, &edit).await?;
            Ok(Some(vec![edit]))
        }
    }
}

fn no_grant(table: &Table, team: &TeamName) -> String {
    let help = "the operator writes one with `purge-router grants push`";
    format!("team {team} has no grant in the table {}: {help}", table.name)
}

/// Whether a team's grant can be read.
fn is_grant(team: &TeamName, grant: &Fields) -> bool {
    let row = Row { key: RowKey::grant(team), fields: grant.clone() };
    purge_router_config::from_rows([&row]).1.is_empty()
}

fn there_is(table: &str, team: &TeamName, is_there: bool) -> anyhow::Result<()> {
    match is_there {
        true => Ok(()),
        false => bail!("neither the file nor the table {table} has anything of team {team}"),
    }
}

/// Tells which teams would map what they are not granted any more: the function leaves it out.
async fn tell_of_orphans(editor: &Editor, edit: &Edit) -> anyhow::Result<()> {
    let changed = edit.diff.changed.iter().map(|(name, changed)| (name, Some(&changed.after)));
    let less: Vec<_> = changed.chain(edit.diff.removed.keys().map(|name| (name, None))).collect();
    let less = less.into_iter().filter_map(|(name, grant)| Some((TeamName::parse(name).ok()?, grant)));
    for (team, grant) in less {
        let partition = editor.team(&team).await?;
        let of_team =
            partition.rows.into_iter().map(|(sort, fields)| Row { key: RowKey::new(&partition.name, sort), fields });
        let granted = grant.map(|grant| Row { key: RowKey::grant(&team), fields: grant.clone() });
        let rows: Vec<Row> = of_team.chain(granted).collect();
        let (_, skipped) = purge_router_config::from_rows(&rows);
        let lost = skipped.iter().filter(|skipped| skipped.key.sort.starts_with(RowKey::MAPPING)).count();
        if lost > 0 {
            let count = print::count(lost, "mapping");
            let under = if grant.is_some() { "under this grant" } else { "without its grant" };
            print::warning(&format!("the function leaves out {count} of team {team} {under}"));
        }
    }
    Ok(())
}

/// The edit that brings back what a push left.
pub(super) async fn of_revision(
    kind: Kind,
    table: &Table,
    args: &TableArgs,
    revision: u64,
) -> anyhow::Result<Option<Vec<Edit>>> {
    let (team, partition) = partition_of(kind, table, args).await?;
    let rows = document(table, &partition, revision).await?;
    let is_valid = match &team {
        None => grants_agree(&rows)?,
        Some(team) if partition.grant.is_none() => bail!(no_grant(table, team)),
        Some(team) => {
            let file = FileOfTeam { team, pulled: None, grant: partition.grant.as_ref(), rows: &rows };
            let text = to_toml(None, [file]).map_err(anyhow::Error::msg)?;
            told(&format!("revision {revision} is not valid under what team {team} is granted now"), &text)
        }
    };
    if !is_valid {
        return Ok(None);
    }
    let after = if team.is_some() { rows_of(tables(&rows), &partition.rows) } else { rows };
    let edit = Edit::new(&table.editor, team, partition, &after).await?;
    if kind == Kind::Grants {
        tell_of_orphans(&table.editor, &edit).await?;
    }
    Ok(Some(vec![edit]))
}

/// The one partition that a command is about.
pub(super) async fn partition_of(
    kind: Kind,
    table: &Table,
    args: &TableArgs,
) -> anyhow::Result<(Option<TeamName>, Partition)> {
    match (kind, &args.teams[..]) {
        (Kind::Mappings, [team]) => {
            let partition = table.editor.team(team).await.with_context(|| rows_of_team(team, &table.name))?;
            Ok((Some(team.clone()), partition))
        }
        (Kind::Mappings, _) => Err(Misuse("name the one team with --team".to_owned()).into()),
        (Kind::Grants, []) => Ok((None, grants(table).await?)),
        (Kind::Grants, _) => {
            Err(Misuse("the grants of all teams have one history: leave --team out".to_owned()).into())
        }
    }
}

/// The rows of a partition as they were after a push.
pub(super) async fn document(table: &Table, partition: &Partition, revision: u64) -> anyhow::Result<Rows> {
    match table.editor.document(&partition.name, revision).await? {
        Some(rows) => Ok(rows),
        None => bail!("there is no revision {revision} of {}; `history` lists those that there are", partition.name),
    }
}

/// The partition of all grants.
pub(super) async fn grants(table: &Table) -> anyhow::Result<Partition> {
    table.editor.grants().await.context(
        "the grants of all teams, which are for operators; a team sees its own with `mappings pull --team NAME`",
    )
}

/// The partitions of some teams.
pub(super) async fn partitions(
    table: &Table,
    teams: &BTreeSet<TeamName>,
) -> anyhow::Result<Vec<(TeamName, Partition)>> {
    let reads = teams.iter().cloned().map(|team| async move {
        let partition = table.editor.team(&team).await.with_context(|| rows_of_team(&team, &table.name))?;
        anyhow::Ok((team, partition))
    });
    stream::iter(reads).buffered(PARTITIONS).try_collect().await
}

fn rows_of_team(team: &TeamName, table: &str) -> String {
    format!("the rows of team {team} in the table {table}")
}

fn tables(rows: &Rows) -> TeamTables {
    let zone = |(sort, fields): (&String, &Fields)| Some((sort.strip_prefix(RowKey::ZONE)?.to_owned(), fields.clone()));
    let mappings = rows.iter().filter(|(sort, _)| sort.starts_with(RowKey::MAPPING));
    TeamTables {
        zones: rows.iter().filter_map(zone).collect(),
        mappings: mappings.map(|(_, fields)| fields.clone()).collect(),
    }
}

/// Whether all grants together are valid: no two teams may share a folder of tokens.
fn grants_agree(grants: &Rows) -> anyhow::Result<bool> {
    let none = Rows::new();
    let teams: Vec<(TeamName, &Fields)> =
        grants.iter().filter_map(|(name, grant)| Some((TeamName::parse(name).ok()?, grant))).collect();
    if teams.is_empty() {
        return Ok(true);
    }
    let files = teams.iter().map(|(team, grant)| FileOfTeam { team, pulled: None, grant: Some(*grant), rows: &none });
    let text = to_toml(None, files).map_err(anyhow::Error::msg)?;
    Ok(told("the grants in the table and those of the file do not agree", &text))
}

/// Whether a text that no file holds is valid; its problems go to standard error.
fn told(what: &str, text: &str) -> bool {
    let Err(problems) = purge_router_config::from_toml(text) else { return true };
    for problem in &problems {
        print::error(&print::escaped(&problem.to_string()));
    }
    print::error(what);
    false
}

fn drawn<T>(path: &Path, text: &str, problems: &[Problem]) -> anyhow::Result<Option<T>> {
    draw(path, text, problems);
    Ok(None)
}
