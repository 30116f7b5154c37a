//! The function's own process, as Lambda runs it: settings from the environment, events from the runtime API over HTTP,
//! logs on standard output. The single-zone script's variables need no AWS; the rest is for the end-to-end tests.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

use std::collections::{BTreeMap, VecDeque};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use purge_router_sandbox::{Fault, FaultKind, Sandbox, SandboxToken, SandboxZone, TokenStatus};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const ZONE_ID: &str = "023e105f4ecef8ad9ca31a8372d0c353";
const TOKEN: &str = "cfut_Zq8Wm2Xv5Lk9Jt4Rb7Np1Hs6Gd3Fc0Y";
const KEY: &str = "c2547eb745079dac9320b638f5e225cf483cc5cfdda41";
const EMAIL: &str = "ops@website.com";
const PLENTY: Duration = Duration::from_secs(30);

/// The bootstrap with an environment of its own.
fn bootstrap(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    command.env_clear().envs(variables.iter().copied()).kill_on_drop(true);
    command.envs([("AWS_LAMBDA_FUNCTION_NAME", "purge-router"), ("AWS_LAMBDA_FUNCTION_VERSION", "1")]);
    command.envs([("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"), ("AWS_REGION", "eu-west-1")]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// An answer of the function: `response` or `error`, its body, and whether it came before the invocation's end.
type Answer = (String, Value, bool);

/// Lambda's runtime API: hands out events, one after another, and takes the answers.
struct Runtime {
    events: VecDeque<String>,
    time: Duration,
    deadline: SystemTime,
    answers: mpsc::UnboundedSender<Answer>,
}

type Shared = State<Arc<Mutex<Runtime>>>;

async fn next(State(runtime): Shared) -> ([(&'static str, String); 3], String) {
    let (event, deadline) = {
        let mut runtime = runtime.lock().unwrap();
        runtime.deadline = SystemTime::now() + runtime.time;
        (runtime.events.pop_front(), runtime.deadline.duration_since(UNIX_EPOCH).unwrap())
    };
    let Some(event) = event else { std::future::pending().await };
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:purge-router".to_owned(),
        ),
    ];
    (headers, event)
}

async fn answered(State(runtime): Shared, Path((_, how)): Path<(String, String)>, body: String) -> StatusCode {
    let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
    let runtime = runtime.lock().unwrap();
    runtime.answers.send((how, body, SystemTime::now() < runtime.deadline)).unwrap();
    StatusCode::ACCEPTED
}

/// A sandbox with one zone, and the function before it with the script's variables.
struct World {
    sandbox: Sandbox,
    function: Child,
    printed: JoinHandle<String>,
    answers: mpsc::UnboundedReceiver<Answer>,
}

impl World {
    async fn new(variables: &[(&str, &str)], events: &[Value]) -> Self {
        Self::within(PLENTY, variables, events, |_| {}).await
    }

    async fn within(time: Duration, variables: &[(&str, &str)], events: &[Value], prepare: impl Fn(&Sandbox)) -> Self {
        let zone = SandboxZone {
            zone_id: ZONE_ID.into(),
            domain: "website.com".into(),
            hostnames: ["www.website.com", "cdn.website.com"].map(str::to_owned).into(),
            ..SandboxZone::default()
        };
        let token = SandboxToken {
            secret: TOKEN.into(),
            id: "1".repeat(32),
            zones: vec![ZONE_ID.into()],
            ..SandboxToken::default()
        };
        let sandbox = Sandbox::builder().zone(zone).token(token).start().await.unwrap();
        sandbox.set_global_key(EMAIL, KEY);
        prepare(&sandbox);

        let (sender, answers) = mpsc::unbounded_channel();
        let events = events.iter().map(Value::to_string).collect();
        let runtime = Runtime { events, time, deadline: SystemTime::now(), answers: sender };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{how}", post(answered))
            .with_state(Arc::new(Mutex::new(runtime)));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });

        let mut command = bootstrap(variables);
        command.envs([("AWS_LAMBDA_RUNTIME_API", address.as_str()), ("CLOUDFLARE_ZONE_ID", ZONE_ID)]);
        command.envs([("CLOUDFLARE_BASE_URL", sandbox.api_url().as_str()), ("AWS_LAMBDA_LOG_FORMAT", "JSON")]);
        let mut function = command.spawn().unwrap();
        let mut stdout = function.stdout.take().unwrap();
        // A pipe that nobody reads would stop the function.
        let printed = tokio::spawn(async move {
            let mut text = String::new();
            stdout.read_to_string(&mut text).await.unwrap();
            text
        });
        Self { sandbox, function, printed, answers }
    }

    /// The next answer, which must come before the invocation's end.
    async fn answer(&mut self) -> (String, Value) {
        let (how, body, in_time) = timeout(PLENTY, self.answers.recv()).await.unwrap().unwrap();
        assert!(in_time, "Lambda would have ended the invocation before this answer: {body}");
        (how, body)
    }

    /// The paths, headers of these names and bodies of all requests to Cloudflare.
    fn sent(&self, headers: &[&str]) -> Vec<(String, Vec<Option<String>>, Value)> {
        let requests = self.sandbox.requests().into_iter().map(|request| {
            let value = |name: &&str| Some(request.headers.get(*name)?.to_str().unwrap().to_owned());
            (request.path.clone(), headers.iter().map(value).collect(), serde_json::from_slice(&request.body).unwrap())
        });
        requests.collect()
    }

    /// The lines of the log. Ends the process.
    async fn log(self) -> Vec<Value> {
        self.printed().await.into_iter().filter(|line| line["_aws"].is_null()).collect()
    }

    /// All that the process printed, a JSON a line. Ends it.
    async fn printed(mut self) -> Vec<Value> {
        self.function.start_kill().unwrap();
        let mut text = String::new();
        self.function.stderr.take().unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "", "on standard error");
        let text = self.printed.await.unwrap();
        assert!(!text.contains(TOKEN) && !text.contains(KEY), "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }
}

fn s3(bucket: &str, key: &str) -> Value {
    json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key } },
    }] })
}

