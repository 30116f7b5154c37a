//! Arguments of `explain`, `plan` and `run`: an object or an event, and how to send.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use purge_router_core::names::BucketName;

use crate::args::mappings::MappingsArg;

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router explain s3://assets.website.com/uk/css/app.css --event removed")]
pub(crate) struct ExplainArgs {
    /// Object, as s3://bucket/key, with the key not URL-encoded
    #[arg(value_name = "OBJECT", value_parser = object)]
    pub(crate) object: (BucketName, String),
    /// What happened to the object
    #[arg(long, value_enum, default_value = "created")]
    pub(crate) event: EventKind,
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Event: a file with JSON as S3, SQS, SNS, EventBridge, MinIO or Ceph deliver it, or - for standard input
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

fn object(text: &str) -> Result<(BucketName, String), String> {
    let (bucket, key) = text
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(_, key)| !key.is_empty())
        .ok_or("write s3://bucket/key")?;
    Ok((BucketName::parse(bucket).map_err(|invalid| invalid.to_string())?, key.to_owned()))
}
