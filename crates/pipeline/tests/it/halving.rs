//! Bad items: the batch is halved until they are alone, and the others are purged.

use std::time::Duration;

use purge_router_pipeline::{FailureKind, Report, Status};
use purge_router_sandbox::{Fault, FaultKind, PurgeMethod};
use purge_router_test_support::events::{s3, sqs};

use crate::world::{
    Setup, World, assert_all_purged, blue, failed, fault, items, keys, outcomes_of, red, status, statuses, team, urls,
};

/// A world in which Cloudflare refuses these URLs of red.com.
async fn world_with_bad(keys: &[&str]) -> World {
    let world = World::new(red("", "")).await;
    for url in urls("red.com", keys) {
        world.sandbox().add_fault(fault("red.com", FaultKind::RejectUrl { url }, None));
    }
    world
}

/// The bad keys were refused, all the others were accepted, and no request held what an earlier one had purged.
fn assert_only_bad_refused(world: &World, report: &Report<'_>, keys: &[String], bad: &[&str]) {
    assert_eq!(statuses(report), [Status::ItemsRefused]);
    let mut refused = report.outcomes[0].refused_items.clone();
    refused.sort();
    assert_eq!(refused, urls("red.com", bad));
    let good = keys.iter().filter(|key| !bad.contains(&key.as_str()));
    assert_eq!(world.purged_items("red.com"), urls("red.com", good), "each once");
    assert_eq!(world.requests().len(), report.outcomes[0].attempts as usize);
    assert!(report.outcomes[0].error.as_ref().unwrap().contains("1082"));
}

#[tokio::test]
async fn one_bad_url_of_a_hundred_is_found() {
    for index in [0, 37, 50, 99] {
        let (bad, keys) = (format!("k{index}.css"), keys("k", 100));
        let world = world_with_bad(&[&bad]).await;
        let ids: Vec<String> = (0..100).map(|index| format!("m-{index}")).collect();
        let event = sqs(ids.iter().zip(&keys).map(|(id, key)| (id.as_str(), s3("red-files", [key]))));
        let report = world.run(&event).await;
        assert_only_bad_refused(&world, &report, &keys, &[&bad]);
        assert_eq!(failed(&report), [format!("m-{index}")]);
        let requests = world.requests().len();
        assert!(requests <= 15, "2 log2(100) + 2 at most: {requests}");
    }
}

#[tokio::test]
async fn several_bad_urls_are_found() {
    let keys = keys("k", 100);
    for (bad, most) in [(&["k3.css", "k80.css"][..], 29), (&["k10.css", "k11.css"], 29), (&["k0.css", "k99.css"], 29)] {
        let world = world_with_bad(bad).await;
        let report = world.run(&s3("red-files", &keys)).await;
        assert_only_bad_refused(&world, &report, &keys, bad);
        assert!(world.requests().len() <= most, "{}", world.requests().len());
    }
}

#[tokio::test]
async fn all_bad() {
    let (keys, bad) = (keys("k", 4), ["k0.css", "k1.css", "k2.css", "k3.css"]);
    let world = world_with_bad(&bad).await;
    let report = world.run(&s3("red-files", &keys)).await;
    assert_only_bad_refused(&world, &report, &keys, &bad);
    assert_eq!(world.requests().len(), 7, "each half and each item once");
    assert_eq!(failed(&report), ["invocation"]);
}

#[tokio::test]
async fn all_messages_that_share_a_bad_item_fail_and_no_other_does() {
    let world = world_with_bad(&["bad.css"]).await;
    let event = sqs([
        ("m-1", s3("red-files", ["bad.css"])),
        ("m-2", s3("red-files", ["good.css"])),
        ("m-3", s3("red-files", ["good.css", "bad.css", "fine.css"])),
        ("m-4", s3("red-files", ["fine.css"])),
    ]);
    let report = world.run(&event).await;
    assert_only_bad_refused(&world, &report, &["good.css", "fine.css"].map(str::to_owned), &["bad.css"]);
    assert_eq!(failed(&report), ["m-1", "m-3"]);
}

