//! No team takes more of an event than its share, whatever it writes; and what finds no room is retried, never lost.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

use purge_router_core::names::BucketName;
use purge_router_core::{
    Change, ChangeKind, Event, LastPurges, Mappings, Origin, Plan, Rejected, RejectionKind, UncertainBuckets, bounds,
    plan, plan_until,
};

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
    plan(mappings, Event { changes: changes_below_docs(changes), ..Event::default() })
}

fn changes_below_docs(count: usize) -> Vec<Change> {
    (0..count).map(|index| change(index, &format!("docs/{index}.html"))).collect()
}

fn change(index: usize, key: &str) -> Change {
    Change {
        bucket: BucketName::parse("shared").unwrap(),
        key: key.to_owned(),
        kind: ChangeKind::Created,
        time: None,
        etag: None,
        version: Default::default(),
        second_purge_of: None,
        verification: None,
        origin: Origin::Message(index.to_string().into()),
    }
}

fn items(plan: &Plan, team: &str) -> usize {
    plan.batches.iter().filter(|batch| batch.zone.team.as_str() == team).map(|batch| batch.items().len()).sum()
}

/// This many of these, quoted.
fn quoted(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(|index| format!("\"{}\"", text(index))).collect::<Vec<_>>().join(", ")
}

fn hostnames(count: usize) -> String {
    format!("hostnames = [{}]\n", quoted(count, |index| format!("h{index}.website.com")))
}

const MAPPING: &str = "[[teams.web.mappings]]\nsource = \"s3://shared/\"\nzones = [\"website.com\"]\n";

