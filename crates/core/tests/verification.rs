//! `verify`: which URLs are sampled, and what is asked for when they come back.

#![allow(clippy::unwrap_used, reason = "clippy does not recognize the helpers of tests as tests")]

use purge_router_core::{Content, Mappings, Plan, decode, plan};
use serde_json::{Value, json};

/// A zone with a `verify` and a mapping with these lines.
fn mappings(of_zone: f64, lines: &str) -> Mappings {
    let text = format!(
        "version = 1\n[teams.web]\nowns = [\"s3://files/\"]\n[teams.web.zones.\"w.com\"]\nzone_id = \"{:032}\"\n\
         hostnames = [\"www.w.com\"]\nverify = {of_zone:?}\n\
         [[teams.web.mappings]]\nsource = \"s3://files/\"\nzones = [\"w.com\"]\n{lines}\n",
        0
    );
    purge_router_config::from_toml(&text).unwrap()
}

fn record(name: &str, key: &str) -> Value {
    let object = json!({ "key": key, "eTag": "9b2cf535f27731c974343645a3985328" });
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": { "bucket": { "name": "files" }, "object": object },
    })
}

fn event(ids: impl Iterator<Item = String>) -> Value {
    let message = |id: String| {
        let body = json!({ "Records": [record("ObjectCreated:Put", &format!("{id}.css"))] }).to_string();
        json!({ "messageId": id, "eventSource": "aws:sqs", "body": body })
    };
    json!({ "Records": ids.map(message).collect::<Vec<_>>() })
}

fn plan_of(mappings: &Mappings, event: &Value) -> Plan {
    plan(mappings, decode(event.to_string().as_bytes()).unwrap())
}

fn sampled(plan: &Plan) -> Vec<&str> {
    plan.samples.iter().flat_map(|sample| &sample.urls).map(String::as_str).collect()
}

#[test]
fn the_share_is_that_of_the_mapping_or_else_of_the_zone() {
    for (of_zone, lines, expected) in
        [(0.0, "", 0), (1.0, "", 1), (1.0, "verify = 0", 0), (0.0, "verify = 1", 1), (0.0, "verify = 1.0", 1)]
    {
        let plan = plan_of(&mappings(of_zone, lines), &event(["m".to_owned()].into_iter()));
        assert_eq!((plan.samples.len(), plan.batches.len()), (expected, 1), "{of_zone} {lines}");
    }
}

#[test]
fn about_the_share_is_sampled_and_the_same_for_the_same_messages() {
    let mappings = mappings(0.1, "");
    let mut found = 0;
    for start in (0..4000).step_by(20) {
        let event = event((start..start + 20).map(|id| format!("m-{id}")));
        let plan = plan_of(&mappings, &event);
        assert_eq!(sampled(&plan), sampled(&plan_of(&mappings, &event)));
        found += sampled(&plan).len();
    }
    // 400 are expected, with a standard deviation of 19.
    assert!((300..500).contains(&found), "{found}");
}

#[test]
fn a_team_has_ten_urls_of_an_event_which_are_not_the_first_ones() {
    let plan = plan_of(&mappings(1.0, ""), &event((0..1000).map(|id| format!("m-{id}"))));
    let urls = sampled(&plan);
    assert_eq!(urls.len(), 10);
    let is_late = |url: &&&str| url.trim_start_matches("https://www.w.com/m-").trim_end_matches(".css").len() == 3;
    assert!(urls.iter().filter(is_late).count() > 5, "{urls:?}");
}

