//! What a file or standard input says: one event, several in a row, or a list of objects.

use purge_router_core::{Change, ChangeKind, Event, Origin, PublicUrl, Rejected, RejectionKind, decode};
use serde_json::value::RawValue;

use crate::args::{Named, not_planned};
use crate::exit::Misuse;
use crate::print;

/// How a list of objects and URLs begins; `#` is a comment.
const STARTS: [&[u8]; 5] = [b"s3://", b"https://", b"http://", b"arn:", b"#"];

/// The event of these bytes: that of one JSON value, or of several in a row, or of a list of objects to which this happened.
///
/// # Errors
/// The bytes are no JSON, or a line is no object. Of several values, one that is no event is rejected alone.
pub(super) fn event_of(bytes: &[u8], kind: ChangeKind) -> anyhow::Result<Event> {
    if is_list(bytes) {
        let List { changes, urls } = read_list(bytes, kind)?;
        if let Some((number, url)) = urls.first() {
            return Err(Misuse(format!("line {number}: {}", not_planned(url))).into());
        }
        return Ok(Event { changes, ..Event::default() });
    }
    // `decode` refuses several values in a row.
    decode(bytes).or_else(|not_an_event| match values(bytes)? {
        values if values.len() > 1 => Ok(joined(&values)),
        _ => anyhow::bail!("{not_an_event}; or a list of objects, one s3://bucket/key on each line"),
    })
}

/// The JSON values in a row; none if the first one is broken.
///
/// # Errors
/// Something that is not JSON follows the first values.
fn values(bytes: &[u8]) -> anyhow::Result<Vec<&RawValue>> {
    let mut values: Vec<&RawValue> = Vec::new();
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter();
    while let Some(value) = stream.next() {
        match value {
            Ok(value) => values.push(value),
            Err(_) if values.is_empty() => break,
            Err(error) => anyhow::bail!(
                "the input has {} and then, from byte {} on, what is not JSON: {error}",
                print::count(values.len(), "event"),
                stream.byte_offset(),
            ),
        }
    }
    Ok(values)
}

/// Whether it is a list of objects or URLs.
pub(in crate::command) fn is_list(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    STARTS.iter().any(|it| start.get(..it.len()).is_some_and(|start| start.eq_ignore_ascii_case(it)))
}

/// A list of objects and URLs, one on each line.
pub(in crate::command) struct List {
    pub(in crate::command) changes: Vec<Change>,
    /// Each with the number of its line.
    pub(in crate::command) urls: Vec<(usize, PublicUrl)>,
}

/// Reads a list; to its objects this happened.
///
/// # Errors
/// It is not UTF-8, or a line is no object and no URL.
pub(in crate::command) fn read_list(bytes: &[u8], kind: ChangeKind) -> Result<List, Misuse> {
    let mut list = List { changes: Vec::new(), urls: Vec::new() };
    for (number, line) in lines(bytes)? {
        let at_line = |problem: String| Misuse(format!("line {number}: {problem}"));
        match Named::parse(line).map_err(at_line)? {
            Some(Named::Url(url)) => list.urls.push((number, url)),
            Some(Named::Object(change)) => list.changes.push(Change { kind, ..change }),
            None => return Err(at_line(format!("`{line}` is neither s3://bucket/key nor a URL"))),
        }
    }
    Ok(list)
}

/// The lines of a list that are not empty and no comments, with their numbers.
///
/// # Errors
/// The list is not UTF-8.
pub(in crate::command) fn lines(bytes: &[u8]) -> Result<impl Iterator<Item = (usize, &str)>, Misuse> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Misuse(format!("the list is not UTF-8 at byte {}; save it as UTF-8", error.valid_up_to())))?;
    Ok((1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#')))
}

fn joined(values: &[&RawValue]) -> Event {
    let (count, mut event) = (values.len(), Event::default());
    for (number, value) in (1..).zip(values) {
        match decode(value.get().as_bytes()) {
            Ok(Event { changes, ignored, rejected, purged }) => {
                event.changes.extend(changes);
                event.ignored.extend(ignored);
                event.rejected.extend(rejected);
                event.purged.extend(purged);
            }
            Err(error) => event.rejected.push(Rejected {
                origin: Origin::Invocation,
                kind: RejectionKind::Malformed,
                reason: format!("event {number} of {count}: {error}"),
            }),
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(input: &str) -> (Vec<String>, Vec<String>) {
        let event = event_of(input.as_bytes(), ChangeKind::Removed).unwrap();
        let rejected = event.rejected.into_iter().map(|rejected| rejected.reason).collect();
        (event.changes.into_iter().map(|change| format!("{} {}", change.object(), change.kind)).collect(), rejected)
    }

    fn s3(key: &str) -> String {
        let object = format!(r#""s3":{{"bucket":{{"name":"assets"}},"object":{{"key":"{key}"}}}}"#);
        format!(
            r#"{{"Records":[{{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put",{object}}}]}}"#
        )
    }

    #[test]
    fn several_events_in_a_row_are_one() {
        let message = |id: &str, key: &str| json!({ "MessageId": id, "Body": s3(key) });
        let received = |id: &str, key: &str| json!({ "Messages": [message(id, key)] });
        let batch = |id: &str, key: &str| json!({ "Records": [{ "messageId": id, "body": s3(key) }] });
        let two = ["s3://assets/a created", "s3://assets/b created"].map(str::to_owned);
        for input in [
            format!("{}\n{}\n", s3("a"), s3("b")),
            format!("{}{}", s3("a"), s3("b")),
            format!("{}\n\n{}", received("1", "a"), received("2", "b")),
            format!("{}\n{}", message("1", "a"), message("2", "b")),
            format!("{}\n{}", batch("1", "a"), batch("2", "b")),
            format!("[{}]\n[{}]", message("1", "a"), message("2", "b")),
        ] {
            assert_eq!(keys(&input), (two.to_vec(), Vec::new()), "{input}");
        }
        let (changes, rejected) = keys(&format!("{} 7 {}", s3("a"), s3("b")));
        assert_eq!((changes, rejected.len()), (two.to_vec(), 1));
        assert!(rejected[0].starts_with("event 2 of 3: not an event: found a JSON number"), "{rejected:?}");
    }

    #[test]
    fn nothing_is_read_of_an_input_whose_end_is_not_json() {
        let error = event_of(format!("{} {{", s3("a")).as_bytes(), ChangeKind::Created).unwrap_err().to_string();
        assert!(error.starts_with("the input has 1 event and then, from byte "), "{error}");
        assert!(event_of(b"hello", ChangeKind::Created).unwrap_err().to_string().starts_with("not an event"));
    }

    #[test]
    fn a_list_of_objects_has_one_on_each_line() {
        let (changes, _) = keys("\n# deleted\ns3://assets/a b.css\r\n  s3://assets/c\n");
        assert_eq!(changes, ["s3://assets/a b.css removed", "s3://assets/c removed"]);
        let error = event_of(b"s3://assets/a\nassets/b", ChangeKind::Created).unwrap_err().to_string();
        assert!(error.starts_with("line 2: `assets/b` is neither s3://bucket/key nor a URL"), "{error}");
    }
}
