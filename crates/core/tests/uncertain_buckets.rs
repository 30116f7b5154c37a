//! Buckets whose mappings can't be read, or may be incomplete: their changes are retried, and nothing of them is reported as
//! done.

#![allow(clippy::unwrap_used, reason = "clippy does not recognize the helpers of tests as tests")]

use purge_router_core::names::BucketName;
use purge_router_core::{
    Change, ChangeKind, Event, Ignored, LastPurges, Origin, Plan, Rejected, RejectionKind, UncertainBuckets, plan_until,
};

const MAPPINGS: &str = r#"version = 1
[teams.web]
owns = ["s3://one/", "s3://two/"]
[teams.web.zones."website.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["www.website.com"]
[[teams.web.mappings]]
source = "s3://one/css/"
zones = ["website.com"]
[[teams.web.mappings]]
source = "s3://two/css/"
zones = ["website.com"]
"#;

fn bucket(name: &str) -> BucketName {
    BucketName::parse(name).unwrap()
}

/// A change of each object, in a message of its own with the object's name.
fn event(objects: &[(&str, &str)]) -> Event {
    let change = |&(name, key): &(&str, &str)| Change {
        bucket: bucket(name),
        key: key.to_owned(),
        kind: ChangeKind::Created,
        time: None,
        etag: None,
        version: Default::default(),
        second_purge_of: None,
        verification: None,
        origin: Origin::Message(format!("{name}/{key}").into()),
    };
    Event { changes: objects.iter().map(change).collect(), ..Event::default() }
}

const OBJECTS: [(&str, &str); 5] =
    [("one", "css/a"), ("two", "css/a"), ("one", "new/a"), ("two", "new/a"), ("unknown", "a")];

fn planned(uncertain: &UncertainBuckets) -> Plan {
    plan_until(
        &purge_router_config::from_toml(MAPPINGS).unwrap(),
        uncertain,
        &LastPurges::default(),
        event(&OBJECTS),
        || false,
    )
}

fn unreadable(name: &str) -> UncertainBuckets {
    UncertainBuckets { unreadable: [(bucket(name), "throttled".to_owned())].into(), ..UncertainBuckets::default() }
}

fn incomplete(name: &str) -> UncertainBuckets {
    UncertainBuckets { incomplete: [bucket(name)].into(), ..UncertainBuckets::default() }
}

fn origins<'o>(origins: impl IntoIterator<Item = &'o Origin>) -> Vec<String> {
    origins.into_iter().map(ToString::to_string).collect()
}

/// The buckets that are uncertain → the origins of batches, unmatched changes and failures.
#[test]
fn what_unknown_mappings_would_decide_fails_and_the_rest_is_planned() {
    let both = UncertainBuckets { incomplete: [bucket("two")].into(), ..unreadable("one") };
    let certain = UncertainBuckets::default();
    for (uncertain, purged, unmatched, failed) in [
        (certain, &["one/css/a", "two/css/a"][..], &["one/new/a", "two/new/a", "unknown/a"][..], &[][..]),
        (unreadable("one"), &["two/css/a"], &["two/new/a", "unknown/a"], &["one/css/a", "one/new/a"]),
        (incomplete("one"), &["one/css/a", "two/css/a"], &["two/new/a", "unknown/a"], &["one/new/a"]),
        (incomplete("unknown"), &["one/css/a", "two/css/a"], &["one/new/a", "two/new/a"], &["unknown/a"]),
        (both, &["two/css/a"], &["unknown/a"], &["one/css/a", "one/new/a", "two/new/a"]),
    ] {
        let plan = planned(&uncertain);
        let of_batches = plan.batches.iter().flat_map(|batch| batch.origins());
        assert_eq!(origins(of_batches), purged, "{uncertain:?}");
        assert_eq!(origins(plan.unmatched.iter().map(|it| &it.origin)), unmatched, "{uncertain:?}");
        assert_eq!(origins(plan.failed_origins()), failed, "{uncertain:?}");
        assert!(plan.rejected.iter().all(|it| it.kind == RejectionKind::Transient), "{uncertain:?}");
        assert_eq!(plan.changes, OBJECTS.len(), "{uncertain:?}");
    }
}

#[test]
fn a_rejection_gives_the_object_and_the_reason() {
    let reasons = |uncertain: &UncertainBuckets| {
        planned(uncertain).rejected.into_iter().map(|rejected| rejected.reason).collect::<Vec<_>>()
    };
    let read = "can't read the mappings of its bucket: throttled";
    assert_eq!(reasons(&unreadable("one")), [format!("s3://one/css/a: {read}"), format!("s3://one/new/a: {read}")]);
    let incomplete = reasons(&incomplete("two"));
    let reason = "unmatched, but the known mappings of its bucket may be incomplete, so it is retried";
    assert_eq!(incomplete, [format!("s3://two/new/a: {reason}")]);
}

#[test]
fn what_was_rejected_or_ignored_before_stays_first() {
    let malformed =
        Rejected { origin: Origin::Invocation, kind: RejectionKind::Malformed, reason: "broken".to_owned() };
    let ignored = vec![Ignored { origin: Origin::Invocation, reason: "test-event".to_owned() }];
    let event = Event { rejected: vec![malformed.clone()], ignored: ignored.clone(), ..event(&OBJECTS) };
    let mappings = purge_router_config::from_toml(MAPPINGS).unwrap();
    let plan = plan_until(&mappings, &unreadable("one"), &LastPurges::default(), event, || false);
    assert_eq!((&plan.rejected[0], plan.rejected.len(), plan.ignored), (&malformed, 3, ignored));
}
