//! Arguments of `explain`, `plan` and `run`: an object or an event, and how to send.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use purge_router_core::{Change, ChangeKind};

use crate::args::mappings::MappingsArg;

#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  purge-router explain s3://assets.website.com/uk/css/app.css --event removed\n  aws sqs receive-message --queue-url URL | purge-router explain -"
)]
pub(crate) struct ExplainArgs {
    /// Object, as s3://bucket/key with the key not URL-encoded; or the file of an event as for plan, or - for standard input
    #[arg(value_name = "OBJECT", value_parser = explained)]
    pub(crate) explained: Explained,
    /// What happened to the object [default: created]
    #[arg(long, value_enum)]
    pub(crate) event: Option<EventKind>,
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is explained.
#[derive(Clone)]
pub(crate) enum Explained {
    Object(Change),
    /// The changes of an event.
    Event(PathBuf),
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum EventKind {
    Created,
    Removed,
    Restored,
    Tagged,
    Acl,
}

#[derive(ClapArgs)]
pub(crate) struct EventArgs {
    /// Event: a file with JSON as any event source delivers it, or what `aws sqs receive-message` prints, or - for standard input
    #[arg(value_name = "EVENT")]
    pub(crate) event: PathBuf,
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  purge-router plan event.json\n  purge-router plan - --json < event.json | jq '.batches[].body'"
)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) event: EventArgs,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  purge-router run event.json --sandbox\n  CLOUDFLARE_API_TOKEN=… purge-router run event.json --json"
)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) event: EventArgs,
    #[command(flatten)]
    pub(crate) sending: SendingArgs,
    /// Leave out the second purges of mappings with `again_after`; without this, the command waits until they are due
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(ClapArgs)]
pub(crate) struct SendingArgs {
    /// Send to a sandbox in this process, with its own tokens: needs no account, and nothing leaves the machine
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Stop after this many seconds; what is not purged by then fails
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) deadline: u64,
}

fn explained(text: &str) -> Result<Explained, String> {
    if !text.starts_with("s3://") {
        return Ok(Explained::Event(PathBuf::from(text)));
    }
    Change::of_object(text, ChangeKind::Created).map(Explained::Object).map_err(|invalid| invalid.to_string())
}