/// SQS messages `m-0`, `m-1`, … with these bodies.
fn sqs(bodies: &[Value]) -> Value {
    let message = |(nth, body): (usize, &Value)| {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        json!({ "messageId": format!("m-{nth}"), "eventSource": "aws:sqs", "body": body })
    };
    json!({ "Records": bodies.iter().enumerate().map(message).collect::<Value>() })
}

fn failures(ids: &[&str]) -> Value {
    json!({ "batchItemFailures": ids.iter().map(|id| json!({ "itemIdentifier": id })).collect::<Value>() })
}

#[tokio::test]
async fn the_scripts_variables_purge_what_the_script_meant_to() {
    let purge = format!("/client/v4/zones/{ZONE_ID}/purge_cache");
    for (variables, headers) in [
        (vec![("CLOUDFLARE_API_KEY", KEY), ("CLOUDFLARE_API_EMAIL", EMAIL)], [None, Some(EMAIL), Some(KEY)]),
        (vec![("CLOUDFLARE_API_KEY", TOKEN)], [Some("Bearer cfut_Zq8Wm2Xv5Lk9Jt4Rb7Np1Hs6Gd3Fc0Y"), None, None]),
    ] {
        let extensions = [("INCLUDED_EXTS", "css,jpg"), ("EXCLUDED_EXTS", "min.css")];
        let variables = [&variables[..], &extensions].concat();
        let events = [
            s3("www.website.com", "css/a+b.css"),
            // None of the extensions, one that is excluded, and a bucket that no URL leads to.
            s3("www.website.com", "a.txt"),
            s3("www.website.com", "a.min.css"),
            s3("backups", "a.css"),
            sqs(&[s3("www.website.com", "1.jpg"), s3("cdn.website.com", "2.jpg"), json!({ "Event": "s3:TestEvent" })]),
        ];
        let mut world = World::new(&variables, &events).await;
        for _ in &events {
            assert_eq!(world.answer().await, ("response".to_owned(), failures(&[])));
        }
        let headers: Vec<Option<String>> = headers.map(|header| header.map(str::to_owned)).into();
        let files = |urls: &[&str]| (purge.clone(), headers.clone(), json!({ "files": urls }));
        assert_eq!(
            world.sent(&["authorization", "x-auth-email", "x-auth-key"]),
            [
                files(&["https://www.website.com/css/a%20b.css"]),
                files(&["https://www.website.com/1.jpg", "https://cdn.website.com/2.jpg"]),
            ]
        );
        world.log().await;
    }
}

