//! `pull`: the table as a mapping file.

use std::collections::BTreeSet;

use anyhow::bail;
use purge_router_aws::Partition;
use purge_router_cloudflare::redact;
use purge_router_config::{Fields, FileOfTeam, Pulled, Rows, to_toml};
use purge_router_core::names::TeamName;

use super::edits::{document, grants, partition_of, partitions};
use super::{Kind, Table};
use crate::args::PullArgs;
use crate::{End, print};

pub(super) async fn run(kind: Kind, args: &PullArgs) -> anyhow::Result<End> {
    let table = Table::open(&args.table).await?;
    let mut teams: Vec<(TeamName, Option<Pulled>, Option<Fields>, Rows)> = Vec::new();
    let copy = fastrand::u32(..);
    let pulled = |partition: &Partition| Pulled::new(partition.revision, copy);
    let mut of_grants = None;
    match (kind, args.revision) {
        (_, Some(revision)) => {
            let (team, partition) = partition_of(kind, &table, &args.table).await?;
            let rows = document(&table, &partition, revision).await?;
            match team {
                // Who pushes an earlier revision means to undo what came later.
                Some(team) => teams.push((team, None, partition.grant, rows)),
                None => teams.extend(granted(rows, |_| true)),
            }
        }
        (Kind::Grants, None) => {
            let is_wanted = |team: &TeamName| args.table.teams.is_empty() || args.table.teams.contains(team);
            let partition = grants(&table).await?;
            of_grants = Some(pulled(&partition));
            teams.extend(granted(partition.rows, is_wanted));
        }
        (Kind::Mappings, None) => {
            let mut wanted: BTreeSet<TeamName> = args.table.teams.iter().cloned().collect();
            let mut of_all = Rows::new();
            if wanted.is_empty() {
                let partition = grants(&table).await?;
                of_grants = Some(pulled(&partition));
                of_all = partition.rows;
                wanted = of_all.keys().filter_map(|name| TeamName::parse(name).ok()).collect();
            }
            let partitions = partitions(&table, &wanted).await?;
            teams.extend(partitions.into_iter().map(|(team, partition)| {
                // What an operator may push again must not be a copy that a team could write over.
                let pulled = Some(pulled(&partition));
                let grant = of_all.get(team.as_str()).cloned().or(partition.grant);
                (team, pulled, grant, partition.rows)
            }));
        }
    }
    let is_there = |team: &TeamName| {
        teams.iter().any(|(name, _, grant, rows)| name == team && (grant.is_some() || !rows.is_empty()))
    };
    if let Some(team) = args.table.teams.iter().find(|team| !is_there(team)) {
        bail!("the table {} has nothing of team {team}", table.name);
    }
    if teams.is_empty() {
        print::note(&format!(
            "the table {} has no grants yet; `purge-router grants push` writes the first",
            table.name
        ));
    }
    let files = teams.iter().map(|(team, pulled, grant, rows)| FileOfTeam {
        team,
        pulled: pulled.clone(),
        grant: grant.as_ref(),
        rows,
    });
    let text = to_toml(of_grants.as_ref(), files);
    let text = text.map_err(anyhow::Error::msg)?;
    let shown = redact(&text);
    if shown != text {
        print::warning(
            "the table holds what looks like a token, which is not printed: replace the token, and mend the row",
        );
    }
    let problems =
        if teams.is_empty() { 0 } else { purge_router_config::from_toml(&text).err().map_or(0, |all| all.len()) };
    if problems > 0 {
        let count = print::count(problems, "problem");
        print::warning(&format!(
            "a push refuses this until what is wrong in it ({count}) is mended; `check --mappings FILE` tells it"
        ));
    }
    print::document(shown.trim_end());
    Ok(End::Done)
}

fn granted(
    grants: Rows,
    is_wanted: impl Fn(&TeamName) -> bool,
) -> impl Iterator<Item = (TeamName, Option<Pulled>, Option<Fields>, Rows)> {
    let named = grants.into_iter().filter_map(|(name, grant)| Some((TeamName::parse(&name).ok()?, grant)));
    named.filter(move |(team, _)| is_wanted(team)).map(|(team, grant)| (team, None, Some(grant), Rows::new()))
}
