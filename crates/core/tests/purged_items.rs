//! What earlier receives purged of a message is not purged again.

#![allow(clippy::unwrap_used, reason = "clippy does not treat helpers of tests as tests")]

use purge_router_core::{Batch, Item, Mappings, Mode, Origin, Plan, PurgeRequest, PurgedItems, batches, decode, plan};
use serde_json::{Value, json};

/// Two zones, of which the second has an environment, and two mappings of the same objects: by URL, and everything.
fn mappings() -> Mappings {
    let zone = |name: &str, id: usize, line: &str| {
        format!("[teams.web.zones.\"{name}\"]\nzone_id = \"{id:032x}\"\nhostnames = [\"www.{name}\"]\n{line}\n")
    };
    let mapping = |lines: &str| format!("[[teams.web.mappings]]\nsource = \"s3://files/\"\n{lines}\n");
    let environments = "environments = [\"5d41402abc4b2a76b9719d911017c592\"]";
    let text = format!(
        "version = 1\n[teams.web]\nowns = [\"s3://files/\"]\n{}{}{}{}",
        zone("a.com", 1, ""),
        zone("b.com", 2, environments),
        mapping("zones = [\"a.com\", \"b.com\"]"),
        mapping("zones = [\"b.com\"]\npurge = \"everything\""),
    );
    purge_router_config::from_toml(&text).unwrap()
}

/// Two messages about two objects each, one of which is in both. The first has this attribute.
fn event(attribute: &Value) -> Value {
    let record = |key: &str| {
        let object = json!({ "bucket": { "name": "files" }, "object": { "key": key } });
        json!({ "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": object })
    };
    let message = |id: &str, keys: [&str; 2], attributes: Value| {
        let body = json!({ "Records": keys.map(record) }).to_string();
        json!({ "messageId": id, "body": body, "messageAttributes": attributes })
    };
    let first = message("m-0", ["x", "y"], json!({ "PurgedItems": attribute }));
    json!({ "Records": [first, message("m-1", ["y", "z"], json!({}))] })
}

fn planned(event: &Value) -> Plan {
    plan(&mappings(), decode(event.to_string().as_bytes()).unwrap())
}

/// The items of each batch that have this origin, with its zone, and whether it is for an environment.
fn items(plan: &Plan, origin: &str) -> Vec<(String, bool, String)> {
    let mut items = Vec::new();
    for batch in &plan.batches {
        let of_origin = batch.items().iter().filter(|it| it.origins.iter().any(|it| it.to_string() == origin));
        let zone = (batch.zone.domain.to_string(), batch.environment.is_some());
        items.extend(of_origin.map(|it| (zone.0.clone(), zone.1, it.item.to_string())));
    }
    items
}

/// The attribute for the items of these batches.
fn attribute<'b>(batches: impl IntoIterator<Item = &'b Batch>) -> Value {
    let hashes = batches.into_iter().flat_map(|batch| batch.items().iter().map(|item| batch.purge_hash(item)));
    json!({ "dataType": "String", "stringValue": hashes.collect::<PurgedItems>().text() })
}

#[test]
fn only_the_rest_of_a_message_is_planned() {
    let whole = planned(&event(&json!({ "stringValue": "" })));
    let of_a = |plan: &Plan| -> Vec<Batch> {
        plan.batches.iter().filter(|batch| batch.zone.domain.as_str() == "a.com").cloned().collect()
    };
    let rest = planned(&event(&attribute(&of_a(&whole))));
    let without_a = |items: Vec<(String, bool, String)>| -> Vec<_> {
        items.into_iter().filter(|(zone, ..)| zone != "a.com").collect()
    };
    assert_eq!(items(&rest, "m-0"), without_a(items(&whole, "m-0")));
    assert_eq!(items(&rest, "m-1"), items(&whole, "m-1"), "the object that both messages are about, too");
}

#[test]
fn an_item_is_left_out_in_the_environments_in_which_it_was_purged() {
    let whole = planned(&event(&json!({ "stringValue": "" })));
    let of_b = |in_production: bool, in_environment: bool| -> (usize, usize) {
        let batches = whole.batches.iter().filter(|batch| batch.zone.domain.as_str() == "b.com");
        let batches = batches.filter(|it| if it.environment.is_some() { in_environment } else { in_production });
        let left = items(&planned(&event(&attribute(batches))), "m-0").into_iter().filter(|(zone, ..)| zone == "b.com");
        let (environment, production): (Vec<_>, Vec<_>) = left.partition(|(_, is_environment, _)| *is_environment);
        (production.len(), environment.len())
    };
    assert_eq!(of_b(false, false), (3, 2), "two URLs, and everything, which in production takes the environment too");
    assert_eq!(of_b(true, true), (0, 0));
    assert_eq!((of_b(true, false), of_b(false, true)), ((0, 2), (3, 0)));
}

#[test]
fn purges_are_the_same_if_their_teams_zones_modes_and_items_are() {
    let hash = |team: &str, zone_id: usize, mode: Mode, item: Item| {
        let text = format!(
            "version = 1\n[teams.{team}]\nowns = []\n[teams.{team}.zones.\"a.com\"]\nzone_id = \"{zone_id:032x}\"\n\
             hostnames = [\"a.com\"]\n"
        );
        let mappings = purge_router_config::from_toml(&text).unwrap();
        let zone = mappings.zones().next().unwrap();
        let batches = batches([PurgeRequest { zone, mode, item, origin: &Origin::Invocation, changed_at: None }]);
        batches[0].purge_hash(&batches[0].items()[0])
    };
    let tag = |name: &str| Item::Tag(name.to_owned());
    let one = hash("web", 1, Mode::Purge, tag("A"));
    assert_eq!(hash("web", 1, Mode::Purge, tag("a")), one, "Cloudflare's tags are case-insensitive");
    for other in [
        hash("docs", 1, Mode::Purge, tag("A")),
        hash("web", 2, Mode::Purge, tag("A")),
        hash("web", 1, Mode::Invalidate, tag("A")),
        hash("web", 1, Mode::Purge, tag("b")),
        hash("web", 1, Mode::Purge, Item::Host("a".to_owned())),
    ] {
        assert_ne!(other, one);
    }
}

#[test]
fn sqs_itself_names_the_attribute_with_capitals() {
    let whole = planned(&event(&json!({ "stringValue": "" })));
    let value = attribute(&whole.batches)["stringValue"].clone();
    let record = event(&json!({}))["Records"][0].clone();
    let message = json!({
        "MessageId": "m-0", "Body": record["body"],
        "MessageAttributes": { "PurgedItems": { "DataType": "String", "StringValue": value } },
    });
    assert_eq!(planned(&json!({ "Messages": [message] })).batches.len(), 0);
}

#[test]
fn any_other_attribute_counts_as_none() {
    let whole = items(&planned(&event(&json!({ "stringValue": "" }))), "m-0");
    let value = |value: Value| json!({ "stringValue": value });
    let wrong = [json!(null), json!(7), json!([]), json!({}), value(json!(7)), value(json!("?")), value(json!(null))];
    for attribute in wrong {
        assert_eq!(items(&planned(&event(&attribute)), "m-0"), whole, "{attribute}");
    }
    for attributes in [json!("PurgedItems"), json!(["PurgedItems"]), json!(7), json!(null)] {
        let mut event = event(&json!({}));
        event["Records"][0]["messageAttributes"] = attributes;
        assert_eq!(items(&planned(&event), "m-0"), whole, "{event}");
    }
}
