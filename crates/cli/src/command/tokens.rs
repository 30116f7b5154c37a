//! `tokens`: checks the tokens of zones, stores them, and replaces them without a gap.

mod cleanup;
mod context;
mod credentials;
mod inspect;
mod probe;
mod put;
mod relative_time;
mod report;
mod roll;
mod rotate;
mod rotation_name;
mod slot;
mod status;
mod verify;

pub(super) use probe::{cannot_purge, try_purge};

use crate::args::TokensCommand;
use crate::exit::End;

pub(super) async fn run(command: &TokensCommand) -> anyhow::Result<End> {
    match command {
        TokensCommand::Verify(args) => verify::run(args).await,
        TokensCommand::Status(args) => status::run(args).await,
        TokensCommand::Put(args) => put::run(args).await,
        TokensCommand::Rotate(args) => rotate::run(args).await,
    }
}
