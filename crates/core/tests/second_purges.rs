//! `again_after`: which changes are purged once more, and what their second purge is.

#![allow(clippy::unwrap_used, reason = "clippy does not treat helpers of tests as tests")]

use purge_router_core::{Event, Mappings, Plan, decode, plan, route};

/// The team `web` has one mapping for each of these lines, all of the same objects; `docs` has one, with 60 s.
fn mappings(lines: &[&str]) -> Mappings {
    let mut text = "version = 1\n".to_owned();
    for team in ["web", "docs"] {
        text += &format!(
            "[teams.{team}]\nowns = [\"s3://shared/\"]\n[teams.{team}.zones.\"{team}.com\"]\n\
             zone_id = \"{:032x}\"\nhostnames = [\"www.{team}.com\"]\n",
            team.len()
        );
    }
    let mapping = |team: &str, line: &str| {
        format!("[[teams.{team}.mappings]]\nsource = \"s3://shared/\"\nzones = [\"{team}.com\"]\n{line}\n")
    };
    text.extend(lines.iter().map(|line| mapping("web", line)));
    text += &mapping("docs", "again_after = 60");
    purge_router_config::from_toml(&text).unwrap()
}

/// An event of S3 about objects that were put.
fn event(keys: &[&str]) -> Event {
    let record = |key: &&str| {
        serde_json::json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-01T10:00:00.000Z",
            "s3": { "bucket": { "name": "shared" }, "object": { "key": key } },
        })
    };
    let records: Vec<_> = keys.iter().map(record).collect();
    decode(serde_json::json!({ "Records": records }).to_string().as_bytes()).unwrap()
}

/// The events that the messages of a plan's second purges bring back.
fn second_events(plan: &Plan) -> Vec<Event> {
    plan.second_purges.iter().map(|second| decode(second.message().as_bytes()).unwrap()).collect()
}

fn again(plan: &Plan) -> Vec<String> {
    let shown = |it: &purge_router_core::SecondPurge| format!("{} {} {}", it.change.key, it.team, it.after);
    plan.second_purges.iter().map(shown).collect()
}

fn items(plan: &Plan) -> Vec<String> {
    plan.batches.iter().flat_map(|batch| batch.items()).map(|item| item.item.to_string()).collect()
}

#[test]
fn each_change_is_purged_again_for_each_team_and_time() {
    let mappings =
        mappings(&["", "again_after = 10", "again_after = 900\nquery_strings = [\"v\"]", "again_after = 10"]);
    let plan = plan(&mappings, event(&["b.css", "a.css"]));
    let of = |key: &str| ["docs 60", "web 10", "web 900"].map(|second| format!("{key} {second}"));
    assert_eq!(again(&plan), [of("b.css"), of("a.css")].concat());
    let json = serde_json::to_value(&plan).unwrap();
    let first = serde_json::json!({
        "team": "docs", "bucket": "shared", "key": "b.css", "event": "created", "after": 60,
    });
    assert_eq!(json["second_purges"][0], first);
}

#[test]
fn by_default_nothing_is_purged_again() {
    let text = "version = 1\n[teams.web]\nowns = [\"s3://shared/\"]\n[teams.web.zones.\"web.com\"]\n\
                zone_id = \"00000000000000000000000000000003\"\nhostnames = [\"www.web.com\"]\n\
                [[teams.web.mappings]]\nsource = \"s3://shared/\"\nzones = [\"web.com\"]\n";
    for line in ["", "again_after = 0\n"] {
        let mappings = purge_router_config::from_toml(&format!("{text}{line}")).unwrap();
        let plan = plan(&mappings, event(&["a.css"]));
        assert_eq!((items(&plan).len(), plan.second_purges.len()), (1, 0));
        assert_eq!(serde_json::to_value(&plan).unwrap().get("second_purges"), None);
    }
}

#[test]
fn what_has_no_item_is_not_purged_again() {
    let mappings = mappings(&["again_after = 10", "again_after = 20\npurge = \"tags\"\ntags = [\"{bucket}\"]"]);
    assert_eq!(again(&plan(&mappings, event(&["../a.css"]))), ["../a.css web 20"], "the key has no URL, but a tag");
}

#[test]
fn the_second_purge_is_that_of_its_team_and_the_last() {
    let lines = ["query_strings = [\"not\"]", "again_after = 10", "again_after = 20\nquery_strings = [\"v\"]"];
    let mappings = mappings(&lines);
    let second = second_events(&plan(&mappings, event(&["a+b%2Bc.css"])));
    let purged = second.into_iter().map(|event| {
        let plan = plan(&mappings, event);
        assert_eq!((plan.second_purges.len(), plan.unmatched.len(), plan.rejected.len()), (0, 0, 0), "{plan:?}");
        assert!(plan.batches.iter().all(|batch| batch.changed_at().is_none()), "no latency is measured");
        let mut items = items(&plan);
        items.retain(|item| !item.contains("%2B"));
        items
    });
    let of_web = ["https://www.web.com/a%20b+c.css", "https://www.web.com/a%20b+c.css?v"];
    let of_docs = vec!["https://www.docs.com/a%20b+c.css"];
    assert_eq!(purged.collect::<Vec<_>>(), [of_docs, of_web.to_vec(), of_web.to_vec()]);
}

#[test]
fn a_second_purge_that_no_mapping_wants_any_more_is_unmatched() {
    let before = mappings(&["again_after = 10"]);
    let second = second_events(&plan(&before, event(&["a.css"]))).remove(1);
    let after = mappings(&["again_after = 0"]);
    let answers: Vec<String> =
        route(&after, &second.changes[0]).map(|route| route.answer.unwrap_err().to_string()).collect();
    assert_eq!(answers, ["it takes no part in this second purge"; 2]);
    assert_eq!(plan(&after, second).unmatched.len(), 1);
    let other_time = mappings(&["again_after = 20"]);
    let second = second_events(&plan(&before, event(&["a.css"]))).remove(1);
    assert_eq!(items(&plan(&other_time, second)), ["https://www.web.com/a.css"], "an edit loses no purge");
}
