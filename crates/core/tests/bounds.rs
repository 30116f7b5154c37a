//! No team takes more of an event than its share, whatever it writes; and what it takes is not lost to others.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

use std::sync::Arc;

use purge_router_core::names::BucketName;
use purge_router_core::{Change, ChangeKind, Event, Mappings, Origin, Plan, plan};

const HEAD: &str = r#"version = 1
[teams.docs]
owns = ["s3://shared/docs/"]
[teams.docs.zones."website.dev"]
zone_id = "372e67954025e0ba6aaa6d586b9e0b59"
hostnames = ["docs.website.dev"]
[[teams.docs.mappings]]
source = "s3://shared/docs/"
zones = ["website.dev"]
[teams.web]
owns = ["s3://shared/"]
[teams.web.zones."website.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
"#;

fn read(rest: &str) -> Result<Mappings, Vec<&'static str>> {
    let read = Mappings::from_toml(&format!("{HEAD}{rest}"));
    read.map_err(|problems| problems.iter().map(|problem| problem.code).collect())
}

/// Changes below `docs/`, each in a message of its own.
fn planned(mappings: &Mappings, changes: usize) -> Plan {
    let change = |nth: usize| Change {
        bucket: BucketName::parse("shared").unwrap(),
        key: format!("docs/{nth}.html"),
        kind: ChangeKind::Created,
        time: None,
        sequencer: None,
        origin: Origin::Message(Arc::from(nth.to_string())),
    };
    plan(mappings, Event { changes: (0..changes).map(change).collect(), ..Event::default() })
}

fn items(plan: &Plan, team: &str) -> usize {
    plan.batches.iter().filter(|batch| batch.zone.team.as_str() == team).map(|batch| batch.items().len()).sum()
}

/// This many of these, quoted.
fn quoted(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(|nth| format!("\"{}\"", text(nth))).collect::<Vec<_>>().join(", ")
}

fn hostnames(count: usize) -> String {
    format!("hostnames = [{}]\n", quoted(count, |nth| format!("h{nth}.website.com")))
}

const MAPPING: &str = "[[teams.web.mappings]]\nsource = \"s3://shared/\"\nzones = [\"website.com\"]\n";

#[test]
fn what_leads_to_too_many_urls_is_no_mapping() {
    let queries = |count| format!("query_strings = [{}]\n", quoted(count, |nth| format!("v={nth}")));
    assert!(read(&format!("{}{MAPPING}{}", hostnames(100), queries(100))).is_ok());
    for (hosts, rest, codes) in [
        (101, queries(100), vec!["too-many-urls"]),
        (1000, format!("{}schemes = [\"http\", \"https\"]\n", queries(6)), vec!["too-many-urls"]),
        (1, queries(1001), vec!["too-many-values"]),
        (1, format!("tags = [{}]\npurge = \"tags\"\n", quoted(101, |nth| nth.to_string())), vec!["too-many-values"]),
        (1, format!("query_strings = [\"{}\"]\n", "x".repeat(1025)), vec!["too-long"]),
        (1, format!("add_prefix = \"{}/\"\n", "x".repeat(1024)), vec!["too-long"]),
        (1, format!("vary_headers = [{{ a = \"{}\" }}]\n", "x".repeat(1024)), vec!["bad-vary-headers"]),
        (1001, String::new(), vec!["too-many-values"]),
    ] {
        assert_eq!(read(&format!("{}{MAPPING}{rest}", hostnames(hosts))).unwrap_err(), codes, "{hosts}, {rest:.50}");
    }
}

#[test]
fn a_team_that_asks_for_too_many_urls_gets_some_of_them_and_takes_none_from_others() {
    let mappings = read(&format!("{}{}", hostnames(1000), MAPPING.repeat(3))).unwrap();
    let plan = planned(&mappings, 200);
    assert_eq!(items(&plan, "docs"), 200);
    let bytes: usize = 256 + "https://h999.website.com/docs/100.html".len();
    let web = items(&plan, "web");
    assert!(web < 200 * 1000 && web * bytes > 8 * 1024 * 1024, "three times the same URLs, and some: {web}");
    assert!((1..200).contains(&plan.rejected.len()), "each change once: {}", plan.rejected.len());
    assert!(plan.rejected[0].reason.contains("comes again"), "{}", plan.rejected[0].reason);
    assert!(plan.unmatched.is_empty());
}

#[test]
fn a_team_whose_patterns_are_too_much_to_match_takes_no_time_from_others() {
    let pattern =
        |nth| format!("**/a{nth}/**/*{{{}}}*", (0..60).map(|it| format!("{it}*")).collect::<Vec<_>>().join(","));
    let include = format!("include = [{}]\n", quoted(64, pattern));
    let mappings = read(&format!("{}{}", hostnames(1), format!("{MAPPING}{include}").repeat(15))).unwrap();
    let plan = planned(&mappings, 1000);
    assert_eq!((items(&plan, "docs"), items(&plan, "web")), (1000, 0));
    assert!((500..1000).contains(&plan.rejected.len()), "{}", plan.rejected.len());
}

#[test]
fn a_large_event_of_usual_mappings_is_planned_whole() {
    let others = format!("{MAPPING}include = [\"*.{{css,js,png}}\", \"blog/**\"]\n").repeat(50);
    let mappings = read(&format!("{}{MAPPING}{others}", hostnames(8))).unwrap();
    let plan = planned(&mappings, 10_000);
    assert_eq!((items(&plan, "docs"), items(&plan, "web"), plan.rejected.len()), (10_000, 80_000, 0));
}
