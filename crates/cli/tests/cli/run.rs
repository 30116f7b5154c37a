//! `run`: the bytes that are sent, and the report if Cloudflare does not accept them.

use std::time::{Duration, Instant};

use purge_router_sandbox::{Fault, FaultKind};
use serde_json::json;

use crate::fixtures::{
    DOCS_ZONE, MAPPINGS, NOWHERE, TOKEN, WEB_ZONE, WorkFolder, assert_answer, both_teams, cloudflare, received,
    s3_event, sqs_event,
};

fn folder(event: &str) -> WorkFolder {
    let folder = WorkFolder::new();
    folder.write("event.json", event);
    folder
}

#[test]
fn a_newcomer_needs_no_account() {
    let answer = folder(&both_teams()).run(&["run", "event.json", "--sandbox"]).with_code(0);
    assert_answer("run_sandbox", &answer);
}

#[test]
fn a_rejected_record_fails_though_the_rest_is_purged() {
    let event = sqs_event(&[("good", "assets.website.com", "a.css"), ("bad", "assets.website.com", "%zz.css")]);
    let folder = folder(&event);
    assert_answer("run_rejected", &folder.run(&["run", "event.json", "--sandbox"]).with_code(1));
    let json = folder.run(&["run", "event.json", "--sandbox", "--json"]).with_code(1).json();
    assert_eq!((&json["outcomes"][0]["status"], &json["failed"]), (&json!("purged"), &json!(["bad"])));
}

#[test]
fn an_unpurgeable_record_is_a_warning_and_no_failure() {
    let event = sqs_event(&[("good", "assets.website.com", "a.css"), ("dots", "assets.website.com", "../b.css")]);
    let folder = folder(&event);
    let text = folder.run(&["run", "event.json", "--sandbox"]).with_code(0).stdout;
    assert!(text.contains("\nunpurgeable s3://assets.website.com/../b.css: "), "{text}");
    assert!(!text.contains("\nfailed: "), "{text}");
    let json = folder.run(&["run", "event.json", "--sandbox", "--json"]).with_code(0).json();
    assert_eq!((&json["rejected"][0]["kind"], &json["failed"]), (&json!("unpurgeable"), &json!([])));
}