#[tokio::test]
async fn a_bad_item_of_one_zone_is_good_in_another() {
    let world = World::new(team("red", &[("red.com", ""), ("red.org", "")], "")).await;
    let url = "https://www.red.com/k1.css".to_owned();
    world.sandbox().add_fault(fault("red.com", FaultKind::RejectUrl { url }, None));
    let keys = keys("k", 5);
    let report = world.run(&s3("red-files", &keys)).await;
    assert_eq!(outcomes_of(&report, "red.com")[0].status, Status::ItemsRefused);
    assert_eq!(outcomes_of(&report, "red.org")[0].status, Status::Purged);
    assert_eq!(world.purged_items("red.org"), urls("red.org", &keys));
}

#[tokio::test]
async fn too_many_items_for_cloudflare_are_split() {
    for (most, requests) in [(30, 7), (1, 199)] {
        let setup = Setup { teams: red("", ""), ..Setup::default() };
        let sandbox_zone: fn(&mut purge_router_sandbox::SandboxZone) = match most {
            1 => |zone| zone.urls_per_request = Some(1),
            _ => |zone| zone.urls_per_request = Some(30),
        };
        let world = Setup { sandbox_zone, ..setup }.build().await;
        let keys = keys("k", 100);
        let report = world.run(&s3("red-files", &keys)).await;
        assert_all_purged(&report, "split");
        assert_eq!(world.purged_items("red.com"), urls("red.com", &keys));
        assert_eq!(world.requests().len(), requests, "{most}");
    }
}

#[tokio::test]
async fn an_outage_while_halving_fails_all_that_was_not_purged() {
    let world = world_with_bad(&["k3.css"]).await;
    // The first request is let through to the bad item, and none of those that follow.
    world.sandbox().add_fault(Fault { share: 0.999, ..fault("red.com", status(500, 0, None), None) });
    let event = sqs([("m-1", s3("red-files", ["k1.css", "k2.css"])), ("m-2", s3("red-files", ["k3.css", "k4.css"]))]);
    let (report, _) = world.timed(Duration::from_millis(800), &event).await;
    assert_eq!(statuses(&report), [Status::Unreachable]);
    assert_eq!(failed(&report), ["m-1", "m-2"]);
    assert!(world.purged_items("red.com").is_empty());
}

#[tokio::test]
async fn an_outage_after_a_bad_item_was_found_outweighs_it() {
    let world = world_with_bad(&["k1.css"]).await;
    world.sandbox().add_fault(fault("red.com", FaultKind::Delay { milliseconds: 300 }, None));
    let event = sqs([("m-1", s3("red-files", ["k1.css"])), ("m-2", s3("red-files", ["k2.css"]))]);
    let (report, ()) = tokio::join!(world.run_within(Duration::from_secs(2), &event), async {
        world.arrived(2).await;
        world.sandbox().add_fault(fault("red.com", status(500, 0, None), None));
    });
    assert_eq!(items(&world.requests()[1]), urls("red.com", ["k1.css"]));
    assert_eq!(statuses(&report), [Status::Unreachable]);
    assert_eq!(report.outcomes[0].refused_items, urls("red.com", ["k1.css"]));
    assert_eq!(failed(&report), ["m-1", "m-2"]);
    let kinds: Vec<FailureKind> = report.outcomes[0].failed.iter().map(|failed| failed.kind).collect();
    assert_eq!(kinds, [FailureKind::Permanent, FailureKind::Transient]);
}

#[tokio::test]
async fn ten_bad_urls_of_a_hundred_are_found() {
    let keys = keys("k", 100);
    for bad in [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]] {
        let bad = bad.map(|index| keys[index].as_str());
        let world = world_with_bad(&bad).await;
        let report = world.run(&s3("red-files", &keys)).await;
        assert_only_bad_refused(&world, &report, &keys, &bad);
        assert!(world.requests().len() <= 91, "{}", world.requests().len());
        assert_eq!(report.outcomes[0].untried_items, 0);
    }
}

