//! `tags`: what Cloudflare needs to know about cache tags.

mod rule;

use crate::args::TagsCommand;
use crate::exit::End;

pub(super) async fn run(command: &TagsCommand) -> anyhow::Result<End> {
    match command {
        TagsCommand::Rule(args) => rule::run(args).await,
    }
}