#[tokio::test]
async fn logs_have_a_line_for_each_batch_and_each_record_without_one() {
    let event = sqs(&[
        s3("www.website.com", "a.css"),
        s3("backups", "b.css"),
        json!("{\"Records\": [{\"eventSource\": \"aws:s3\"}]}"),
        json!("cfut_of_somebody"),
    ]);
    let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
    let mut world = World::new(&variables, &[event]).await;
    assert_eq!(world.answer().await, ("response".to_owned(), failures(&["m-2", "m-3"])));
    let mut lines = world.log().await;
    for line in &mut lines {
        let fields = line.as_object_mut().unwrap();
        // Lambda takes a line without a time for an INFO, whatever its level.
        assert!(fields.remove("timestamp").unwrap().as_str().unwrap().ends_with('Z'));
        let span = json!({ "name": "Lambda runtime invoke", "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd" });
        assert_eq!(fields.remove("span").unwrap(), span);
        if let Some(milliseconds) = fields.remove("milliseconds") {
            assert!(milliseconds.as_u64().unwrap() < 30_000);
        }
        if let Some(ray) = fields.remove("ray") {
            assert!(ray.as_str().unwrap().ends_with("-SBX"));
        }
    }
    assert_eq!(
        lines,
        [
            json!({
                "level": "WARN", "message": "rejected", "origin": "m-2", "reason": "body.Records[0].eventVersion: missing",
            }),
            json!({
                "level": "WARN", "message": "rejected", "origin": "m-3",
                "reason": "body: not an event: saw no JSON (expected value at line 1 column 1), beginning with `cfut_[redacted]`",
            }),
            json!({ "level": "INFO", "message": "unmatched", "bucket": "backups", "key": "b.css" }),
            json!({
                "level": "INFO", "message": "batch", "team": "script", "zone": "www.website.com", "method": "files",
                "items": 1, "outcome": "purged", "attempts": 1,
            }),
            json!({
                "level": "INFO", "message": "event", "changes": 2, "ignored": 0, "rejected": 2, "unmatched": 1,
                "batches": 1, "purged": 1, "failed": 2,
            }),
        ]
    );
}

/// The metrics that a line declares, by their names: units and values. Checks its namespace, dimensions and time.
fn measured(line: &Value, dimensions: &[(&str, &str)]) -> BTreeMap<String, (Value, Value)> {
    assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
    let [directive] = &line["_aws"]["CloudWatchMetrics"].as_array().unwrap()[..] else { panic!("{line}") };
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&json!("purge-router"), &json!([names])));
    for (name, value) in dimensions {
        assert_eq!(line[name], *value);
    }
    let metrics = directive["Metrics"].as_array().unwrap().iter();
    let metrics: BTreeMap<_, _> = metrics
        .map(|metric| {
            let name = metric["Name"].as_str().unwrap();
            (name.to_owned(), (metric["Unit"].clone(), line[name].clone()))
        })
        .collect();
    // Nothing that is no metric, such as a key, goes along.
    assert_eq!(line.as_object().unwrap().len(), 1 + dimensions.len() + metrics.len(), "{line}");
    metrics
}