#[test]
fn what_comes_back_to_be_verified_is_not_reported_as_done() {
    let message = json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": "assets.website.com" }, "object": { "key": "a.css" } },
        "purgeRouter": { "verificationOf": "web", "purgedAt": 0, "urls": ["https://www.website.com/a.css"] },
    }] });
    let folder = folder(&message.to_string());
    let exclude = "exclude = [\"drafts/\"]\n";
    folder.write("mappings.toml", MAPPINGS.replace(exclude, &format!("{exclude}verify = 1\n")));
    let answer = folder.run(&["run", "event.json", "--sandbox"]).with_code(1);
    let warning = "warning: `run` does not verify: URLs that are not looked at: 1; `purge-router purge URL --verify`";
    assert!(answer.stderr.contains(warning), "{}", answer.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_receives_what_the_plan_shows() {
    let sandbox = cloudflare().start().await.unwrap();
    let answer = folder(&both_teams()).run_at(&sandbox, &["run", "event.json", "--json"]).with_code(0);
    let urls = r#"{"files":["https://www.website.com/css/app.css","https://cdn.website.com/css/app.css"]}"#;
    let prefixes = r#"{"prefixes":["docs.website.dev/manual/"]}"#;
    let expected = [
        format!("POST /client/v4/zones/{WEB_ZONE}/purge_cache {urls}"),
        format!("POST /client/v4/zones/{DOCS_ZONE}/invalidate_cache {prefixes}"),
    ];
    assert_eq!(received(&sandbox), expected);
    for request in sandbox.requests() {
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap();
        assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!(header("content-type"), "application/json");
        assert!(header("user-agent").starts_with("purge-router/"));
    }
    let json = answer.json();
    assert_eq!((&json["failed"], json["outcomes"].as_array().unwrap().len()), (&json!([]), 2), "{answer}");
    assert_eq!(answer.errors(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_teams_failure_is_not_the_others() {
    let sandbox = cloudflare().start().await.unwrap();
    let refusal = FaultKind::Status { status: 400, code: 1136, message: "no".into(), retry_after: None };
    sandbox.add_fault(Fault { zone_id: Some(DOCS_ZONE.into()), ..Fault::new(refusal) });
    let folder = folder(&both_teams());
    let answer = folder.run_at(&sandbox, &["run", "event.json", "--json"]).with_code(1);
    let json = answer.json();
    assert_eq!(json["failed"], json!(["m-docs"]), "{answer}");
    let statuses = json["outcomes"].as_array().unwrap().iter().map(|outcome| outcome["status"].as_str().unwrap());
    assert_eq!(statuses.collect::<Vec<_>>(), ["request-refused", "purged"], "{answer}");
    assert_answer("run_one_team_refused", &folder.run_at(&sandbox, &["run", "event.json"]).with_code(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_item_is_named_and_the_rest_is_purged() {
    let sandbox = cloudflare().start().await.unwrap();
    sandbox.add_fault(Fault::new(FaultKind::RejectUrl { url: "https://cdn.website.com/b.css".into() }));
    let event = sqs_event(&[("m-a", "assets.website.com", "a.css"), ("m-b", "assets.website.com", "b.css")]);
    let folder = folder(&event);
    assert_answer("run_bad_item", &folder.run_at(&sandbox, &["run", "event.json"]).with_code(1));
    let json = folder.run_at(&sandbox, &["run", "event.json", "--json"]).with_code(1).json();
    assert_eq!(json["failed"], json!(["m-b"]), "{json}");
    assert_eq!(json["outcomes"][0]["refused_items"], json!(["https://cdn.website.com/b.css"]), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_sent() {
    let sandbox = cloudflare().start().await.unwrap();
    let (folder, base) = (folder(&both_teams()), sandbox.api_url());
    for token in [&[][..], &[("CLOUDFLARE_API_TOKEN", "")]] {
        let aws = [("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")];
        let variables = [token, &[("CLOUDFLARE_BASE_URL", base.as_str())], &aws].concat();
        let answer = folder.run_with(&["run", "event.json"], &variables, b"").with_code(1);
        assert_answer("run_no_token", &answer);
        let as_json = folder.run_with(&["run", "event.json", "--json"], &variables, b"").with_code(1);
        assert_eq!((as_json.stdout, as_json.stderr), (String::new(), answer.stderr));
    }
    assert_eq!(received(&sandbox), Vec::<String>::new());
}

#[test]
fn while_cloudflare_is_down_nothing_is_reported_as_done() {
    let folder = folder(&both_teams());
    let variables = [("CLOUDFLARE_BASE_URL", NOWHERE), ("CLOUDFLARE_API_TOKEN", TOKEN)];
    let start = Instant::now();
    let args = ["run", "event.json", "--json", "--deadline", "2"];
    let json = folder.run_with(&args, &variables, b"").with_code(1).json();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(json["failed"], json!(["m-docs", "m-web"]), "{json}");
    for outcome in json["outcomes"].as_array().unwrap() {
        assert_eq!(outcome["status"], "unreachable", "{json}");
        assert!(outcome["attempts"].as_u64().unwrap() > 1, "it was retried: {json}");
        assert!(outcome["error"].as_str().unwrap().contains("Connection refused"), "{json}");
    }
    let text = folder.run_with(&["run", "event.json", "--deadline", "1"], &variables, b"").with_code(1).stdout;
    assert!(text.contains("0 done, 2 failed\nfailed: message m-docs, message m-web\n"), "{text}");
}

#[test]
fn a_base_url_that_must_not_get_tokens_is_misuse() {
    let folder = folder(&both_teams());
    for url in ["api.cloudflare.com", "http://api.cloudflare.com/client/v4", "ftp://127.0.0.1/", "https://a?b=c"] {
        let variables = [("CLOUDFLARE_BASE_URL", url), ("CLOUDFLARE_API_TOKEN", TOKEN)];
        let answer = folder.run_with(&["run", "event.json"], &variables, b"").expect_misuse();
        assert!(answer.errors().starts_with(&format!("error: `{url}` can't be Cloudflare's API: ")), "{answer}");
        assert!(answer.stderr.contains("CLOUDFLARE_BASE_URL"), "{answer}");
        folder.run_with(&["run", "event.json", "--sandbox"], &variables, b"").with_code(0);
    }
}

#[test]
fn an_event_without_purges_needs_no_token() {
    let folder = folder(&s3_event(&[("nobody", "a.css")]));
    assert_answer("run_unmatched", &folder.run(&["run", "event.json"]).with_code(0));
}

#[test]
fn the_count_of_hidden_batches_is_right_if_many_fail() {
    let keys: Vec<String> = (0..1500).map(|n| format!("{n}.css")).collect();
    let objects: Vec<(&str, &str)> = keys.iter().map(|key| ("assets.website.com", key.as_str())).collect();
    let variables = [("CLOUDFLARE_BASE_URL", NOWHERE), ("CLOUDFLARE_API_TOKEN", TOKEN)];
    let run = ["run", "event.json", "--deadline", "1"];
    let text = folder(&s3_event(&objects)).run_with(&run, &variables, b"").with_code(1).stdout;
    let shown = text.lines().filter(|line| line.contains("purge 100 URLs of")).count();
    let hidden = text.lines().filter(|line| line.starts_with("… and ") && line.contains("batch"));
    let hidden: usize = hidden.map(|line| line.split(' ').nth(2).unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(shown + hidden, 30, "{text}");
}

/// Answers as users reported them, each with its cause and with advice that fits.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_shown_with_its_cause_and_what_to_do() {
    let event = s3_event(&[("assets.website.com", "a.css")]);
    let malformed = |code: i64, message: &str| {
        let cause = json!({ "code": code, "message": message });
        json!([{ "code": 6003, "message": "Invalid request headers", "error_chain": [cause] }])
    };
    for (status, errors, error, help) in [
        (
            400,
            malformed(6111, "Invalid format for Authorization header"),
            "HTTP 400: 6003 Invalid request headers (6111 Invalid format for Authorization header)",
            "the token is malformed: use the API token alone",
        ),
        (
            400,
            malformed(6103, "Invalid format for X-Auth-Key header"),
            "HTTP 400: 6003 Invalid request headers (6103 Invalid format for X-Auth-Key header)",
            "the token is malformed: X-Auth-Key takes only a global API key",
        ),
        (
            403,
            json!([{ "code": 9109, "message": "Unauthorized to access requested resource" }]),
            "HTTP 403: 9109 Unauthorized to access requested resource",
            "the token lacks the permission Zone · Cache Purge",
        ),
        (
            403,
            json!([{ "code": 10000, "message": "Authentication error" }]),
            "HTTP 403: 10000 Authentication error",
            "the token lacks the permission Zone · Cache Purge",
        ),
        (
            401,
            json!([{ "code": 10000, "message": "Authentication error" }]),
            "HTTP 401: 10000 Authentication error",
            "Cloudflare does not accept the token for anything",
        ),
        (
            404,
            json!([{ "code": 7003, "message": "Could not route to /zones/a/purge_cache, perhaps your object identifier is invalid?" },
                { "code": 7000, "message": "No route for that URI" }]),
            "HTTP 404: 7003 Could not route to /zones/a/purge_cache, perhaps your object identifier is invalid?, 7000 No route",
            "`zone_id` is wrong: copy it",
        ),
        (
            400,
            json!([{ "code": 1107, "message": "Only enterprise zones can purge by tag." }]),
            "HTTP 400: 1107 Only enterprise zones can purge by tag.",
            "the zone's plan lacks this method",
        ),
    ] {
        let sandbox = cloudflare().start().await.unwrap();
        let body = json!({ "success": false, "errors": errors, "messages": [], "result": null }).to_string();
        sandbox.add_fault(Fault::new(FaultKind::Body { status, body }));
        let answer = folder(&event).run_at(&sandbox, &["run", "event.json"]).with_code(1);
        let (error, help) = (format!("\n      error: {error}"), format!("\n      help: {help}"));
        assert!(answer.stdout.contains(&error) && answer.stdout.contains(&help), "{answer}");
        let json = folder(&event).run_at(&sandbox, &["run", "event.json", "--json"]).with_code(1).json();
        let full = json["outcomes"][0]["error"].as_str().unwrap();
        assert!(full.contains("; help: "), "{full}");
    }
}

/// [`MAPPINGS`] with a second purge of the team web's first mapping.
fn with_again_after(seconds: u32) -> String {
    MAPPINGS.replace("exclude = [\"drafts/\"]", &format!("exclude = [\"drafts/\"]\nagain_after = {seconds}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_purge_is_sent_when_it_is_due_unless_it_is_left_out() {
    let folder = folder(&both_teams());
    folder.write("mappings.toml", with_again_after(1));
    for (once, requests) in [(false, 3), (true, 2)] {
        let sandbox = cloudflare().start().await.unwrap();
        let arguments = ["run", "event.json", "--json", "--once"];
        let answer = folder.run_at(&sandbox, &arguments[..if once { 4 } else { 3 }]).with_code(0);
        let (json, sent) = (answer.json(), received(&sandbox));
        assert_eq!((sent.len(), answer.errors().as_str()), (requests, ""), "{answer}");
        let second = json["second_reports"].as_array().into_iter().flatten();
        let second: Vec<_> = second.map(|it| (&it["after"], &it["outcomes"][0]["status"], &it["batches"])).collect();
        match once {
            true => assert_eq!((second, json.get("second_purges")), (Vec::new(), None)),
            false => {
                let object = json!({ "bucket": "assets.website.com", "key": "css/app.css", "event": "created" });
                let listed = &json["second_purges"][0];
                assert_eq!((&listed["team"], &listed["after"]), (&json!("web"), &json!(1)));
                assert!(object.as_object().unwrap().iter().all(|(name, value)| listed[name] == *value), "{listed}");
                assert_eq!(second[..], [(&json!(1), &json!("purged"), &json["second_reports"][0]["batches"])]);
                assert_eq!(sent.iter().filter(|sent| sent.contains("/css/app.css")).count(), 2, "{sent:?}");
                let at = |index: usize| sandbox.requests()[index].at;
                assert!(at(2) - at(1) > Duration::from_millis(900), "{:?}", at(2) - at(1));
            }
        }
    }
    let text = folder.run(&["run", "event.json", "--sandbox"]).with_code(0).stdout;
    assert!(text.contains("\nsecond purge 1 s later: s3://assets.website.com/css/app.css (team web)\n"), "{text}");
    assert!(text.contains("\n\nsecond purge, 1 s later\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_purged_is_not_purged_again() {
    let folder = folder(&both_teams());
    folder.write("mappings.toml", with_again_after(900));
    let sandbox = cloudflare().start().await.unwrap();
    let refusal = FaultKind::Status { status: 400, code: 1136, message: "no".into(), retry_after: None };
    sandbox.add_fault(Fault { zone_id: Some(WEB_ZONE.into()), ..Fault::new(refusal) });
    let start = Instant::now();
    let json = folder.run_at(&sandbox, &["run", "event.json", "--json"]).with_code(1).json();
    assert_eq!(json.get("second_reports"), None);
    assert!(start.elapsed() < Duration::from_secs(60));
}
