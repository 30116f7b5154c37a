//! The table of a command, and which of its partitions the command is about.

use std::ops::ControlFlow;

use purge_router_aws::{
    Editor, History, PartitionSnapshot, Push, PushDescription, PushError, TableError, load_patient_config, with_caller,
};
use purge_router_config::{Diff, Partition, Rows};
use purge_router_core::names::TeamName;

use crate::args::TableArgs;
use crate::exit::Misuse;
use crate::mappings::misuse;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Teams' zones, mappings and tests, each team's in a partition of its own.
    Mappings,
    /// What each team may map, all in one partition.
    Grants,
}

/// A table with its editor, and the configuration for other AWS services. If access is denied, the error says to whom.
pub(super) struct OpenTable {
    pub(super) name: String,
    pub(super) config: aws_config::SdkConfig,
    editor: Editor,
}

impl OpenTable {
    pub(super) async fn open(args: &TableArgs) -> anyhow::Result<Self> {
        let Some(name) = &args.table else {
            return Err(Misuse("name the table with --table or MAPPINGS_TABLE".to_owned()).into());
        };
        let config = load_patient_config().await;
        let editor = Editor::new(&config, name.to_owned()).map_err(misuse)?;
        Ok(Self { name: name.to_owned(), config, editor })
    }

    /// [`Editor::team`]
    pub(super) async fn team(&self, team: &TeamName) -> Result<PartitionSnapshot, TableError> {
        self.answer(self.editor.team(team).await).await
    }

    /// [`Editor::grants`]
    pub(super) async fn grants(&self) -> Result<PartitionSnapshot, TableError> {
        self.answer(self.editor.grants().await).await
    }

    /// [`Editor::history`]
    pub(super) async fn history(&self, partition: &Partition, limit: usize) -> Result<History, TableError> {
        self.answer(self.editor.history(partition, limit).await).await
    }

    /// [`Editor::document`]
    pub(super) async fn document(&self, partition: &Partition, revision: u64) -> Result<Option<Rows>, TableError> {
        self.answer(self.editor.document(partition, revision).await).await
    }

    /// [`Editor::prepare`]
    pub(super) fn prepare(
        &self,
        snapshot: &PartitionSnapshot,
        diff: &Diff,
        description: PushDescription,
        take_over: bool,
    ) -> Result<Push, PushError> {
        self.editor.prepare(snapshot, diff, description, take_over)
    }

    /// [`Editor::push_while`]
    pub(super) async fn push_while(
        &self,
        push: &Push,
        on_progress: impl Fn(usize) -> ControlFlow<()>,
    ) -> Result<(), PushError> {
        match self.editor.push_while(push, on_progress).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.push_error(error).await),
        }
    }

    async fn answer<T>(&self, answer: Result<T, TableError>) -> Result<T, TableError> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => Err(with_caller(&self.config, error).await),
        }
    }

    async fn push_error(&self, error: PushError) -> PushError {
        match error {
            PushError::Table(error) => with_caller(&self.config, error).await.into(),
            PushError::Interrupted { error, done, of } => {
                let error = Box::new(Box::pin(self.push_error(*error)).await);
                PushError::Interrupted { error, done, of }
            }
            other => other,
        }
    }
}
