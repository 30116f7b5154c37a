//! What an invocation sends and answers.

use std::time::Duration;

use purge_router_sandbox::{Fault, FaultKind, Sandbox};
use purge_router_test_support::events::s3;
use serde_json::{Value, json};

use crate::function_process::{EMAIL, FunctionProcess, KEY, PLENTY, TOKEN, ZONE_ID, failures, sqs};

#[tokio::test]
async fn the_scripts_variables_purge_what_the_script_was_meant_to() {
    let purge = format!("/client/v4/zones/{ZONE_ID}/purge_cache");
    for (variables, headers) in [
        (vec![("CLOUDFLARE_API_KEY", KEY), ("CLOUDFLARE_API_EMAIL", EMAIL)], [None, Some(EMAIL), Some(KEY)]),
        (vec![("CLOUDFLARE_API_KEY", TOKEN)], [Some("Bearer cfut_Zq8Wm2Xv5Lk9Jt4Rb7Np1Hs6Gd3Fc0Y"), None, None]),
    ] {
        let extensions = [("INCLUDED_EXTS", "css,jpg"), ("EXCLUDED_EXTS", "min.css")];
        let variables = [&variables[..], &extensions].concat();
        let events = [
            s3("www.website.com", ["css/a+b.css"]),
            // No included extension, an excluded one, and a bucket whose name is no hostname of the zone.
            s3("www.website.com", ["a.txt"]),
            s3("www.website.com", ["a.min.css"]),
            s3("backups", ["a.css"]),
            sqs(&[
                s3("www.website.com", ["1.jpg"]),
                s3("cdn.website.com", ["2.jpg"]),
                json!({ "Event": "s3:TestEvent" }),
            ]),
        ];
        let mut process = FunctionProcess::new(&variables, &events).await;
        for _ in &events {
            assert_eq!(process.answer().await, ("response".to_owned(), failures(&[])));
        }
        let headers: Vec<Option<String>> = headers.map(|header| header.map(str::to_owned)).into();
        let files = |urls: &[&str]| (purge.clone(), headers.clone(), json!({ "files": urls }));
        assert_eq!(
            process.sent(&["authorization", "x-auth-email", "x-auth-key"]),
            [
                files(&["https://www.website.com/css/a%20b.css", "https://www.website.com/css/a+b.css"]),
                files(&["https://www.website.com/1.jpg", "https://cdn.website.com/2.jpg"]),
            ]
        );
        process.log().await;
    }
}

#[tokio::test]
async fn a_direct_event_fails_as_a_whole_with_the_reason() {
    let events =
        [json!({ "cfut_of_somebody": 1 }), s3("www.website.com", ["%zz.css"]), s3("www.website.com", ["a.css"])];
    // A proxy may repeat what was sent.
    let echo = |sandbox: &Sandbox| {
        let message = format!("no access with {KEY}");
        sandbox.add_fault(Fault::new(FaultKind::Status { status: 403, code: 9109, message, retry_after: None }));
    };
    let variables = [("CLOUDFLARE_API_KEY", KEY), ("CLOUDFLARE_API_EMAIL", EMAIL)];
    let mut process = FunctionProcess::within(PLENTY, &variables, &events, echo).await;
    let expected = [
        ("NotAnEvent", "not an event: found a JSON object with `cfut_[redacted]`; expected S3 event notifications"),
        ("NotPurged", "Records[0].s3.object.key: `%zz.css`: "),
        ("NotPurged", "www.website.com of team script: token-refused: HTTP 403: 9109 no access with [redacted]"),
    ];
    for (kind, message) in expected {
        let (how, error) = process.answer().await;
        assert_eq!((how.as_str(), &error["errorType"]), ("error", &json!(kind)));
        assert!(error["errorMessage"].as_str().unwrap().starts_with(message), "{error}");
    }
    let lines = process.log().await;
    assert!(!json!(lines).to_string().contains("of_somebody"));
    for (kind, message) in expected {
        let line = format!("{kind}: {message}");
        let is_it = |text: &str| text.starts_with(&line);
        let logged = lines.iter().filter(|line| line["level"] == "ERROR");
        assert_eq!(
            logged.filter(|line| line["message"].as_str().is_some_and(is_it)).count(),
            1,
            "{line} in {lines:#?}"
        );
    }
}

#[tokio::test]
async fn a_hanging_api_does_not_exceed_the_deadline() {
    for seconds in [2, 5] {
        let hang = |sandbox: &Sandbox| sandbox.add_fault(Fault::new(FaultKind::Hang));
        let events = [sqs(&[s3("www.website.com", ["a.css"]), s3("backups", ["a.css"])])];
        let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
        let mut process = FunctionProcess::within(Duration::from_secs(seconds), &variables, &events, hang).await;
        assert_eq!(process.answer().await, ("response".to_owned(), failures(&["m-0"])));
    }
}

#[tokio::test]
async fn instances_share_the_rate_limit() {
    let events = [1, 2].map(|index| sqs(&[s3("www.website.com", [format!("{index}.css")])]));
    let key = ("CLOUDFLARE_API_KEY", TOKEN);
    // A ten-thousandth of 800 URLs a second lets one URL pass, and the next after twelve seconds.
    for (variables, second) in
        [(vec![key], failures(&[])), (vec![key, ("MAX_CONCURRENCY", "10000")], failures(&["m-0"]))]
    {
        let mut process = FunctionProcess::within(Duration::from_secs(3), &variables, &events, |_| {}).await;
        assert_eq!(process.answer().await.1, failures(&[]));
        assert_eq!(process.answer().await.1, second, "{variables:?}");
        let outcomes: Vec<Value> = process.log().await.iter().filter_map(|line| line.get("outcome").cloned()).collect();
        let expected = if second == failures(&[]) { ["purged", "purged"] } else { ["purged", "rate-limited"] };
        assert_eq!(outcomes, expected);
    }
}

/// The reason must not depend on the words of the SDK: AWS's own endpoint resolver uses other words than the signer
/// does for an emulator.
#[tokio::test]
async fn a_missing_region_is_the_reason_of_the_rejection() {
    for endpoint in [None, Some(("AWS_ENDPOINT_URL", "http://127.0.0.1:1"))] {
        let variables = [
            ("MAPPINGS_TABLE", "purge-router"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let variables: Vec<(&str, &str)> = variables.into_iter().chain(endpoint).collect();
        let events = [sqs(&[s3("www.website.com", ["a.css"])])];
        let mut process = FunctionProcess::without(&["AWS_REGION"], &variables, &events).await;
        assert_eq!(process.answer().await.1, failures(&["m-0"]));
        let lines = process.log().await;
        let reasons: Vec<&str> = lines.iter().filter_map(|line| line["reason"].as_str()).collect();
        let expected = "s3://www.website.com/a.css: can't read the mappings of its bucket: can't call DynamoDB: \
                        no region is set; set the AWS region and credentials, or renew them, as for the AWS CLI";
        assert_eq!(reasons, [expected], "{endpoint:?}");
    }
}
