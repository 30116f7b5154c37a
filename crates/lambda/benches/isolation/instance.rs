//! One instance of the function: a real `bootstrap` process, and a Lambda Runtime API of its own.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a new instance may take until it asks for its first invocation, as Lambda limits it.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the function responds to an invocation, or its error.
pub(crate) type Answer = Result<Value, String>;

/// How an instance is started.
#[derive(Debug, Clone)]
pub(crate) struct InstanceSettings {
    /// The path of the `bootstrap`.
    pub(crate) program: String,
    pub(crate) variables: Vec<(&'static str, String)>,
    /// The function's timeout.
    pub(crate) timeout: Duration,
}

/// A running instance. Dropping it kills its process.
pub(crate) struct Instance {
    process: Child,
    invocations: mpsc::Sender<Invocation>,
    timeout: Duration,
    _runtime_api: JoinSet<io::Result<()>>,
}

struct Invocation {
    event: String,
    answer: oneshot::Sender<Answer>,
}

impl Instance {
    /// Starts the process, and waits until it asks for its first invocation.
    pub(crate) async fn start(settings: &InstanceSettings, output: Stdio) -> Result<Self, String> {
        let (invocations, queued) = mpsc::channel(1);
        let api = Arc::new(RuntimeApi {
            queued: AsyncMutex::new(queued),
            timeout: settings.timeout,
            asked: Notify::new(),
            state: Mutex::default(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let mut runtime_api = JoinSet::new();
        let router = router(Arc::clone(&api));
        runtime_api.spawn(async move { axum::serve(listener, router).await });

        let mut command = Command::new(&settings.program);
        command.env_clear().env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        command.envs(settings.variables.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::null()).stdout(output).kill_on_drop(true);
        let mut process = command.spawn().map_err(|error| format!("{}: {error}", settings.program))?;
        tokio::select! {
            () = api.asked.notified() => {}
            status = process.wait() => return Err(format!("the instance ended at its start: {status:?}")),
            () = tokio::time::sleep(INIT_TIMEOUT) => return Err("the instance did not start in time".to_owned()),
        }
        Ok(Self { process, invocations, timeout: settings.timeout, _runtime_api: runtime_api })
    }

    /// Invokes it. The outer error says why the instance can't be used again.
    pub(crate) async fn invoke(&mut self, event: String) -> Result<Answer, String> {
        let (answer, answered) = oneshot::channel();
        let sent = self.invocations.send(Invocation { event, answer }).await;
        sent.map_err(|_| "the runtime API has ended".to_owned())?;
        tokio::select! {
            answer = timeout(self.timeout, answered) => match answer {
                Ok(answer) => answer.map_err(|_| "the invocation was dropped".to_owned()),
                Err(_) => Err("the function timed out".to_owned()),
            },
            status = self.process.wait() => Err(format!("the process ended: {status:?}")),
        }
    }
}

/// Lambda's Runtime API for one instance.
struct RuntimeApi {
    queued: AsyncMutex<mpsc::Receiver<Invocation>>,
    timeout: Duration,
    /// The process asked for an invocation.
    asked: Notify,
    state: Mutex<ApiState>,
}

#[derive(Default)]
struct ApiState {
    invocations: u64,
    /// The invocation in progress: its id, and where its answer goes.
    current: Option<(String, oneshot::Sender<Answer>)>,
}

impl RuntimeApi {
    fn state(&self) -> MutexGuard<'_, ApiState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn router(api: Arc<RuntimeApi>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{how}", post(answer))
        .route("/2018-06-01/runtime/init/error", post(async || StatusCode::ACCEPTED))
        .layer(DefaultBodyLimit::max(6 << 20))
        .with_state(api)
}

async fn next(State(api): State<Arc<RuntimeApi>>) -> Response {
    api.asked.notify_one();
    let Some(Invocation { event, answer }) = api.queued.lock().await.recv().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let deadline = SystemTime::now() + api.timeout;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
    let mut state = api.state();
    state.invocations += 1;
    let id = format!("00000000-0000-4000-8000-{:012x}", state.invocations);
    state.current = Some((id.clone(), answer));
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:purge-router".to_owned();
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline),
        ("lambda-runtime-invoked-function-arn", arn),
    ];
    (headers, event).into_response()
}

/// `how` is `response` or `error`.
async fn answer(
    State(api): State<Arc<RuntimeApi>>,
    Path((id, how)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    let Some((_, answer)) = api.state().current.take_if(|(current, _)| *current == id) else {
        return StatusCode::BAD_REQUEST;
    };
    let result = match how.as_str() {
        "response" => serde_json::from_str(&body).map_err(|error| format!("the response is not JSON: {error}")),
        _ => Err(body),
    };
    // Nobody waits for it after the timeout.
    let _ = answer.send(result);
    StatusCode::ACCEPTED
}