#[tokio::test]
async fn metrics_are_of_each_zone_and_of_all() {
    let ago = |seconds: u64| {
        let then = time::UtcDateTime::from(SystemTime::now() - Duration::from_secs(seconds));
        json!(then.format(&Rfc3339).unwrap())
    };
    let at = |time: Value, bucket: &str, key: &str| {
        let mut event = s3(bucket, key);
        event["Records"][0]["eventTime"] = time;
        event
    };
    let first = sqs(&[
        at(ago(10), "www.website.com", "late.css"),
        at(ago(15), "www.website.com", "latest.css"),
        at(ago(5), "www.website.com", "late.css"),
        s3("www.website.com", "no-time.css"),
        at(json!("yesterday"), "www.website.com", "no-time-either.css"),
        s3("backups", "a.css"),
        json!("no JSON"),
    ]);
    // By a clock that is ahead of ours.
    let ahead = format!("{}-01-01T00:00:00.000Z", 9000);
    let second = sqs(&[at(json!(ahead), "cdn.website.com", "b.css")]);
    let limit = |sandbox: &Sandbox| {
        let kind = FaultKind::Status { status: 429, code: 1134, message: "limited".into(), retry_after: Some(1) };
        sandbox.add_fault(Fault { times: Some(1), ..Fault::new(kind) });
    };
    let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
    let mut world = World::within(PLENTY, &variables, &[first, second], limit).await;
    world.answer().await;
    world.answer().await;
    let printed = world.printed().await;
    let lines: Vec<&Value> = printed.iter().filter(|line| line["_aws"].is_object()).collect();
    let [all, www, all_again, cdn] = lines[..] else { panic!("{lines:#?}") };
    let one = (json!("Count"), json!(1));
    let without_latency = |mut metrics: BTreeMap<String, (Value, Value)>, least: f64, most: f64| {
        let (unit, values) = metrics.remove("Latency").unwrap();
        assert_eq!((unit, values.as_array().unwrap().len()), (json!("Milliseconds"), 1));
        let value = values[0].as_f64().unwrap();
        assert!((least..most).contains(&value), "{value}");
        metrics.into_iter().collect::<Vec<_>>()
    };
    let function = ("function", "purge-router");
    let of = |zone| [function, ("team", "script"), ("zone", zone)];
    let named = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), one.clone())).collect::<Vec<_>>();
    let names = ["ColdStart", "Purged", "RateLimitHits", "Rejected", "Unmatched"];
    assert_eq!(without_latency(measured(all, &[function]), 15_000.0, 45_000.0), named(&names));
    let names = ["Purged", "RateLimitHits"];
    assert_eq!(without_latency(measured(www, &of("www.website.com")), 15_000.0, 45_000.0), named(&names));
    assert_eq!(without_latency(measured(all_again, &[function]), 0.0, 0.1), named(&["Purged"]));
    assert_eq!(without_latency(measured(cdn, &of("cdn.website.com")), 0.0, 0.1), named(&["Purged"]));
}

#[tokio::test]
async fn a_zone_of_more_batches_than_a_metric_takes_values_has_one_latency() {
    let keys: Vec<String> = (0..100 * 101).map(|nth| format!("{nth}.css")).collect();
    let mut event = s3("www.website.com", "any");
    let record = event["Records"][0].take();
    let records = keys.iter().map(|key| {
        let mut record = record.clone();
        record["eventTime"] = json!("2026-11-02T09:30:00.000Z");
        record["s3"]["object"]["key"] = json!(key);
        record
    });
    let records: Vec<Value> = records.collect();
    let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
    let mut world = World::new(&variables, &[json!({ "Records": records })]).await;
    assert_eq!(world.answer().await.0, "response");
    let printed = world.printed().await;
    assert!(printed.iter().all(|line| line["level"] != "ERROR"), "{printed:#?}");
    let of_zone = printed.iter().find(|line| line["_aws"].is_object() && line["zone"] == "www.website.com").unwrap();
    assert_eq!((of_zone["Purged"].as_u64(), of_zone["Latency"].as_array().unwrap().len()), (Some(101), 1));
}