#[tokio::test]
async fn a_refused_hostname_costs_few_requests_and_none_in_the_next_event() {
    let zone = team("red", &[("red.com", "")], "").replace("[\"www.red.com\"]", "[\"www.red.com\", \"img.red.com\"]");
    let world = World::new(zone + &blue("", "")).await;
    world.sandbox().add_fault(fault("red.com", FaultKind::RejectHost { host: "img.red.com".to_owned() }, None));
    let keys = keys("k", 50);
    let event = sqs(keys.iter().map(|key| (key.as_str(), s3("red-files", [key]))));
    let report = world.run(&event).await;
    assert_eq!(statuses(&report), [Status::ItemsRefused]);
    assert_eq!(report.outcomes[0].refused_items.len(), 50);
    assert_eq!(world.purged_items("red.com"), urls("red.com", &keys), "each once");
    assert!(world.requests().len() <= 18, "{}", world.requests().len());

    world.sandbox().clear_requests();
    let report = world.run(&event).await;
    assert_eq!((statuses(&report), world.requests().len()), (vec![Status::ItemsRefused], 1), "the good ones");
    let outcome = &report.outcomes[0];
    let error = outcome.error.as_ref().unwrap();
    assert!(error.starts_with("not sent: Cloudflare refused img.red.com in this zone (HTTP 400: 1082 "), "{error}");
    assert!(error.contains("tried again in 1") && error.contains(" s: check the hostname"), "{error}");
    assert_eq!((outcome.refused_items.len(), outcome.failed.len()), (50, 50));
    assert_all_purged(&world.run(&s3("blue-files", ["a.css"])).await, "another team");
}

#[tokio::test]
async fn a_refused_request_is_one_request() {
    let tags = "purge = \"tags\"\ntags = [\"p-{stem}\"]";
    for code in [1107, 1112] {
        let world = World::new(red("", tags)).await;
        let kind = FaultKind::RejectMethod { method: PurgeMethod::Tags, code };
        world.sandbox().add_fault(fault("red.com", kind, None));
        let report = world.run(&s3("red-files", keys("k", 12))).await;
        assert_eq!((statuses(&report), world.requests().len()), (vec![Status::RequestRefused], 1), "{code}");
        assert_eq!(failed(&report), ["invocation"]);
        assert!(report.outcomes[0].refused_items.is_empty());
    }
}

#[tokio::test]
async fn a_body_that_cloudflare_calls_malformed_is_one_request() {
    for code in [1014, 1092] {
        let world = World::new(red("", "")).await;
        world.sandbox().add_fault(fault("red.com", status(400, code, None), None));
        let report = world.run(&s3("red-files", keys("k", 100))).await;
        assert_eq!((statuses(&report), world.requests().len()), (vec![Status::RequestRefused], 1), "{code}");
        assert_eq!(failed(&report), ["invocation"]);
        let outcome = &report.outcomes[0];
        assert_eq!((outcome.attempts, outcome.refused_items.len(), outcome.untried_items), (1, 0, 0));
        assert!(outcome.error.as_ref().unwrap().contains(&code.to_string()), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_unlisted_400_is_one_refusal_after_three_halvings() {
    let world = World::new(red("", "")).await;
    world.sandbox().add_fault(fault("red.com", status(400, 99_999, None), None));
    let report = world.run(&s3("red-files", keys("k", 100))).await;
    assert_eq!(statuses(&report), [Status::RequestRefused]);
    assert_eq!(world.requests().len(), 7, "the whole, and three levels of halves");
    let error = report.outcomes[0].error.as_ref().unwrap();
    assert!(error.contains("99999"), "{error}");
}

#[tokio::test]
async fn a_batch_of_bad_items_ends_with_its_budget() {
    let world = World::new(red("", "")).await;
    world.sandbox().add_fault(fault("red.com", status(400, 1012, None), None));
    let keys = keys("k", 100);
    let event = sqs(keys.iter().map(|key| (key.as_str(), s3("red-files", [key]))));
    let report = world.run(&event).await;
    assert_eq!(statuses(&report), [Status::ItemsRefused]);
    let outcome = &report.outcomes[0];
    assert!(world.requests().len() <= 62, "{}", world.requests().len());
    assert_eq!(outcome.refused_items.len() + outcome.untried_items, 100);
    assert_eq!(failed(&report).len(), 100, "what was not tried is redelivered");
    let error = outcome.error.as_ref().unwrap();
    assert!(error.contains("not tried one by one"), "{error}");
}
