//! `mappings` and `grants`: what a table holds is shown, compared with a file, written, and brought back.

mod all_history;
mod disabled_mappings;
mod dropped_tests;
mod edit;
mod from_file;
mod from_revision;
mod history;
mod list;
mod partitions;
mod pull;
mod push;
mod show;
mod target;

pub(crate) use target::Kind;

use crate::args::EditCommand;
use crate::exit::End;

pub(crate) async fn run(kind: Kind, command: &EditCommand) -> anyhow::Result<End> {
    match command {
        EditCommand::List(args) => list::run(kind, args).await,
        EditCommand::Pull(args) => pull::run(kind, args).await,
        EditCommand::Diff(args) => push::diff(kind, args).await,
        EditCommand::Push(args) => push::run(kind, args).await,
        EditCommand::History(args) => history::run(kind, args).await,
        EditCommand::Rollback(args) => push::rollback(kind, args).await,
    }
}