#[tokio::test]
async fn refused_tokens_are_counted_for_each_invocation() {
    let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
    let events = ["a.css", "b.css"].map(|key| sqs(&[s3("www.website.com", key)]));
    let refuse = |sandbox: &Sandbox| assert!(sandbox.set_token_status(TOKEN, TokenStatus::Disabled));
    let mut world = World::within(PLENTY, &variables, &events, refuse).await;
    for _ in &events {
        assert_eq!(world.answer().await.1, failures(&["m-0"]));
    }
    let printed = world.printed().await;
    let counts =
        printed.iter().filter(|line| line["zone"] == "www.website.com").filter_map(|line| line.get("TokenRefused"));
    assert_eq!(counts.collect::<Vec<_>>(), [1, 1]);
    // The second one was not sent.
    let errors: Vec<&str> = printed.iter().filter_map(|line| line["error"].as_str()).collect();
    assert!(errors.last().unwrap().starts_with("not sent: the zone's token was refused a moment ago"), "{errors:?}");
}

#[tokio::test]
async fn the_level_is_lambdas() {
    for (level, messages) in [
        ("DEBUG", &["rejected", "unmatched", "batch", "event"][..]),
        ("INFO", &["rejected", "unmatched", "batch", "event"]),
        ("WARN", &["rejected"]),
        ("ERROR", &[]),
        ("FATAL", &[]),
    ] {
        let event = sqs(&[s3("www.website.com", "a.css"), s3("backups", "b.css"), json!("?")]);
        let variables = [("CLOUDFLARE_API_KEY", TOKEN), ("AWS_LAMBDA_LOG_LEVEL", level)];
        let mut world = World::new(&variables, &[event]).await;
        assert_eq!(world.answer().await.1, failures(&["m-2"]));
        let lines = world.log().await;
        assert_eq!(lines.iter().map(|line| line["message"].as_str().unwrap()).collect::<Vec<_>>(), messages, "{level}");
        assert!(lines.iter().all(|line| line["span"]["requestId"].is_string()), "{lines:#?}");
    }
}

