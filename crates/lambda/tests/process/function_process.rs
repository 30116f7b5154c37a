//! The function's process, Lambda's runtime API, and a sandbox.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use purge_router_sandbox::{Sandbox, SandboxToken};
use purge_router_test_support::events::{message, records};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) const ZONE_ID: &str = "023e105f4ecef8ad9ca31a8372d0c353";
pub(crate) const TOKEN: &str = "cfut_Zq8Wm2Xv5Lk9Jt4Rb7Np1Hs6Gd3Fc0Y";
pub(crate) const KEY: &str = "c2547eb745079dac9320b638f5e225cf483cc5cfdda41";
pub(crate) const EMAIL: &str = "ops@website.com";

/// The zone of the sandbox. The function has the single-zone script's variables instead.
const MAPPINGS: &str = r#"version = 1
[teams.web]
owns = []
[teams.web.zones."website.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["www.website.com", "cdn.website.com"]
"#;

pub(crate) const PLENTY: Duration = Duration::from_secs(30);

/// The bootstrap with an environment of its own.
pub(crate) fn bootstrap(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    command.env_clear().envs(variables.iter().copied()).kill_on_drop(true);
    command.envs([("AWS_LAMBDA_FUNCTION_NAME", "purge-router"), ("AWS_LAMBDA_FUNCTION_VERSION", "1")]);
    command.envs([("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"), ("AWS_REGION", "eu-west-1")]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// An answer of the function: `response` or `error`, its body, and whether it arrived before the invocation's deadline.
type Answer = (String, Value, bool);

/// Lambda's runtime API: returns one event after another, and receives the answers.
struct Runtime {
    events: VecDeque<String>,
    time: Duration,
    deadline: SystemTime,
    answers: mpsc::UnboundedSender<Answer>,
    /// Whether the process waits for an invocation and none is left.
    is_idle: bool,
}

type Shared = State<Arc<Mutex<Runtime>>>;

async fn next(State(runtime): Shared) -> ([(&'static str, String); 3], String) {
    let (event, deadline) = {
        let mut runtime = runtime.lock().unwrap();
        runtime.deadline = SystemTime::now() + runtime.time;
        runtime.is_idle = runtime.events.is_empty();
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

/// A sandbox with one zone, and the function with the script's variables.
pub(crate) struct FunctionProcess {
    sandbox: Sandbox,
    runtime: Arc<Mutex<Runtime>>,
    function: Child,
    printed: JoinHandle<()>,
    so_far: watch::Receiver<String>,
    answers: mpsc::UnboundedReceiver<Answer>,
}

impl FunctionProcess {
    pub(crate) async fn new(variables: &[(&str, &str)], events: &[Value]) -> Self {
        Self::within(PLENTY, variables, events, |_| {}).await
    }

    pub(crate) async fn within(
        time: Duration,
        variables: &[(&str, &str)],
        events: &[Value],
        prepare: impl Fn(&Sandbox),
    ) -> Self {
        Self::start(time, bootstrap(variables), events, prepare).await
    }

    /// Without these variables, which the process has otherwise.
    pub(crate) async fn without(unset: &[&str], variables: &[(&str, &str)], events: &[Value]) -> Self {
        let mut command = bootstrap(variables);
        for name in unset {
            command.env_remove(name);
        }
        Self::start(PLENTY, command, events, |_| {}).await
    }

    async fn start(time: Duration, mut command: Command, events: &[Value], prepare: impl Fn(&Sandbox)) -> Self {
        let mappings = purge_router_config::from_toml(MAPPINGS).unwrap();
        let token = SandboxToken::for_all_zones(TOKEN, &mappings);
        let sandbox = Sandbox::builder().mappings(&mappings).token(token).start().await.unwrap();
        sandbox.set_global_key(EMAIL, KEY);
        prepare(&sandbox);

        let (sender, answers) = mpsc::unbounded_channel();
        let events = events.iter().map(Value::to_string).collect();
        let runtime = Runtime { events, time, deadline: SystemTime::now(), answers: sender, is_idle: false };
        let runtime = Arc::new(Mutex::new(runtime));
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{how}", post(answered))
            .with_state(Arc::clone(&runtime));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });

        command.envs([("AWS_LAMBDA_RUNTIME_API", address.as_str()), ("CLOUDFLARE_ZONE_ID", ZONE_ID)]);
        command.envs([("CLOUDFLARE_BASE_URL", sandbox.api_url().as_str()), ("AWS_LAMBDA_LOG_FORMAT", "JSON")]);
        let mut function = command.spawn().unwrap();
        let stdout = function.stdout.take().unwrap();
        // The function would block on a full pipe.
        let (text, so_far) = watch::channel(String::new());
        let printed = tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Some(line) = lines.next_line().await.unwrap() {
                text.send_modify(|text| text.extend([&line, "\n"]));
            }
        });
        Self { sandbox, runtime, function, printed, so_far, answers }
    }

    /// The next answer, which must arrive before the invocation's deadline.
    pub(crate) async fn answer(&mut self) -> (String, Value) {
        let (how, body, in_time) = timeout(PLENTY, self.answers.recv()).await.unwrap().unwrap();
        assert!(in_time, "Lambda would have ended the invocation before this answer: {body}");
        (how, body)
    }

    /// The paths, headers of these names and bodies of all requests to Cloudflare.
    pub(crate) fn sent(&self, headers: &[&str]) -> Vec<(String, Vec<Option<String>>, Value)> {
        let requests = self.sandbox.requests().into_iter().map(|request| {
            let value = |name: &&str| Some(request.headers.get(*name)?.to_str().unwrap().to_owned());
            (request.path.clone(), headers.iter().map(value).collect(), serde_json::from_slice(&request.body).unwrap())
        });
        requests.collect()
    }

    /// The lines of the log. Ends the process.
    pub(crate) async fn log(self) -> Vec<Value> {
        self.printed().await.into_iter().filter(|line| line["_aws"].is_null()).collect()
    }

    /// All that the process printed, a JSON a line. Ends it at once, as Lambda does.
    pub(crate) async fn printed(mut self) -> Vec<Value> {
        self.function.start_kill().unwrap();
        self.text().await
    }

    /// Waits until this many lines of the log have this message.
    pub(crate) async fn logged(&mut self, message: &str, count: usize) {
        let message = format!("\"message\":\"{message}\"");
        let all = self.so_far.wait_for(|text| text.matches(&message).count() >= count);
        timeout(PLENTY, all).await.unwrap().unwrap();
    }

    pub(crate) fn no_answer(&self) -> bool {
        self.answers.is_empty()
    }

    /// Waits until the sandbox has received this many requests.
    pub(crate) async fn received(&self, count: usize) {
        let all = async {
            while self.sandbox.requests().len() < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PLENTY, all).await.unwrap();
    }

    /// Waits until the process waits for an invocation and none is left.
    pub(crate) async fn idle(&self) {
        let idle = async {
            while !self.runtime.lock().unwrap().is_idle {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PLENTY, idle).await.unwrap();
    }

    /// Sends SIGTERM, and returns the exit code and what was printed.
    pub(crate) async fn terminate(mut self) -> (Option<i32>, Vec<Value>) {
        let id = self.function.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        let status = timeout(PLENTY, self.function.wait()).await.unwrap().unwrap();
        (status.code(), self.text().await)
    }

    async fn text(mut self) -> Vec<Value> {
        let mut text = String::new();
        self.function.stderr.take().unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "", "on standard error");
        self.printed.await.unwrap();
        let text = self.so_far.borrow().clone();
        assert!(!text.contains(TOKEN) && !text.contains(KEY), "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }
}

/// SQS messages `m-0`, `m-1`, … with these bodies.
pub(crate) fn sqs(bodies: &[Value]) -> Value {
    let numbered = |(index, body): (usize, &Value)| {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        message(&format!("m-{index}"), &body)
    };
    records(bodies.iter().enumerate().map(numbered))
}

pub(crate) fn failures(ids: &[&str]) -> Value {
    json!({ "batchItemFailures": ids.iter().map(|id| json!({ "itemIdentifier": id })).collect::<Value>() })
}
