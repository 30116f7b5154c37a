//! Loading an event, and the mappings that it needs.

mod input;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::Path;

use purge_router_core::names::BucketName;
use purge_router_core::suggest::nearest;
use purge_router_core::{Change, Event, Mapping, Mappings, decoded_object, near_exclude, near_miss, route};

use self::input::event_of;
pub(super) use self::input::{List, is_list, lines, read_list};
use crate::args::{EventArgs, EventInput, EventKind, MappingsSource, TeamMappingsArg};
use crate::exit::Misuse;
use crate::input::{bytes_of, is_stdin, shown};
use crate::{mappings, print, shutdown};

/// Loads mappings and event; `None`: the mapping file has problems, which were printed.
pub(super) async fn load(args: &EventArgs) -> anyhow::Result<Option<(Mappings, Event)>> {
    let TeamMappingsArg { mappings: source, teams } = &args.mappings;
    let chosen = source.source()?;
    if let EventInput::File(path) = &args.event {
        check_stdin(path, &chosen)?;
    }
    let event = read(args.event.clone(), args.kind);
    if let MappingsSource::File(..) = chosen {
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

/// Which mappings each change fires, or why none, the nearest one first; one line per change, and its hints.
pub(super) fn reasons(mappings: &Mappings, event: &Event) -> String {
    print::reasons(event.changes.iter().map(|change| {
        let (mut fires, mut declines) = (Vec::new(), Vec::new());
        for route in route(mappings, change) {
            match route.answer {
                Ok(()) => fires.push(route.mapping),
                Err(decline) => declines.push((route.mapping, decline)),
            }
        }
        declines.sort_by_key(|(_, decline)| Reverse(decline.conditions_met()));
        let near = match (&fires[..], &declines[..]) {
            ([], []) => near_bucket(mappings, change),
            ([], _) => declines.iter().take(MOST_COMPARED).enumerate().find_map(|(index, (mapping, decline))| {
                near_miss(mapping, change, decline).map(|near| of_mapping(mapping, index == 0, near))
            }),
            (_, _) => fires.iter().find_map(|mapping| {
                near_exclude(mapping, change).map(|near| of_mapping(mapping, fires.len() == 1, near))
            }),
        };
        let encoded = decoded_object(change).map(|object| print::encoded_key(&object));
        let declines = declines.into_iter().map(|(mapping, decline)| format!("{}: {decline}", mapping.name)).collect();
        print::ChangeReasons {
            change: format!("{} {}", change.object(), print::kind(change)),
            fires: fires.into_iter().map(|mapping| mapping.name.clone()).collect(),
            declines,
            hints: encoded.into_iter().chain(near).collect(),
        }
    }))
}

/// A hint, with the name of its mapping if that is not the one that the line shows.
fn of_mapping(mapping: &Mapping, is_shown: bool, hint: String) -> String {
    if is_shown { hint } else { format!("{}: {hint}", mapping.name) }
}

/// The most mappings of a bucket whose patterns are compared with a key for a hint: one bucket may have ten thousand.
const MOST_COMPARED: usize = 20;

fn near_bucket(mappings: &Mappings, change: &Change) -> Option<String> {
    let buckets = mappings.all().iter().map(|mapping| mapping.source.bucket.as_str());
    nearest(change.bucket.as_str(), buckets).map(|near| format!("did you mean the bucket `{near}`?"))
}

/// The event of an object or of a file, or of standard input for `-`; `None` if standard input is empty. To the object, or to those
/// of a list, this happened.
async fn read(input: EventInput, kind: Option<EventKind>) -> anyhow::Result<Option<Event>> {
    match input {
        EventInput::Object(change) => Ok(Some(of_object(change, kind))),
        EventInput::File(path) => parse(&path, &read_bytes(&path).await?, kind),
    }
}

/// The event of an object to which this happened.
pub(super) fn of_object(change: Change, kind: Option<EventKind>) -> Event {
    Event { changes: vec![Change { kind: EventKind::of(kind), ..change }], ..Event::default() }
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

/// The event, or one without changes if standard input was empty; with a note if there is nothing in it.
pub(super) fn or_no_event(event: Option<Event>) -> Event {
    let Some(event) = event else {
        print::note("standard input is empty: no event (`aws sqs receive-message` prints nothing for an empty queue)");
        return Event::default();
    };
    if event.changes.is_empty() && event.ignored.is_empty() && event.rejected.is_empty() {
        print::note("the event has no records");
    }
    event
}

/// Refuses standard input for both an input and the mappings.
pub(super) fn check_stdin(input: &Path, mappings: &MappingsSource) -> Result<(), Misuse> {
    match mappings {
        MappingsSource::File(file, _) if is_stdin(input) && is_stdin(file) => {
            Err(Misuse("the mapping file and the input are both standard input: name one as a file".to_owned()))
        }
        _ => Ok(()),
    }
}

/// The bytes of a file, or of standard input for `-`.
pub(super) async fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let path = path.to_owned();
    let read = shutdown::blocking(move || {
        let shown = shown(&path);
        bytes_of(&path).map_err(|error| {
            Misuse(format!("can't read the event {shown}: {error}; name a file, - for standard input, or an object: s3://bucket/key")).into()
        })
    });
    read.await
}