#[tokio::test]
async fn a_direct_event_fails_as_a_whole_and_says_why() {
    let events = [json!({ "cfut_of_somebody": 1 }), s3("www.website.com", "%zz.css"), s3("www.website.com", "a.css")];
    // Whatever stands in between may show what was sent.
    let echo = |sandbox: &Sandbox| {
        let message = format!("no access with {KEY}");
        sandbox.add_fault(Fault::new(FaultKind::Status { status: 403, code: 9109, message, retry_after: None }));
    };
    let variables = [("CLOUDFLARE_API_KEY", KEY), ("CLOUDFLARE_API_EMAIL", EMAIL)];
    let mut world = World::within(PLENTY, &variables, &events, echo).await;
    let expected = [
        ("NotAnEvent", "not an event: saw a JSON object with `cfut_[redacted]`; understood are S3 event notifications"),
        ("NotPurged", "Records[0].s3.object.key: `%zz.css`: "),
        ("NotPurged", "www.website.com of team script: token-refused: HTTP 403: 9109 no access with [redacted]"),
    ];
    for (kind, message) in expected {
        let (how, error) = world.answer().await;
        assert_eq!((how.as_str(), &error["errorType"]), ("error", &json!(kind)));
        assert!(error["errorMessage"].as_str().unwrap().starts_with(message), "{error}");
    }
    let lines = world.log().await;
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
async fn a_hanging_api_does_not_outlast_the_invocation() {
    for seconds in [2, 5] {
        let hang = |sandbox: &Sandbox| sandbox.add_fault(Fault::new(FaultKind::Hang));
        let events = [sqs(&[s3("www.website.com", "a.css"), s3("backups", "a.css")])];
        let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
        let mut world = World::within(Duration::from_secs(seconds), &variables, &events, hang).await;
        assert_eq!(world.answer().await, ("response".to_owned(), failures(&["m-0"])));
    }
}

#[tokio::test]
async fn many_copies_share_the_rate_limit() {
    let events = [1, 2].map(|nth| sqs(&[s3("www.website.com", &format!("{nth}.css"))]));
    let key = ("CLOUDFLARE_API_KEY", TOKEN);
    // A ten-thousandth of 800 URLs a second lets one URL pass, and the next after twelve seconds.
    for (variables, second) in
        [(vec![key], failures(&[])), (vec![key, ("MAX_CONCURRENCY", "10000")], failures(&["m-0"]))]
    {
        let mut world = World::within(Duration::from_secs(3), &variables, &events, |_| {}).await;
        assert_eq!(world.answer().await.1, failures(&[]));
        assert_eq!(world.answer().await.1, second, "{variables:?}");
        let outcomes: Vec<Value> = world.log().await.iter().filter_map(|line| line.get("outcome").cloned()).collect();
        let expected = if second == failures(&[]) { ["purged", "purged"] } else { ["purged", "rate-limited"] };
        assert_eq!(outcomes, expected);
    }
}

/// Runs it to its end.
async fn output(command: &mut Command) -> Output {
    timeout(PLENTY, command.output()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().to_str().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("empty.toml", "");
    file(
        "bad.toml",
        "version = 1\n[teams.web]\nowns = ['s3://a']\n[teams.web.zones.'a.com']\nzone_id = 'cfut_secret'\n",
    );
    file("good.toml", "version = 1\n");
    std::fs::write(folder.path().join("latin.toml"), b"version = 1 # \xe9").unwrap();
    let zone = ("CLOUDFLARE_ZONE_ID", ZONE_ID);
    let good = ("MAPPINGS_FILE", "good.toml");
    for (variables, expected) in [
        (
            vec![],
            "neither MAPPINGS_TABLE nor MAPPINGS_FILE is set, and of the single-zone script's variables: CLOUDFLARE_ZONE_ID is not set (set it \
             to the zone's id) | neither CLOUDFLARE_API_KEY nor CLOUDFLARE_API_KEY_SSMPATH is set (set one of them, as \
             for the script)",
        ),
        (
            vec![("MAPPINGS_TABLE", "my table")],
            "MAPPINGS_TABLE: `my table` is not a table name: use 3 to 255 letters, digits, `_`, `-` or `.`",
        ),
        (
            vec![good, ("MAPPINGS_TABLE", "purge-router")],
            "MAPPINGS_TABLE and MAPPINGS_FILE are both set: set one of them",
        ),
        (
            vec![("MAPPINGS_FILE", "none.toml")],
            "MAPPINGS_FILE: can't read PACKAGE/none.toml: No such file or directory",
        ),
        (
            vec![("MAPPINGS_FILE", "latin.toml")],
            "MAPPINGS_FILE: can't read PACKAGE/latin.toml: stream did not contain valid UTF-8",
        ),
        (
            vec![("MAPPINGS_FILE", "empty.toml")],
            "MAPPINGS_FILE: `purge-router check --mappings empty.toml` shows what is wrong: the file: ",
        ),
        (
            vec![("MAPPINGS_FILE", "bad.toml")],
            "is not a Cloudflare id [bad-cloudflare-id]; copy the 32 hexadecimal digits",
        ),
        (vec![good, ("TOKEN_TTL_SECONDS", "5m")], "TOKEN_TTL_SECONDS is `5m`: write whole seconds"),
        (vec![good, ("MAPPINGS_TTL_SECONDS", "0.5")], "MAPPINGS_TTL_SECONDS is `0.5`: write whole seconds"),
        (vec![good, ("TOKEN_TTL_SECONDS", "-1")], "TOKEN_TTL_SECONDS is `-1`: write whole seconds"),
        (
            vec![good, ("MAX_CONCURRENCY", "0")],
            "MAX_CONCURRENCY is `0`: write how many instances may run at once, such as 2",
        ),
        (vec![good, ("MAX_CONCURRENCY", "cfut_x\n2")], "MAX_CONCURRENCY is `cfut_[redacted] 2`: "),
        (
            vec![good, ("CLOUDFLARE_BASE_URL", "http://api.cloudflare.com/client/v4")],
            "CLOUDFLARE_BASE_URL: `http://api.cloudflare.com/client/v4` can't be Cloudflare's API: tokens go only over https",
        ),
        (
            vec![zone, ("CLOUDFLARE_API_KEY", "s3cr3t key")],
            "CLOUDFLARE_API_KEY: this is not an API token: it holds white space",
        ),
        (
            vec![zone, ("CLOUDFLARE_API_KEY", "k"), ("CLOUDFLARE_API_EMAIL", "s3cr3t-key-in-the-wrong-place")],
            "CLOUDFLARE_API_EMAIL: this is not an e-mail address: write one such as `ops@website.com`",
        ),
        (
            vec![zone, ("CLOUDFLARE_API_KEY_SSMPATH", "not a name!")],
            "CLOUDFLARE_API_KEY_SSMPATH is not the name of an SSM parameter (use letters, digits,",
        ),
        (
            vec![zone, ("CLOUDFLARE_API_KEY_SSMPATH", "/k"), ("CLOUDFLARE_API_EMAIL", "a b@c")],
            "CLOUDFLARE_API_EMAIL: this is not an e-mail address",
        ),
        (
            vec![("MAPPINGS_FILE", "/nowhere/m.toml")],
            "MAPPINGS_FILE: can't read /nowhere/m.toml: No such file or directory",
        ),
        (
            vec![("CLOUDFLARE_ZONE_ID", "website.com"), ("CLOUDFLARE_API_KEY", "k"), ("INCLUDED_EXTS", "a/b")],
            "CLOUDFLARE_ZONE_ID is not a Cloudflare id",
        ),
    ] {
        let mut command = bootstrap(&variables);
        command.envs([("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"), ("AWS_LAMBDA_LOG_FORMAT", "JSON")]);
        let output = output(command.env("LAMBDA_TASK_ROOT", package)).await;
        assert_eq!(output.status.code(), Some(1), "{variables:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{variables:?}");
        let line: Value = serde_json::from_slice(&output.stdout).expect("one JSON line");
        assert_eq!(line["level"], "ERROR");
        let message = line["message"].as_str().unwrap().replace(package, "PACKAGE");
        assert!(message.starts_with("can't start: ") && message.contains(expected), "{message}");
        assert!(!message.contains("s3cr3t") && !message.contains("cfut_secret"), "{message}");
    }
}

/// With a token in SSM, so that all three services are spoken to, and with the token refused, so that it is read again.
#[tokio::test]
async fn no_line_holds_a_secret_even_at_trace_level() {
    let parameter = json!({ "Name": "/cf/token", "Type": "SecureString", "Value": TOKEN, "Version": 1 });
    let answer = json!({ "Parameters": [parameter], "InvalidParameters": [] }).to_string();
    let ssm = Router::new().fallback(move || async { ([("content-type", "application/x-amz-json-1.1")], answer) });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, ssm).await });
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let variables = [
        ("CLOUDFLARE_API_KEY_SSMPATH", "/cf/token"),
        ("AWS_ENDPOINT_URL", &url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("RUST_LOG", "trace"),
    ];
    let events = ["a.css", "b.css"].map(|key| sqs(&[s3("www.website.com", key)]));
    for (status, failed) in [(TokenStatus::Active, &[][..]), (TokenStatus::Disabled, &["m-0"])] {
        let prepare = |sandbox: &Sandbox| assert!(sandbox.set_token_status(TOKEN, status));
        let mut world = World::within(PLENTY, &variables, &events, prepare).await;
        for _ in &events {
            assert_eq!(world.answer().await.1, failures(failed));
        }
        let text: String = world.printed().await.iter().map(Value::to_string).collect();
        assert!(text.len() > 50_000 && text.contains("/cf/token"), "everything is logged: {} bytes", text.len());
        for secret in [TOKEN, secret] {
            let bytes: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
            assert!(!text.contains(secret) && !text.contains(&bytes.join(", ")), "{text}");
        }
    }
}

#[tokio::test]
async fn outside_of_lambda_it_points_to_the_command() {
    let output = output(&mut bootstrap(&[])).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("ERROR this program runs only in AWS Lambda; elsewhere use the `purge-router` command"),
        "{text}"
    );
}
