//! The messages of the delay queue: a record as S3 writes it, with a mark that says for which team it comes back, and what
//! for: its second purge, or its verification.
//!
//! It is written from the decoded change, so it is small whatever event the change came in, and it can be read, planned
//! and explained as any other. It has no `eventTime`: the time from a change to its first purge is what is measured.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::decode::json::Json;
use crate::decode::s3_change::S3Event;
use crate::decode::values::{kind_and_value, string_at};
use crate::model::bounds;
use crate::model::change::Change;
use crate::model::names::TeamName;
use crate::model::sample::Sample;
use crate::model::second_purge::SecondPurge;
use crate::model::verification::Verification;

/// The field of a record that S3 does not write.
const MARK: &str = "purgeRouter";

/// S3 form-encodes the keys of its notifications.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'/');

impl SecondPurge {
    /// The body of the message that brings the change back. It has at most 4 KiB: a key has 1,024 bytes.
    pub fn message(&self) -> String {
        record(&self.change, json!({ "secondPurgeOf": self.team }))
    }
}

impl Sample {
    /// The body of the message that brings the change back to be verified. `purged_at` is when its purge was sent, at the
    /// earliest: in milliseconds since 1970. It has at most 80 KiB: 10 URLs, each with a hostname, a key and an `add_prefix`
    /// of three bytes for each of theirs, and a query string.
    pub fn message(&self, purged_at: u64) -> String {
        record(&self.change, json!({ "verificationOf": self.team, "purgedAt": purged_at, "urls": self.urls }))
    }
}

fn record(change: &Change, mark: Value) -> String {
    let mut object = Map::new();
    object.insert("key".to_owned(), utf8_percent_encode(&change.key, KEY).to_string().into());
    if let Some(etag) = &change.etag {
        object.insert("eTag".to_owned(), etag.as_str().into());
    }
    let record = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": change.kind.event_name(),
        "s3": { "bucket": { "name": change.bucket }, "object": object },
        MARK: mark,
    });
    json!({ "Records": [record] }).to_string()
}

/// What a record says, with what its mark asks for, if it has one.
pub(super) fn with_mark(record: Json<'_>, mut event: S3Event) -> Result<S3Event, String> {
    let S3Event::Changed(changed) = &mut event else { return Ok(event) };
    let Some(mark) = record.get(MARK) else { return Ok(event) };
    if mark.get("verificationOf").is_some() {
        changed.verification = Some(Arc::new(verification(record, mark)?));
    } else {
        changed.second_purge_of = Some(team_at(record, "purgeRouter.secondPurgeOf")?);
    }
    Ok(event)
}

fn team_at(record: Json<'_>, place: &str) -> Result<TeamName, String> {
    TeamName::parse(string_at(record, place)?).map_err(|invalid| format!("{place}: {invalid}"))
}

