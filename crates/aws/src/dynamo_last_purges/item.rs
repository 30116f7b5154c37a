//! Rows of the table of last purges, and what the heads of the table of mappings say about them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use aws_sdk_dynamodb::types::AttributeValue;
use purge_router_config::{Partition, RowKey};
use purge_router_core::names::TeamName;
use purge_router_core::{LastPurge, PurgedContent, Sequencer, TeamObject};

use crate::table::{Attributes, key_of as row_key_of};

/// The partition key of an object's row: `team/bucket/key`. A team's and a bucket's name hold no `/`, and all three together
/// have less than the 2,048 bytes that DynamoDB allows: only keys of S3's length are
/// [remembered](purge_router_core::objects_to_remember).
pub(super) fn key_of(TeamObject { team, bucket, key }: &TeamObject) -> String {
    format!("{team}/{bucket}/{key}")
}

pub(super) fn text_of(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn number_of(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A row that is written now, and deleted after it expires; times in seconds since 1970.
pub(super) fn to_item(object: &TeamObject, last_purge: &LastPurge, now: u64, expires: u64) -> Attributes {
    let LastPurge { content, sequencer, version } = last_purge;
    let mut item = Attributes::from([
        ("object".to_owned(), text_of(&key_of(object))),
        ("version".to_owned(), number_of(*version)),
        ("at".to_owned(), number_of(now)),
        ("expires".to_owned(), number_of(expires)),
    ]);
    if let Some(PurgedContent { etag, items }) = content {
        item.insert("etag".to_owned(), text_of(etag));
        item.insert("items".to_owned(), number_of(*items));
    }
    if let Some(sequencer) = sequencer {
        item.insert("sequencer".to_owned(), text_of(&sequencer.to_string()));
    }
    item
}

/// What a row says now. What expired, or was written before `since`, is not known any more; its version still counts, and so
/// does the newest event.
pub(super) fn last_purge_of(item: &Attributes, now: u64, since: u64) -> LastPurge {
    let text = |name: &str| item.get(name)?.as_s().ok();
    let number = |name: &str| item.get(name)?.as_n().ok()?.parse::<u64>().ok();
    let is_valid = number("expires").is_some_and(|expires| now < expires) && number("at").is_some_and(|at| at >= since);
    let content = || Some(PurgedContent { etag: text("etag")?.clone(), items: number("items")? });
    LastPurge {
        content: is_valid.then(content).flatten(),
        sequencer: text("sequencer").and_then(|text| Sequencer::parse(text)),
        version: number("version").unwrap_or_default(),
    }
}

/// Since when the rows of these teams count: so many seconds after the last edit of the team's mappings or of the grants, by
/// the heads of their partitions. Never, while an edit is in progress, or if it is not known when it was.
pub(super) fn valid_since(heads: &[Attributes], teams: BTreeSet<&TeamName>, settle: u64) -> BTreeMap<TeamName, u64> {
    let since = |partition: &Partition| {
        let head = heads.iter().find(|head| row_key_of(head) == RowKey::Head(partition.clone()));
        head.map_or(0, |head| edited_at(head).map_or(u64::MAX, |at| at.saturating_add(settle)))
    };
    let of_grants = since(&Partition::Grants);
    teams.into_iter().map(|team| (team.clone(), of_grants.max(since(&Partition::Team(team.clone()))))).collect()
}

/// When the last push was prepared.
fn edited_at(head: &Attributes) -> Option<u64> {
    if head.contains_key("pending") {
        return None;
    }
    let at = DateTime::from_str(head.get("at")?.as_s().ok()?, DateTimeFormat::DateTime).ok()?;
    u64::try_from(at.secs()).ok()
}

#[cfg(test)]
mod tests {
    use purge_router_core::names::BucketName;

    use super::*;

    fn web() -> TeamName {
        TeamName::parse("web").unwrap()
    }

    fn last_purge() -> LastPurge {
        let content = Some(PurgedContent { etag: "e".to_owned(), items: u64::MAX });
        LastPurge { content, sequencer: Sequencer::parse("0055AED6"), version: 3 }
    }

    #[test]
    fn a_row_is_read_as_it_was_written_until_it_expires() {
        let object = TeamObject { team: web(), bucket: BucketName::parse("assets").unwrap(), key: "a/b".to_owned() };
        for written in [last_purge(), LastPurge { content: None, ..last_purge() }, LastPurge::default()] {
            let item = to_item(&object, &written, 100, 200);
            assert_eq!(item["object"], text_of("web/assets/a/b"));
            assert_eq!(last_purge_of(&item, 199, 100), written);
            let unknown = LastPurge { content: None, ..written };
            assert_eq!(last_purge_of(&item, 200, 100), unknown, "expired");
            assert_eq!(last_purge_of(&item, 199, 101), unknown, "older than an edit");
        }
    }

    #[test]
    fn rows_count_some_time_after_the_last_edit() {
        let head = |pk: &str, more: &[(&str, AttributeValue)]| {
            let mut head = Attributes::from([("pk".to_owned(), text_of(pk)), ("sk".to_owned(), text_of("HEAD"))]);
            head.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            head
        };
        let at = |time: &str| ("at", text_of(time));
        let (early, late) = (at("1970-01-01T00:01:40Z"), at("1970-01-01T00:03:20Z"));
        let pending = ("pending", AttributeValue::M(Attributes::new()));
        for (heads, since) in [
            (vec![], 0),
            (vec![head("TEAM#web", std::slice::from_ref(&early))], 110),
            (vec![head("TEAM#other", std::slice::from_ref(&early))], 0),
            (vec![head("GRANTS", std::slice::from_ref(&late)), head("TEAM#web", std::slice::from_ref(&early))], 210),
            (vec![head("TEAM#web", &[late, pending])], u64::MAX),
            (vec![head("TEAM#web", &[at("yesterday")])], u64::MAX),
            (vec![head("TEAM#web", &[])], u64::MAX),
        ] {
            assert_eq!(valid_since(&heads, BTreeSet::from([&web()]), 10), BTreeMap::from([(web(), since)]));
        }
    }
}
