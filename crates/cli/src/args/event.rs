//! Arguments of `explain`, `plan` and `run`: an object or an event, and how to send.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use purge_router_core::names::Hostname;
use purge_router_core::{Change, ChangeKind, PublicUrl, Scheme};
use url::Url;

use crate::args::event_kind::{EventKind, EventKindParser};
use crate::args::mappings::TeamMappingsArg;

#[derive(ClapArgs)]
#[command(after_help = "\
Exit codes: 0 all that was asked for is purged; 3 nothing purges it, or a part of it; 1 it can't be explained, \
because the mapping file has problems, the event is broken, or AWS does not answer.

Examples:
  purge-router explain s3://assets.website.com/uk/css/app.css --event removed
  purge-router explain 'https://www.website.co.uk/css/app.css?v=2'
  aws sqs receive-message --queue-url URL | purge-router explain -
  purge-router explain - < objects-and-urls.txt")]
pub(crate) struct ExplainArgs {
    /// Object, as s3://bucket/key with the key not URL-encoded; or URL, as visitors request it; or the file of an event as for
    /// plan, or - for standard input; or a list of objects and URLs, one on each line
    #[arg(value_name = "WHAT", value_parser = explained)]
    pub(crate) explained: Explained,
    /// What happened to the object [default: created]
    #[arg(long, value_parser = EventKindParser)]
    pub(crate) event: Option<EventKind>,
    #[command(flatten)]
    pub(crate) mappings: TeamMappingsArg,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is explained.
#[derive(Clone)]
pub(crate) enum Explained {
    Object(Change),
    /// What purges this URL.
    Url(PublicUrl),
    /// The changes of an event, or a list.
    Event(PathBuf),
}

#[derive(ClapArgs)]
pub(crate) struct EventArgs {
    /// Event: a file with JSON as any event source delivers it, or what `aws sqs receive-message` prints, or - for standard
    /// input; several in a row are one. Or a list of objects, one s3://bucket/key on each line
    #[arg(value_name = "EVENT")]
    pub(crate) event: PathBuf,
    /// What happened to the objects of a list [default: created]
    #[arg(long = "event", id = "kind", value_parser = EventKindParser)]
    pub(crate) kind: Option<EventKind>,
    #[command(flatten)]
    pub(crate) mappings: TeamMappingsArg,
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

impl Explained {
    /// Whether a text is a URL; other texts with a scheme are objects.
    pub(crate) fn is_url(text: &str) -> bool {
        text.starts_with("https://") || text.starts_with("http://")
    }
}

fn explained(text: &str) -> Result<Explained, String> {
    // As AWS's console copies it.
    let object = text.strip_prefix("arn:aws:s3:::").map(|object| format!("s3://{object}"));
    match object.as_deref().unwrap_or(text) {
        url if Explained::is_url(url) => public_url(url).map(Explained::Url),
        object if object.starts_with("s3://") => {
            Change::of_object(object, ChangeKind::Created).map(Explained::Object).map_err(|invalid| invalid.to_string())
        }
        text if is_url_without_scheme(text) => {
            Err(format!("there is no such file: for a URL write https://{text}, for an object s3://bucket/key"))
        }
        _ => Ok(Explained::Event(PathBuf::from(text))),
    }
}

/// Whether a text is the name of no file, and looks like a hostname with a path.
fn is_url_without_scheme(text: &str) -> bool {
    let Some((host, _)) = text.split_once('/') else { return false };
    host.trim_matches('.').contains('.') && Hostname::parse(host).is_ok() && !std::path::Path::new(text).exists()
}

/// A URL as clients send it, whatever is copied from a browser: without its fragment, and with its path encoded.
pub(crate) fn public_url(text: &str) -> Result<PublicUrl, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
    if url.port().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{text}` has a port or a user name: purges name URLs without them; remove it"));
    }
    let host = Hostname::parse(url.host_str().unwrap_or_default()).map_err(|invalid| invalid.to_string())?;
    let scheme = if url.scheme() == "http" { Scheme::Http } else { Scheme::Https };
    let path = url.path().strip_prefix('/').unwrap_or_default().to_owned();
    Ok(PublicUrl { scheme, host, path, query: url.query().unwrap_or_default().to_owned() })
}
