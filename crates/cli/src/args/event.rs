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
    /// Object, as s3://bucket/key with the key not URL-encoded, or its ARN or URL in S3; or URL, as visitors request it; or the
    /// file of an event as for plan, or - for standard input; or a list of objects and URLs, one on each line
    #[arg(value_name = "WHAT", value_parser = Explained::parse)]
    pub(crate) explained: Explained,
    /// What happened to the object [default: created]
    #[arg(long, value_name = "KIND", value_parser = EventKindParser)]
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
    Changes(EventInput),
    /// What purges this URL.
    Url(PublicUrl),
}

/// What is planned.
#[derive(Clone)]
pub(crate) enum EventInput {
    /// One object, created.
    Object(Change),
    /// The file of an event or of a list of objects, or - for standard input.
    File(PathBuf),
}

#[derive(ClapArgs)]
pub(crate) struct EventArgs {
    /// Event: a file with JSON as any event source delivers it, or what `aws sqs receive-message` prints, or - for standard
    /// input; several in a row are one. Or a list of objects, one s3://bucket/key on each line. Or one object, as s3://bucket/key, or
    /// its ARN or URL in S3
    #[arg(value_name = "EVENT", value_parser = planned)]
    pub(crate) event: EventInput,
    /// What happened to the object, or to those of a list [default: created]
    #[arg(long = "event", id = "kind", value_name = "KIND", value_parser = EventKindParser)]
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
    /// Stop after this many seconds; what is not purged by then fails. Second purges have this time, too, from when they are due
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) deadline: u64,
}

/// An object or a URL, by its name.
pub(crate) enum Named {
    Object(Change),
    Url(PublicUrl),
}

impl Named {
    /// What a text names, with an object that was created: `s3://bucket/key`, the ARN of an object, its URL in S3, or the URL that
    /// visitors request. `None` for any other text.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.trim_start().starts_with(['{', '[']) && text.contains('"') {
            return Err("this is JSON: write - and give it on standard input, or name its file".to_owned());
        }
        let url = is_url(text).then(|| public_url(text)).transpose()?;
        let object = match &url {
            Some(url) => url.s3_object(),
            None => object_of(text),
        };
        let Some(object) = object else {
            if url.as_ref().is_some_and(PublicUrl::is_of_console) {
                return Err(format!("`{text}` is a page of AWS's console, and not that of an object: name one object"));
            }
            return Ok(url.map(Self::Url));
        };
        match Change::of_object(&object, ChangeKind::Created) {
            Ok(change) => Ok(Some(Self::Object(change))),
            Err(invalid) if object == text => Err(invalid.to_string()),
            Err(invalid) => Err(format!("`{text}`: {invalid}")),
        }
    }
}

/// `s3://bucket/key` of a text that names an object so, in any case, or by its ARN.
fn object_of(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let object = match scheme {
        // `arn:aws:s3:::bucket/key`, with the partition `aws`, `aws-cn` or `aws-us-gov`.
        "arn" => rest.split_once(":s3:::")?.1,
        scheme if scheme.eq_ignore_ascii_case("s3") => rest.strip_prefix("//")?,
        _ => return None,
    };
    Some(format!("s3://{object}"))
}

impl Explained {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(match Named::parse(text)? {
            Some(Named::Object(change)) => Self::Changes(EventInput::Object(change)),
            Some(Named::Url(url)) => Self::Url(url),
            None if is_url_without_scheme(text) => {
                return Err(format!(
                    "there is no file `{text}`: for a URL write https://{text}, for an object s3://bucket/key"
                ));
            }
            None => Self::Changes(EventInput::File(PathBuf::from(text))),
        })
    }
}

/// What `plan` and `run` read.
fn planned(text: &str) -> Result<EventInput, String> {
    match Named::parse(text)? {
        Some(Named::Object(change)) => Ok(EventInput::Object(change)),
        Some(Named::Url(url)) => Err(not_planned(&url)),
        None => Ok(EventInput::File(PathBuf::from(text))),
    }
}

/// Why a URL is not planned.
pub(crate) fn not_planned(url: &PublicUrl) -> String {
    let url = url.text();
    format!(
        "`{url}` is a URL: `purge-router explain` says which objects lead to it, and `purge-router purge` purges it"
    )
}

/// Whether a text is a URL; other texts with a scheme are objects.
fn is_url(text: &str) -> bool {
    let has = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    has("https://") || has("http://")
}

/// Whether a text is the name of no file, and looks like a hostname with a path.
fn is_url_without_scheme(text: &str) -> bool {
    let Some((host, _)) = text.split_once('/') else { return false };
    host.trim_matches('.').contains('.') && Hostname::parse(host).is_ok() && !std::path::Path::new(text).exists()
}

/// A URL as clients send it, whatever is copied from a browser: without its fragment, and with its path encoded.
fn public_url(text: &str) -> Result<PublicUrl, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
    if url.port().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{text}` has a port or a user name: purges name URLs without them; remove it"));
    }
    let host = Hostname::parse(url.host_str().unwrap_or_default()).map_err(|invalid| invalid.to_string())?;
    let scheme = if url.scheme() == "http" { Scheme::Http } else { Scheme::Https };
    let path = url.path().strip_prefix('/').unwrap_or_default().to_owned();
    Ok(PublicUrl { scheme, host, path, query: url.query().unwrap_or_default().to_owned() })
}
