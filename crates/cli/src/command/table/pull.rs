//! `pull`: the table as a mapping file.

use std::collections::BTreeSet;

use anyhow::bail;
use purge_router_cloudflare::redact;
use purge_router_core::names::TeamName;
use purge_router_core::{Fields, Mappings, Rows, to_toml};

use super::edits::{grants, partition_of, partitions};
use super::{Kind, Table};
use crate::args::PullArgs;
use crate::{End, print};

pub(super) async fn run(kind: Kind, args: &PullArgs) -> anyhow::Result<End> {
    let table = Table::open(&args.table.table).await?;
    let mut teams: Vec<(TeamName, Option<Fields>, Rows)> = Vec::new();
    match (kind, args.revision) {
        (_, Some(revision)) => {
            let (team, partition) = partition_of(kind, &table, &args.table).await?;
            let Some(rows) = table.editor.document(&partition.name, revision).await? else {
                bail!("there is no revision {revision} of {}; `history` lists those that there are", partition.name);
            };
            match team {
                Some(team) => teams.push((team, partition.grant, rows)),
                None => teams.extend(granted(rows, |_| true)),
            }
        }
        (Kind::Grants, None) => {
            let is_wanted = |team: &TeamName| args.table.teams.is_empty() || args.table.teams.contains(team);
            teams.extend(granted(grants(&table).await?.rows, is_wanted));
        }
        (Kind::Mappings, None) => {
            let mut wanted: BTreeSet<TeamName> = args.table.teams.iter().cloned().collect();
            let mut of_all = Rows::new();
            if wanted.is_empty() {
                of_all = grants(&table).await?.rows;
                wanted = of_all.keys().filter_map(|name| TeamName::parse(name).ok()).collect();
            }
            let partitions = partitions(&table.editor, &wanted).await?;
            teams.extend(partitions.into_iter().map(|(team, partition)| {
                // What an operator may push again must not be a copy that a team could write over.
                let grant = of_all.get(team.as_str()).cloned().or(partition.grant);
                (team, grant, partition.rows)
            }));
        }
    }
    let is_there =
        |team: &TeamName| teams.iter().any(|(name, grant, rows)| name == team && (grant.is_some() || !rows.is_empty()));
    if let Some(team) = args.table.teams.iter().find(|team| !is_there(team)) {
        bail!("the table {} has nothing of team {team}", table.name);
    }
    if teams.is_empty() {
        print::note(&format!(
            "the table {} has no grants yet; `purge-router grants push` writes the first",
            table.name
        ));
    }
    let text = to_toml(teams.iter().map(|(team, grant, rows)| (team, grant.as_ref(), rows)));
    let text = text.map_err(anyhow::Error::msg)?;
    let shown = redact(&text);
    if shown != text {
        print::warning(
            "the table holds what looks like a token, which is not printed: replace the token, and mend the row",
        );
    }
    let problems = if teams.is_empty() { 0 } else { Mappings::from_toml(&text).err().map_or(0, |all| all.len()) };
    if problems > 0 {
        let count = print::count(problems, "problem");
        print::warning(&format!(
            "a push refuses this until what is wrong in it ({count}) is mended; `check --mappings FILE` tells it"
        ));
    }
    print::out(shown.trim_end());
    Ok(End::Done)
}

fn granted(
    grants: Rows,
    is_wanted: impl Fn(&TeamName) -> bool,
) -> impl Iterator<Item = (TeamName, Option<Fields>, Rows)> {
    let named = grants.into_iter().filter_map(|(name, grant)| Some((TeamName::parse(&name).ok()?, grant)));
    named.filter(move |(team, _)| is_wanted(team)).map(|(team, grant)| (team, Some(grant), Rows::new()))
}