fn verification(record: Json<'_>, mark: Json<'_>) -> Result<Verification, String> {
    let team = team_at(record, "purgeRouter.verificationOf")?;
    if mark.get("secondPurgeOf").is_some() {
        return Err("purgeRouter: expected `secondPurgeOf` or `verificationOf`, found both".to_owned());
    }
    let found = |name: &str| mark.get(name).map_or_else(|| "null".to_owned(), kind_and_value);
    let purged_at = mark.get("purgedAt").and_then(|purged_at| Value::from(purged_at).as_u64());
    let purged_at =
        purged_at.ok_or_else(|| format!("purgeRouter.purgedAt: expected milliseconds, found {}", found("purgedAt")))?;
    let urls = mark
        .get("urls")
        .filter(|urls| urls.is_array() && (1..=bounds::SAMPLED_URLS).contains(&urls.elements().count()));
    let strings = urls.and_then(|urls| urls.elements().map(|url| Some(url.as_str()?.to_owned())).collect());
    let urls = strings.ok_or_else(|| {
        let most = bounds::SAMPLED_URLS;
        format!("purgeRouter.urls: expected a list of 1 to {most} strings, found {}", found("urls"))
    })?;
    Ok(Verification { team, urls, purged_at })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decode::decode;
    use crate::model::change::{Change, ChangeKind, Origin};
    use crate::model::etag::ETag;
    use crate::model::last_purge::ObjectVersion;
    use crate::model::names::BucketName;

    fn second_purge(key: &str, kind: ChangeKind) -> SecondPurge {
        let bucket = BucketName::parse("assets.website.com").unwrap();
        let etag = (kind == ChangeKind::Created).then(|| ETag::parse("9b2cf535f27731c974343645a3985328-2").unwrap());
        let change = Change {
            bucket,
            key: key.to_owned(),
            kind,
            version: ObjectVersion { writes_content: etag.is_some(), sequencer: None },
            etag,
            time: None,
            origin: Origin::Invocation,
            second_purge_of: None,
            verification: None,
        };
        SecondPurge { change: Arc::new(change), team: TeamName::parse("web").unwrap(), after: 10 }
    }

    fn rejection(message: &Value) -> String {
        let event = decode(message.to_string().as_bytes()).unwrap();
        assert_eq!(event.changes, []);
        event.rejected[0].reason.clone()
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
            let found = rejection(&message);
            assert!(found.starts_with(&format!("Records[0].{reason}")), "{found}");
        }
    }

    #[test]
    fn a_message_brings_back_a_sample_to_be_verified() {
        let SecondPurge { change, team, .. } = second_purge("a b.css", ChangeKind::Created);
        let urls = vec!["https://www.website.com/a%20b.css".to_owned(), "https://www.website.com/a+b.css".to_owned()];
        let sample = Sample { change: Arc::clone(&change), team: team.clone(), urls: urls.clone() };
        let event = decode(sample.message(1_795_946_400_123).as_bytes()).unwrap();
        let verification = Some(Arc::new(Verification { team, urls, purged_at: 1_795_946_400_123 }));
        assert_eq!((event.changes, event.rejected), (vec![Change { verification, ..Change::clone(&change) }], vec![]));
        let long = format!("https://{}/{}?{}", "h".repeat(253), "%C3%BC".repeat(1024), "q".repeat(bounds::TEXT));
        let largest = Sample { urls: vec![long; bounds::SAMPLED_URLS], ..sample };
        assert!(largest.message(u64::MAX).len() <= 80 * 1024, "{}", largest.message(u64::MAX).len());
    }

    #[test]
    fn a_mark_of_a_verification_is_whole() {
        let SecondPurge { change, team, .. } = second_purge("a", ChangeKind::Removed);
        let sample = Sample { change, team, urls: vec!["https://www.website.com/a".to_owned()] };
        for (field, value, reason) in [
            ("verificationOf", json!(null), "verificationOf: missing"),
            ("verificationOf", json!("../a"), "verificationOf: `../a` is not a team's name"),
            ("secondPurgeOf", json!("web"), ": expected `secondPurgeOf` or `verificationOf`, found both"),
            ("purgedAt", json!(null), "purgedAt: expected milliseconds, found null"),
            ("purgedAt", json!(-1), "purgedAt: expected milliseconds, found the number -1"),
            ("urls", json!([]), "urls: expected a list of 1 to 10 strings, found an array []"),
            ("urls", json!(["a", 1]), "urls: expected a list of 1 to 10 strings, found an array "),
            ("urls", json!(vec!["a"; 11]), "urls: expected a list of 1 to 10 strings, found an array "),
        ] {
            let mut message: Value = serde_json::from_str(&sample.message(0)).unwrap();
            message["Records"][0][MARK][field] = value;
            let found = rejection(&message);
            let found = found.trim_start_matches("Records[0].purgeRouter").trim_start_matches('.');
            assert!(found.starts_with(reason), "{found}");
        }
    }
}