#[test]
fn only_urls_that_a_mapping_still_purges_and_verifies_are_checked() {
    let before = plan_of(&mappings(1.0, "also = [\"/\"]"), &event(["m".to_owned()].into_iter()));
    let message: Value = serde_json::from_str(&before.samples[0].message(1_795_946_400_123)).unwrap();
    assert_eq!(before.samples[0].urls.len(), 2);
    for (of_zone, lines, expected, unmatched) in [
        (1.0, "also = [\"/\"]", 2, 0),
        (0.000_001, "also = [\"/\"]", 2, 0),
        (1.0, "", 1, 0),
        (1.0, "add_prefix = \"moved/\"", 0, 0),
        (0.0, "", 0, 1),
        (1.0, "verify = 0", 0, 1),
        (1.0, "exclude = [\"*.css\"]", 0, 1),
    ] {
        let plan = plan_of(&mappings(of_zone, lines), &message);
        let found =
            (plan.checks.len(), plan.unmatched.len(), plan.batches.len(), plan.samples.len(), plan.second_purges.len());
        assert_eq!(found, (expected, unmatched, 0, 0, 0), "{of_zone} {lines}");
    }
    let mut forged = message;
    forged["Records"][0]["purgeRouter"]["urls"] = json!(["https://www.w.com/other.css", "https://169.254.169.254/"]);
    assert_eq!(plan_of(&mappings(1.0, ""), &forged).checks.len(), 0);
}

#[test]
fn what_is_known_of_the_content_depends_on_the_kind_of_change() {
    let etag = Content::ETag("9b2cf535f27731c974343645a3985328".to_owned());
    let events = "events = [\"created\", \"removed\", \"restored\", \"tagged\", \"acl\"]\nalso = [\"/\"]";
    for (name, expected) in [
        ("ObjectCreated:Copy", etag.clone()),
        ("ObjectRestore:Completed", etag),
        ("ObjectRemoved:Delete", Content::Removed),
        ("ObjectTagging:Put", Content::Unknown),
        ("ObjectAcl:Put", Content::Unknown),
    ] {
        let mut record = record(name, "a.css");
        record["purgeRouter"] = json!({
            "verificationOf": "web",
            "purgedAt": 7,
            "urls": ["https://www.w.com/a.css", "https://www.w.com/"],
        });
        let plan = plan_of(&mappings(1.0, events), &json!({ "Records": [record] }));
        let checks: Vec<_> = plan.checks.iter().map(|it| (it.url.as_str(), &it.content, it.purged_at)).collect();
        assert_eq!(checks, [("https://www.w.com/a.css", &expected, 7), ("https://www.w.com/", &Content::Unknown, 7)]);
    }
}

#[test]
fn urls_are_recognized_in_every_variant_that_a_mapping_purges() {
    let lines = "query_strings = [\"v=1\"]\nschemes = [\"https\", \"http\"]\nalso = [\"/feed.xml\"]\nclean_urls = true";
    for (url, is_checked) in [
        ("https://www.w.com/a%20b.html?v=1", true),
        ("http://www.w.com/a+b.html?v=1", true),
        ("https://www.w.com/a%20b?v=1", true),
        ("https://www.w.com/feed.xml", true),
        ("https://www.w.com/feed.xml?v=1", true),
        ("https://www.w.com/a%20b.html", false),
        ("https://www.w.com/a%20b.html?", false),
        ("https://www.w.com/feed.xml?", false),
        ("https://w.com/feed.xml", false),
        ("ftp://www.w.com/feed.xml", false),
        ("www.w.com/feed.xml", false),
    ] {
        let mut record = record("ObjectCreated:Put", "a+b.html");
        record["purgeRouter"] = json!({ "verificationOf": "web", "purgedAt": 7, "urls": [url] });
        let plan = plan_of(&mappings(1.0, lines), &json!({ "Records": [record] }));
        assert_eq!(plan.checks.len(), usize::from(is_checked), "{url}");
    }
}

#[test]
fn naming_what_is_verified_has_the_bounds_of_a_purge() {
    let record = |index: usize| {
        let mut record = record("ObjectCreated:Put", &format!("{}({index})", "(".repeat(1000)));
        record["purgeRouter"] = json!({ "verificationOf": "web", "purgedAt": 7, "urls": ["https://www.w.com/"] });
        record
    };
    let also: Vec<String> = (0..100).map(|index| format!("\"/{index}/{{key}}{{key}}{{key}}{{key}}\"")).collect();
    let mappings = mappings(1.0, &format!("also = [{}]", also.join(", ")));
    let plan = plan_of(&mappings, &json!({ "Records": (0..50).map(record).collect::<Vec<_>>() }));
    assert!(plan.rejected.iter().any(|rejected| rejected.reason.contains("more than one event may hold")));
}
