//! `pull`: the table as a mapping file.

use std::collections::BTreeSet;

use anyhow::bail;
use purge_router_aws::PartitionSnapshot;
use purge_router_cloudflare::redact;
use purge_router_config::{Fields, FileOfTeam, MappingFile, Pulled, RowKey, Rows, to_toml};
use purge_router_core::names::TeamName;

use super::partitions::{document, grants, only_partition, partitions};
use super::show;
use super::target::{Kind, OpenTable};
use crate::args::PullArgs;
use crate::exit::End;
use crate::print;

/// What the printed file contains.
#[derive(Default)]
struct Content {
    /// The `pulled` line of the grants.
    grants: Option<Pulled>,
    teams: Vec<Team>,
}

struct Team {
    name: TeamName,
    /// The `pulled` line of its mappings.
    pulled: Option<Pulled>,
    grant: Option<Fields>,
    rows: Rows,
}

pub(super) async fn run(kind: Kind, args: &PullArgs) -> anyhow::Result<End> {
    let table = OpenTable::open(&args.table).await?;
    let reading = async {
        match args.revision {
            Some(revision) => of_revision(kind, &table, args, revision).await,
            None => of_now(kind, &table, args).await,
        }
    };
    let content = print::spinning(&format!("reading {}", print::escaped(&table.name)), reading).await?;
    let teams = &content.teams;
    let has = |wanted: &TeamName| {
        teams.iter().any(|team| team.name == *wanted && (team.grant.is_some() || !team.rows.is_empty()))
    };
    if let Some(team) = args.table.teams.iter().find(|team| !has(team)) {
        bail!("team {team} not found in the table {}", table.name);
    }
    if teams.is_empty() {
        let help = "`purge-router grants push` writes the first";
        print::note(&format!("the table {} has no grants yet; {help}", table.name));
    }
    print_file(&content)?;
    Ok(End::Done)
}

/// The rows after an earlier push. A push of them would undo what came later, so the file gets no `pulled` line.
async fn of_revision(kind: Kind, table: &OpenTable, args: &PullArgs, revision: u64) -> anyhow::Result<Content> {
    let (team, snapshot) = only_partition(kind, table, &args.table).await?;
    let rows = document(table, &snapshot, revision).await?;
    let teams = match team {
        Some(name) => vec![Team { name, pulled: None, grant: snapshot.grant_copy, rows }],
        None => granted(rows, |_| true).collect(),
    };
    Ok(Content { grants: None, teams })
}

async fn of_now(kind: Kind, table: &OpenTable, args: &PullArgs) -> anyhow::Result<Content> {
    let copy = fastrand::u32(..);
    let pulled_line = |snapshot: &PartitionSnapshot| Pulled::new(snapshot.revision, copy);
    let requested = &args.table.teams;
    if kind == Kind::Grants {
        let snapshot = grants(table).await?;
        warn_if_unfinished("the grants", &snapshot);
        let pulled = Some(pulled_line(&snapshot));
        let is_requested = |team: &TeamName| requested.is_empty() || requested.contains(team);
        return Ok(Content { grants: pulled, teams: granted(snapshot.rows, is_requested).collect() });
    }
    let mut content = Content::default();
    let mut names: BTreeSet<TeamName> = requested.iter().cloned().collect();
    let mut all_grants = Rows::new();
    if names.is_empty() {
        let snapshot = grants(table).await?;
        warn_if_unfinished("the grants", &snapshot);
        content.grants = Some(pulled_line(&snapshot));
        all_grants = snapshot.rows;
        names = all_grants.keys().filter_map(RowKey::team).collect();
    }
    for (name, snapshot) in partitions(table, &names).await? {
        warn_if_unfinished(&format!("team {name}"), &snapshot);
        // An operator may push the file again, so the grant itself is taken: a team may have written over its copy.
        let grant = all_grants.remove(&RowKey::Grant(name.clone())).or(snapshot.grant_copy.clone());
        let pulled = Some(pulled_line(&snapshot));
        content.teams.push(Team { name, pulled, grant, rows: snapshot.rows });
    }
    Ok(content)
}

fn warn_if_unfinished(name: &str, snapshot: &PartitionSnapshot) {
    if let Some(pending) = snapshot.pending() {
        print::warning(&format!("{name} may be half-written: {}", show::pending(pending)));
    }
}

fn granted(grants: Rows, is_wanted: impl Fn(&TeamName) -> bool) -> impl Iterator<Item = Team> {
    grants.into_iter().filter_map(move |(key, grant)| {
        let name = key.team().filter(|team| is_wanted(team))?;
        Some(Team { name, pulled: None, grant: Some(grant), rows: Rows::new() })
    })
}

fn print_file(content: &Content) -> anyhow::Result<()> {
    let files = content.teams.iter().map(|team| FileOfTeam {
        team: &team.name,
        pulled: team.pulled.clone(),
        grant: team.grant.as_ref(),
        rows: &team.rows,
    });
    let text = to_toml(content.grants.as_ref(), files)?;
    let shown = redact(&text);
    if shown != text {
        let help = "replace the token, and fix the row";
        print::warning(&format!("the table holds what looks like a token, which is not printed: {help}"));
    }
    let is_empty = content.teams.is_empty();
    let checked = MappingFile::parse(&text).and_then(|file| file.check());
    let problems = if is_empty { 0 } else { checked.err().map_or(0, |problems| problems.len()) };
    if problems > 0 {
        let count = print::count(problems, "problem");
        let help = "`check --mappings FILE` shows what is wrong";
        print::warning(&format!("a push would refuse this file, because it has {count}; {help}"));
    }
    print::document(shown.trim_end());
    Ok(())
}