#[test]
fn what_leads_to_too_many_urls_is_no_mapping() {
    let queries = |count| format!("query_strings = [{}]\n", quoted(count, |index| format!("v={index}")));
    assert!(read(&format!("{}{MAPPING}{}", hostnames(100), queries(100))).is_ok());
    let sets = |headers: usize| {
        let set = (0..headers).map(|index| format!("h{index} = \"x\"")).collect::<Vec<_>>().join(", ");
        format!("vary_headers = [{{ {set} }}]\n")
    };
    assert!(read(&format!("{}{MAPPING}{}", hostnames(1), sets(10))).is_ok());
    let long = format!("query_strings = [{}]\n", quoted(100, |index| format!("{}{index}", "x".repeat(1020))));
    for (hosts, rest, codes) in [
        (101, queries(100), vec!["too-many-urls"]),
        (1000, format!("{}schemes = [\"http\", \"https\"]\n", queries(6)), vec!["too-many-urls"]),
        (100, long, vec!["too-many-urls"]),
        (1, queries(1001), vec!["too-many-values"]),
        (
            1,
            format!("tags = [{}]\npurge = \"tags\"\n", quoted(101, |index| index.to_string())),
            vec!["too-many-values"],
        ),
        (
            1000,
            format!("hostnames = [{}]\n", quoted(1001, |index| format!("h{index}.website.com"))),
            vec!["too-many-values"],
        ),
        (1, format!("query_strings = [\"{}\"]\n", "x".repeat(1025)), vec!["too-long"]),
        (1, format!("add_prefix = \"{}/\"\n", "x".repeat(1024)), vec!["too-long"]),
        (1, format!("vary_headers = [{{ a = \"{}\" }}]\n", "x".repeat(1024)), vec!["bad-vary-headers"]),
        (1, sets(11), vec!["bad-vary-headers"]),
        (1, format!("also = [{}]\n", quoted(101, |index| format!("/{index}"))), vec!["too-many-values"]),
        (1, format!("also = [\"/{}\"]\n", "x".repeat(1024)), vec!["too-long"]),
        (1000, format!("also = [{}]\n", quoted(100, |index| format!("/{index}"))), vec!["too-many-urls"]),
        (1000, format!("listings = \"ancestors\"\n{}", queries(6)), vec!["too-many-urls"]),
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
    // Three times the same URLs, each of some 290 bytes: 64 MB are some 230,000 of them.
    let web = items(&plan, "web");
    assert!((60_000..90_000).contains(&web), "{web}");
    assert!((110..=140).contains(&plan.rejected.len()), "each change once: {}", plan.rejected.len());
    assert!(plan.rejected.iter().all(|rejected| rejected.kind == RejectionKind::Transient));
    assert!(
        plan.rejected[0].reason.contains("more than one event may hold, so it is retried"),
        "{:?}",
        plan.rejected[0]
    );
    assert!(plan.unmatched.is_empty());
}

#[test]
fn a_single_change_is_purged_though_it_needs_most_of_the_event_and_the_next_one_is_retried() {
    let long = format!("query_strings = [{}]\n", quoted(100, |index| format!("{}{index}", "x".repeat(700))));
    let key_of_many_spellings = "docs/a+(1)|b/index.html";
    let three = "spellings = [\"whatwg\", \"chromium\", \"rfc3986\"]\n";
    let mappings = read(&format!("{}{MAPPING}{long}{three}", hostnames(100))).unwrap();
    let event = |keys: &[&str]| Event {
        changes: keys.iter().enumerate().map(|(index, key)| change(index, key)).collect(),
        ..Event::default()
    };
    let alone = plan(&mappings, event(&[key_of_many_spellings]));
    assert_eq!((items(&alone, "web"), alone.rejected.len()), (100 * 100 * 2 * 3, 0));
    let both = plan(&mappings, event(&[key_of_many_spellings, "docs/b+(1)|c/index.html"]));
    assert_eq!((items(&both, "web"), both.rejected.len()), (100 * 100 * 2 * 3, 1));
    assert_eq!(both.failed_origins(), [&Origin::Message("1".into())].into());
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
fn what_depends_on_many_objects_takes_room_once() {
    let dependents = format!("also = [{}]\nlistings = \"ancestors\"\n", quoted(20, |index| format!("/{index}.xml")));
    let mappings = read(&format!("{}{MAPPING}{dependents}", hostnames(8))).unwrap();
    let plan = planned(&mappings, 4000);
    // Each object, the 20 paths, and the two folders above all objects.
    assert_eq!((items(&plan, "web"), plan.rejected.len()), (8 * (4000 + 20 + 2), 0));
    let origins = plan.batches.iter().flat_map(|batch| batch.items()).map(|item| item.origins.len()).max();
    assert_eq!(origins, Some(4000), "if it is not purged, the messages of all changes fail");
}

#[test]
fn a_folder_with_a_mapping_for_each_object_is_planned_whole() {
    let mapping = |index: usize| format!("{MAPPING}include = [\"{index}.html\"]\n");
    let all: String = (0..3000).map(mapping).collect();
    let plan = planned(&read(&format!("{}{all}", hostnames(1))).unwrap(), 1000);
    assert_eq!((items(&plan, "web"), plan.rejected.len()), (1000, 0));
}

#[test]
fn a_change_that_no_mapping_can_purge_is_reported_a_few_times_and_does_not_fail() {
    let mappings = read(&format!("{}{}", hostnames(1), MAPPING.repeat(500))).unwrap();
    let plan = plan(&mappings, Event { changes: vec![change(0, "docs/../x")], ..Event::default() });
    assert!(plan.rejected.iter().all(|rejected| rejected.kind == RejectionKind::Unpurgeable));
    assert!(plan.failed_origins().is_empty());
    assert_eq!(plan.rejected.len(), 10 + 1, "ten of web, and one of docs");
}

#[test]
fn a_team_whose_patterns_are_too_much_to_match_takes_no_time_from_others() {
    let pattern =
        |index| format!("**/a{index}/**/*{{{}}}*", (0..60).map(|it| format!("{it}*")).collect::<Vec<_>>().join(","));
    let include = format!("include = [{}]\n", quoted(64, pattern));
    let mappings = read(&format!("{}{}", hostnames(1), format!("{MAPPING}{include}").repeat(15))).unwrap();
    let plan = planned(&mappings, 1000);
    assert_eq!((items(&plan, "docs"), items(&plan, "web")), (1000, 0));
    assert!((400..600).contains(&plan.rejected.len()), "{}", plan.rejected.len());
}

#[test]
fn a_team_whose_templates_are_too_much_to_write_takes_no_time_from_others() {
    let also = quoted(100, |index| format!("/{}{index}{{key}}", "x".repeat(900)));
    // Too long for tags with any key.
    let tags = quoted(100, |index| format!("{}{index}{{key}}{{key}}", "x".repeat(1008)));
    // 100 paths of some 915 bytes in 20 spellings, and 100 tags of some 1,035: 128 MB are 73 and 1,297 of these.
    for (rules, changes, retried) in [
        (format!("also = [{also}]\n"), 200, 120..140),
        (format!("purge = \"tags\"\ntags = [{tags}]\n"), 2000, 650..750),
    ] {
        let mappings = read(&format!("{}{MAPPING}{rules}", hostnames(1))).unwrap();
        let plan = planned(&mappings, changes);
        assert_eq!(items(&plan, "docs"), changes);
        let transient = |rejected: &&Rejected| rejected.kind == RejectionKind::Transient;
        let count = plan.rejected.iter().filter(transient).count();
        assert!(retried.contains(&count), "{count} of {changes}");
    }
}

#[test]
fn a_large_event_of_usual_mappings_is_planned_whole() {
    let others = format!("{MAPPING}include = [\"*.{{css,js,png}}\", \"blog/**\"]\n").repeat(50);
    let mappings = read(&format!("{}{MAPPING}{others}", hostnames(8))).unwrap();
    let plan = planned(&mappings, 10_000);
    assert_eq!((items(&plan, "docs"), items(&plan, "web"), plan.rejected.len()), (10_000, 80_000, 0));
}

/// Teams `t0`, `t1` …, which all map `s3://shared/`, each with so many hostnames.
fn teams(hostnames: &[usize]) -> Mappings {
    let team = |(index, hosts): (usize, &usize)| {
        format!(
            "[teams.t{index}]\nowns = [\"s3://shared/\"]\n[teams.t{index}.zones.\"w{index}.com\"]\nzone_id = \"{index:032x}\"\n\
             hostnames = [{}]\n[[teams.t{index}.mappings]]\nsource = \"s3://shared/\"\nzones = [\"w{index}.com\"]\n",
            quoted(*hosts, |host| format!("h{host}.w{index}.com"))
        )
    };
    let teams: String = hostnames.iter().enumerate().map(team).collect();
    purge_router_config::from_toml(&format!("version = 1\n{teams}")).unwrap()
}

/// What the items of a plan take.
fn bytes(plan: &Plan) -> usize {
    let items = plan.batches.iter().flat_map(|batch| batch.items());
    items.map(|item| bounds::ITEM_OVERHEAD + item.item.to_string().len()).sum()
}

#[test]
fn ten_teams_that_ask_for_more_than_there_is_share_one_event() {
    let mappings = teams(&[1000; 10]);
    let plan = planned(&mappings, 100);
    assert!(bytes(&plan) <= bounds::EVENT, "{}", bytes(&plan));
    assert!(bytes(&plan) > bounds::EVENT / 10 * 9, "and what there is is used: {}", bytes(&plan));
    let of_each: Vec<usize> = (0..10).map(|index| items(&plan, &format!("t{index}"))).collect();
    assert!(of_each.iter().all(|items| items.abs_diff(of_each[0]) <= 1000), "{of_each:?}");
    assert!(of_each[0] >= 20_000, "{of_each:?}");
}

#[test]
fn a_small_team_loses_nothing_to_a_huge_one_wherever_its_changes_are() {
    // The huge team comes first in the order of teams, and asks for ten times of what there is.
    let plan = planned(&teams(&[1000, 1]), 2000);
    assert_eq!(items(&plan, "t1"), 2000);
    assert!(items(&plan, "t0") > 200_000, "the rest is for the team that needs it: {}", items(&plan, "t0"));
    let reasons = plan.rejected.iter().map(|rejected| &rejected.reason);
    assert!(reasons.into_iter().all(|reason| reason.contains("teams.t0.mappings[0]") && !reason.contains("more)")));
}

#[test]
fn a_team_alone_gets_the_whole_event() {
    let plan = planned(&teams(&[1000]), 2000);
    assert!(bytes(&plan) > bounds::EVENT / 10 * 9, "{}", bytes(&plan));
}

#[test]
fn what_is_refused_in_one_event_is_purged_when_it_is_redelivered_alone() {
    let mappings = teams(&[1000, 1000, 1]);
    let changes = changes_below_docs(300);
    let first = planned(&mappings, 300);
    assert!(!first.failed_origins().is_empty());
    for origin in first.failed_origins() {
        let changes = changes.iter().filter(|change| change.origin == *origin).cloned().collect();
        let again = plan(&mappings, Event { changes, ..Event::default() });
        assert_eq!(again.rejected, []);
        assert_eq!(again.batches.iter().map(|batch| batch.items().len()).sum::<usize>(), 2001);
    }
}

#[test]
fn one_hit_that_is_larger_than_its_share_is_purged_beside_the_others() {
    // Ten query strings, 1000 hostnames and three spellings: one change of the first team takes half of an event.
    let large = format!("query_strings = [{}]\n", quoted(10, |index| format!("{}{index}", "x".repeat(700))));
    let text = format!("{}{MAPPING}{large}", hostnames(1000));
    let other = |index: usize| {
        format!(
            "[teams.z{index}]\nowns = [\"s3://shared/\"]\n[teams.z{index}.zones.\"z{index}.com\"]\nzone_id = \"{index:032x}\"\n\
             hostnames = [{}]\n[[teams.z{index}.mappings]]\nsource = \"s3://shared/\"\nzones = [\"z{index}.com\"]\n",
            quoted(1000, |host| format!("h{host}.z{index}.com"))
        )
    };
    let mappings = read(&format!("{text}{}", (0..5).map(other).collect::<String>())).unwrap();
    let changes = (0..100).map(|index| change(index, &format!("docs/a+|{index}.html"))).collect();
    let plan = plan(&mappings, Event { changes, ..Event::default() });
    assert_eq!(items(&plan, "web"), 30_000, "its first change");
    let others: Vec<usize> = (0..5).map(|index| items(&plan, &format!("z{index}"))).collect();
    assert!(others.iter().all(|items| *items >= 40_000), "{others:?}");
    assert!(bytes(&plan) <= 2 * bounds::EVENT, "{}", bytes(&plan));
}

#[test]
fn the_same_event_leads_to_the_same_plan() {
    let mappings = teams(&[1000, 700, 3]);
    let json = |_| serde_json::to_string(&planned(&mappings, 300)).unwrap();
    let plans: Vec<String> = (0..2).map(json).collect();
    assert!(plans[0] == plans[1]);
}

#[test]
fn what_is_not_planned_by_the_deadline_is_retried_and_the_rest_is_planned() {
    let event = Event { changes: changes_below_docs(10), ..Event::default() };
    let asked = std::cell::Cell::new(0);
    let plan = plan_until(&teams(&[1]), &UncertainBuckets::default(), &LastPurges::default(), event, || {
        asked.replace(asked.get() + 1) >= 4
    });
    assert_eq!((plan.changes, items(&plan, "t0"), plan.unmatched.len()), (10, 4, 0));
    let origins: Vec<String> = plan.failed_origins().into_iter().map(ToString::to_string).collect();
    assert_eq!(origins, (4..10).map(|index| index.to_string()).collect::<Vec<_>>());
    let reason = "s3://shared/docs/9.html: deadline exceeded before it was planned, so it is retried";
    assert_eq!((plan.rejected[5].kind, &*plan.rejected[5].reason), (RejectionKind::Transient, reason));
}
