//! Loading an event, and the mappings that it needs.

mod input;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use purge_router_core::names::BucketName;
use purge_router_core::{Event, Mappings, route};

use self::input::event_of;
pub(super) use self::input::{is_list, lines, object};
use crate::args::{EventArgs, EventKind, MappingsSource, TeamMappingsArg};
use crate::exit::Misuse;
use crate::{mappings, print, shutdown};

/// Loads mappings and event; `None`: the mapping file has problems, which were printed.
pub(super) async fn load(args: &EventArgs) -> anyhow::Result<Option<(Mappings, Event)>> {
    let TeamMappingsArg { mappings: source, teams } = &args.mappings;
    let event = read(args.event.clone(), args.kind);
    if let MappingsSource::File(..) = source.source()? {
        // In its own task, so that both are read at the same time: each takes CPU time.
        let event = tokio::spawn(event);
        let Some(mappings) = mappings::load(source, teams).await? else { return Ok(None) };
        return Ok(Some((mappings, or_no_event(event.await??))));
    }
    let event = or_no_event(event.await?);
    let mappings = mappings::load_of_buckets(source, teams, buckets_of(&event)).await?;
    Ok(mappings.map(|mappings| (mappings, event)))
}

pub(super) fn buckets_of(event: &Event) -> BTreeSet<BucketName> {
    event.changes.iter().map(|change| change.bucket.clone()).collect()
}

/// Which mappings each change fires, or why none, the nearest one first; one line per change.
pub(super) fn reasons(mappings: &Mappings, event: &Event) -> String {
    print::reasons(event.changes.iter().map(|change| {
        let (mut fires, mut declines) = (Vec::new(), Vec::new());
        for route in route(mappings, change) {
            match route.answer {
                Ok(()) => fires.push(route.mapping.name.clone()),
                Err(decline) => declines.push((route.mapping, decline)),
            }
        }
        declines.sort_by_key(|(_, decline)| Reverse(decline.conditions_met()));
        let declines = declines.into_iter().map(|(mapping, decline)| format!("{}: {decline}", mapping.name)).collect();
        (format!("{} {}", change.object(), print::kind(change)), fires, declines)
    }))
}

/// The event of a file, or of standard input for `-`; `None` if standard input is empty. To the objects of a list this happened.
async fn read(path: PathBuf, kind: Option<EventKind>) -> anyhow::Result<Option<Event>> {
    parse(&path, &read_bytes(&path).await?, kind)
}

/// The event of these bytes, which are those of a file, or of standard input for `-`; `None` if standard input is empty.
pub(super) fn parse(path: &Path, bytes: &[u8], kind: Option<EventKind>) -> anyhow::Result<Option<Event>> {
    if kind.is_some() && !is_list(bytes) {
        let problem = "--event is for s3://bucket/key; an event says itself what happened";
        return Err(Misuse(problem.to_owned()).into());
    }
    if bytes.trim_ascii().is_empty() && path.as_os_str() == "-" {
        return Ok(None);
    }
    event_of(bytes, EventKind::of(kind)).map(Some)
}

/// The event, or one without changes if standard input was empty, with a note.
pub(super) fn or_no_event(event: Option<Event>) -> Event {
    event.unwrap_or_else(|| {
        print::note("standard input is empty: no event (`aws sqs receive-message` prints nothing for an empty queue)");
        Event::default()
    })
}

/// The bytes of a file, or of standard input for `-`.
pub(super) async fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let path = path.to_owned();
    let read = shutdown::blocking(move || {
        let mut bytes = Vec::new();
        let read = match path.as_os_str() == "-" {
            true => std::io::stdin().read_to_end(&mut bytes).map(|_| bytes),
            false => std::fs::read(&path),
        };
        let shown = path.display();
        read.map_err(|error| {
            Misuse(format!("can't read the event {shown}: {error}; name a file, or - for standard input")).into()
        })
    });
    read.await
}
