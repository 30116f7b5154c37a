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
    let read = purge_router_config::from_toml(&format!("{HEAD}{rest}"));
    read.map_err(|problems| problems.iter().map(|problem| problem.code.as_str()).collect())
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
    let sets = |headers: usize| {
        let set = (0..headers).map(|nth| format!("h{nth} = \"x\"")).collect::<Vec<_>>().join(", ");
        format!("vary_headers = [{{ {set} }}]\n")
    };
    assert!(read(&format!("{}{MAPPING}{}", hostnames(1), sets(10))).is_ok());
    let long = format!("query_strings = [{}]\n", quoted(100, |nth| format!("{}{nth}", "x".repeat(1020))));
    for (hosts, rest, codes) in [
        (101, queries(100), vec!["too-many-urls"]),
        (1000, format!("{}schemes = [\"http\", \"https\"]\n", queries(6)), vec!["too-many-urls"]),
        (100, long, vec!["too-many-urls"]),
        (1, queries(1001), vec!["too-many-values"]),
        (1, format!("tags = [{}]\npurge = \"tags\"\n", quoted(101, |nth| nth.to_string())), vec!["too-many-values"]),
        (
            1000,
            format!("hostnames = [{}]\n", quoted(1001, |nth| format!("h{nth}.website.com"))),
            vec!["too-many-values"],
        ),
        (1, format!("query_strings = [\"{}\"]\n", "x".repeat(1025)), vec!["too-long"]),
        (1, format!("add_prefix = \"{}/\"\n", "x".repeat(1024)), vec!["too-long"]),
        (1, format!("vary_headers = [{{ a = \"{}\" }}]\n", "x".repeat(1024)), vec!["bad-vary-headers"]),
        (1, sets(11), vec!["bad-vary-headers"]),
        (1001, String::new(), vec!["too-many-values"]),
    ] {
        assert_eq!(read(&format!("{}{MAPPING}{rest}", hostnames(hosts))).unwrap_err(), codes, "{hosts}, {rest:.50}");
    }
    // What leads to no URLs may have any number of hostnames.
    for purge in ["tags = [\"a\"]\npurge = \"tags\"\n", "purge = \"everything\"\n", "purge = \"hosts\"\n"] {
        let mappings = read(&format!("{}{MAPPING}{}{purge}", hostnames(1000), queries(1000))).unwrap();
        assert_eq!(planned(&mappings, 3).rejected.len(), 0, "{purge}");
    }
}

#[test]
fn a_team_that_asks_for_too_many_urls_gets_some_of_them_and_takes_none_from_others() {
    let mappings = read(&format!("{}{}", hostnames(1000), MAPPING.repeat(3))).unwrap();
    let plan = planned(&mappings, 200);
    assert_eq!(items(&plan, "docs"), 200);
    // Three times the same URLs, each of some 290 bytes: 32 MB are some 115,000 of them.
    let web = items(&plan, "web");
    assert!((30_000..45_000).contains(&web), "{web}");
    assert!((155..=170).contains(&plan.rejected.len()), "each change once: {}", plan.rejected.len());
    assert!(plan.rejected[0].reason.contains("comes again"), "{}", plan.rejected[0].reason);
    assert!(plan.unmatched.is_empty());
}

#[test]
fn a_single_change_is_purged_though_it_needs_all_the_room_and_the_next_one_comes_again() {
    let long = format!("query_strings = [{}]\n", quoted(100, |nth| format!("{}{nth}", "x".repeat(700))));
    let mappings = read(&format!("{}{MAPPING}{long}clean_urls = true\n", hostnames(100))).unwrap();
    let plan = planned(&mappings, 3);
    assert_eq!((items(&plan, "web"), plan.rejected.len()), (100 * 100 * 2, 2));
}

#[test]
fn what_becomes_one_folder_takes_no_room_before() {
    let mapping = format!("{MAPPING}add_prefix = \"shop/\"\nescalate_above = 1000\n");
    let mappings = read(&format!("{}{mapping}", hostnames(24))).unwrap();
    let plan = planned(&mappings, 10_000);
    assert_eq!((items(&plan, "web"), plan.rejected.len()), (24, 0));
    assert_eq!(plan.escalated.iter().map(|it| it.urls).collect::<Vec<_>>(), [240_000]);
}

#[test]
fn a_folder_with_a_mapping_for_each_object_is_planned_whole() {
    let mapping = |nth: usize| format!("{MAPPING}include = [\"{nth}.html\"]\n");
    let all: String = (0..3000).map(mapping).collect();
    let plan = planned(&read(&format!("{}{all}", hostnames(1))).unwrap(), 1000);
    assert_eq!((items(&plan, "web"), plan.rejected.len()), (1000, 0));
}

#[test]
fn a_change_that_no_mapping_can_purge_is_told_a_few_times() {
    let mappings = read(&format!("{}{}", hostnames(1), MAPPING.repeat(500))).unwrap();
    let change = Change {
        bucket: BucketName::parse("shared").unwrap(),
        key: "docs/../x".to_owned(),
        kind: ChangeKind::Created,
        time: None,
        sequencer: None,
        origin: Origin::Invocation,
    };
    let plan = plan(&mappings, Event { changes: vec![change], ..Event::default() });
    assert_eq!(plan.rejected.len(), 10 + 1, "ten of web, and one of docs");
}

#[test]
fn a_team_whose_patterns_are_too_much_to_match_takes_no_time_from_others() {
    let pattern =
        |nth| format!("**/a{nth}/**/*{{{}}}*", (0..60).map(|it| format!("{it}*")).collect::<Vec<_>>().join(","));
    let include = format!("include = [{}]\n", quoted(64, pattern));
    let mappings = read(&format!("{}{}", hostnames(1), format!("{MAPPING}{include}").repeat(15))).unwrap();
    let plan = planned(&mappings, 1000);
    assert_eq!((items(&plan, "docs"), items(&plan, "web")), (1000, 0));
    assert!((400..600).contains(&plan.rejected.len()), "{}", plan.rejected.len());
}

#[test]
fn a_large_event_of_usual_mappings_is_planned_whole() {
    let others = format!("{MAPPING}include = [\"*.{{css,js,png}}\", \"blog/**\"]\n").repeat(50);
    let mappings = read(&format!("{}{MAPPING}{others}", hostnames(8))).unwrap();
    let plan = planned(&mappings, 10_000);
    assert_eq!((items(&plan, "docs"), items(&plan, "web"), plan.rejected.len()), (10_000, 80_000, 0));
}
