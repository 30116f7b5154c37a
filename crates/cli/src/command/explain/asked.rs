//! What is to be explained: an object, a URL, an event, or a list of objects and URLs.

use purge_router_core::{Event, PublicUrl};

use crate::args::{EventInput, EventKind, ExplainArgs, Explained};
use crate::command::event::{List, check_stdin, is_list, of_object, or_no_event, parse, read_bytes, read_list};
use crate::exit::Misuse;

pub(in crate::command) struct Asked {
    pub(super) event: Event,
    pub(super) urls: Vec<PublicUrl>,
    /// Whether it is one object or one URL.
    pub(super) is_one: bool,
}

impl Asked {
    pub(super) async fn read(args: &ExplainArgs) -> anyhow::Result<Self> {
        match &args.explained {
            Explained::Changes(EventInput::Object(change)) => {
                Ok(Self { event: of_object(change.clone(), args.event), urls: Vec::new(), is_one: true })
            }
            Explained::Url(_) if args.event.is_some() => {
                Err(Misuse("--event is for an object: explain s3://bucket/key".to_owned()).into())
            }
            Explained::Url(url) => Ok(Self { event: Event::default(), urls: vec![url.clone()], is_one: true }),
            Explained::Changes(EventInput::File(path)) => {
                check_stdin(path, &args.mappings.mappings.source()?)?;
                let bytes = read_bytes(path).await.map_err(with_help)?;
                if is_list(&bytes) {
                    return Ok(Self::list(read_list(&bytes, EventKind::of(args.event))?));
                }
                Ok(Self::event(or_no_event(parse(path, &bytes, args.event)?)))
            }
        }
    }

    fn list(List { changes, urls }: List) -> Self {
        let urls = urls.into_iter().map(|(_, url)| url).collect();
        Self { event: Event { changes, ..Event::default() }, urls, is_one: false }
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

fn with_help(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Misuse>() {
        Ok(Misuse(problem)) => Misuse(format!("{problem}; for a URL write https://…")).into(),
        Err(error) => error,
    }
}
