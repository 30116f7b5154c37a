//! The table of a command, and which of its partitions the command is about.

use purge_router_aws::{Editor, load_patient_config};

use crate::args::TableArgs;
use crate::exit::Misuse;
use crate::mappings::misuse;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Teams' zones and mappings, each team's in a partition of its own.
    Mappings,
    /// What each team may map, all in one partition.
    Grants,
}

/// A table with its editor, and the configuration for other AWS services.
pub(super) struct OpenTable {
    pub(super) name: String,
    pub(super) config: aws_config::SdkConfig,
    pub(super) editor: Editor,
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
}
