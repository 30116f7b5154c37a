//! What shells complete: teams, zones and revisions, from the table or the file that the command line names. A shell asks
//! on each tab, so what can't be read soon is not completed.

use std::time::Duration;

use clap::{Arg, Command};
use clap_complete::ArgValueCandidates;
use clap_complete::engine::CompletionCandidate;
use purge_router_aws::{Editor, History, load_config};
use purge_router_config::{Partition, from_toml};
use purge_router_core::Mappings;
use purge_router_core::names::TeamName;

use crate::mappings::load_table_of;

/// The variable with which a shell asks for completions.
pub(crate) const VARIABLE: &str = "PURGE_ROUTER_COMPLETE";

/// How long a shell waits for a table.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many revisions are completed.
const REVISIONS: usize = 20;

/// The command line with candidates for the arguments that take teams, zones and revisions.
pub(crate) fn with_candidates(command: Command) -> Command {
    command.mut_args(add_candidates).mut_subcommands(with_candidates)
}

fn add_candidates(argument: Arg) -> Arg {
    match argument.get_id().as_str() {
        "team" | "teams" => argument.add(ArgValueCandidates::new(teams)),
        "zone" | "zones" => argument.add(ArgValueCandidates::new(zones)),
        "revision" | "show" => argument.add(ArgValueCandidates::new(revisions)),
        _ => argument,
    }
}

/// The names of all teams.
fn teams() -> Vec<CompletionCandidate> {
    let mappings = Words::of_process().mappings().unwrap_or_default();
    mappings.teams().map(|team| CompletionCandidate::new(team.name.as_str())).collect()
}

/// The domains of all zones, or of those of `--team`.
fn zones() -> Vec<CompletionCandidate> {
    let words = Words::of_process();
    let teams = words.teams();
    let mappings = words.mappings().unwrap_or_default();
    let zones = mappings.zones().filter(|zone| teams.is_empty() || teams.contains(&zone.team));
    zones.map(|zone| CompletionCandidate::new(zone.domain.as_str()).help(Some(zone.team.to_string().into()))).collect()
}

/// The last revisions of the team of `--team`, or of the grants.
fn revisions() -> Vec<CompletionCandidate> {
    let words = Words::of_process();
    let is_of_grants = words.0.iter().any(|word| word == "grants");
    let partition = match words.teams().first() {
        _ if is_of_grants => Partition::Grants,
        Some(team) => Partition::Team(team.clone()),
        None => return Vec::new(),
    };
    let Some(table) = words.table() else { return Vec::new() };
    let history = soon(async move {
        let editor = Editor::new(&load_config().await, table).ok()?;
        editor.history(&partition, REVISIONS).await.ok()
    });
    let revisions = history.flatten().map(|History { revisions, .. }| revisions).unwrap_or_default();
    let candidate = |revision: &purge_router_aws::Revision| {
        let help = format!("{} {}", revision.record.at, revision.record.summary);
        CompletionCandidate::new(revision.revision.to_string()).help(Some(help.into()))
    };
    revisions.iter().map(candidate).collect()
}

/// The words of the command line that is being completed.
struct Words(Vec<String>);

impl Words {
    fn of_process() -> Self {
        Self(std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect())
    }

    /// The values of an option, as `--option value` or `--option=value`.
    fn values<'w>(&'w self, option: &'w str) -> impl Iterator<Item = &'w str> {
        self.0.iter().enumerate().filter_map(move |(index, word)| {
            let rest = word.strip_prefix(option)?;
            let value = if rest.is_empty() { self.0.get(index + 1)? } else { rest.strip_prefix('=')? };
            Some(value).filter(|value| !value.is_empty())
        })
    }

    fn teams(&self) -> Vec<TeamName> {
        self.values("--team").filter_map(|name| TeamName::parse(name).ok()).collect()
    }

    fn table(&self) -> Option<String> {
        let variable = || std::env::var("MAPPINGS_TABLE").ok().filter(|name| !name.is_empty());
        self.values("--table").next().map(str::to_owned).or_else(variable)
    }

    /// The mappings of the file if it is named or exists, or else of the table.
    fn mappings(&self) -> Option<Mappings> {
        let named = self.values("--mappings").next().map(str::to_owned);
        let is_named = named.is_some();
        let variable = || std::env::var("MAPPINGS_FILE").ok().filter(|name| !name.is_empty());
        let file = named.or_else(variable).unwrap_or_else(|| "mappings.toml".to_owned());
        let of_file = || from_toml(&std::fs::read_to_string(&file).ok()?).ok();
        let Some(table) = self.table().filter(|_| !is_named) else { return of_file() };
        let teams = self.teams();
        let of_table = soon(async move { load_table_of(&load_config().await, &table, &teams).await.ok() });
        of_table.flatten().map(|(mappings, _)| mappings).or_else(of_file)
    }
}

/// Waits for a short time only.
fn soon<T>(work: impl Future<Output = T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await.ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_values_in_both_spellings() {
        let words = Words(
            "purge-router run --team web --table=t --teams x --team= --team".split(' ').map(str::to_owned).collect(),
        );
        assert_eq!(words.values("--team").collect::<Vec<_>>(), ["web"]);
        assert_eq!(words.table().as_deref(), Some("t"));
    }
}
