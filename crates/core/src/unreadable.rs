//! Changes in buckets whose mappings can't be read now: they must not be reported as done.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::escape::escaped;
use crate::model::event::{Event, Rejected, RejectionKind};
use crate::model::names::BucketName;
use crate::plan::{Plan, Unmatched};

/// Rejects, as transient, the changes in these buckets; each bucket comes with the reason why its mappings can't be read.
pub fn reject_unreadable(event: Event, unreadable: &BTreeMap<BucketName, String>) -> Event {
    let Event { changes, ignored, mut rejected } = event;
    let mut readable = Vec::with_capacity(changes.len());
    for change in changes {
        match unreadable.get(&change.bucket) {
            None => readable.push(change),
            Some(error) => {
                let reason = format!("{}: can't read the mappings of its bucket: {error}", change.object());
                rejected.push(Rejected { origin: change.origin, kind: RejectionKind::Transient, reason });
            }
        }
    }
    Event { changes: readable, ignored, rejected }
}

/// Rejects, as transient, the unmatched changes in these buckets, whose mappings are stale: a mapping that was added since
/// may accept them.
pub fn reject_unmatched(plan: &mut Plan, stale: &BTreeSet<BucketName>) {
    let (unknown, unmatched) = std::mem::take(&mut plan.unmatched)
        .into_iter()
        .partition::<Vec<_>, _>(|unmatched| stale.contains(unmatched.bucket.as_str()));
    plan.unmatched = unmatched;
    plan.rejected.extend(unknown.into_iter().map(|Unmatched { bucket, key, origin }| {
        let object = escaped(&format!("s3://{bucket}/{key}"));
        let reason = format!("{object}: unmatched, but the mappings of its bucket are stale, so it is retried");
        Rejected { origin, kind: RejectionKind::Transient, reason }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{Change, ChangeKind, Origin};

    #[test]
    fn changes_in_unreadable_buckets_are_transient_and_the_others_stay() {
        let bucket = |name: &str| BucketName::parse(name).unwrap();
        let change = |name: &str| Change {
            bucket: bucket(name),
            key: "a".to_owned(),
            kind: ChangeKind::Created,
            time: None,
            origin: Origin::Invocation,
        };
        let event = Event { changes: vec![change("one"), change("two"), change("one")], ..Event::default() };
        let event = reject_unreadable(event, &[(bucket("one"), "throttled".to_owned())].into());
        assert_eq!(event.changes, [change("two")]);
        let rejected = Rejected {
            origin: Origin::Invocation,
            kind: RejectionKind::Transient,
            reason: "s3://one/a: can't read the mappings of its bucket: throttled".to_owned(),
        };
        assert_eq!(event.rejected, [rejected.clone(), rejected]);
    }
}
