//! `dead-letters`: what is in the dead-letter queue, why, and how it is purged after all.

mod drop;
mod examine;
mod explain;
mod list;
mod post;
mod receive;
mod redrive;

use crate::args::DeadLettersCommand;
use crate::exit::End;

pub(super) async fn run(command: &DeadLettersCommand) -> anyhow::Result<End> {
    match command {
        DeadLettersCommand::List(args) => list::run(args).await,
        DeadLettersCommand::Explain(args) => explain::run(args).await,
        DeadLettersCommand::Redrive(args) => redrive::run(args).await,
        DeadLettersCommand::Drop(args) => drop::run(args).await,
    }
}
