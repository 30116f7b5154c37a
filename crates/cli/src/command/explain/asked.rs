//! What is to be explained: an object, a URL, an event, or a list of objects and URLs.

use purge_router_core::{Change, ChangeKind, Event, PublicUrl};

use crate::args::{EventKind, ExplainArgs, Explained, public_url};
use crate::command::event::{is_list, lines, object, or_no_event, parse, read_bytes};
use crate::exit::Misuse;

pub(in crate::command) struct Asked {
    pub(super) event: Event,
    pub(super) urls: Vec<PublicUrl>,
    /// Whether it is one object or one URL.
    pub(super) is_one: bool,
}

impl Asked {
    pub(super) async fn read(args: &ExplainArgs) -> anyhow::Result<Self> {
        let kind = EventKind::of(args.event);
        match &args.explained {
            Explained::Object(change) => {
                let change = Change { kind, ..change.clone() };
                Ok(Self { event: of_changes(vec![change]), urls: Vec::new(), is_one: true })
            }
            Explained::Url(url) => Ok(Self { event: Event::default(), urls: vec![url.clone()], is_one: true }),
            Explained::Event(path) => {
                let bytes = read_bytes(path).await.map_err(with_help)?;
                if is_list(&bytes) {
                    return list(&bytes, kind);
                }
                Ok(Self::event(or_no_event(parse(path, &bytes, args.event)?)))
            }
        }
    }

    /// An event, which is explained as a whole.
    pub(in crate::command) fn event(event: Event) -> Self {
        Self { event, urls: Vec::new(), is_one: false }
    }

    /// Whether there is an event, which is planned as a whole.
    pub(super) fn has_event(&self) -> bool {
        !self.event.changes.is_empty() || self.urls.is_empty()
    }
}

fn of_changes(changes: Vec<Change>) -> Event {
    Event { changes, ..Event::default() }
}

fn list(bytes: &[u8], kind: ChangeKind) -> anyhow::Result<Asked> {
    let (mut changes, mut urls) = (Vec::new(), Vec::new());
    for (number, line) in lines(bytes)? {
        match Explained::is_url(line) {
            true => urls.push(public_url(line).map_err(|problem| Misuse(format!("line {number}: {problem}")))?),
            false => changes.push(object(number, line, kind)?),
        }
    }
    Ok(Asked { event: of_changes(changes), urls, is_one: false })
}

fn with_help(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Misuse>() {
        Ok(Misuse(problem)) => {
            Misuse(format!("{problem}; for one object write s3://bucket/key, for a URL https://…")).into()
        }
        Err(error) => error,
    }
}
