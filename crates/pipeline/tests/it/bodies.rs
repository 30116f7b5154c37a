//! The bytes of each method's body, and how many items go into one.

use purge_router_test_support::events::s3;

use crate::world::{World, assert_all_purged, body, items, keys, red, urls, zone_id};

#[tokio::test]
async fn each_method_has_its_body_in_both_modes() {
    let cases = [
        ("", "dir/a+b.css", r#"{"files":["https://www.red.com/dir/a%20b.css","https://www.red.com/dir/a+b.css"]}"#),
        (
            "",
            "dir/a%2Bb%281%29.css",
            concat!(
                r#"{"files":["https://www.red.com/dir/a+b(1).css","https://www.red.com/dir/a%2Bb%281%29.css","#,
                r#""https://www.red.com/dir/a%2Bb(1).css","https://www.red.com/dir/a+b%281%29.css"]}"#
            ),
        ),
        ("", "%22caf%C3%A9%5C%22", r#"{"files":["https://www.red.com/%22caf%C3%A9%5C%22"]}"#),
        (
            "schemes = [\"https\", \"http\"]\nquery_strings = [\"\", \"v=2&w\"]",
            "a.js",
            concat!(
                r#"{"files":["https://www.red.com/a.js","https://www.red.com/a.js?v=2&w","#,
                r#""http://www.red.com/a.js","http://www.red.com/a.js?v=2&w"]}"#
            ),
        ),
        ("purge = \"prefixes\"", "dir/sub/x.css", r#"{"prefixes":["www.red.com/dir/sub/"]}"#),
        ("purge = \"prefixes\"", "x.css", r#"{"files":["https://www.red.com/x.css"]}"#),
        ("purge = \"hosts\"", "dir/x.css", r#"{"hosts":["www.red.com"]}"#),
        ("purge = \"tags\"\ntags = [\"{bucket}\", \"{dir}/{stem}\"]", "dir/x.css", r#"{"tags":["red-files","dir/x"]}"#),
        ("purge = \"everything\"", "dir/x.css", r#"{"purge_everything":true}"#),
    ];
    for (mapping, key, expected) in cases {
        for (mode, call) in [("purge", "purge_cache"), ("invalidate", "invalidate_cache")] {
            let world = World::new(red("", &format!("{mapping}\nmode = \"{mode}\""))).await;
            let report = world.run(&s3("red-files", [key])).await;
            assert_all_purged(&report, expected);
            let requests = world.requests();
            assert_eq!(requests.iter().map(body).collect::<Vec<_>>(), [expected]);
            assert_eq!(requests[0].path, format!("/client/v4/zones/{}/{call}", zone_id("red.com")));
        }
    }
}

#[tokio::test]
async fn urls_with_headers_go_as_objects_in_a_body_of_their_own() {
    let mapping = "vary_headers = [{ \"CF-Device-Type\" = \"mobile\", \"CF-IPCountry\" = \"ES\" }]";
    let world = World::new(red("", mapping)).await;
    let report = world.run(&s3("red-files", ["a.css", "b.css"])).await;
    assert_all_purged(&report, mapping);
    let object = |key: &str| {
        format!(r#"{{"url":"https://www.red.com/{key}","headers":{{"CF-Device-Type":"mobile","CF-IPCountry":"ES"}}}}"#)
    };
    let objects = format!(r#"{{"files":[{},{}]}}"#, object("a.css"), object("b.css"));
    let strings = r#"{"files":["https://www.red.com/a.css","https://www.red.com/b.css"]}"#;
    assert_eq!(sorted_bodies(&world), [strings, &objects]);
}

fn sorted_bodies(world: &World) -> Vec<String> {
    let mut bodies: Vec<String> = world.requests().iter().map(|request| body(request).to_owned()).collect();
    bodies.sort();
    bodies
}

#[tokio::test]
async fn an_event_with_two_methods_sends_two_bodies() {
    let second = "[[teams.red.mappings]]\nsource = \"s3://red-files/\"\nzones = [\"red.com\"]\npurge = \"hosts\"";
    let world = World::new(red("", second)).await;
    let report = world.run(&s3("red-files", ["a.css", "b.css"])).await;
    assert_all_purged(&report, "two methods");
    let files = r#"{"files":["https://www.red.com/a.css","https://www.red.com/b.css"]}"#;
    assert_eq!(sorted_bodies(&world), [files, r#"{"hosts":["www.red.com"]}"#]);
}

#[tokio::test]
async fn a_body_holds_what_the_plan_allows() {
    for (zone, mapping, objects, sizes) in [
        ("", "", 250, &[100, 100, 50][..]),
        ("plan = \"pro\"", "", 101, &[100, 1]),
        ("plan = \"enterprise\"", "", 700, &[500, 200]),
        ("urls_per_request = 30", "", 100, &[30, 30, 30, 10]),
    ] {
        let world = World::new(red(zone, mapping)).await;
        let keys = keys("k", objects);
        let report = world.run(&s3("red-files", &keys)).await;
        assert_all_purged(&report, zone);
        let mut seen: Vec<usize> = world.requests().iter().map(|request| items(request).len()).collect();
        seen.sort_by_key(|size| std::cmp::Reverse(*size));
        assert_eq!(seen, sizes, "{zone}");
        assert_eq!(world.purged_items("red.com"), urls("red.com", &keys), "each once");
    }
}

#[tokio::test]
async fn other_methods_hold_a_hundred_on_each_plan() {
    let world = World::new(red("plan = \"enterprise\"", "purge = \"tags\"\ntags = [\"{stem}\"]")).await;
    let report = world.run(&s3("red-files", keys("k", 230))).await;
    assert_all_purged(&report, "tags");
    let mut seen: Vec<usize> = world.requests().iter().map(|request| items(request).len()).collect();
    seen.sort_unstable();
    assert_eq!(seen, [30, 100, 100]);
}

#[tokio::test]
async fn an_object_that_changed_twice_is_purged_once() {
    let world = World::new(red("", "")).await;
    let report = world.run(&s3("red-files", ["a.css", "b.css", "a.css"])).await;
    assert_all_purged(&report, "twice");
    assert_eq!(world.purged_items("red.com"), urls("red.com", ["a.css", "b.css"]));
}

#[tokio::test]
async fn environments_have_endpoints_of_their_own_but_not_to_purge_everything() {
    let staging = "5d41402abc4b2a76b9719d911017c592";
    let zone = format!("environments = [\"{staging}\"]");
    let base = format!("/client/v4/zones/{}", zone_id("red.com"));
    for (mapping, paths) in [
        ("", vec![format!("{base}/environments/{staging}/purge_cache"), format!("{base}/purge_cache")]),
        (
            "mode = \"invalidate\"\npurge = \"hosts\"",
            vec![format!("{base}/environments/{staging}/invalidate_cache"), format!("{base}/invalidate_cache")],
        ),
        ("purge = \"everything\"", vec![format!("{base}/purge_cache")]),
        (
            "mode = \"invalidate\"\npurge = \"everything\"",
            vec![format!("{base}/environments/{staging}/invalidate_cache"), format!("{base}/invalidate_cache")],
        ),
    ] {
        let world = World::new(red(&zone, mapping)).await;
        assert_all_purged(&world.run(&s3("red-files", ["a.css"])).await, mapping);
        let requests = world.requests();
        let mut sent: Vec<String> = requests.iter().map(|request| request.path.clone()).collect();
        sent.sort();
        assert_eq!(sent, paths);
        assert!(requests.iter().all(|request| body(request) == body(&requests[0])), "{mapping}");
    }
}
