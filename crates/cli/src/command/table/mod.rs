//! `mappings` and `grants`: what a table holds is shown, compared with a file, written, and brought back.

mod edits;
mod history;
mod pull;
mod push;
mod show;

use purge_router_aws::{Editor, load_patient_config};

use crate::args::{EditCommand, TableArgs};
use crate::mappings::misuse;
use crate::{End, Misuse};

/// What is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Teams' zones and mappings, each team's in a partition of its own.
    Mappings,
    /// What each team may map, all in one partition.
    Grants,
}

/// A table to be edited, and how AWS is reached.
struct Table {
    name: String,
    config: aws_config::SdkConfig,
    editor: Editor,
}

impl Table {
    async fn open(args: &TableArgs) -> anyhow::Result<Self> {
        let Some(name) = &args.table else {
            return Err(Misuse("name the table with --table or MAPPINGS_TABLE".to_owned()).into());
        };
        let config = load_patient_config().await;
        let editor = Editor::new(&config, name.to_owned()).map_err(misuse)?;
        Ok(Self { name: name.to_owned(), config, editor })
    }
}

pub(crate) async fn run(kind: Kind, command: &EditCommand) -> anyhow::Result<End> {
    match command {
        EditCommand::Pull(args) => pull::run(kind, args).await,
        EditCommand::Diff(args) => push::diff(kind, args).await,
        EditCommand::Push(args) => push::run(kind, args).await,
        EditCommand::History(args) => history::run(kind, args).await,
        EditCommand::Rollback(args) => push::rollback(kind, args).await,
    }
}
