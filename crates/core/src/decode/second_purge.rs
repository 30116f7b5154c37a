//! The message of a second purge: a record as S3 writes it, with a mark that says for which team it is.
//!
//! It is written from the decoded change, so it is small whatever event the change came in, and it can be read, planned
//! and explained as any other. It has no `eventTime`: the time from a change to its first purge is what is measured.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::decode::json::Json;
use crate::decode::s3_change::S3Event;
use crate::decode::values::string_at;
use crate::model::names::TeamName;
use crate::model::second_purge::SecondPurge;

/// The field of a record that S3 does not write.
const MARK: &str = "purgeRouter";

/// S3 form-encodes the keys of its notifications.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'/');

impl SecondPurge {
    /// The body of the message that brings the change back. It has at most 4 KiB: a key has 1,024 bytes.
    pub fn message(&self) -> String {
        let change = &self.change;
        let record = json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": change.kind.event_name(),
            "s3": {
                "bucket": { "name": change.bucket },
                "object": { "key": utf8_percent_encode(&change.key, KEY).to_string() },
            },
            MARK: { "secondPurgeOf": self.team },
        });
        json!({ "Records": [record] }).to_string()
    }
}

/// What a record says, with the team whose second purge it asks for, if it has the mark.
pub(super) fn with_mark(record: Json<'_>, mut event: S3Event) -> Result<S3Event, String> {
    if let S3Event::Changed(changed) = &mut event
        && record.get(MARK).is_some()
    {
        let place = "purgeRouter.secondPurgeOf";
        let team = TeamName::parse(string_at(record, place)?).map_err(|invalid| format!("{place}: {invalid}"))?;
        changed.second_purge_of = Some(team);
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::decode::decode;
    use crate::model::change::{Change, ChangeKind, Origin};
    use crate::model::names::BucketName;

    fn second_purge(key: &str, kind: ChangeKind) -> SecondPurge {
        let bucket = BucketName::parse("assets.website.com").unwrap();
        let change =
            Change { bucket, key: key.to_owned(), kind, time: None, origin: Origin::Invocation, second_purge_of: None };
        SecondPurge { change: Arc::new(change), team: TeamName::parse("web").unwrap(), after: 10 }
    }

    #[test]
    fn a_message_brings_back_the_same_change_with_its_team() {
        for key in ["a.css", "a b+c%2B/ü|(1)~'\"\\", "a\0b\n", "/", "..", &"ü".repeat(512)] {
            for (_, kind) in ChangeKind::WORDS {
                let second = second_purge(key, *kind);
                let message = second.message();
                assert!(message.len() <= 4096, "{} bytes", message.len());
                let event = decode(message.as_bytes()).unwrap();
                let expected = Change { second_purge_of: Some(second.team.clone()), ..Change::clone(&second.change) };
                assert_eq!((event.changes, event.rejected), (vec![expected], vec![]), "{message}");
            }
        }
    }

    #[test]
    fn a_mark_that_names_no_team_is_rejected() {
        for (mark, reason) in [
            (json!({}), "purgeRouter.secondPurgeOf: missing"),
            (json!(null), "purgeRouter.secondPurgeOf: missing"),
            (json!({ "secondPurgeOf": 1 }), "purgeRouter.secondPurgeOf: expected a string, found the number 1"),
            (json!({ "secondPurgeOf": "../a" }), "purgeRouter.secondPurgeOf: `../a` is not a team's name"),
        ] {
            let mut message: Value = serde_json::from_str(&second_purge("a", ChangeKind::Created).message()).unwrap();
            message["Records"][0][MARK] = mark;
            let event = decode(message.to_string().as_bytes()).unwrap();
            assert_eq!(event.changes, []);
            assert!(event.rejected[0].reason.starts_with(&format!("Records[0].{reason}")), "{:?}", event.rejected);
        }
    }
}
