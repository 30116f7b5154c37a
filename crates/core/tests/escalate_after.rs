//! A mapping purges its folder if its URLs would take too long at the rate limits of its zones.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

use std::time::Duration;

use purge_router_core::names::BucketName;
use purge_router_core::{Change, ChangeKind, Drain, Escalated, Event, Origin, Plan, plan};

const ACCOUNT: &str = "account_id = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n";

/// What `objects` of a mapping with 400 query strings lead to, in two zones with these lines.
fn planned(objects: usize, zones: [&str; 2], mapping: &str) -> Plan {
    let queries: Vec<String> = (0..400).map(|number| format!("v={number}")).collect();
    let [one, two] = zones;
    let text = format!(
        "version = 1\n[teams.web]\nowns = [\"s3://assets/\"]\n\
         [teams.web.zones.\"one.com\"]\nzone_id = \"{:032x}\"\nhostnames = [\"one.com\"]\n{one}\n\
         [teams.web.zones.\"two.com\"]\nzone_id = \"{:032x}\"\nhostnames = [\"two.com\"]\n{two}\n\
         [[teams.web.mappings]]\nsource = \"s3://assets/media/\"\nzones = [\"one.com\", \"two.com\"]\n\
         query_strings = {queries:?}\n{mapping}\n",
        1, 2
    );
    let mappings = purge_router_config::from_toml(&text).unwrap();
    let changes = (0..objects).map(|object| Change {
        bucket: BucketName::parse("assets").unwrap(),
        key: format!("media/{object}.png"),
        kind: ChangeKind::Created,
        time: None,
        etag: None,
        version: Default::default(),
        second_purge_of: None,
        verification: None,
        origin: Origin::Invocation,
    });
    plan(&mappings, Event { changes: changes.collect(), ..Event::default() })
}

#[test]
fn the_account_that_takes_longest_decides() {
    let (pro, enterprise) = ("plan = \"pro\"\n", "plan = \"enterprise\"\n");
    let together = format!("{ACCOUNT}{pro}");
    let environments = "environments = [\"a\", \"b\"]\n";
    for (objects, zones, seconds) in [
        // 400 URLs an object and zone, at 800, 1,500 and 3,000 a second.
        (10, ["", ""], 5.0),
        (10, [ACCOUNT, ACCOUNT], 10.0),
        (10, [pro, enterprise], 10.0 * 400.0 / 1500.0),
        (15, [&together, &together], 8.0),
        (10, [ACCOUNT, &together], 5.0),
        // Each environment takes the URLs once more.
        (10, ["", environments], 15.0),
    ] {
        let expected = Duration::from_secs_f64(seconds);
        let above = expected.as_secs() - 1;
        let escalated = planned(objects, zones, &format!("escalate_after = \"{}s\"", above.max(1))).escalated;
        let drain = escalated[0].drain.unwrap();
        assert!(drain.time.abs_diff(expected) < Duration::from_millis(1), "{zones:?}: {drain:?}");
        let in_time = planned(objects, zones, &format!("escalate_after = \"{}s\"", expected.as_secs() + 1));
        assert!(in_time.escalated.is_empty(), "{zones:?}");
    }
}

#[test]
fn the_time_itself_is_not_too_long_and_the_count_escalates_beside_it() {
    let (above, after) = ("escalate_above = 7999\n", "escalate_after = \"5s\"\n");
    let drain = |millis| Some(Drain { time: Duration::from_millis(millis), after: Duration::from_secs(5) });
    let escalated = |objects, lines: &str| {
        let Plan { escalated, batches, .. } = planned(objects, ["", ""], lines);
        assert_eq!(batches.len() == 2, !escalated.is_empty(), "one prefix in each zone");
        escalated.into_iter().next()
    };
    let name = || "teams.web.mappings[0]".to_owned();
    assert_eq!(escalated(10, after), None);
    assert_eq!(escalated(11, after), Some(Escalated { mapping: name(), urls: 8800, above: 0, drain: drain(5500) }));
    assert_eq!(
        escalated(10, &format!("{above}{after}")),
        Some(Escalated { mapping: name(), urls: 8000, above: 7999, drain: None })
    );
    let json = serde_json::to_value(escalated(11, after)).unwrap();
    assert_eq!(
        json,
        serde_json::json!({ "mapping": name(), "urls": 8800, "above": 0, "drain_ms": 5500, "after_ms": 5000 })
    );
    let json = serde_json::to_value(escalated(10, above)).unwrap();
    assert_eq!(json, serde_json::json!({ "mapping": name(), "urls": 8000, "above": 7999 }));
}
